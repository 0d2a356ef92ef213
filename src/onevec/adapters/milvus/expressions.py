"""Filters as Milvus's boolean expressions. Values stand in them as literals, which Milvus Lite needs them to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onevec.adapter import Place
from onevec.compile import FacetCompiler
from onevec.filters import Filter, Op
from onevec.remote import point_id

_SYMBOLS = {Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})


def matching(place: Place, filter: Filter | None = None, *, after: str | None = None) -> str:
    """Return the expression for the documents of a place that match, and whose keys come after another one."""
    parts = [f"namespace == {literal(place.namespace)}"]
    if after is not None:
        parts.append(f"key > {literal(after)}")
    if filter is not None:
        parts.append(MilvusCompiler().compile(filter))
    return " and ".join(parts)


def among(place: Place, ids: Iterable[str], filter: Filter | None = None) -> str:
    """Return the expression for those of these documents that match; a key is of one namespace only."""
    keys = ", ".join(literal(point_id(id, place.namespace)) for id in ids)
    expression = f"key in [{keys}]"
    return expression if filter is None else f"{expression} and {MilvusCompiler().compile(filter)}"


def literal(text: str) -> str:
    """Return a text as a literal of an expression."""
    return f'"{text.translate(_ESCAPES)}"'


class MilvusCompiler(FacetCompiler[str]):
    """Conditions on the fields of a collection; each is closed, so that it can stand anywhere."""

    def has(self, some: Sequence[str]) -> str:
        if len(some) == 1:
            return f"array_contains(facets, {literal(some[0])})"
        return f"array_contains_any(facets, [{', '.join(map(literal, some))}])"

    def lacks(self, all: Sequence[str]) -> str:
        return f"(not {self.has(all)})"

    def compare_number(self, key: str, op: Op, bound: float) -> str:
        return f"numbers[{literal(key)}] {_SYMBOLS[op]} {float(bound)!r}"

    def all_of(self, parts: Sequence[str]) -> str:
        return f"({' and '.join(parts)})"

    def any_of(self, parts: Sequence[str]) -> str:
        return f"({' or '.join(parts)})"
