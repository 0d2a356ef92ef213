"""Requests of the sync API reach their server in as few pieces as they can."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from onevec.remote.httpx_deadline import bounded

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Listener:
    """A server for one connection, which keeps the pieces that came, each as it was when it had waited for it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            came = b""
            while piece := connection.recv(1 << 20):
                self.pieces.append(piece)
                came += piece
                head, _, body = came.partition(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head.lower())
                if b"\r\n\r\n" in came and len(body) >= int(length[1] if length else 0):
                    connection.sendall(ANSWER)
                    came = b""


@pytest.fixture
def listener() -> Iterator[Listener]:
    running = Listener()
    yield running
    running.close()


def test_small_requests_are_one_piece_and_large_ones_are_whole(listener: Listener) -> None:
    """A head waits for its body, if that is small; nothing waits for long, and nothing is lost."""
    with httpx.Client(base_url=f"http://127.0.0.1:{listener.port}") as client:
        bounded(client)
        for body in (b"x" * 100, b"", b"y" * 60_000):
            listener.pieces.clear()
            assert client.post("/", content=body).json() == {}
            assert b"".join(listener.pieces).endswith(b"\r\n\r\n" + body)
            assert len(listener.pieces) == 1 or len(body) > 1000
        listener.pieces.clear()
        assert client.get("/").json() == {}
        assert len(listener.pieces) == 1
        large = b"z" * 1_000_000
        assert client.post("/", content=large).json() == {}
        assert b"".join(listener.pieces).endswith(large)
