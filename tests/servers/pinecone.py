"""A test server of our own for pinecone, which is a service and can't be run: its published API, over HTTP.

It takes what Pinecone's client sends, enforces the published limits, evaluates filters as they are documented, and
answers refusals with bodies of Pinecone's form. What it can't show is what only the service does: approximate search,
how far reads lag behind writes, and quotas.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

import orjson
import pytest
from tests.servers.absent import absent
from tests.servers.local_http import LocalHandler, LocalServer
from tests.servers.pinecone_filters import Refused
from tests.servers.pinecone_index import Index

Json = dict[str, Any]

LONGEST_ADDRESS = 8192
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,43}[a-z0-9])?")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,80}")


@pytest.fixture(scope="session")
def pinecone() -> Iterator[PineconeServer]:
    """A server for all tests of a run."""
    if find_spec("pinecone") is None:
        absent("pinecone", "Pinecone's client isn't installed", 'pip install "onevec[pinecone]"')
    with PineconeServer() as server:
        yield server


class Answer(NamedTuple):
    """What a request is answered with."""

    status: int
    body: bytes = b'{"code": 13, "message": "so it was told", "details": []}'
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0


class PineconeServer:
    """Every API key is a project of its own.

    Attributes:
        refused: API keys that open nothing.
        lag: After how many reads of a namespace a write is seen by them.
        answers: What the next requests are answered with, first to last.
        requests: What was asked, as `"POST /query"`; the indexes' own part of the path is left out.
    """

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.lag = 0
        self.answers: deque[Answer] = deque()
        self.requests: list[str] = []
        self._projects: dict[str, dict[str, Index]] = {}
        self._hosts: dict[str, Index] = {}
        self._made = 0
        self._lock = threading.Lock()
        self._http = _Http(_Handler)
        self._http.pinecone = self
        self._thread = threading.Thread(target=self._http.serve_forever, name="pinecone-server")

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

    def url(self, folder: Path) -> str:
        """Return the URL of the project that belongs to a folder, empty at first."""
        key = hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest()
        return f"pinecone://127.0.0.1:{self.port}?api_key={key}"

    def answer(self, method: str, address: str, key: str | None, body: bytes, *, here: str) -> Answer:
        """Return how a request is answered; `here` is the address that it came to, perhaps a proxy's."""
        url = urlsplit(address)
        path = [unquote(part) for part in url.path.strip("/").split("/")]
        host = path[:2] if path[0] == "data" else None
        path = path[2:] if host else path
        self.requests.append(f"{method} /{'/'.join(path)}")
        if self.answers:
            told = self.answers.popleft()
            time.sleep(told.delay)
            return told
        try:
            if key is None or key in self.refused:
                return Answer(401, b"Invalid API Key")
            if len(address) > LONGEST_ADDRESS:
                return Answer(414, b"URI Too Long")
            with self._lock:
                given: Json = orjson.loads(body) if body else parse_qs(url.query)
                if host is None:
                    project = self._projects.setdefault(key, {})
                    status, result = self._control(project, f"{method} {path[0]}", path, given)
                    return Answer(status, orjson.dumps(result).replace(b"%HERE%", here.encode()))
                return self._data("/".join(host), f"{method} /{'/'.join(path)}", given, len(body))
        except Refused as refused:
            if host is None:
                error = {"error": {"code": refused.code, "message": str(refused)}, "status": refused.status}
            else:
                error = {"code": 5 if refused.status == 404 else 3, "message": str(refused), "details": []}
            return Answer(refused.status, orjson.dumps(error))

    def _control(self, project: dict[str, Index], what: str, path: list[str], body: Json) -> tuple[int, Json]:
        if len(path) == 1:
            if what == "GET indexes":
                return 200, {"indexes": [index.description for index in project.values()]}
            if what == "POST indexes":
                return 201, self._create(project, body)
        elif path[1] not in project:
            raise Refused(404, f"Resource {path[1]} not found", "NOT_FOUND")
        elif what == "GET indexes":
            return 200, project[path[1]].description
        elif what == "DELETE indexes":
            del self._hosts[project.pop(path[1]).description["host"].partition("/")[2]]
            return 202, {}
        raise Refused(501, f"{what} isn't served", "UNIMPLEMENTED")

    def _create(self, project: dict[str, Index], body: Json) -> Json:
        name, tags = body["name"], body.get("tags") or {}
        if not _NAME.fullmatch(name):
            raise Refused(400, "Name must consist of lower case alphanumeric characters or '-', up to 45")
        if name in project:
            raise Refused(409, "Resource  already exists", "ALREADY_EXISTS")
        for tag, value in tags.items():
            if not _TAG.fullmatch(tag) or len(value) > 120 or not value.isascii() or not value.isprintable():
                raise Refused(400, f"invalid tag {tag!r}")
        if len(tags) > 20:
            raise Refused(400, "an index has up to 20 tags")
        self._made += 1
        host = f"data/{name}-{self._made}"
        description = {
            "name": name,
            "host": f"%HERE%/{host}",
            "status": {"ready": True, "state": "Ready"},
            "schema": body["schema"],
            "deployment": body["deployment"],
            "deletion_protection": "disabled",
            "tags": tags,
        }
        project[name] = self._hosts[host] = Index(description)
        return description

    def _data(self, host: str, what: str, body: Json, size: int) -> Answer:
        index = self._hosts.get(host)
        if index is None:
            raise Refused(404, "Index not found", "NOT_FOUND")
        header = "x-pinecone-max-indexed-lsn"
        match what.split("/"):
            case ["POST ", "vectors", "upsert"]:
                header = "x-pinecone-request-lsn"
                result, at = index.upsert(body, size, self.lag)
            case ["POST ", "vectors", "delete"]:
                header = "x-pinecone-request-lsn"
                result, at = index.delete(body, self.lag)
            case ["POST ", "query"]:
                result, at = index.query(body)
            case ["GET ", "vectors", "fetch"]:
                result, at = index.fetch({"ids": body["ids"], "namespace": body.get("namespace", [""])[0]})
            case ["POST ", "vectors", "fetch_by_metadata"]:
                result, at = index.fetch_by_metadata(body)
            case ["POST ", "describe_index_stats"]:
                result, at = index.stats()
            case ["DELETE ", "namespaces", name]:
                result, at = index.delete_namespace(name)
            case _:
                raise Refused(501, f"{what} isn't served")
        return Answer(200, orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY), ((header, str(at)),))


class _Http(LocalServer):
    pinecone: PineconeServer


class _Handler(LocalHandler):
    server: _Http

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        key, here = self.headers["Api-Key"], self.headers["Host"]
        answer = self.server.pinecone.answer(self.command, self.path, key, body, here=here)
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Type", "application/json")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 (what the base class calls)
