"""The base of embedders: a model that takes one batch of texts becomes one that takes any texts, and is checked."""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from onevec.errors import EmbeddingFailed, InvalidInput, OnevecError
from onevec.runtime import AsyncRuntime
from onevec.validate import checked_count

Matrix: TypeAlias = npt.NDArray[np.float32]
OnBatch: TypeAlias = Callable[[int, Matrix], object]

_SHOWN = 40
_BYTES_A_TOKEN = 4


class Batch(NamedTuple):
    """Texts that go to the model together.

    Attributes:
        start: The position of the first of them in the whole call.
        texts: The texts.
    """

    start: int
    texts: list[str]


class TextEmbedder(ABC):
    """An embedder whose subclass gives `embed_batch`, and nothing else.

    Each text is a string with something other than white space in it: a model gives a vector for an empty text, too,
    but one that means nothing and is near everything. Lone surrogates are refused, as in documents.

    Example:
        >>> class Lengths(TextEmbedder):
        ...     def __init__(self):
        ...         super().__init__("lengths-1", dimension=2, batch_size=100)
        ...
        ...     def embed_batch(self, texts):
        ...         return [[len(text), 1.0] for text in texts]

    Args:
        name: What a collection records; the same name always gives the same vectors for the same text.
        dimension: How many numbers each vector has. Default: found by embedding one text.
        batch_size: The most texts in a batch.
        batch_tokens: The most tokens in a batch, as `tokens` counts them; a longer text goes alone. None for no limit.
        text_tokens: The most tokens in a text; one with more is refused. None for no limit.
        max_concurrency: How many batches are under way at once.
        normalize: Whether each vector is divided by its L2 norm. One of zeros stays as it is.
    """

    def __init__(
        self,
        name: str,
        *,
        dimension: int | None = None,
        batch_size: int = 32,
        batch_tokens: int | None = None,
        text_tokens: int | None = None,
        max_concurrency: int = 1,
        normalize: bool = False,
    ) -> None:
        self._name = name
        self._dimension = None if dimension is None else checked_count(dimension, "dimension")
        self._batch_size = checked_count(batch_size, "batch_size")
        self._batch_tokens = None if batch_tokens is None else checked_count(batch_tokens, "batch_tokens")
        self._text_tokens = text_tokens
        self._max_concurrency = checked_count(max_concurrency, "max_concurrency")
        self._normalize = normalize

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimension(self) -> int:
        if self._dimension is None:
            self.embed(["dimension"])
        assert self._dimension is not None  # noqa: S101 (set from the first vector)
        return self._dimension

    @property
    def for_queries(self) -> TextEmbedder:
        """The embedder of queries, for models that tell them from documents. Here: this one."""
        return self

    @abstractmethod
    def embed_batch(self, texts: list[str]) -> npt.ArrayLike:
        """Return one vector a text: shape (texts, dimension). May block; may be called by several threads at once."""

    async def embed_batch_async(self, texts: list[str]) -> npt.ArrayLike:
        """Do the same without holding up the event loop: here, in a worker thread."""
        return await asyncio.to_thread(self.embed_batch, texts)

    def tokens(self, text: str) -> int:
        """Return about how many tokens a text is: here, a token for each 4 bytes of UTF-8."""
        return 1 + len(text.encode()) // _BYTES_A_TOKEN

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Matrix:
        """Return one vector a text: float32 of shape (texts, dimension).

        Args:
            texts: The texts.
            on_batch: Called with the position of a batch's first text, and with its vectors, as soon as they are made;
                by several threads at once if `max_concurrency` is above 1.

        Raises:
            InvalidInput: It isn't a list of strings.
            EmbeddingFailed: A text can't be embedded, and `position` says which: then nothing was. Or the model failed,
                or gave vectors that aren't usable.
        """
        batches = self._batches(texts)

        def made(batch: Batch) -> Matrix:
            with self._told(batch, len(texts)):
                given = self.embed_batch(batch.texts)
            return self._taken(given, batch, len(texts), on_batch)

        if min(self._max_concurrency, len(batches)) < 2:  # noqa: PLR2004 (nothing to do at once)
            return self._joined(list(map(made, batches)), len(texts))
        with ThreadPoolExecutor(self._max_concurrency, thread_name_prefix="onevec-embed") as threads:
            contexts = [copy_context() for _ in batches]  # which hold the deadline
            return self._joined(
                list(threads.map(lambda context, batch: context.run(made, batch), contexts, batches)), len(texts)
            )

    async def embed_async(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Matrix:
        """Do what `embed` does, without holding up the event loop; `on_batch` is called in worker threads."""
        batches = await asyncio.to_thread(self._batches, texts)

        async def made(batch: Batch) -> Matrix:
            with self._told(batch, len(texts)):
                given = await self.embed_batch_async(batch.texts)
            return await asyncio.to_thread(self._taken, given, batch, len(texts), on_batch)

        calls = [partial(made, batch) for batch in batches]
        return self._joined(await AsyncRuntime().gather(calls, self._max_concurrency), len(texts))

    def _batches(self, texts: Sequence[str]) -> list[Batch]:
        """The texts, checked, in batches within the model's limits."""
        if isinstance(texts, str | bytes):
            raise InvalidInput(f"embed takes a list of texts, got {type(texts).__name__}; put it in a list")
        batches: list[Batch] = []
        room = 0.0
        for position, text in enumerate(texts):
            tokens = self._checked(text, position, len(texts))
            if not batches or tokens > room or len(batches[-1].texts) == self._batch_size:
                batches.append(Batch(position, []))
                room = math.inf if self._batch_tokens is None else self._batch_tokens
            batches[-1].texts.append(text)
            room -= tokens
        return batches

    def _checked(self, text: object, position: int, total: int) -> int:
        """How many tokens a text has, 0 where nothing depends on it."""
        where = f"text {position} of {total}"
        if not isinstance(text, str):
            raise InvalidInput(f"{where} is a string, got {type(text).__name__}")
        if not text or text.isspace():
            raise EmbeddingFailed(f"{where} is empty; give it a text with words, or a vector", position=position)
        try:
            tokens = self.tokens(text) if self._batch_tokens or self._text_tokens else 0
            if not text.isascii():
                text.encode()
        except UnicodeEncodeError as error:
            raise EmbeddingFailed(
                f"{where} has a lone surrogate at {error.start}, which is no character", position=position
            ) from None
        if self._text_tokens and tokens > self._text_tokens:
            raise EmbeddingFailed(
                f"{where}, {text[:_SHOWN]!r}..., has about {tokens:,} tokens, more than embedder {self.name!r} takes; "
                "cut it into chunks, or give it a vector",
                position=position,
            )
        return tokens

    @contextmanager
    def _told(self, batch: Batch, total: int) -> Iterator[None]:
        """Let what the model raises be an error of onevec's; one about a text says where that is in the whole call."""
        try:
            yield
        except EmbeddingFailed as error:
            if error.position is None:
                raise
            position = batch.start + error.position
            raise EmbeddingFailed(f"text {position} of {total}: {error}", position=position) from error.__cause__
        except OnevecError:
            raise
        except Exception as error:
            raise EmbeddingFailed(f"embedder {self.name!r} failed: {type(error).__name__}: {error}") from error

    def _taken(self, given: npt.ArrayLike, batch: Batch, total: int, on_batch: OnBatch | None) -> Matrix:
        matrix = self._usable(given, batch, total)
        if on_batch is not None:
            on_batch(batch.start, matrix)
        return matrix

    def _usable(self, given: npt.ArrayLike, batch: Batch, total: int) -> Matrix:
        """The vectors of one batch as a matrix, checked, and normalised where that is asked for."""
        size = len(batch.texts)
        where = f"texts {batch.start} to {batch.start + size - 1} of {total}"
        try:
            vectors = np.asarray(given)
        except ValueError:  # of different lengths
            vectors = np.empty(0, object)
        if vectors.ndim != 2 or vectors.dtype.kind not in "fiu" or not vectors.shape[1]:  # noqa: PLR2004
            raise EmbeddingFailed(f"embedder {self.name!r} gave no matrix of numbers for {where}")
        if len(vectors) != size:
            raise EmbeddingFailed(f"embedder {self.name!r} gave {len(vectors)} vectors for {size} texts ({where})")
        if self._dimension is None:
            self._dimension = vectors.shape[1]
        if vectors.shape[1] != self._dimension:
            raise EmbeddingFailed(
                f"embedder {self.name!r} gave vectors of {vectors.shape[1]} numbers for {where}, "
                f"its dimension is {self._dimension}"
            )
        with np.errstate(over="ignore"):
            matrix = np.ascontiguousarray(vectors, np.float32)
        finite = np.isfinite(matrix).all(axis=1)
        if not finite.all():
            bad = int(np.flatnonzero(~finite)[0])
            raise EmbeddingFailed(
                f"text {batch.start + bad} of {total}, {batch.texts[bad][:_SHOWN]!r}: embedder {self.name!r} gave a "
                "vector with a number that is not finite in float32",
                position=batch.start + bad,
            )
        return _normalized(matrix) if self._normalize else matrix

    def _joined(self, parts: list[Matrix], total: int) -> Matrix:
        return np.concatenate(parts) if total else np.empty((0, self.dimension), np.float32)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, '_name', 'not made')}>"  # also while it is being made


def _normalized(matrix: Matrix) -> Matrix:
    norms = np.linalg.norm(matrix.astype(np.float64), axis=1, keepdims=True)  # in which no float32 overflows
    return (matrix / np.where(norms > 0, norms, 1.0)).astype(np.float32)
