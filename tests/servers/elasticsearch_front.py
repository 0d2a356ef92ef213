"""What stands in front of an Elasticsearch server in tests: it asks for credentials, and answers as it is told."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from http.client import HTTPConnection
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import orjson
from tests.servers.local_http import LocalHandler, LocalServer


class Answer(NamedTuple):
    """What a request is answered with in place of what it asked for."""

    status: int
    type: str = "told_exception"
    reason: str = "so it was told"
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    product: str = "Elasticsearch"


class Front:
    """Hands requests on to the server behind it, under the path `/behind`.

    Attributes:
        authorization: The header that requests must carry; None for any.
        answers: What the next requests are answered with, first to last.
        requests: What was asked, as `"POST _search"`, without the names of indices and the options.
        meanwhile: What happens before a request of this kind is handed on, the next time there is one.
    """

    def __init__(self, port: int) -> None:
        self.authorization: str | None = None
        self.answers: deque[Answer] = deque()
        self.requests: list[str] = []
        self.meanwhile: dict[str, Callable[[], object]] = {}
        self.behind = port
        self._http = _Http(_Handler)
        self._http.front = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

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

    def url(self, prefix: str, *, user: str = "") -> str:
        """Return the URL of the store of a prefix."""
        return f"elasticsearch://{user}127.0.0.1:{self.port}/behind?prefix={prefix}"


class _Http(LocalServer):
    front: Front


class _Handler(LocalHandler):
    server: _Http

    def _serve(self) -> None:
        front = self.server.front
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        assert self.path.startswith("/behind/")
        path = self.path.removeprefix("/behind")
        request = f"{self.command} {urlsplit(path).path.rpartition('/')[2]}".strip()
        front.requests.append(request)
        front.meanwhile.pop(request, lambda: None)()
        if front.answers:
            self._tell(front.answers.popleft())
        elif front.authorization not in (None, self.headers["Authorization"]):
            self._tell(Answer(401, "security_exception", "missing authentication credentials"))
        else:
            self._hand_on(path, body)

    def _tell(self, told: Answer) -> None:
        time.sleep(told.delay)
        error = {"type": told.type, "reason": told.reason}
        content = orjson.dumps({"error": {"root_cause": [error], **error}, "status": told.status})
        self._answer(told.status, {"X-Elastic-Product": told.product, **dict(told.headers)}, content)

    def _hand_on(self, path: str, body: bytes) -> None:
        behind = HTTPConnection("127.0.0.1", self.server.front.behind)
        try:
            behind.request(self.command, path, body, dict(self.headers.items()))
            with behind.getresponse() as response:
                names = ("X-Elastic-Product", "Content-Type")
                headers = {name: value for name in names if (value := response.headers[name])}
                self._answer(response.status, headers, response.read())
        finally:
            behind.close()

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve  # noqa: N815 (what the base class calls)
