"""Principal component analysis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onevec.errors import InvalidInput
from onevec.validate import checked_count
from onevec.vectors.checks import Matrix, check_same_dimension, checked_matrix


@dataclass(frozen=True, slots=True, eq=False)
class PrincipalComponents:
    """The axes along which vectors vary most, and the vectors on these axes.

    Attributes:
        mean: The centroid: shape (dimension,).
        components: The axes, unit vectors at right angles, the one with the most variance first: shape (components,
            dimension). The largest number of each is positive, so that equal input gives equal axes.
        explained_variance: The variance along each (with n - 1): shape (components,).
        explained_variance_ratio: The same as a share of the whole variance, in [0, 1]; 0 where there is none.
        projected: The vectors on these axes: shape (vectors, components).
    """

    mean: Matrix
    components: Matrix
    explained_variance: Matrix
    explained_variance_ratio: Matrix
    projected: Matrix

    def project(self, vectors: npt.ArrayLike) -> Matrix:
        """Return other vectors on these axes: shape (vectors, dimension) becomes (vectors, components).

        Raises:
            DimensionMismatch: They have another dimension.
        """
        matrix = checked_matrix(vectors)
        check_same_dimension(matrix, self.mean[None])
        on_axes: Matrix = (matrix - self.mean) @ self.components.T
        return on_axes


def pca(vectors: npt.ArrayLike, components: int = 2) -> PrincipalComponents:
    """Return the principal components of vectors, by a singular value decomposition of the centred matrix.

    Args:
        vectors: Shape (vectors, dimension), of two vectors or more.
        components: How many axes; at most the number of vectors, and at most the dimension.

    Raises:
        InvalidInput: There are too few vectors for that, or they are of another shape or not finite.
    """
    matrix = checked_matrix(vectors)
    most = min(matrix.shape)
    if len(matrix) < 2:  # noqa: PLR2004
        raise InvalidInput("principal components are of two vectors or more, got one")
    if checked_count(components, "components") > most:
        raise InvalidInput(
            f"components is at most {most} for {matrix.shape[0]} vectors of {matrix.shape[1]} numbers, got {components}"
        )
    mean = matrix.mean(axis=0)
    centred = matrix - mean
    # Of many vectors the triangle of a QR decomposition has the same singular values and axes, and is small.
    small = np.linalg.qr(centred, mode="r") if len(centred) > centred.shape[1] else centred
    _, lengths, axes = np.linalg.svd(small, full_matrices=False)
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    axes = (axes * np.sign(largest)[:, None])[:components]
    variance = lengths**2 / (len(matrix) - 1)
    whole = float(variance.sum())
    return PrincipalComponents(
        mean,
        axes,
        variance[:components],
        variance[:components] / whole if whole > 0 else np.zeros(components),
        centred @ axes.T,
    )
