"""Distances of what an engine found, computed again in float64."""

from __future__ import annotations

import numpy as np
import pytest

from onevec.metrics import Metric
from onevec.remote.distances import distances

A, B = np.array([3.0, 4.0], np.float32), np.array([1.0, 0.0], np.float32)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (Metric.COSINE, [0.0, 0.4]),
        (Metric.DOT, [-25.0, -3.0]),
        (Metric.EUCLIDEAN, [0.0, 20**0.5]),
        (Metric.MANHATTAN, [0.0, 6.0]),
    ],
)
def test_they_are_those_of_the_definition(metric: Metric, expected: list[float]) -> None:
    """Each in its place, and none for none."""
    assert distances(metric, A, [A, B]) == pytest.approx(expected)
    assert distances(metric, A, []) == []


@pytest.mark.parametrize("length", [1e-38, 1e-20, 1e20, 3e38])
def test_no_length_is_too_much(length: float) -> None:
    """Where float32 has no squares, float64 has."""
    long = np.array([length, length], np.float32)
    assert distances(Metric.COSINE, long, [long, -long]) == pytest.approx([0.0, 2.0])
    assert distances(Metric.DOT, long, [long]) == pytest.approx([-2.0 * float(long[0]) ** 2])
    assert distances(Metric.EUCLIDEAN, long, [-long]) == pytest.approx([8**0.5 * float(long[0])])


def test_a_cosine_stays_within_its_bounds() -> None:
    """Rounding makes no score above 1 and no distance below 0."""
    for seed in range(50):
        vector = np.random.default_rng(seed).standard_normal(33).astype(np.float32)
        found = distances(Metric.COSINE, vector, [vector, vector * np.float32(7), -vector])
        assert all(0.0 <= distance <= 2.0 for distance in found)
