"""A proxy before a server, for tests of what a client does with any answer."""

from __future__ import annotations

import threading
import time
from collections import deque
from http.client import HTTPConnection
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from tests.servers.local_http import LocalHandler, LocalServer


class Told(NamedTuple):
    """What a request is answered with in place of what it asked for."""

    status: int
    body: str = '{"error": "Error", "message": "so it was told"}'
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0


class Proxy:
    """Passes requests on to a server on loopback, unless it was told what to answer.

    Attributes:
        key: What the header `key_header` must be; None for anything.
        key_header: The header that carries a key.
        answers: What the next requests are answered with, first to last.
        requests: What was asked, as `"POST /a/b"`.
        keys: The keys that came with them.
    """

    def __init__(self, target: int, *, key_header: str) -> None:
        self.key: str | None = None
        self.key_header = key_header
        self.answers: deque[Told] = deque()
        self.requests: list[str] = []
        self.keys: list[str | None] = []
        self.target = target
        self._http = _Http(_Handler)
        self._http.proxy = self
        self._thread = threading.Thread(target=self._http.serve_forever, name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return int(self._http.server_address[1])

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[Told, bytes]:
        """Return how a request is answered, and with what."""
        key = headers.get(self.key_header)
        self.requests.append(f"{method} {urlsplit(path).path}")
        self.keys.append(key)
        if self.key not in (None, key):
            return Told(401), Told(401).body.encode()
        if self.answers:
            told = self.answers.popleft()
            time.sleep(told.delay)
            return told, told.body.encode()
        connection = HTTPConnection("127.0.0.1", self.target)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Told(response.status), response.read()
        finally:
            connection.close()


class _Http(LocalServer):
    proxy: Proxy


class _Handler(LocalHandler):
    server: _Http

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        sent = {name.lower(): value for name, value in self.headers.items() if name.lower() != "connection"}
        answer, content = self.server.proxy.answer(self.command, self.path, sent, body)
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Type", "application/json")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 (what the base class calls)
