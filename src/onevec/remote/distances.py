"""Distances in float64, for engines that measure in float32 or by an index's codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from onevec.metrics import Metric

if TYPE_CHECKING:
    import numpy.typing as npt


def distances(
    metric: Metric, query: npt.NDArray[np.float32], vectors: Sequence[npt.NDArray[np.float32]]
) -> list[float]:
    """Return how far vectors are from a query by the metric's definition.

    Args:
        metric: What they are measured by.
        query: float32 of shape (dimension,).
        vectors: Those that the engine found, each as it was given.
    """
    if not vectors:
        return []
    one, many = query.astype(np.float64), np.stack(vectors).astype(np.float64)
    found: npt.NDArray[np.float64]
    match metric:
        case Metric.COSINE:
            lengths = np.sqrt(np.vecdot(many, many)) * np.sqrt(one @ one)
            found = 1.0 - np.clip(np.vecdot(many, one) / lengths, -1.0, 1.0)
        case Metric.DOT:
            found = 0.0 - np.vecdot(many, one)
        case Metric.EUCLIDEAN:
            found = np.sqrt(np.square(many - one).sum(axis=1))
        case Metric.MANHATTAN:
            found = np.abs(many - one).sum(axis=1)
    measured: list[float] = found.tolist()
    return measured
