"""Texts to vectors, checked: an embedder is someone else's code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import numpy as np

from onevec.batches import Matrix
from onevec.documents import CollectionInfo
from onevec.embedders import Embedder
from onevec.errors import EmbeddingFailed, OnevecError
from onevec.metrics import Metric
from onevec.runtime import Runtime

P = ParamSpec("P")
T = TypeVar("T")

_TEXTS_AT_ONCE = 1024


async def dimension_of(io: Runtime, embedder: Embedder) -> int:
    """Return how many numbers each vector of an embedder has; some embed a text to find out.

    Raises:
        EmbeddingFailed: The embedder raised.
    """
    return await _asked(io, embedder, getattr, embedder, "dimension")


async def embed(
    io: Runtime, embedder: Embedder, texts: Sequence[str], owners: Sequence[str], info: CollectionInfo
) -> Matrix:
    """Return one float32 vector a text, of shape (len(texts), info.dimension).

    Args:
        io: Where the embedder may block.
        embedder: What makes the vectors.
        texts: The texts.
        owners: Whose they are, for messages, such as `"document 'a'"`.
        info: The collection they are for. Under cosine a vector must not be all zeros.

    Raises:
        EmbeddingFailed: The embedder raised, or gave another shape, or a vector that isn't usable.
    """
    parts = [np.empty((0, info.dimension), np.float32)]
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        some = list(texts[start : start + _TEXTS_AT_ONCE])
        vectors = await _asked(io, embedder, lambda: np.asarray(embedder.embed(some)))  # noqa: B023 (awaited here)
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
                f"{owners[start + bad]}: embedder {embedder.name!r} gave no usable vector for {what} "
                f"(text {start + bad} of {len(texts)}); give it a text with words, or a vector"
            )
        parts.append(matrix)
    return np.concatenate(parts)


async def _asked(io: Runtime, embedder: Embedder, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await io.offload(function, *args, **kwargs)
    except OnevecError:
        raise
    except Exception as error:
        raise EmbeddingFailed(f"embedder {embedder.name!r} failed: {type(error).__name__}: {error}") from error
