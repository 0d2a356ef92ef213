"""httpx's async client over aiohttp's connections: nothing that is sent or answered is another."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator
from typing import ClassVar

import httpx
import pytest
from tests.servers.local_http import LocalHandler, LocalServer

from onevec.remote.httpx_by_aiohttp import AiohttpTransport


class _Handler(LocalHandler):
    """Answers with what it got, compressed; `/away` with a redirect, `/cut` with half of an answer."""

    seen: ClassVar[list[tuple[str, int | None]]] = []  # paths, and the ports that requests came from

    def do_POST(self) -> None:  # noqa: N802 (what the base class calls)
        self.seen.append((self.path, self.client_address[1]))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        content = gzip.compress(self.headers["X-Word"].encode() + body)
        self.send_response(307 if self.path == "/away" else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path == "/cut" else content)
        self.close_connection = self.path == "/cut"


@pytest.fixture
def url() -> Iterator[str]:
    _Handler.seen.clear()
    server = LocalServer(_Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


async def _asked(url: str, *paths: str, body: bytes = b"", seconds: float = 5.0) -> list[httpx.Response]:
    transport = AiohttpTransport(connections=2, tls=False)
    async with httpx.AsyncClient(transport=transport, timeout=seconds, headers={"X-Word": "w"}) as client:
        return [await client.post(url + path, content=body) for path in paths]


@pytest.mark.parametrize("size", [0, 10, 3 << 20])
def test_bodies_come_through_whole(url: str, size: int) -> None:
    """Short and long ones, compressed or not, with the headers, by one connection."""
    body = b"x" * size
    answers = asyncio.run(_asked(url, "/one%2F", "/two", body=body))
    assert [answer.content for answer in answers] == [b"w" + body] * 2
    assert answers[0].headers["Content-Encoding"] == "gzip"
    assert [path for path, _ in _Handler.seen] == ["/one%2F", "/two"]
    assert len({port for _, port in _Handler.seen}) == 1


def test_redirects_are_the_callers(url: str) -> None:
    """An answer that sends elsewhere is the answer."""
    (answer,) = asyncio.run(_asked(url, "/away"))
    assert (answer.status_code, answer.headers["Location"]) == (307, "/elsewhere")
    assert [path for path, _ in _Handler.seen] == ["/away"]


def test_failures_are_those_of_httpx(url: str) -> None:
    """Nobody there, and a connection that ends within an answer."""
    with pytest.raises(httpx.ConnectError):
        asyncio.run(_asked("http://127.0.0.1:9", "/"))
    with pytest.raises(httpx.ReadError):
        asyncio.run(_asked(url, "/cut"))


def test_waiting_ends() -> None:
    """For an answer after the read timeout, for a connection to come free after those of connecting and the pool."""
    server = LocalServer(_Handler)  # which nobody serves
    silent = f"http://127.0.0.1:{server.server_address[1]}"

    async def second() -> None:
        limits = httpx.Timeout(20.0, connect=0.1, pool=0.1)
        async with httpx.AsyncClient(transport=AiohttpTransport(connections=1, tls=False), timeout=limits) as client:
            first = asyncio.create_task(client.get(silent))
            await asyncio.sleep(0.05)
            try:
                async with asyncio.timeout(5):
                    await client.get(silent)
            finally:
                first.cancel()
                await asyncio.wait([first])

    try:
        with pytest.raises(httpx.TimeoutException):
            asyncio.run(_asked(silent, "/", seconds=0.2))
        with pytest.raises(httpx.TimeoutException):
            asyncio.run(second())
    finally:
        server.server_close()
