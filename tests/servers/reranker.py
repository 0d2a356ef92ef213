"""A test server for hosted rerankers: the published forms of their APIs over HTTP, with words in common for a model.

`/v2/rerank` is Cohere's, `/v1/rerank` Jina's, `/voyage/v1/rerank` Voyage's, and `/rerank` that of Text Embeddings
Inference. Each refuses what the real one refuses, with a body of its form. Jina's and Voyage's refuse unknown fields.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import pytest
from tests.servers.local_http import LocalHandler, LocalServer

Json = dict[str, Any]

KEY = "a-key-that-opens"
MODEL = "rerank-v3.5"

# What each takes beside the query, which name the texts have, and how many there may be.
_FIELDS = {
    "/v2/rerank": ({"model", "top_n", "max_tokens_per_doc"}, "documents", 10_000),
    "/v1/rerank": ({"model", "top_n", "return_documents"}, "documents", 2048),
    "/voyage/v1/rerank": ({"model", "top_k", "return_documents", "truncation"}, "documents", 1000),
    "/rerank": ({"model", "raw_scores", "return_text", "truncate"}, "texts", 32),
}


@pytest.fixture
def reranker() -> Iterator[RerankerServer]:
    """A server of its own for each test."""
    with RerankerServer() as server:
        yield server


class Answer(NamedTuple):
    """What a request is answered with; a body of None closes the connection without a word."""

    status: int = 200
    body: bytes | None = b""
    headers: tuple[tuple[str, str], ...] = ()


class RerankerServer:
    """It scores a text by the share of the query's words that it has.

    Attributes:
        answers: What the next requests are answered with, first to last.
        requests: The bodies that came, and `keys` what they had for authorization.
        held: While cleared, no request is answered.
        together: No request is answered before as many are there as this waits for.
    """

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.requests: list[Json] = []
        self.keys: list[str | None] = []
        self.held = threading.Event()
        self.held.set()
        self.together = threading.Barrier(1)
        self._http = _Http(_Handler)
        self._http.reranker = self
        ending = {"poll_interval": 0.02}  # seconds until it sees that it is to end
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs=ending, name="reranker-server")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.held.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def url(self, version: str = "/v2") -> str:
        """Return what comes before `/rerank` in the address of one of the forms."""
        return f"http://127.0.0.1:{self._http.server_address[1]}{version}"

    def answer(self, path: str, key: str | None, body: Json) -> Answer:
        self.requests.append(body)
        self.keys.append(key)
        self.held.wait()
        self.together.wait(60)
        if self.answers:
            return self.answers.popleft()
        if path not in _FIELDS:
            return _refusal(404, f"no such path {path}")
        known, texts_as, most = _FIELDS[path]
        if path != "/rerank":  # a server of one's own wants no key
            if key != f"Bearer {KEY}":
                return _refusal(401, f"invalid api token {key}")
            if body.get("model") != MODEL:
                return _refusal(404, f"model '{body.get('model')}' not found, make sure the correct model ID was used")
        unknown = body.keys() - known - {"query", texts_as}
        if unknown and path in {"/v1/rerank", "/voyage/v1/rerank"}:
            return Answer(400, json.dumps({"detail": f"Argument {unknown} is not supported"}).encode())
        texts = body.get(texts_as)
        if not isinstance(body.get("query"), str) or not isinstance(texts, list) or not texts:
            return _refusal(422, f"query and {texts_as} are required")
        if len(texts) > most:
            return _refusal(413, f"batch size {len(texts)} > maximum allowed batch size {most}")
        return Answer(200, json.dumps(_formed(path, _scores(body["query"], texts))).encode())


def _scores(query: str, texts: list[str]) -> list[tuple[int, float]]:
    words = set(query.lower().split())
    found = [(index, len(words & set(text.lower().split())) / max(len(words), 1)) for index, text in enumerate(texts)]
    return sorted(found, key=lambda pair: -pair[1])


def _formed(path: str, scores: list[tuple[int, float]]) -> Any:
    if path == "/rerank":
        return [{"index": index, "score": score} for index, score in scores]
    rows = [{"index": index, "relevance_score": score} for index, score in scores]
    match path:
        case "/voyage/v1/rerank":
            return {"object": "list", "data": rows, "model": MODEL, "usage": {"total_tokens": 26}}
        case "/v1/rerank":
            return {"model": MODEL, "usage": {"total_tokens": 26}, "results": rows}
        case _:
            return {"id": "07734bd2", "results": rows, "meta": {"billed_units": {"search_units": 1}}}


def _refusal(status: int, message: str) -> Answer:
    return Answer(status, json.dumps({"id": "07734bd2", "message": message}).encode())


class _Http(LocalServer):
    reranker: RerankerServer


class _Handler(LocalHandler):
    server: _Http

    def do_POST(self) -> None:  # noqa: N802 (what the base class calls)
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = self.server.reranker.answer(self.path, self.headers.get("authorization"), body)
        if answer.body is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("content-type", "application/json")):
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
