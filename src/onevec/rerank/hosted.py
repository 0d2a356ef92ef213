"""Rerankers behind HTTP: Cohere's API, and the services and servers that answer in its form.

    POST {base_url}/rerank  {"model", "query", "documents"}  ->  {"results": [{"index", "relevance_score"}]}

Cohere (https://docs.cohere.com/reference/rerank), Jina and vLLM answer so. Voyage has `data` for `results`. Text
Embeddings Inference takes `texts` for `documents`, and answers with the list alone and `score` for `relevance_score`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Literal, Self
from weakref import finalize

from onevec.deadline import seconds_left
from onevec.errors import ConfigError, EngineNotInstalled, EngineTimeout, EngineUnavailable, OnevecError
from onevec.registry import install_command
from onevec.remote.failures import failure_of_status
from onevec.rerank.access import checked_key, checked_url, key_in
from onevec.rerank.answers import message_of, scores_of
from onevec.rerank.texts import valid
from onevec.retry import RetryPolicy, with_retry
from onevec.runtime import BlockingRuntime, run
from onevec.secret import Secret
from onevec.validate import checked_count

if TYPE_CHECKING:
    import httpx

COHERE = "https://api.cohere.com/v2"

# What Cohere advises and Voyage allows at most; a listwise reranker compares only the texts of one request.
DOCUMENTS_AT_ONCE = 1000


class HostedReranker:
    """A reranker that is asked over HTTP. Safe to share between threads; close it, or use `with`.

    Args:
        model: The service's name of the model, such as `"rerank-v3.5"`.
        base_url: What comes before `/rerank`, with the version: `"https://api.cohere.com/v2"`, or a server of your
            own, `"http://localhost:8000/v1"`.
        api_key: Sent as a bearer token; None where the server wants none. Default for Cohere: `COHERE_API_KEY` of the
            environment.
        name: What explanations and errors call it. Default: `hosted:` and the model.
        timeout: Seconds for one request with all its retries; None for no limit.
        max_retries: Attempts after the first one, for failures that say a retry can help; `Retry-After` is kept to.
        documents_at_once: How many texts go into one request at most.
        texts_as: What the server calls them: `"documents"`, or `"texts"` (Text Embeddings Inference).

    Raises:
        ConfigError: Cohere's key is missing, or an argument can't be what it is for.
        EngineNotInstalled: httpx is missing.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = COHERE,
        api_key: Secret | str | None = None,
        name: str | None = None,
        timeout: float | None = 30.0,
        max_retries: int = 3,
        documents_at_once: int = DOCUMENTS_AT_ONCE,
        texts_as: Literal["documents", "texts"] = "documents",
    ) -> None:
        if find_spec("httpx") is None:
            raise EngineNotInstalled(f"a hosted reranker needs httpx: {install_command('rerank')}", engine=name)
        if texts_as not in ("documents", "texts"):
            raise ConfigError(f"texts_as is 'documents' or 'texts', got {texts_as!r}")
        if timeout is not None and not timeout > 0:
            raise ConfigError(f"timeout is a number of seconds above 0, or None for no limit, got {timeout!r}")
        self._model = model
        self._url = f"{checked_url(base_url)}/rerank"
        if api_key is None and base_url == COHERE:  # nobody else is to get Cohere's key
            api_key = key_in("COHERE_API_KEY")
        self._key = None if api_key is None else checked_key(api_key, "api_key")
        self._name = name or f"hosted:{model}"
        self._policy = RetryPolicy(max_retries=checked_count(max_retries, "max_retries", least=0), timeout=timeout)
        self._at_once = checked_count(documents_at_once, "documents_at_once")
        self._texts_as = texts_as
        self._lock = Lock()
        self._http: httpx.Client | None = None

    @property
    def name(self) -> str:
        return self._name

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return the service's score of each text, in the order of the texts.

        Raises:
            AuthenticationFailed: The service refused the key.
            RateLimited, EngineUnavailable, EngineTimeout: It doesn't answer, also after the retries.
            RerankingFailed: It gave other scores than one finite number for each text.
            EngineError: It refused the request; the message has its words.
        """
        scores: list[float] = []
        for start in range(0, len(texts), self._at_once):
            some = [valid(text) for text in texts[start : start + self._at_once]]
            attempt = partial(self._asked, valid(query), some)
            try:
                scores += run(with_retry(BlockingRuntime(), self._policy, attempt))
            except OnevecError as error:
                error.engine = self._name
                raise
        return scores

    async def score_async(self, query: str, texts: Sequence[str]) -> list[float]:
        """Do what `score` does, in a thread of the event loop's, so that none of the store's has to wait."""
        return await asyncio.to_thread(self.score, query, texts)

    def close(self) -> None:
        """Let go of the connections; a later call makes new ones."""
        with self._lock:
            http, self._http = self._http, None
        if http is not None:
            http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<HostedReranker {self._name} at {self._url}>"

    async def _asked(self, query: str, texts: list[str]) -> list[float]:
        """One request. No `top_n`: everyone's default is all, and the services have different names for it."""
        import httpx

        body = {"model": self._model, "query": query, self._texts_as: texts}
        limit = self._policy.timeout
        try:
            answer = self._client().post(self._url, json=body, timeout=seconds_left(limit) if limit else None)
        except httpx.TimeoutException as error:
            raise EngineTimeout(f"{self._name} at {self._url} didn't answer in time; raise timeout=") from error
        except httpx.HTTPError as error:
            raise EngineUnavailable(f"{self._name} at {self._url} can't be reached: {error}") from error
        if not answer.is_success:
            said = self._without_key(message_of(answer.content))
            what = f"{self._name} at {self._url}: {said}"
            raise failure_of_status(answer.status_code, what, retry_after=answer.headers.get("retry-after"))
        return scores_of(answer.content, len(texts), f"{self._name} at {self._url}")

    def _client(self) -> httpx.Client:
        import httpx

        from onevec.remote.httpx_deadline import bounded

        with self._lock:
            if self._http is None:
                headers = {} if self._key is None else {"Authorization": f"Bearer {self._key.reveal()}"}
                self._http = httpx.Client(headers=headers)
                bounded(self._http)
                finalize(self, self._http.close)  # for one that is used in an expression, and never closed
            return self._http

    def _without_key(self, said: str) -> str:
        """What a service says, which may repeat the key that it refuses."""
        key = "" if self._key is None else self._key.reveal()
        return said.replace(key, "***") if key else said
