"""What a report draws, from the sample that was measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onevec.quality.labels import Labels
from onevec.quality.neighbours import Positions
from onevec.vectors import pca
from onevec.vectors.checks import Matrix


@dataclass(frozen=True, slots=True, eq=False)
class Similarities:
    """Cosines of random pairs, and of each pair whether both are of one group; None without groups."""

    cosines: Matrix
    alike: npt.NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Each vector on the first two principal axes, of shape (vectors, 2), and their share of the variance."""

    places: Matrix
    variance: float

    @classmethod
    def of(cls, points: Matrix) -> Map | None:
        """Return the map, or None in one dimension."""
        if points.shape[1] == 1:
            return None
        axes = pca(points, 2)
        return cls(axes.projected, float(axes.explained_variance_ratio.sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What a report draws.

    Attributes:
        norms: The length of each vector.
        similarities: Cosines of random pairs.
        nearest: The distance of each vector to its nearest neighbour.
        map: Where the vectors lie.
        groups: The label of each vector, or where there are none its cluster; None without any.
    """

    norms: Matrix
    similarities: Similarities
    nearest: Matrix
    map: Map | None
    groups: Labels | None


def similarities(units: Matrix, pairs: tuple[Positions, Positions], groups: Labels | None) -> Similarities:
    """Return the cosines of pairs of vectors of length 1; with groups, of those pairs that are in groups."""
    first, second = pairs
    alike = None
    if groups is not None:
        known = (groups.groups[first] >= 0) & (groups.groups[second] >= 0)
        first, second = first[known], second[known]
        alike = groups.groups[first] == groups.groups[second]
    return Similarities(np.vecdot(units[first], units[second]), alike)
