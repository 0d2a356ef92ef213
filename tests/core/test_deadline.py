"""No call outlasts its timeout, whatever the server does with its answer."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Literal

import pytest

import onevec
from onevec.deadline import reset_end, seconds_left, set_end
from onevec.errors import EngineTimeout, EngineUnavailable

TIMEOUT = 0.6
SLACK = 0.5


class Slow:
    """A server that takes every connection, and then says nothing, or one byte at a time and never all."""

    def __init__(self, says: bytes) -> None:
        self._says = says
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        self._over.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # so that it no longer waits for one
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            connection, _ = self._socket.accept()
            thread = threading.Thread(target=self._trickle, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _trickle(self, connection: socket.socket) -> None:
        with connection:
            try:
                while not self._over.wait(0.05):
                    connection.sendall(self._says[:1])
                    self._says = self._says[1:] + self._says[:1]
            except OSError:
                return


@pytest.fixture(params=[b"", b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 1000], ids=["silent", "trickling"])
def slow(request: pytest.FixtureRequest) -> Iterator[Slow]:
    server = Slow(request.param)
    yield server
    server.close()


@pytest.mark.parametrize("surface", ["sync", "async"])
@pytest.mark.parametrize("engine", ["qdrant", "pgvector"])
def test_a_call_ends_with_its_timeout(slow: Slow, engine: str, surface: Literal["sync", "async"]) -> None:
    """Within half a second of it, with an error that a retry may help."""
    url = {"qdrant": f"qdrant://127.0.0.1:{slow.port}", "pgvector": f"postgresql://x@127.0.0.1:{slow.port}/x"}[engine]

    async def connected() -> None:
        async with onevec.connect_async(url, timeout=TIMEOUT):
            pass

    with pytest.raises(EngineUnavailable):  # and the library is loaded
        onevec.connect(url.replace(str(slow.port), "9"), max_retries=0)
    started = time.monotonic()
    with pytest.raises((EngineTimeout, EngineUnavailable)) as late:  # noqa: PT012 (one call, of either surface)
        if surface == "sync":
            onevec.connect(url, timeout=TIMEOUT)
        else:
            asyncio.run(connected())
    assert time.monotonic() - started < TIMEOUT + SLACK
    assert late.value.retryable


def test_the_end_is_that_of_the_innermost_call() -> None:
    """It is set, shortens what is longer, and is as before when it was reset."""
    assert seconds_left() == float("inf")
    assert seconds_left(5.0) == 5.0
    token = set_end(10.0)
    assert 9.0 < seconds_left() <= 10.0
    assert seconds_left(5.0) == 5.0
    inner = set_end(0.0)
    assert seconds_left(5.0) == 0.0
    reset_end(inner)
    assert seconds_left() > 9.0
    reset_end(token)
    assert seconds_left() == float("inf")
