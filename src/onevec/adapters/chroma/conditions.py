"""Filters as Chroma's conditions on the fields of `onevec.adapters.chroma.fields`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onevec import facets
from onevec.adapters.chroma.fields import EXACT, FACETS, NUMBER, VALUE, is_whole, kept, typed
from onevec.adapters.chroma.shapes import SHAPE, SHAPELESS, Kinds
from onevec.compile.dicts import SYMBOLS, Dict, DictCompiler
from onevec.filters import Condition, Op
from onevec.values import instant

_GROUP = 100  # conditions side by side: SQLite, under Chroma, takes 1,000 in each other
_NOTHING = ""  # no record has this shape
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)  # the text that datetimes are stored as


class ChromaCompiler(DictCompiler):
    """Conditions on Chroma's metadata; a long list of them becomes a tree.

    Strings, lists of strings and numbers are compared as they are, other values by what is stored of them, and whether
    a field is there by the shapes that have it.

    Args:
        shapes: Those of the Chroma collection, as far as they are known.

    Attributes:
        asked: Whether the conditions depend on the shapes.
    """

    some = "$contains"
    none = "$not_contains"
    singly = True

    def __init__(self, shapes: Mapping[str, Kinds]) -> None:
        super().__init__(facets=FACETS, numbers=NUMBER)
        self._shapes = shapes
        self.asked = False

    def has(self, some: Sequence[str]) -> Dict:
        if facets.EVERY in some:
            return {SHAPE: {"$ne": _NOTHING}}
        return self.any_of([self._shaped(lambda kinds: not kinds.isdisjoint(some)), super().has(some)])

    def lacks(self, all: Sequence[str]) -> Dict:
        if facets.EVERY in all:
            return {SHAPE: {"$eq": _NOTHING}}
        shapeless = self.all_of([{SHAPE: {"$eq": SHAPELESS}}, super().lacks(all)])
        return self.any_of([self._shaped(lambda kinds: kinds.isdisjoint(all)), shapeless])

    def all_of(self, parts: Sequence[Dict]) -> Dict:
        return super().all_of(_grouped(parts, super().all_of))

    def any_of(self, parts: Sequence[Dict]) -> Dict:
        return super().any_of(_grouped(parts, super().any_of))

    def _shaped(self, fits: Callable[[Kinds], bool]) -> Dict:
        """The records of the shapes that fit; named, as a shape that comes to be only now isn't known to fit or not."""
        self.asked = True
        return {SHAPE: {"$in": [shape for shape, kinds in self._shapes.items() if fits(kinds)] or [_NOTHING]}}

    def _condition(self, condition: Condition, *, truth: bool) -> Dict:
        name, op = condition.field, condition.op
        value: Any = condition.value  # Any: of the operator's own type
        match op:
            case Op.EQ | Op.NE:
                return self._equal(name, [value], truth=truth is (op is Op.EQ))
            case Op.IN | Op.NOT_IN:
                return self._equal(name, value, truth=truth is (op is Op.IN))
            case Op.CONTAINS:
                return self._element(name, [value], truth=truth)
            case Op.CONTAINS_ANY:
                return self._element(name, value, truth=truth)
            case Op.CONTAINS_ALL if value:
                return self._joined([self._element(name, [item], truth=truth) for item in value], every=truth)
            case _:
                return super()._condition(condition, truth=truth)

    def _equal(self, name: str, values: Sequence[Any], *, truth: bool) -> Dict:  # Any: metadata values
        """What is true where the field has one of the values; or where it has none of them, or isn't there."""
        among = "$in" if truth else "$nin"
        parts: list[Dict] = []
        texts, whole, flags, others = _sorted(values)
        plain = [text for text in texts if not _ISO.fullmatch(text)]
        if plain:
            parts.append({name: {among: plain}})
        parts += [self._text(name, text, truth=truth) for text in texts if _ISO.fullmatch(text)]
        if whole:
            parts.append({name: {among: whole}})
        if flags:
            parts.append(self._any([facets.equal(name, flag) for flag in flags], truth=truth))
        if others:
            parts.append({name + VALUE: {among: [typed(name, value) for value in others]}})
        return self._joined(parts, every=not truth)

    def _text(self, name: str, text: str, *, truth: bool) -> Dict:
        """A text that datetimes are stored as, too; those have their typed value beside it."""
        moment = f"t:{instant(text)}"
        if truth:
            return self.all_of([{name: {"$eq": text}}, {name + VALUE: {"$ne": moment}}])
        return self.any_of([{name: {"$ne": text}}, {name + VALUE: {"$eq": moment}}])

    def _element(self, name: str, items: Sequence[Any], *, truth: bool) -> Dict:  # Any: metadata values
        """What is true where the field is a list with one of the items; or where it has none of them."""
        operator = self.some if truth else self.none
        parts = [{name: {operator: item}} for item in items if isinstance(item, str)]
        parts += [{FACETS: {operator: facets.element(name, item)}} for item in items]
        return self._joined(parts, every=not truth)

    def _ordered(self, key: str, op: Op, number: float) -> Dict:
        if key.endswith(facets.TIME):
            return super()._ordered(key, op, number)
        if abs(number) < EXACT:
            return self._compared(key, op, number)
        beyond = super()._ordered(key, op, number)
        below = op in (Op.LT, Op.LE)
        if below is (number < 0):
            return beyond
        return self.any_of([{key: {"$lt": EXACT} if below else {"$gt": -EXACT}}, beyond])

    def _compared(self, key: str, op: Op, number: float) -> Dict:
        """Compare with a fraction as Chroma would, if it didn't take its whole part where the field has an integer."""
        if is_whole(number):
            return {key: {SYMBOLS[op]: int(number)}}
        bound = kept(number)
        whole = int(bound)
        compared = {key: {SYMBOLS[op]: bound}}
        match op:
            case Op.LT if whole < bound:
                return self.any_of([compared, {key: {"$eq": whole}}])
            case Op.GT if whole > bound:
                return self.any_of([compared, {key: {"$eq": whole}}])
            case Op.LE if whole > bound:
                return self.all_of([compared, {key: {"$lt": whole}}])
            case Op.GE if whole < bound:
                return self.all_of([compared, {key: {"$gt": whole}}])
            case _:
                return compared


def _sorted(values: Sequence[Any]) -> tuple[list[str], list[int], list[bool], list[Any]]:  # Any: metadata values
    """Texts, whole numbers, booleans, and what is left."""
    texts: list[str] = []
    whole: list[int] = []
    flags: list[bool] = []
    others: list[Any] = []
    for value in values:
        match value:
            case str():
                texts.append(value)
            case bool():
                flags.append(value)
            case _ if is_whole(value):
                whole.append(int(value))
            case _:
                others.append(value)
    return texts, whole, flags, others


def _grouped(parts: Sequence[Dict], join: Callable[[Sequence[Dict]], Dict]) -> Sequence[Dict]:
    while len(parts) > _GROUP:
        parts = [join(parts[start : start + _GROUP]) for start in range(0, len(parts), _GROUP)]
    return parts
