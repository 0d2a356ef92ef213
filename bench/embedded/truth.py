"""The exact answers, by brute force."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from bench.embedded.contender import TOP_K, Vectors

_BLOCK = 16_384
_KEPT = 4 * TOP_K
# Two documents whose cosines differ by less count as equally near: float32 sums differ by more from engine to engine.
_TIE = 1e-5


def nearest(queries: Vectors, vectors: Vectors, rows: npt.NDArray[np.int64]) -> list[list[int]]:
    """Return for each query the rows of its nearest documents, and those that are as near as the last of them.

    Args:
        queries: Shape (queries, dimension), of length one.
        vectors: Shape (documents, dimension), of length one; may be mapped from a file.
        rows: The documents to look at, ascending.
    """
    best = np.full((len(queries), 0), -np.inf, np.float32)
    best_rows = np.zeros((len(queries), 0), np.int64)
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        nearness = queries @ np.asarray(vectors[part]).T
        best = np.concatenate((best, nearness), axis=1)
        best_rows = np.concatenate((best_rows, np.broadcast_to(part, nearness.shape)), axis=1)
        if best.shape[1] > _KEPT:
            kept = np.argpartition(-best, _KEPT, axis=1)[:, :_KEPT]
            best, best_rows = np.take_along_axis(best, kept, 1), np.take_along_axis(best_rows, kept, 1)
    return [sorted(found[near >= _last(near) - _TIE].tolist()) for near, found in zip(best, best_rows, strict=True)]


def _last(nearness: npt.NDArray[np.float32]) -> float:
    place = len(nearness) - min(TOP_K, len(nearness))
    return float(np.partition(nearness, place)[place])
