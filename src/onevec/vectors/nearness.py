"""How near vectors are, by the definitions of `onevec.Metric`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from onevec.errors import InvalidInput
from onevec.metrics import SCORES, Metric
from onevec.vectors.checks import Matrix, check_same_dimension, checked
from onevec.vectors.scaling import scaled

_NUMBERS_AT_ONCE = 1 << 22  # of differences between vectors: 32 MB


def dot(a: npt.ArrayLike, b: npt.ArrayLike) -> Any:  # Any: a float for two vectors, else an array
    """Return the inner products, a . b.

    Args:
        a: One vector, of shape (dimension,), or several, of shape (n, dimension).
        b: Likewise; of shape (m, dimension) if there are several.

    Returns:
        A float for two vectors; shape (n,) or (m,) for one and several; shape (n, m), each with each, for several and
        several.

    Raises:
        InvalidInput: They are empty, of another shape, or not finite.
        DimensionMismatch: They have different dimensions.
    """
    first, second = _both(a, b)
    return _shaped(first @ second.T, a, b)


def cosine(a: npt.ArrayLike, b: npt.ArrayLike) -> Any:  # Any: a float for two vectors, else an array
    """Return the cosines of the angles, in [-1, 1]. Shapes and errors are those of `dot`.

    Raises:
        InvalidInput: A vector is zero, and has no direction.
    """
    first, second = (scaled(_with_direction(matrix)) for matrix in _both(a, b))
    return _shaped(np.clip(first @ second.T, -1.0, 1.0), a, b)


def euclidean(a: npt.ArrayLike, b: npt.ArrayLike) -> Any:  # Any: a float for two vectors, else an array
    """Return the Euclidean (L2) distances, not squared. Shapes and errors are those of `dot`."""
    first, second = _both(a, b)
    found = [np.linalg.norm(differences, axis=2) for differences in _differences(first, second)]
    return _shaped(np.concatenate(found), a, b)


def manhattan(a: npt.ArrayLike, b: npt.ArrayLike) -> Any:  # Any: a float for two vectors, else an array
    """Return the Manhattan (L1) distances. Shapes and errors are those of `dot`."""
    first, second = _both(a, b)
    found = [np.abs(differences).sum(axis=2) for differences in _differences(first, second)]
    return _shaped(np.concatenate(found), a, b)


def distance(
    a: npt.ArrayLike, b: npt.ArrayLike, *, metric: Metric | str = "cosine"
) -> Any:  # Any: a float for two vectors, else an array
    """Return the distances that hits of a search have: lower is nearer. Shapes and errors are those of `dot`.

    Args:
        a: One vector or several.
        b: One vector or several.
        metric: `onevec.Metric` says what the distance of each is, such as `1 - cos`.
    """
    match _metric(metric):
        case Metric.COSINE:
            return 1.0 - cosine(a, b)
        case Metric.DOT:
            return 0.0 - dot(a, b)
        case Metric.EUCLIDEAN:
            return euclidean(a, b)
        case Metric.MANHATTAN:
            return manhattan(a, b)


def score(
    a: npt.ArrayLike, b: npt.ArrayLike, *, metric: Metric | str = "cosine"
) -> Any:  # Any: a float for two vectors, else an array
    """Return the scores that hits of a search have: higher is nearer. Arguments and errors are those of `distance`."""
    return SCORES[_metric(metric)](distance(a, b, metric=metric))


def _both(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Matrix, Matrix]:
    first, second = checked(a), checked(b)
    check_same_dimension(first, second)
    return first, second


def _shaped(found: Matrix, a: npt.ArrayLike, b: npt.ArrayLike) -> Any:  # Any: a float for two vectors, else an array
    """Drop the axes of what was one vector."""
    several = tuple(slice(None) if np.ndim(vectors) == 2 else 0 for vectors in (a, b))  # noqa: PLR2004
    part = found[several]
    return part if part.ndim else float(part)


def _differences(first: Matrix, second: Matrix) -> Iterator[Matrix]:
    """Some rows of the first minus all of the second at a time: squares of lengths would lose what is near."""
    rows = max(1, _NUMBERS_AT_ONCE // second.size)
    for start in range(0, len(first), rows):
        yield first[start : start + rows, None] - second[None]


def _with_direction(matrix: Matrix) -> Matrix:
    zero = ~matrix.any(axis=1)
    if zero.any():
        raise InvalidInput(f"vector {int(np.argmax(zero))} is zero, and has no direction")
    return matrix


def _metric(metric: Metric | str) -> Metric:
    try:
        return Metric(metric)
    except ValueError:
        raise InvalidInput(f"a metric is one of {', '.join(Metric)}, got {metric!r}") from None
