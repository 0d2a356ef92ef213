"""Groups of vectors, given by labels or found by k-means, and how well they hold together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from onevec.quality.result import Grouping
from onevec.vectors.checks import Matrix

_SILHOUETTES = 2000
_CANDIDATES = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20)
_FEW = 200
_STARTS, _STARTS_OF_FEW = 3, 10  # of k-means: among few points more of them end in a poor place

Groups: TypeAlias = "npt.NDArray[np.int64]"  # the number of each vector's group, from 0; -1 for none


@dataclass(frozen=True, slots=True, eq=False)
class Silhouettes:
    """The distances among some of the points, from which the silhouettes of several groupings are measured."""

    rows: Groups
    distances: Matrix

    @classmethod
    def of(cls, points: Matrix, seed: int) -> Silhouettes:
        """Take up to 2,000 of the points."""
        from sklearn.metrics import pairwise_distances

        rows = np.arange(len(points))
        if len(points) > _SILHOUETTES:
            rows = np.sort(np.random.default_rng(seed).choice(len(points), _SILHOUETTES, replace=False))
        return cls(rows, pairwise_distances(points[rows]))

    def mean(self, groups: Groups) -> float | None:
        """Return the mean silhouette of groups of these points, or None unless there are 2 or more."""
        from sklearn.metrics import silhouette_score

        grouped = groups >= 0
        of = groups[grouped]
        if not 2 <= len(np.unique(of)) < len(of):  # noqa: PLR2004
            return None
        return float(silhouette_score(self.distances[np.ix_(grouped, grouped)], of, metric="precomputed"))


def grouping(units: Matrix, groups: Groups, silhouettes: Silhouettes) -> Grouping | None:
    """Return how well groups hold together, or None if no vector is in one."""
    within, between = _mean_cosines(units[groups >= 0], groups[groups >= 0])
    sizes = np.unique(groups[groups >= 0], return_counts=True)[1]
    if not len(sizes):
        return None
    return Grouping(
        groups=len(sizes),
        vectors=int(sizes.sum()),
        within=within,
        between=between,
        coherence=None if within is None or between is None else within - between,
        silhouette=silhouettes.mean(groups[silhouettes.rows]),
    )


def mean_cosine(units: Matrix) -> float | None:
    """Return the mean cosine of all pairs of vectors of length 1: of all products of their sum with itself, but those
    of a vector with itself."""
    pairs = len(units) * (len(units) - 1)
    return float(_square(units.sum(axis=0)) - len(units)) / pairs if pairs else None


def clusters(points: Matrix, silhouettes: Silhouettes, count: int | None, seed: int) -> Groups | None:
    """Return which cluster each point is in: of so many clusters, or of as many as give the highest silhouette.

    None if there are too few different points.
    """
    from threadpoolctl import threadpool_limits

    # On a few thousand points threads wait for each other for longer than they work.
    with threadpool_limits(1, user_api="openmp"):
        return _clusters(points, silhouettes, count, seed)


def _clusters(points: Matrix, silhouettes: Silhouettes, count: int | None, seed: int) -> Groups | None:
    from sklearn.cluster import KMeans

    some = points[silhouettes.rows]
    most = min(len(np.unique(some, axis=0)), len(some) - 1)
    starts = _STARTS if len(some) > _FEW else _STARTS_OF_FEW
    best, highest = None, -np.inf
    for number in _CANDIDATES if count is None else (count,):
        if 2 <= number <= most:  # noqa: PLR2004
            found = KMeans(number, n_init=starts, random_state=seed).fit(some)
            silhouette = silhouettes.mean(found.labels_)
            if silhouette is not None and silhouette > highest:
                best, highest = found, silhouette
    if best is None:
        return None
    if len(some) < len(points):
        best = KMeans(best.n_clusters, init=best.cluster_centers_, n_init=1).fit(points)
    return _largest_first(best.labels_)


def _mean_cosines(units: Matrix, groups: Groups) -> tuple[float | None, float | None]:
    """The mean cosine of the pairs within a group, and of those across groups, from the sums of the groups."""
    numbers, groups = np.unique(groups, return_inverse=True)
    sums = np.zeros((len(numbers), units.shape[1]))
    np.add.at(sums, groups, units)
    sizes = np.bincount(groups, minlength=len(numbers))
    pairs_within = int((sizes * (sizes - 1)).sum())
    pairs_between = len(units) * (len(units) - 1) - pairs_within
    inside = float(_square(sums).sum())
    within = (inside - len(units)) / pairs_within if pairs_within else None
    between = (float(_square(units.sum(axis=0))) - inside) / pairs_between if pairs_between else None
    return within, between


def _largest_first(groups: Groups) -> Groups:
    sizes = np.bincount(groups)
    places = np.empty(len(sizes), np.int64)
    places[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return places[groups]


def _square(vectors: Matrix) -> Matrix:
    squares: Matrix = np.vecdot(vectors, vectors)
    return squares
