"""Filters as LanceDB's SQL. It has no parameters, so values stand in it as literals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from onevec.adapter import Place
from onevec.compile import FacetCompiler, compiles
from onevec.compile import native as own
from onevec.compile.dialects import LANCE
from onevec.facets import dated, listed
from onevec.filters import Condition, Filter, Op

_SYMBOLS = {Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}
_ALONE = 8  # what a condition takes of the parser's depth, at most


class Piece(NamedTuple):
    """A part of a condition.

    Attributes:
        text: SQL that is true or false, and never NULL where something negates it.
        depth: How deep the parser has to go for it.
        word: The operator that joins it, or "" where nothing can take it apart.
    """

    text: str
    depth: int = _ALONE
    word: str = ""


def condition(
    place: Place,
    filter: Filter | None = None,
    ids: Iterable[str] | None = None,
    *,
    after: str | None = None,
    native: object = None,
    everywhere: bool = False,
) -> str:
    """Return the condition for the documents of a place that match, are of these ids, and come after another one.

    Args:
        place: The place.
        filter: What they match.
        ids: The ids.
        after: The id of the other one.
        native: What must hold besides, as a caller wrote it.
        everywhere: Whether they may be of any namespace; without another condition it is "" then.
    """
    parts = [] if everywhere else [Piece(f"namespace = {literal(place.namespace)}")]
    if ids is not None:
        some = ", ".join(map(literal, ids))
        parts.append(Piece(f"id IN ({some})" if some else "FALSE"))
    if after is not None:
        parts.append(Piece(f"id > {literal(after)}"))
    if filter is not None:
        parts.append(LanceCompiler().compile(filter))
    if native is not None:
        parts.append(Piece(own.condition(native, LANCE).text))
    return _joined(parts, "AND").text if parts else ""


def literal(text: str) -> str:
    """Return a text as a literal of SQL; in one, no other character than the quote means anything."""
    return "'" + text.replace("'", "''") + "'"


class LanceCompiler(FacetCompiler[Piece]):
    """Conditions on the columns of a collection's table."""

    def has(self, some: Sequence[str]) -> Piece:
        if len(some) == 1:
            return Piece(f"array_has(facets, {literal(some[0])})")
        return Piece(f"array_has_any(facets, [{', '.join(map(literal, some))}])")

    def lacks(self, all: Sequence[str]) -> Piece:
        return self.negate(self.has(all))

    def compare_number(self, key: str, op: Op, bound: float) -> Piece:
        # Where floats are ordered, -0.0 comes before 0.0.
        return Piece(f"{_at('numbers', key)} {_SYMBOLS[op]} {bound + 0.0!r}")

    @compiles(Op.STARTS_WITH, Op.HAS_TEXT)
    def part_of_text(self, condition: Condition) -> Piece:
        name, function = condition.field, "starts_with" if condition.op is Op.STARTS_WITH else "contains"
        part = Piece(f"{function}({_at('texts', name)}, {literal(str(condition.value))})")
        is_text = Piece(f"array_has(texts_of, {literal(name)})")
        return self.all_of([is_text, self.lacks([dated(name), listed(name)]), part])

    def all_of(self, parts: Sequence[Piece]) -> Piece:
        return _joined(parts, "AND")

    def any_of(self, parts: Sequence[Piece]) -> Piece:
        return _joined(parts, "OR")

    def negate(self, part: Piece) -> Piece:
        return Piece(f"NOT ({part.text})", part.depth + 2)


def _at(column: str, key: str) -> str:
    """The element of a list that belongs to a key; NULL if there is none."""
    return f"array_element({column}, CAST(array_position({column}_of, {literal(key)}) AS BIGINT))"


def _joined(parts: Sequence[Piece], word: str) -> Piece:
    """Join, the deepest part first: LanceDB's parser goes 50 deep, and what comes first takes least of that."""
    inner = [part if part.word in ("", word) or part.word == "AND" else _closed(part) for part in parts]
    inner.sort(key=lambda part: -part.depth)
    if len(inner) == 1:
        return inner[0]
    depth = max(inner[0].depth, inner[1].depth + 2)
    return Piece(f" {word} ".join(part.text for part in inner), depth, word)


def _closed(part: Piece) -> Piece:
    return Piece(f"({part.text})", part.depth + 1)
