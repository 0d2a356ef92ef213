"""OpenAI's embeddings API and every server that speaks it, through OpenAI's own client.

The limits are those of https://developers.openai.com/api/reference/resources/embeddings/methods/create.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from onevec.deadline import seconds_left
from onevec.embedders.openai.clients import Access, Clients, Create
from onevec.embedders.openai.failures import Server, TooLarge
from onevec.embedders.openai.models import MODELS, checked_model, recorded_name
from onevec.embedders.texts import Matrix, OnBatch, TextEmbedder
from onevec.errors import EmbeddingFailed, EngineNotInstalled, Unsupported
from onevec.retry import RetryPolicy, with_retry
from onevec.runtime import AsyncRuntime, BlockingRuntime, Runtime, run
from onevec.secret import Secret
from onevec.validate import checked_count, checked_seconds

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["MODELS", "Cost", "OpenAIEmbedder", "Usage"]

DEFAULT_MODEL = "text-embedding-3-small"
_TEXTS_A_REQUEST = 2048
_TOKENS_A_REQUEST = 300_000
# Without a tokenizer the tokens are a guess: requests stay well below the limit, and only what is far above it is
# refused unsent. What the server still refuses is sent again in halves.
_GUESSED_TOKENS_A_REQUEST = 200_000
_GUESS_IS_OFF_BY = 2


class Usage(NamedTuple):
    """What an embedder has asked of its server.

    Attributes:
        requests: How many requests were answered with vectors.
        tokens: How many tokens the server counted in them.
    """

    requests: int = 0
    tokens: int = 0


class Cost(NamedTuple):
    """What embedding some texts costs.

    Attributes:
        tokens: How many tokens they have; a guess where the embedder has no `count_tokens`.
        dollars: Their price in US dollars.
    """

    tokens: int
    dollars: float


class _Answer(NamedTuple):
    """What a server sent for a number of texts."""

    size: int
    items: list[Any]  # Any: what a server may send


class OpenAIEmbedder(TextEmbedder):
    """Vectors from OpenAI, or from another server with the same API.

    Example:
        >>> OpenAIEmbedder("text-embedding-3-small", dimensions=256).name
        'openai:text-embedding-3-small:256'
        >>> OpenAIEmbedder("nomic-embed-text", base_url="http://localhost:11434/v1").name
        'openai:nomic-embed-text'

    Safe to share between threads and event loops; connections are made with the first text, and kept.

    Args:
        model: The model's name. At OpenAI itself, one of `MODELS`, or give `dimension`.
        dimensions: Have vectors shortened to so many numbers, by models that can.
        dimension: How many numbers the vectors of a model have that isn't in `MODELS`. Default: found by embedding one
            text.
        api_key: Default: `$OPENAI_API_KEY`, which is sent to no other server than OpenAI's and that of
            `$OPENAI_BASE_URL`. Servers that need no key get none.
        base_url: Where the API is, up to `/embeddings`. Default: `$OPENAI_BASE_URL`, else OpenAI.
        timeout: Seconds for one batch with all its retries; None for no limit.
        max_retries: Attempts after the first one, for errors that say a retry can help. `Retry-After` is heeded; one
            beyond the timeout is an error at once.
        batch_size: The most texts in a request.
        batch_tokens: The most tokens in a request. Default: 300,000 if they are counted, 200,000 if they are guessed.
        count_tokens: Returns how many tokens a text has, such as tiktoken's `lambda text: len(encoding.encode(text))`.
            Default: guessed, one for each 4 bytes of UTF-8.
        max_concurrency: How many requests are under way at once.
        normalize: Whether each vector is divided by its L2 norm; OpenAI's are of norm 1 already.

    Raises:
        UnknownEmbedder: OpenAI has no such model, as far as is known here.
        ConfigError: The key is missing, or an argument can't be understood.
        EngineNotInstalled: The library is missing.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        dimensions: int | None = None,
        dimension: int | None = None,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        timeout: float | None = 60.0,
        max_retries: int = 5,
        batch_size: int = _TEXTS_A_REQUEST,
        batch_tokens: int | None = None,
        count_tokens: Callable[[str], int] | None = None,
        max_concurrency: int = 4,
        normalize: bool = False,
    ) -> None:
        if find_spec("openai") is None:
            raise EngineNotInstalled('the embedder openai needs its library: pip install "onevec[openai]"')
        api_key = Secret(api_key) if isinstance(api_key, str) else api_key  # no frame holds the text
        access = Access.checked(base_url, api_key)
        size, text_tokens = checked_model(model, dimensions, dimension, is_openai=access.is_openai)
        if text_tokens is not None and count_tokens is None:
            text_tokens *= _GUESS_IS_OFF_BY
        super().__init__(
            recorded_name(model, dimensions),
            dimension=size,
            batch_size=batch_size,
            batch_tokens=batch_tokens or (_TOKENS_A_REQUEST if count_tokens else _GUESSED_TOKENS_A_REQUEST),
            text_tokens=text_tokens,
            max_concurrency=max_concurrency,
            normalize=normalize,
        )
        self._model = model
        self._server = Server(access, model)
        self._policy = RetryPolicy(
            max_retries=checked_count(max_retries, "max_retries", least=0),
            timeout=checked_seconds(timeout, "timeout"),
            first_wait=0.5,
            longest_wait=20.0,
        )
        self._request: dict[str, str | int] = {
            "model": model,
            "encoding_format": "base64",
        }  # base64: a fifth of the bytes, no digits lost
        if dimensions is not None:
            self._request |= {"dimensions": dimensions}
        self._count_tokens = count_tokens
        self._usage = Usage()
        self._lock = Lock()
        self._clients = Clients(access)

    @property
    def usage(self) -> Usage:
        """What was asked of the server so far, by all threads and tasks."""
        return self._usage

    def tokens(self, text: str) -> int:
        """Return how many tokens a text has, counted or guessed."""
        return super().tokens(text) if self._count_tokens is None else self._count_tokens(text)

    def estimate_cost(self, texts: Iterable[str], *, price: float | None = None) -> Cost:
        """Return about what it costs to embed some texts; nothing is sent.

        Args:
            texts: The texts.
            price: US dollars for a million tokens. Default: that of `MODELS`.

        Raises:
            Unsupported: The price of this model isn't known here.
        """
        if price is None:
            if self._model not in MODELS:
                raise Unsupported(f"no price is known for the model {self._model!r}; pass price=, in dollars a million")
            price = MODELS[self._model].price
        tokens = sum(map(self.tokens, texts))
        return Cost(tokens, tokens * price / 1e6)

    def embed_batch(self, texts: list[str]) -> npt.ArrayLike:
        """Return the vectors of one request's texts.

        Raises:
            AuthenticationFailed: The server refuses the key.
            UnknownEmbedder: It has no such model.
            ConfigError: It refuses the request.
            RateLimited: It asks for fewer requests, and did so until the timeout.
            EngineUnavailable: It can't be reached.
            EngineTimeout: It didn't answer in time.
            EmbeddingFailed: A text is too long for it, or its answer isn't usable.
        """
        return self._in_order(run(self._answers(BlockingRuntime(), self._clients.blocking(), texts)))

    async def embed_batch_async(self, texts: list[str]) -> npt.ArrayLike:
        """Do the same through the library's own async client."""
        answers = await self._answers(AsyncRuntime(), await self._clients.of_loop(), texts)
        return await asyncio.to_thread(self._in_order, answers)

    async def embed_async(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Matrix:
        """Do what `embed` does, without holding up the event loop."""
        await self._clients.of_loop()  # before several batches ask for it at once
        return await super().embed_async(texts, on_batch=on_batch)

    async def _answers(self, io: Runtime, create: Create, texts: list[str], start: int = 0) -> list[_Answer]:
        """The answers for texts that stand in their batch from `start` on; for halves, if they are too much at once."""
        try:
            return [await with_retry(io, self._policy, partial(self._answer, io, create, texts))]
        except TooLarge as error:
            if len(texts) == 1:
                raise EmbeddingFailed(str(error), position=start) from error.__cause__
        half = len(texts) // 2
        first = await self._answers(io, create, texts[:half], start)
        return first + await self._answers(io, create, texts[half:], start + half)

    async def _answer(self, io: Runtime, create: Create, texts: list[str]) -> _Answer:
        failure = None
        try:
            answer = await io.call(
                create,
                input=texts,
                timeout=None if self._policy.timeout is None else seconds_left(least=0.001),
                **self._request,
            )
        except Exception as error:  # noqa: BLE001 (a vendor's)
            failure = self._server.failure(error)
        if failure is not None:  # raised here, it has no context that might show the key
            raise failure
        with self._lock:
            counted = getattr(getattr(answer, "usage", None), "prompt_tokens", None) or 0
            self._usage = Usage(self._usage.requests + 1, self._usage.tokens + counted)
        return _Answer(len(texts), getattr(answer, "data", None) or [])

    def _in_order(self, answers: list[_Answer]) -> list[Matrix]:
        """The vectors, in the order of the texts."""
        return [vector for answer in answers for vector in self._of_one(answer)]

    def _of_one(self, answer: _Answer) -> list[Matrix]:
        size, items = answer
        if len(items) != size:
            raise EmbeddingFailed(f"{self._server.name} gave {len(items)} vectors for {size} texts")
        by_index = {at if item.index is None else item.index: _vector(item.embedding) for at, item in enumerate(items)}
        if by_index.keys() != set(range(size)):
            raise EmbeddingFailed(f"{self._server.name} gave vectors whose indexes aren't 0 to {size - 1}, each once")
        lengths = {len(vector) for vector in by_index.values()}
        if len(lengths) > 1:
            raise EmbeddingFailed(f"{self._server.name} gave vectors of {min(lengths)} to {max(lengths)} numbers")
        return [by_index[index] for index in range(size)]


def load(model: str | None = None) -> OpenAIEmbedder:
    """Return the embedder of `"openai"`, `"openai:MODEL"` or `"openai:MODEL:DIMENSIONS"`.

    Raises:
        OnevecError: As `OpenAIEmbedder`.
    """
    if model is None:
        return OpenAIEmbedder()
    head, _, tail = model.rpartition(":")
    if head and tail.isascii() and tail.isdecimal():
        return OpenAIEmbedder(head, dimensions=int(tail))
    return OpenAIEmbedder(model)


def _vector(given: Any) -> Matrix:  # Any: base64, or numbers from a server that has no base64
    if isinstance(given, str):
        return np.frombuffer(base64.b64decode(given, validate=True), "<f4").astype(np.float32)
    with np.errstate(over="ignore"):
        return np.asarray(given, np.float32).reshape(-1)
