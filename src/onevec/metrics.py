"""What a score and a distance are, for every metric and on every engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum


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


# The score that belongs to a distance: higher is nearer.
SCORES: Mapping[Metric, Callable[[float], float]] = {
    Metric.COSINE: lambda distance: 1.0 - distance,
    Metric.DOT: lambda distance: 0.0 - distance,
    Metric.EUCLIDEAN: lambda distance: 1.0 / (1.0 + distance),
    Metric.MANHATTAN: lambda distance: 1.0 / (1.0 + distance),
}
