"""What lies far from the centroid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onevec.errors import InvalidInput
from onevec.vectors.checks import Matrix, checked_matrix

# What makes a median, or a mean, of absolute deviations the standard deviation of a normal distribution.
_OF_MEDIAN, _OF_MEAN = 1.482602, 1.253314


@dataclass(frozen=True, slots=True, eq=False)
class Outliers:
    """Vectors that lie unusually far from the centroid.

    Attributes:
        positions: Which ones, the farthest first: int64 of shape (outliers,).
        distances: How far each vector is from the centroid: float64 of shape (vectors,).
        scores: The robust z-score of each distance: float64 of shape (vectors,).
        threshold: The score above which a vector is an outlier.
    """

    positions: npt.NDArray[np.int64]
    distances: Matrix
    scores: Matrix
    threshold: float


def outliers(vectors: npt.ArrayLike, *, threshold: float = 3.5) -> Outliers:
    """Find the vectors that are unusually far from the centroid, by Euclidean distance.

    The score of a vector is its modified z-score, (distance - median) / (1.4826 MAD), where MAD is the median of the
    absolute deviations from the median: outliers don't move it, as they would a mean and a standard deviation. Where
    over half of the distances are the same, MAD is 0, and 1.2533 times the mean absolute deviation takes its place;
    where all are, every score is 0. For distances of a normal distribution the score counts standard deviations.

    Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993), which recommends 3.5.

    Args:
        vectors: Shape (vectors, dimension).
        threshold: A vector with a higher score is an outlier.

    Raises:
        InvalidInput: There are none, or they are of another shape or not finite; or the threshold is no number.
    """
    if not np.isfinite(threshold):
        raise InvalidInput(f"threshold is a finite number, got {threshold!r}")
    matrix = checked_matrix(vectors)
    distances = np.linalg.norm(matrix - matrix.mean(axis=0), axis=1)
    off = distances - np.median(distances)
    spread = _OF_MEDIAN * float(np.median(np.abs(off))) or _OF_MEAN * float(np.abs(off).mean())
    # Equal vectors differ from their mean by what rounding leaves.
    rounding = 1e-12 * float(np.abs(matrix).max())
    scores = off / spread if spread > rounding else np.zeros_like(off)
    positions = np.flatnonzero(scores > threshold)
    return Outliers(positions[np.argsort(-scores[positions], kind="stable")], distances, scores, threshold)
