"""What a score and a distance are, for every metric and on every engine."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never


class Metric(StrEnum):
    """How near two vectors are.

    | metric    | distance               | score                    |
    |-----------|------------------------|--------------------------|
    | cosine    | 1 - cos                | cos, in [-1, 1]          |
    | dot       | -(a . b)               | a . b                    |
    | euclidean | true L2, not squared   | 1 / (1 + distance)       |
    | manhattan | L1                     | 1 / (1 + distance)       |
    """

    COSINE = "cosine"
    DOT = "dot"
    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"


def score_of(metric: Metric, distance: float) -> float:
    """Return the score that belongs to a distance: higher is nearer."""
    match metric:
        case Metric.COSINE:
            return 1.0 - distance
        case Metric.DOT:
            return -distance
        case Metric.EUCLIDEAN | Metric.MANHATTAN:
            return 1.0 / (1.0 + distance)
        case _:
            assert_never(metric)
