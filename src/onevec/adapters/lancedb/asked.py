"""The columns that filters ask for, of many documents at once.

They hold what `onevec.facets.facts_of` says of each document. Where a field has short strings, integers or booleans
only, as most have, Arrow makes the facets of all documents together, in a third of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import orjson

from onevec.documents import Metadata
from onevec.facets import EVERY, EXACT, LONGEST, Names, facts_of, names_of

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

Rows: TypeAlias = "npt.NDArray[np.int64]"
Values: TypeAlias = list[Any]  # Any: metadata values

_FEW = 32  # values of a field, for which Arrow takes longer
_LONGEST_NAME = 64


def asked(metadata: Sequence[Metadata]) -> dict[str, pa.ListArray]:
    """Return the columns `facets`, `numbers_of`, `numbers`, `texts_of` and `texts` of up to 65,536 documents."""
    import pyarrow as pa

    columns = _Columns(len(metadata))
    columns.facets.add(np.arange(len(metadata)), pa.repeat(EVERY, len(metadata)))
    left: dict[int, Metadata] = {}
    for key, (rows, values) in _fields(metadata).items():
        if not _added(columns, key, np.array(rows), values):
            for row, value in zip(rows, values, strict=True):
                left.setdefault(row, {})[key] = value
    columns.add_each(left)
    facets, numbers, texts = columns.facets.arrays(), columns.numbers.arrays(), columns.texts.arrays()
    names = ("facets", "numbers_of", "numbers", "texts_of", "texts")
    return dict(zip(names, (*facets, *numbers, *texts), strict=True))


class _Lists:
    """Columns of lists, whose lists in one row have one length."""

    def __init__(self, size: int, *kinds: pa.DataType) -> None:
        import pyarrow as pa

        self._size = size
        self._kinds = kinds
        self._rows: list[Rows] = [np.empty(0, np.int64)]
        self._parts: list[list[pa.Array]] = [[pa.array([], kind)] for kind in kinds]

    def add(self, rows: Rows, *columns: Any) -> None:  # Any: arrays, or lists
        """Add an element of each column to the lists in each of the rows."""
        import pyarrow as pa

        self._rows.append(rows)
        for parts, column, kind in zip(self._parts, columns, self._kinds, strict=True):
            parts.append(pa.array(column, kind) if isinstance(column, list) else column)

    def arrays(self) -> list[pa.ListArray]:
        import pyarrow as pa

        rows = np.concatenate(self._rows)
        order = np.argsort(rows.astype(np.uint16), kind="stable")  # numbers of 16 bits are sorted in one pass
        ends = np.zeros(self._size + 1, np.int32)
        np.cumsum(np.bincount(rows, minlength=self._size), out=ends[1:])
        return [
            pa.ListArray.from_arrays(pa.array(ends), pa.concat_arrays(parts).take(pa.array(order)))
            for parts in self._parts
        ]


class _Columns:
    def __init__(self, size: int) -> None:
        import pyarrow as pa

        self.facets = _Lists(size, pa.string())
        self.numbers = _Lists(size, pa.string(), pa.float64())
        self.texts = _Lists(size, pa.string(), pa.string())

    def add_each(self, metadata: Mapping[int, Metadata]) -> None:
        """Add what is asked of any metadata, by row."""
        if not metadata:
            return
        facets: list[str] = []
        numbers: tuple[list[str], list[float]] = ([], [])
        texts: tuple[list[str], list[str]] = ([], [])
        counts: list[tuple[int, int, int]] = []
        for one in metadata.values():
            its_facets, its_numbers, its_texts = facts_of(one)
            facets += its_facets[1:]
            numbers[0].extend(its_numbers)
            numbers[1].extend(its_numbers.values())
            texts[0].extend(its_texts)
            texts[1].extend(its_texts.values())
            counts.append((len(its_facets) - 1, len(its_numbers), len(its_texts)))
        rows = np.array(list(metadata))
        of_facets, of_numbers, of_texts = (np.repeat(rows, column) for column in zip(*counts, strict=True))
        self.facets.add(of_facets, facets)
        self.numbers.add(of_numbers, *numbers)
        self.texts.add(of_texts, *texts)


def _fields(metadata: Sequence[Metadata]) -> dict[str, tuple[list[int], Values]]:
    """The values of each field, and the rows that they are in."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for row, one in enumerate(metadata):
        alike.setdefault(tuple(one), []).append(row)
    fields: dict[str, tuple[list[int], Values]] = {}
    for keys, rows in alike.items():
        columns = zip(*[metadata[row].values() for row in rows], strict=True)
        for key, column in zip(keys, columns, strict=True):
            its_rows, its_values = fields.setdefault(key, ([], []))
            its_rows += rows
            its_values += column
    return fields


def _added(columns: _Columns, key: str, rows: Rows, values: Values) -> bool:
    """Add what is asked of a field if its values are simple, and return whether they are."""
    import pyarrow as pa

    names = names_of("", key)
    kinds = set(map(type, values))
    if names is None or len(kinds) > 1 or len(values) < _FEW or len(key) > _LONGEST_NAME:
        return False
    add = _SIMPLE.get(kinds.pop())
    if add is None or not add(columns, names, rows, values):
        return False
    columns.facets.add(rows, pa.repeat(names.present, len(rows)))
    return True


def _strings(columns: _Columns, names: Names, rows: Rows, values: Values) -> bool:
    import pyarrow as pa

    if not _are_plain(values) or any(value[4:5] == "-" for value in values):  # which may be an instant
        return False
    texts = pa.array(values, pa.string())
    columns.facets.add(rows, _after(f"{names.equal}s:", texts))
    columns.texts.add(rows, pa.repeat(names.field, len(rows)), texts)
    return True


def _integers(columns: _Columns, names: Names, rows: Rows, values: Values) -> bool:
    import pyarrow as pa

    if not -EXACT < min(values) <= max(values) < EXACT:
        return False
    numbers = pa.array(values, pa.int64())
    columns.facets.add(rows, _after(f"{names.equal}n:", numbers.cast(pa.string())))
    columns.facets.add(rows, pa.repeat(names.numeric, len(rows)))
    columns.numbers.add(rows, pa.repeat(names.field, len(rows)), numbers.cast(pa.float64()))
    return True


def _booleans(columns: _Columns, names: Names, rows: Rows, values: Values) -> bool:
    columns.facets.add(rows, [f"{names.equal}b:true" if value else f"{names.equal}b:false" for value in values])
    return True


def _lists(columns: _Columns, names: Names, rows: Rows, values: Values) -> bool:
    """Lists of strings."""
    import pyarrow as pa

    items = list(chain.from_iterable(values))
    whole = [orjson.dumps(value).decode() for value in values]
    if set(map(type, items)) != {str} or not _are_plain(items) or not _are_plain(whole):
        return False
    columns.facets.add(rows, _after(f"{names.equal}l:", pa.array(whole, pa.string())))
    columns.facets.add(rows, pa.repeat(names.listed, len(rows)))
    elements = _after(f"{names.element}s:", pa.array(items, pa.string()))
    columns.facets.add(np.repeat(rows, list(map(len, values))), elements)
    return True


def _are_plain(texts: list[str]) -> bool:
    """Whether the facets of texts are these texts."""
    return max(map(len, texts)) <= LONGEST - _LONGEST_NAME - len("[]=s:") and "\0" not in "".join(texts)


def _after(beginning: str, texts: pa.StringArray) -> pa.StringArray:
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(beginning, texts, "")


_SIMPLE: dict[type, Callable[[_Columns, Names, Rows, Values], bool]] = {
    str: _strings,
    int: _integers,
    bool: _booleans,
    list: _lists,
}
