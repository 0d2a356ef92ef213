"""Products of one vector with some rows of a matrix."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Slots = npt.NDArray[np.intp]


def picked_products(matrix: Matrix, rows: Slots, vector: Matrix) -> Matrix:
    """Return `matrix[rows] @ vector`, of shape (rows,).

    Where FAISS is loaded it reads the rows where they are, in less than half the time of copying them.

    Args:
        matrix: float32 of shape (rows, dimension), C-contiguous.
        rows: Which rows; they must exist.
        vector: float32 of shape (dimension,), C-contiguous.
    """
    if "faiss" not in sys.modules:
        product: Matrix = matrix.take(rows, axis=0) @ vector
        return product
    faiss: Any = import_module("faiss")  # Any: its types lack what its SWIG layer has

    products = np.empty(len(rows), np.float32)
    pointer = faiss.swig_ptr
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # it would wake the others for a loop of one round
    faiss.fvec_inner_products_by_idx(
        pointer(products), pointer(vector), pointer(matrix), pointer(rows), len(vector), 1, len(rows)
    )
    faiss.omp_set_num_threads(threads)
    return products
