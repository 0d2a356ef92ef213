"""A test server of our own for openai, which is a service: its published embeddings API, over HTTP.

It takes what OpenAI's client sends, enforces the published limits, and answers refusals with bodies of OpenAI's form.
The vectors depend on the text alone. What it can't show is how OpenAI counts tokens: here a word is one, and so is each
character that is no letter.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from tests.servers.local_http import LocalHandler, LocalServer

Json = dict[str, Any]
Vector = npt.NDArray[np.float32]

KEY = "sk-right-0123456789"
MODELS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536, "tiny": 4}
_TOKEN = re.compile(r"[A-Za-z]+|[^A-Za-z\s]")


class Answer(NamedTuple):
    """What a request is answered with."""

    status: int
    body: Json | bytes = b'{"error": {"message": "so it was told", "type": "told", "param": null, "code": null}}'
    headers: tuple[tuple[str, str], ...] = ()


class Refused(Exception):
    """A request that OpenAI would refuse."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        error = {"message": message, "type": code or "invalid_request_error", "param": param, "code": code}
        self.answer = Answer(status, {"error": error})


def vector_of(text: str, model: str = "tiny", dimensions: int | None = None) -> Vector:
    """Return the vector that the server has for a text: of norm 1, whole or shortened."""
    seed = int.from_bytes(hashlib.sha256(f"{model}:{text}".encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(MODELS[model])[:dimensions]
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def tokens_of(text: str) -> int:
    """Return how many tokens the server counts."""
    return len(_TOKEN.findall(text))


class OpenAIServer:
    """An embeddings API at `base_url`.

    Attributes:
        keys: The keys that open it; without any, it asks for none.
        answers: What the next requests are answered with, first to last, whatever they ask.
        requests: The bodies of the requests that reached it.
        headers: Their headers.
        tamper: Changes the items of a good answer before they are sent.
        has_base64: Whether vectors are sent as base64 when that is asked for, which not every server does.
        gate: While it isn't set, good answers wait.
        most_at_once: How many requests were under way at once.
    """

    def __init__(self) -> None:
        self.keys = {KEY}
        self.answers: deque[Answer] = deque()
        self.requests: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.tamper: Callable[[list[Json]], list[Json]] = list
        self.has_base64 = True
        self.gate = threading.Event()
        self.gate.set()
        self.most_at_once = 0
        self.arrived = threading.Condition()
        self._under_way = 0
        self._http = _Http(_Handler)
        self._http.openai = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=[0.02], name="openai-server")

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    @property
    def texts(self) -> list[str]:
        """The texts of all requests."""
        return [text for request in self.requests for text in request["input"]]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.gate.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def wait_for_requests(self, count: int) -> None:
        """Return when so many requests have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, timeout=30)

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        with self.arrived:
            self.requests.append(json.loads(body))
            self.headers.append(headers)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            self.arrived.notify_all()
            told = self.answers.popleft() if self.answers else None
        try:
            if told is not None:
                return told
            assert self.gate.wait(30)
            return Answer(200, self._embeddings(path, headers, json.loads(body)))
        except Refused as refused:
            return refused.answer
        finally:
            with self.arrived:
                self._under_way -= 1

    def _embeddings(self, path: str, headers: dict[str, str], asked: Json) -> Json:
        self._check_key(headers.get("authorization"))
        if path != "/v1/embeddings":
            raise Refused(404, f"Invalid URL (POST {path})")
        model, texts, dimensions = asked["model"], asked["input"], asked.get("dimensions")
        if model not in MODELS:
            raise Refused(
                404, f"The model `{model}` does not exist or you do not have access to it.", code="model_not_found"
            )
        if not texts or len(texts) > 2048:
            raise Refused(400, "'$.input' is too long: an array has 1 to 2048 items", param="input")
        if "" in texts:
            raise Refused(400, "'$.input' is invalid", param="input")
        if dimensions is not None and dimensions > MODELS[model]:
            raise Refused(400, f"Invalid value for 'dimensions' = {dimensions}", param="dimensions")
        counts = list(map(tokens_of, texts))
        if max(counts) > 8192:
            raise Refused(
                400, f"This model's maximum context length is 8192 tokens, you requested {max(counts)} tokens"
            )
        if sum(counts) > 300_000:
            message = f"Requested {sum(counts)} tokens, max 300000 tokens per request"
            raise Refused(400, message, code="max_tokens_per_request")
        vectors = [vector_of(text, model, dimensions) for text in texts]
        is_base64 = asked.get("encoding_format") == "base64" and self.has_base64
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": base64.b64encode(vector.tobytes()).decode() if is_base64 else vector.tolist(),
            }
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
        return {"object": "list", "data": self.tamper(data), "model": model, "usage": usage}

    def _check_key(self, authorization: str | None) -> None:
        if not self.keys:
            return
        if authorization is None:
            raise Refused(401, "You didn't provide an API key.")
        key = authorization.removeprefix("Bearer ")
        if key not in self.keys:
            raise Refused(401, f"Incorrect API key provided: {key}.", code="invalid_api_key")


class _Http(LocalServer):
    openai: OpenAIServer


class _Handler(LocalHandler):
    server: _Http

    def do_POST(self) -> None:  # noqa: N802 (what the base class calls)
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        answer = self.server.openai.answer(
            self.path, {name.lower(): value for name, value in self.headers.items()}, body
        )
        sent = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Type", "application/json")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)
