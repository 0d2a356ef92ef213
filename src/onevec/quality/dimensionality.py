"""How many coordinates it takes to describe where vectors lie: their intrinsic dimension.

The estimator is TwoNN (Facco, d'Errico, Rodriguez and Laio, Estimating the intrinsic dimension of datasets by a minimal
neighborhood information, 2017). Around a point in d dimensions, the ratio r2 / r1 of the distances to its second and
its first neighbour is distributed as a Pareto variable with exponent d, whatever the density, as long as it is even
as far as the second neighbour. The correlation dimension of Grassberger and Procaccia (1983) assumes an even density
over a whole range of scales, which a person has to choose.

The logarithms of the ratios are exponential variables of rate d. As in the paper, the tenth with the largest ratios is
not fitted, since that is where near-duplicates and strays are. It counts as censored, as in life tests that end with
the r-th of n failures (Epstein and Sobel, Life testing, 1953): with T = (sum of the r smallest) + (n - r) * (the r-th),
which has a gamma distribution of shape r and rate d, the unbiased estimate is (r - 1) / T, and its confidence interval
is exact for ratios that are independent. Those of neighbours are not quite, so that it is somewhat narrow.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from onevec.quality.neighbours import Positions, nearest
from onevec.vectors.checks import Matrix

_LEAST = 3  # a point, and two neighbours
_SAME = 1e-6  # of the typical distance from the centre: how near counts as equal
_FITTED = 0.9
_CONFIDENCE = 0.95


def intrinsic_dimension(points: Matrix) -> tuple[float, tuple[float, float]] | None:
    """Return the intrinsic dimension and its 95 % confidence interval.

    Equal points count once. None if fewer than three are left, or if their distances are not those of random points: on
    a regular grid first and second neighbours are equally far, and the estimate has no bound.
    """
    from scipy.special import gammaincinv

    distances = _of_different(points)
    if distances is None:
        return None
    logarithms = np.sort(np.log(distances[:, 1] / distances[:, 0]))
    fitted = math.ceil(_FITTED * len(logarithms))
    life = float(logarithms[:fitted].sum() + (len(logarithms) - fitted) * logarithms[fitted - 1])
    tail = (1 - _CONFIDENCE) / 2
    low, high = (float(gammaincinv(fitted, share)) for share in (tail, 1 - tail))
    if life * points.shape[1] < low:  # more dimensions than there are, beyond doubt
        return None
    return (fitted - 1) / life, (low / life, high / life)


def _of_different(points: Matrix) -> Matrix | None:
    """Distances to the two nearest, of points that are not equal, whatever rounding makes of equality."""
    points = np.unique(points, axis=0)
    same = _SAME * float(np.linalg.norm(points - points.mean(axis=0), axis=1).mean())
    while len(points) >= _LEAST:
        distances, indices = nearest(points, 2)
        doubled = _doubled(distances, indices, same)
        if not doubled.any():
            return distances
        points = points[~doubled]
    return None


def _doubled(distances: Matrix, indices: Positions, same: float) -> npt.NDArray[np.bool_]:
    """Which points equal one before them: at least one of those that have an equal."""
    return (distances[:, 0] <= same) & (indices[:, 0] < np.arange(len(indices)))
