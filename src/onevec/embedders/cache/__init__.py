"""Vectors that were made before, from a file: a text is embedded once, by whichever program on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from onevec.embedders import Embedder, EmbedderLike
from onevec.embedders.cache.file import MAX_BYTES, EmbeddingCache
from onevec.embedders.texts import Matrix, OnBatch, TextEmbedder
from onevec.errors import EmbeddingFailed
from onevec.registry import load_embedder

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["CacheStats", "CachedEmbedder", "EmbeddingCache"]

_TEXTS_AT_ONCE = 256


class CacheStats(NamedTuple):
    """What a cache has done and holds.

    Attributes:
        hits: Texts whose vector came from the file, by this embedder.
        misses: Texts that the model was asked for, by this embedder.
        entries: Vectors in the file, of all models.
        bytes: The size of the file.
    """

    hits: int
    misses: int
    entries: int
    bytes: int


class CachedEmbedder(TextEmbedder):
    """Another embedder, asked only for texts that it hasn't embedded before.

    A vector is found by the embedder's name, its dimension and the text's hash. It is in the file as soon as its batch
    is made, so a program that is stopped and run again doesn't pay twice. Programs can share a file. The name is the
    other embedder's, so collections don't know of the cache.

    Example:
        >>> embedder = CachedEmbedder("openai:text-embedding-3-small", "embeddings.db")

    Args:
        embedder: The other one, or its name.
        cache: The file, which is made if it isn't there.
        max_bytes: How large the file may be, where `cache` is a path; the vectors used longest ago make room.

    Raises:
        ConfigError: The file is of another program, or can't be opened.
    """

    def __init__(
        self,
        embedder: EmbedderLike,
        cache: EmbeddingCache | str | os.PathLike[str],
        *,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        inner = load_embedder(embedder)
        super().__init__(inner.name)
        self._inner = inner if isinstance(inner, TextEmbedder) else _InBatches(inner)
        self._cache = cache if isinstance(cache, EmbeddingCache) else EmbeddingCache(cache, max_bytes=max_bytes)
        self._lock = Lock()
        self._hits = self._misses = 0

    @property
    def dimension(self) -> int:
        return self._inner.dimension

    @property
    def for_queries(self) -> TextEmbedder:
        """The other embedder's own for queries, which are not cached; this one, if it has none."""
        queries = self._inner.for_queries
        return self if queries is self._inner else queries

    def stats(self) -> CacheStats:
        """Return how often the cache helped, and how large it is."""
        return CacheStats(self._hits, self._misses, *self._cache.size())

    def clear(self) -> None:
        """Delete all vectors in the file, those of other models too."""
        self._cache.clear()

    def close(self) -> None:
        """Close the file. It is opened again when it is needed."""
        self._cache.close()

    def embed_batch(self, texts: list[str]) -> npt.ArrayLike:
        """Ask the other embedder."""
        return self._inner.embed(texts)

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Matrix:
        """Return one vector a text: float32 of shape (texts, dimension). Equal texts are embedded once.

        Raises:
            OnevecError: As the other embedder, and for a text that is empty.
        """
        work = self._begun(texts)
        if work.new:
            with work.positions():
                work.take(self._inner.embed(work.new_texts, on_batch=self._keeping(work)))
        return self._ended(work, on_batch)

    async def embed_async(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Matrix:
        """Do what `embed` does, without holding up the event loop."""
        work = await asyncio.to_thread(self._begun, texts)
        if work.new:
            with work.positions():
                work.take(await self._inner.embed_async(work.new_texts, on_batch=self._keeping(work)))
        return await asyncio.to_thread(self._ended, work, on_batch)

    def _begun(self, texts: Sequence[str]) -> _Work:
        self._batches(texts)  # checks them
        head = blake2b(f"{self.name}\n{self.dimension}\n".encode(), digest_size=32)
        keys = []
        for text in texts:
            hash = head.copy()
            hash.update(text.encode())
            keys.append(hash.digest())
        first = {key: position for position, key in reversed(list(enumerate(keys)))}
        found = self._cache.get(list(first), self.dimension * 4)
        new = sorted(position for key, position in first.items() if key not in found)
        with self._lock:
            self._hits += len(texts) - len(new)
            self._misses += len(new)
        vectors = {key: np.frombuffer(data, np.float32) for key, data in found.items()}
        return _Work(list(texts), keys, vectors, new)

    def _keeping(self, work: _Work) -> OnBatch:
        def keep(start: int, matrix: Matrix) -> None:
            keys = (work.keys[position] for position in work.new[start:])
            self._cache.put([(key, row.tobytes()) for key, row in zip(keys, matrix, strict=False)])

        return keep

    def _ended(self, work: _Work, on_batch: OnBatch | None) -> Matrix:
        matrix = np.empty((len(work.texts), self.dimension), np.float32)
        for row, key in enumerate(work.keys):
            matrix[row] = work.vectors[key]
        if on_batch is not None and work.texts:
            on_batch(0, matrix)
        return matrix


@dataclass(frozen=True, slots=True)
class _Work:
    """One call.

    Attributes:
        texts: Its texts.
        keys: Theirs in the cache.
        vectors: Those found, by key; then also those made.
        new: The positions of the texts to embed, each text once.
    """

    texts: list[str]
    keys: list[bytes]
    vectors: dict[bytes, Matrix]
    new: list[int]

    @property
    def new_texts(self) -> list[str]:
        return [self.texts[position] for position in self.new]

    def take(self, matrix: Matrix) -> None:
        """Take the vectors of the new texts."""
        self.vectors.update(zip((self.keys[position] for position in self.new), matrix, strict=True))

    @contextmanager
    def positions(self) -> Iterator[None]:
        """Let an error about one of the new texts name its position in the whole call."""
        try:
            yield
        except EmbeddingFailed as error:
            if error.position is None:
                raise
            position = self.new[error.position]
            said = str(error).removeprefix(f"text {error.position} of {len(self.new)}")
            raise EmbeddingFailed(f"text {position} of {len(self.texts)}{said}", position=position) from error.__cause__


class _InBatches(TextEmbedder):
    """An embedder of someone else's, asked for some texts at a time."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder.name, batch_size=_TEXTS_AT_ONCE)
        self._embedder = embedder

    @property
    def dimension(self) -> int:
        if self._dimension is None:
            self._dimension = self._embedder.dimension
        return self._dimension

    def embed_batch(self, texts: list[str]) -> npt.ArrayLike:
        return self._embedder.embed(texts)

    @property
    def for_queries(self) -> TextEmbedder:
        queries = getattr(self._embedder, "for_queries", self._embedder)
        return self if queries is self._embedder else _InBatches(queries)

    async def embed_batch_async(self, texts: list[str]) -> npt.ArrayLike:
        native = getattr(self._embedder, "embed_async", None)
        vectors: npt.ArrayLike = await (super().embed_batch_async(texts) if native is None else native(texts))
        return vectors
