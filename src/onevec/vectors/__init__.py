"""Arithmetic of vectors: how near they are, their lengths, their centre, what lies far from it, and principal axes.

    from onevec import vectors

    vectors.cosine([1, 0], [[1, 1], [0, 2]])     # array([0.70710678, 0.        ])

Everything is computed in float64. Vectors are any array of numbers: of shape (dimension,) for one, or (vectors,
dimension) for several. `InvalidInput`, which is a `ValueError`, says what is wrong with one: it is empty, has another
shape, or a number that isn't finite.
"""

from onevec.vectors.nearness import cosine, distance, dot, euclidean, manhattan, score
from onevec.vectors.outlying import Outliers, outliers
from onevec.vectors.principal import PrincipalComponents, pca
from onevec.vectors.scaling import Norm, centroid, normalized

__all__ = [
    "Norm",
    "Outliers",
    "PrincipalComponents",
    "centroid",
    "cosine",
    "distance",
    "dot",
    "euclidean",
    "manhattan",
    "normalized",
    "outliers",
    "pca",
    "score",
]
