"""Arrays that are appended to."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

NumberT = TypeVar("NumberT", bound=np.generic)


class Growing(Generic[NumberT]):
    """A numpy array that is appended to; it doubles, so that many small pieces cost no more than one."""

    def __init__(self, dtype: type[NumberT]) -> None:
        self._data = np.empty(0, dtype)
        self.size = 0

    @property
    def memory_bytes(self) -> int:
        return self._data.nbytes

    @property
    def view(self) -> npt.NDArray[NumberT]:
        """What was appended so far."""
        return self._data[: self.size]

    def extend(self, piece: npt.NDArray[NumberT]) -> None:
        size = self.size + len(piece)
        if size > len(self._data):
            grown = np.empty(max(size, 2 * len(self._data)), self._data.dtype)
            grown[: self.size] = self.view
            self._data = grown
        self._data[self.size : size] = piece
        self.size = size
