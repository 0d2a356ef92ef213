"""A server for the tests of qdrant: Qdrant's REST API over HTTP, executed by qdrant-edge, which is Qdrant's engine.

It serves the part of the API that the adapter asks for, and answers 501 to the rest. What it can't show is what only a
deployed server does: clusters, and indexing by itself.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

import orjson
import pytest
from tests.servers.absent import absent
from tests.servers.local_http import LocalHandler, LocalServer
from tests.servers.qdrant_shards import Refused, Shards

Json = dict[str, Any]


@pytest.fixture(scope="session")
def qdrant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QdrantServer]:
    """A server for all tests of a run."""
    if find_spec("qdrant_edge") is None:
        absent("qdrant", "there is no qdrant-edge-py to run a server on", 'pip install "onevec[qdrant]"')
    with QdrantServer(tmp_path_factory.mktemp("qdrant")) as server:
        yield server


class Answer(NamedTuple):
    """What a request is answered with in place of what it asked for."""

    status: int
    error: str = "so it was told"
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0


class QdrantServer:
    """Every first part of a path is a store of its own, as a proxy in front of several servers would have it.

    Attributes:
        api_key: What requests must carry; None for nothing.
        answers: What the next requests are answered with, first to last.
        requests: What was asked, as `"PUT /collections/papers"`.
    """

    def __init__(self, folder: Path) -> None:
        self.api_key: str | None = None
        self.answers: deque[Answer] = deque()
        self.requests: list[str] = []
        self._folder = folder
        self._stores: dict[str, Shards] = {}
        self._lock = threading.Lock()
        self._http = _Http(_Handler)
        self._http.qdrant = self
        self._thread = threading.Thread(target=self._http.serve_forever, name="qdrant-server")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        for store in self._stores.values():
            store.close()

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return int(self._http.server_address[1])

    def url(self, folder: Path) -> str:
        """Return the URL of the store that belongs to a folder, empty at first."""
        return f"qdrant://127.0.0.1:{self.port}/{hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest()}"

    def answer(self, method: str, path: str, key: str | None, body: bytes) -> tuple[Answer, bytes]:
        """Return how a request is answered, and with what."""
        store, _, rest = urlsplit(path).path.strip("/").partition("/")
        self.requests.append(f"{method} /{rest}")
        if self.answers:
            told = self.answers.popleft()
            time.sleep(told.delay)
            return told, orjson.dumps({"status": {"error": told.error}, "time": 0.0})
        try:
            if self.api_key not in (None, key):
                raise Refused(401, "Must provide an API key or an Authorization bearer token")
            answered: Json = {"title": "qdrant - vector search engine", "version": "1.20.0"}
            if rest:
                parts = list(map(unquote, rest.split("/")))
                result = self._store(store).run(method, parts, orjson.loads(body) if body else {})
                answered = {"result": result, "status": "ok", "time": 0.0}
        except Refused as refused:
            return Answer(refused.status), orjson.dumps({"status": {"error": str(refused)}, "time": 0.0})
        return Answer(200), orjson.dumps(answered)

    def _store(self, name: str) -> Shards:
        with self._lock:
            if name not in self._stores:
                (self._folder / name).mkdir()
                self._stores[name] = Shards(self._folder / name)
            return self._stores[name]


class _Http(LocalServer):
    qdrant: QdrantServer


class _Handler(LocalHandler):
    server: _Http

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        answer, content = self.server.qdrant.answer(self.command, self.path, self.headers["api-key"], body)
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Type", "application/json")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 (what the base class calls)
