"""Texts to vectors, checked: an embedder is someone else's code."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from onevec.batches import Matrix
from onevec.documents import CollectionInfo
from onevec.embedders import Embedder
from onevec.embedders.texts import TextEmbedder
from onevec.errors import EmbeddingFailed, OnevecError
from onevec.metrics import Metric
from onevec.runtime import AsyncRuntime, Runtime

T = TypeVar("T")

_TEXTS_AT_ONCE = 1024


async def dimension_of(io: Runtime, embedder: Embedder) -> int:
    """Return how many numbers each vector of an embedder has; some embed a text to find out.

    Raises:
        EmbeddingFailed: The embedder raised.
    """
    return await _told(embedder, io.offload(lambda: embedder.dimension))


async def embed(
    io: Runtime, embedder: Embedder, texts: Sequence[str], owners: Sequence[str] | None, info: CollectionInfo
) -> Matrix:
    """Return one float32 vector a text, of shape (len(texts), info.dimension).

    Args:
        io: Where the embedder may block.
        embedder: What makes the vectors.
        texts: The texts.
        owners: Whose they are, for messages, such as `"document 'a'"`; None where they are nobody's.
        info: The collection they are for. Under cosine a vector must not be all zeros.

    Raises:
        EmbeddingFailed: The embedder raised, or gave another shape, or a vector that isn't usable.
    """
    parts = [np.empty((0, info.dimension), np.float32)]
    at_once = max(len(texts), 1) if isinstance(embedder, TextEmbedder) else _TEXTS_AT_ONCE  # that one splits by itself
    for start in range(0, len(texts), at_once):
        some = list(texts[start : start + at_once])
        try:
            vectors = await _vectors(io, embedder, some)
        except EmbeddingFailed as error:
            if error.position is None:
                raise
            position = start + error.position
            raise EmbeddingFailed(_of(owners, position) + str(error), position=position) from error.__cause__
        if vectors.shape != (len(some), info.dimension) or vectors.dtype.kind not in "fiu":
            raise EmbeddingFailed(
                f"embedder {embedder.name!r} gave {vectors.dtype} of shape {vectors.shape} for {len(some)} texts; "
                f"collection {info.name!r} takes numbers of shape ({len(some)}, {info.dimension})"
            )
        with np.errstate(over="ignore"):
            matrix = vectors.astype(np.float32)
        usable = np.isfinite(matrix).all(axis=1)
        if info.metric is Metric.COSINE:
            usable &= matrix.any(axis=1)
        if not usable.all():
            bad = int(np.flatnonzero(~usable)[0])
            what = "an empty text" if not some[bad].strip() else f"the text {some[bad][:40]!r}"
            raise EmbeddingFailed(
                f"{_of(owners, start + bad)}embedder {embedder.name!r} gave no usable vector for {what} "
                f"(text {start + bad} of {len(texts)}); give it a text with words, or a vector",
                position=start + bad,
            )
        parts.append(matrix)
    return np.concatenate(parts)


def _of(owners: Sequence[str] | None, position: int) -> str:
    return "" if owners is None else f"{owners[position]}: "


async def _vectors(io: Runtime, embedder: Embedder, texts: list[str]) -> npt.NDArray[Any]:  # Any: not yet checked
    """What the embedder gives; on an event loop by its own async form, if it has one."""
    native = getattr(embedder, "embed_async", None)
    if native is not None and isinstance(io, AsyncRuntime):
        return np.asarray(await _told(embedder, native(texts)))
    return await _told(embedder, io.offload(lambda: np.asarray(embedder.embed(texts))))


async def _told(embedder: Embedder, work: Awaitable[T]) -> T:
    try:
        return await work
    except OnevecError:
        raise
    except Exception as error:
        raise EmbeddingFailed(f"embedder {embedder.name!r} failed: {type(error).__name__}: {error}") from error
