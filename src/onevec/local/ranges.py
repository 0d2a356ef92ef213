"""Comparisons of one field's numbers with a bound."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from onevec.filters import Op
from onevec.local.growing import Growing
from onevec.local.table import Mask

Codes = npt.NDArray[np.int32]

_COMPARISONS = {Op.LT: operator.lt, Op.LE: operator.le, Op.GT: operator.gt, Op.GE: operator.ge}


class Numbers:
    """The values that are numbers of some kind, to compare with exactly.

    Those that are equal to a float64 are floats, by slot as ranges are asked for often, with NaN for all others. The
    integers that it would round are apart, by code, with 0, which is none of them, for all others.
    """

    def __init__(self, number_of: Callable[[Any], Any]) -> None:  # Any: a value; an int, a float or None
        self._number_of = number_of
        self._by_slot: Growing[np.float64] = Growing(np.float64)
        self._floats: Growing[np.float64] = Growing(np.float64)
        self._large: Growing[np.int64] = Growing(np.int64)
        self._has_large = False

    @property
    def memory_bytes(self) -> int:
        return self._by_slot.memory_bytes + self._floats.memory_bytes + self._large.memory_bytes

    def cover(self, codes: Codes, values: list[Any]) -> None:  # Any: metadata's values, and MISSING
        """Take in the slots and values that are new."""
        if self._by_slot.size == len(codes):
            return
        new = values[self._floats.size :]
        floats, large = np.full(len(new), np.nan), np.zeros(len(new), np.int64)
        for index, value in enumerate(new):
            number = self._number_of(value)
            if number is None:
                continue
            if float(number) == number:
                floats[index] = number
            else:
                large[index] = number
                self._has_large = True
        self._floats.extend(floats)
        self._large.extend(large)
        self._by_slot.extend(self._floats.view.take(codes[self._by_slot.size :]))

    def compare(self, codes: Codes, op: Op, bound: float) -> Mask:
        """Return which slots have a number that compares so with the bound."""
        nearest = float(bound)
        mask = _compared(self._by_slot.view, _for_nearest(op, nearest, bound), nearest)
        if self._has_large:
            large = self._large.view
            # int() loses a fraction only of a bound that is nowhere near them.
            mask |= (_compared(large, op, int(bound)) & (large != 0)).take(codes)
        return mask


def _for_nearest(op: Op, nearest: float, bound: float) -> Op:
    """The operator for the nearest float in place of the bound: no float lies between the two."""
    if nearest == bound:
        return op
    if op in {Op.LT, Op.LE}:
        return Op.LT if nearest > bound else Op.LE
    return Op.GE if nearest > bound else Op.GT


def _compared(numbers: npt.NDArray[Any], op: Op, bound: float) -> Mask:  # Any: float64 or int64
    mask: Mask = _COMPARISONS[op](numbers, bound)
    return mask
