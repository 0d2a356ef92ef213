"""The vectors of a table, by slot: in memory, or the first of them elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Matrix: TypeAlias = npt.NDArray[np.float32]
Slots: TypeAlias = npt.NDArray[np.intp]
Rows: TypeAlias = npt.NDArray[np.int64]


class Elsewhere(NamedTuple):
    """Where vectors are read from that are not in memory, by the numbers of their rows.

    Attributes:
        here: For the thread that searches.
        apart: For another thread.
    """

    here: Callable[[Rows], Matrix]
    apart: Callable[[Rows], Matrix]


class Vectors:
    """float32 vectors of append-only slots.

    Those of the first `absent` slots are not in memory, but fetched when they are needed.
    """

    def __init__(self, dimension: int) -> None:
        self.absent = 0
        self._matrix: Matrix = np.empty((0, dimension), np.float32)
        self._fetch: Callable[[Slots], Matrix] | None = None

    @property
    def dimension(self) -> int:
        return int(self._matrix.shape[1])

    @property
    def memory_bytes(self) -> int:
        return self._matrix.nbytes

    @property
    def matrix(self) -> Matrix:
        """The vectors in memory, of shape (slots - absent, dimension), and room for more."""
        return self._matrix

    def take(self, slots: Slots) -> Matrix:
        """Return a copy of the vectors of these slots."""
        if not self.absent:
            return self._matrix.take(slots, axis=0)
        taken = np.empty((len(slots), self.dimension), np.float32)
        here = slots >= self.absent
        taken[here] = self._matrix[slots[here] - self.absent]
        if self._fetch is not None and not here.all():
            taken[~here] = self._fetch(slots[~here])
        return taken

    def between(self, start: int, stop: int) -> Matrix:
        """Return the vectors of the slots from `start` up to `stop`; as a view where they are in memory."""
        if start >= self.absent:
            return self._matrix[start - self.absent : stop - self.absent]
        return self.take(np.arange(start, stop))

    def put(self, slots: slice | Slots, vectors: Matrix) -> None:
        """Set the vectors of slots that are in memory."""
        if isinstance(slots, slice):
            slots = slice(slots.start - self.absent, slots.stop - self.absent)
        else:
            slots = slots - self.absent
        self._matrix[slots] = vectors

    def grow(self, size: int, capacity: int) -> None:
        """Make room for so many slots, of which `size` are there."""
        grown = np.zeros((capacity - self.absent, self.dimension), np.float32)
        grown[: size - self.absent] = self._matrix[: size - self.absent]
        self._matrix = grown

    def keep(self, slots: Slots) -> None:
        """Let only these slots stay, ascending, with new numbers from 0 on."""
        absent = int(np.searchsorted(slots, self.absent))
        self._matrix = self._matrix[slots[absent:] - self.absent]
        self.absent = absent

    def release(self, slots: int, fetch: Callable[[Slots], Matrix]) -> None:
        """Let go of the vectors of the first so many slots.

        Args:
            slots: How many.
            fetch: Gives the vectors of some of them; of those that no longer exist, any.
        """
        if slots > self.absent:
            self._matrix = self._matrix[slots - self.absent :].copy()
            self.absent = slots
        self._fetch = fetch

    def give(self, vectors: Matrix) -> None:
        """Have these as the vectors of the first slots, as they are, where there was room for theirs alone."""
        self._matrix = vectors


def lengths(vectors: Matrix) -> npt.NDArray[np.float64]:
    """Return the lengths of vectors, measured in float64."""
    measured: npt.NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    return measured
