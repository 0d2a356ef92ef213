"""What may come in as vectors."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from onevec.errors import DimensionMismatch, InvalidInput

Matrix: TypeAlias = npt.NDArray[np.float64]


def checked_matrix(vectors: npt.ArrayLike) -> Matrix:
    """Return vectors as float64 of shape (vectors, dimension).

    Raises:
        InvalidInput: There are none, or they are of another shape or not finite.
    """
    matrix = checked(vectors)
    if np.ndim(vectors) != 2:  # noqa: PLR2004
        raise InvalidInput("vectors have the shape (vectors, dimension), got one vector; put it in a list")
    return matrix


def checked(vectors: npt.ArrayLike) -> Matrix:
    """Return one vector or several as float64 of shape (vectors, dimension).

    Raises:
        InvalidInput: There are none, or they are of another shape or not finite.
    """
    try:
        given = np.asarray(vectors)
    except ValueError as error:
        raise InvalidInput("vectors have the same length each; these have several lengths") from error
    if given.dtype.kind not in "iuf":
        raise InvalidInput(f"vectors are numbers, got an array of {given.dtype}")
    if given.ndim not in {1, 2}:
        raise InvalidInput(f"vectors have the shape (dimension,) or (vectors, dimension), got {given.shape}")
    if not given.size:
        raise InvalidInput(f"there is no number in vectors of shape {given.shape}")
    matrix = np.atleast_2d(given).astype(np.float64)
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        raise InvalidInput(f"vector {int(np.argmin(finite))} has a number that is not finite")
    return matrix


def check_same_dimension(first: Matrix, second: Matrix) -> None:
    """Refuse vectors of different dimensions.

    Raises:
        DimensionMismatch: They have.
    """
    if first.shape[1] != second.shape[1]:
        raise DimensionMismatch(f"vectors have the same dimension, got {first.shape[1]} and {second.shape[1]}")
