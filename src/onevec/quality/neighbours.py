"""Nearest neighbours, random pairs, and pairs of almost one direction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from onevec.quality.result import Duplicates, NearDuplicate, Surroundings
from onevec.vectors.checks import Matrix

LISTED = 100
PAIRS = 20_000
_MEGABYTES = 64
_ROUNDING = 1e-12  # of a cosine in float64

Positions = npt.NDArray[np.int64]


def nearest(points: Matrix, neighbours: int) -> tuple[Matrix, Positions]:
    """Return the distances to the nearest other points, ascending, and which ones: both of shape (n, neighbours)."""
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(points)
    indices: Positions = found.kneighbors(return_distance=False)
    # Measured again from the differences: from squares, as they are found, small distances have few digits.
    distances = np.stack([np.linalg.norm(points - points[column], axis=1) for column in indices.T], axis=1)
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(distances, order, axis=1), np.take_along_axis(indices, order, axis=1)


def random_pairs(points: int, seed: int) -> tuple[Positions, Positions]:
    """Return pairs of different points: all if there are at most 20,000, else so many random ones."""
    if points * (points - 1) // 2 <= PAIRS:
        first, second = np.triu_indices(points, 1)
        return first, second
    rng = np.random.default_rng(seed)
    first = rng.integers(points, size=PAIRS)
    return first, (first + rng.integers(1, points, size=PAIRS)) % points


def surroundings(distances: Matrix, points: Matrix, pairs: tuple[Positions, Positions]) -> Surroundings:
    """Return how dense points are, by their distances to their nearest neighbours and those of random pairs."""
    first, second = pairs
    distance = float(distances.mean())
    pair_distance = float(np.linalg.norm(points[first] - points[second], axis=1).mean())
    others = distances.shape[1] < len(points) - 1
    contrast = 1 - distance / pair_distance if others and pair_distance > 0 else None
    return Surroundings(distances.shape[1], distance, pair_distance, contrast)


def near_duplicates(units: Matrix, ids: Sequence[str], threshold: float) -> Duplicates:
    """Return the pairs of vectors of length 1 whose cosine is the threshold or more, a part of all pairs at a time."""
    from sklearn.metrics import pairwise_distances_chunked

    pairs, start = 0, 0
    paired = np.zeros(len(units), bool)
    best: list[tuple[float, int, int]] = []
    for distances in pairwise_distances_chunked(units, metric="cosine", working_memory=_MEGABYTES):
        cosines = np.clip(1 - distances, -1, 1)
        after = np.arange(len(units)) > np.arange(start, start + len(cosines))[:, None]
        rows, columns = np.nonzero(after & (cosines >= threshold - _ROUNDING))
        pairs += len(rows)
        paired[rows + start] = True
        paired[columns] = True
        found = cosines[rows, columns]
        top = np.argsort(-found, kind="stable")[:LISTED]
        best += zip(found[top].tolist(), (rows[top] + start).tolist(), columns[top].tolist(), strict=True)
        best = sorted(best, key=lambda pair: (-pair[0], pair[1], pair[2]))[:LISTED]
        start += len(cosines)
    listed = tuple(NearDuplicate(ids[first], ids[second], cosine) for cosine, first, second in best)
    return Duplicates(threshold, pairs, int(paired.sum()), listed)
