"""Texts to vectors, checked: an embedder is someone else's code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onevec.batches import Matrix
from onevec.embedders import Embedder
from onevec.errors import EmbeddingFailed, OnevecError
from onevec.metrics import Metric
from onevec.runtime import Runtime

_TEXTS_AT_ONCE = 1024


async def embed(io: Runtime, embedder: Embedder, texts: Sequence[str], owners: Sequence[str], metric: Metric) -> Matrix:
    """Return one float32 vector a text, of shape (len(texts), embedder.dimension).

    Args:
        io: Where the embedder may block.
        embedder: What makes the vectors.
        texts: The texts.
        owners: Whose they are, for messages, such as `"document 'a'"`.
        metric: Under cosine a vector must not be all zeros.

    Raises:
        EmbeddingFailed: The embedder raised, or gave another shape, or a vector that isn't usable.
    """
    parts = [np.empty((0, embedder.dimension), np.float32)]
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        some = list(texts[start : start + _TEXTS_AT_ONCE])
        try:
            vectors = np.asarray(await io.offload(embedder.embed, some))
        except OnevecError:
            raise
        except Exception as error:
            raise EmbeddingFailed(f"embedder {embedder.name!r} failed: {type(error).__name__}: {error}") from error
        if vectors.shape != (len(some), embedder.dimension) or vectors.dtype.kind not in "fiu":
            raise EmbeddingFailed(
                f"embedder {embedder.name!r} gave {vectors.dtype} of shape {vectors.shape} for {len(some)} texts; "
                f"expected numbers of shape ({len(some)}, {embedder.dimension})"
            )
        with np.errstate(over="ignore"):
            matrix = vectors.astype(np.float32)
        usable = np.isfinite(matrix).all(axis=1)
        if metric is Metric.COSINE:
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
