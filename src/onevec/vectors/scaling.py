"""Lengths and centres."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from onevec.errors import InvalidInput
from onevec.vectors.checks import Matrix, checked, checked_matrix

Norm: TypeAlias = Literal["l2", "l1", "max"]


def normalized(vectors: npt.ArrayLike, norm: Norm = "l2") -> npt.NDArray[np.floating]:
    """Return the vectors divided by their lengths. A zero vector has no direction, and stays zero.

    Args:
        vectors: Shape (dimension,) or (vectors, dimension).
        norm: What is 1 afterwards: `"l2"` the Euclidean length, `"l1"` the sum of the absolute numbers, `"max"` the
            largest absolute number.

    Returns:
        The same shape; float32 for float32 vectors, else float64.

    Raises:
        InvalidInput: They are empty, of another shape or not finite, or there is no such norm.
    """
    if norm not in {"l2", "l1", "max"}:
        raise InvalidInput(f'there is no norm {norm!r}; there are "l2", "l1" and "max"')
    matrix = scaled(checked(vectors), norm)
    given = np.asarray(vectors)
    shaped: npt.NDArray[np.float64] = matrix.reshape(given.shape)
    return shaped.astype(np.float32) if given.dtype == np.float32 else shaped


def centroid(vectors: npt.ArrayLike) -> Matrix:
    """Return the mean of vectors of shape (vectors, dimension): float64 of shape (dimension,).

    Raises:
        InvalidInput: There are none, or they are of another shape or not finite.
    """
    mean: Matrix = checked_matrix(vectors).mean(axis=0)
    return mean


def scaled(matrix: Matrix, norm: Norm = "l2") -> Matrix:
    """Return the vectors at length 1; by their largest number first, so that no square is too large or too small."""
    below_one = matrix / _nonzero(np.abs(matrix).max(axis=1))
    if norm == "max":
        return below_one
    return below_one / _nonzero(np.linalg.norm(below_one, ord=2 if norm == "l2" else 1, axis=1))


def _nonzero(lengths: Matrix) -> Matrix:
    return np.where(lengths > 0, lengths, 1.0)[:, None]
