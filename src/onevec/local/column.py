"""One metadata field over all slots, as arrays that a condition is answered from."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Hashable, Iterable
from typing import Any, assert_never

import numpy as np

from onevec.filters import Condition, Op
from onevec.local.growing import Growing
from onevec.local.ranges import Numbers
from onevec.local.table import Mask
from onevec.matching import MISSING, holds
from onevec.values import instant, is_number, microseconds, value_key

# Comparing all codes with each of so many values takes less than looking each code up in a table of answers.
_FEW = 5

# Answers that are kept of conditions that Python has to ask of each value.
_REMEMBERED = 16

# A distinct value's share of the dict and the list, about.
_ENTRY_BYTES = 120

# Stands for any object: no filter looks into one, and no operand is equal to one.
_OBJECT = ("object",)


class Column:
    """The values of one field: a code for each slot, and the value of each code.

    Values that are equal by `value_key` share a code; 0 is the code of no value. Equality compares codes. All else is
    answered once for each distinct value, and the answers are looked up by code.
    """

    def __init__(self) -> None:
        self._codes: Growing[np.int32] = Growing(np.int32)
        self._values: list[Any] = [MISSING]  # Any: metadata's values
        self._code_of: dict[Hashable, int] = {}
        self._lists_with: dict[Hashable, array[int]] = {}  # of an element, the codes of the lists it is in
        self._numbers = Numbers(lambda value: value if is_number(value) else None)
        self._instants = Numbers(instant)
        self._asked: dict[Condition, Mask] = {}
        self._value_bytes = 0

    @property
    def size(self) -> int:
        """How many slots are covered."""
        return self._codes.size

    @property
    def memory_bytes(self) -> int:
        """About how many bytes the column takes."""
        lists = sum(map(sys.getsizeof, self._lists_with.values()))
        asked = sum(table.nbytes for table in self._asked.values())
        arrays = self._codes.memory_bytes + self._numbers.memory_bytes + self._instants.memory_bytes
        return self._value_bytes + lists + asked + arrays

    def extend(self, size: int, values: Iterable[tuple[int, Any]]) -> None:  # Any: metadata's values, or MISSING
        """Cover the slots up to `size`.

        Args:
            size: How many slots there are now.
            values: `(slot, value)` of slots that are new, in any order; a slot that is left out has no value.
        """
        start = self.size
        codes = [0] * (size - start)
        for slot, value in values:
            if value is not MISSING:
                codes[slot - start] = self._code(value)
        self._codes.extend(np.array(codes, np.int32))

    def mask(self, condition: Condition) -> Mask:
        """Return for each slot whether the condition is true of it, in a new array."""
        codes = self._codes.view
        operand: Any = condition.value  # Any: of the type that the operator has
        match condition.op:
            case Op.EXISTS:
                present: Mask = codes != 0
                return present
            case Op.MISSING:
                absent: Mask = codes == 0
                return absent
            case Op.EQ:
                return self._one_of((operand,))
            case Op.NE:
                return ~self._one_of((operand,))
            case Op.IN:
                return self._one_of(operand)
            case Op.NOT_IN:
                return ~self._one_of(operand)
            case Op.LT | Op.LE | Op.GT | Op.GE:
                return self._ordered(condition.op, operand)
            case Op.BETWEEN:
                low, high = operand
                mask = self._ordered(Op.GE, low)
                mask &= self._ordered(Op.LE, high)
                return mask
            case Op.CONTAINS:
                return self._with_any((operand,)).take(codes)
            case Op.CONTAINS_ANY:
                return self._with_any(operand).take(codes)
            case Op.CONTAINS_ALL if operand:
                tables = [self._with_any((element,)) for element in operand]
                table: Mask = np.logical_and.reduce(tables)
                return table.take(codes)
            case Op.CONTAINS_ALL | Op.STARTS_WITH | Op.HAS_TEXT:
                return self._ask(condition).take(codes)
            case _:
                assert_never(condition.op)

    def _code(self, value: Any) -> int:  # Any: a value of metadata
        key = _OBJECT if isinstance(value, dict) else value_key(value)
        code = self._code_of.get(key)
        if code is None:
            code = self._code_of[key] = len(self._values)
            self._values.append(value)
            self._value_bytes += sys.getsizeof(value) + _ENTRY_BYTES
            if isinstance(value, list):
                for element in set(map(value_key, value)):
                    self._lists_with.setdefault(element, array("q")).append(code)
        return code

    def _one_of(self, operands: Iterable[Any]) -> Mask:  # Any: operands of equality
        found = [code for code in (self._code_of.get(value_key(operand)) for operand in operands) if code is not None]
        codes = self._codes.view
        if len(found) > _FEW:
            table = self._no_answers()
            table[found] = True
            return table.take(codes)
        mask = codes == found[0] if found else np.zeros(len(codes), np.bool_)
        for code in found[1:]:
            mask |= codes == code
        return mask

    def _ordered(self, op: Op, bound: Any) -> Mask:  # Any: a number or a datetime
        numbers, bound = (self._numbers, bound) if is_number(bound) else (self._instants, microseconds(bound))
        codes = self._codes.view
        numbers.cover(codes, self._values)
        return numbers.compare(codes, op, bound)

    def _with_any(self, elements: Iterable[Any]) -> Mask:  # Any: operands
        table = self._no_answers()
        for element in elements:
            if (codes := self._lists_with.get(value_key(element))) is not None:
                table[np.frombuffer(codes, np.int64)] = True
        return table

    def _ask(self, condition: Condition) -> Mask:
        """Ask the condition of each value, or of those that are new since it was last asked."""
        known = self._asked.pop(condition, None)
        start = 0 if known is None else len(known)
        new = np.fromiter((holds(condition, value) for value in self._values[start:]), np.bool_)
        table = new if known is None else np.concatenate((known, new))
        self._asked[condition] = table
        if len(self._asked) > _REMEMBERED:
            del self._asked[next(iter(self._asked))]  # the one that was not asked for longest
        return table

    def _no_answers(self) -> Mask:
        return np.zeros(len(self._values), np.bool_)
