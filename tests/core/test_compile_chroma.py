"""Filters as conditions of Chroma's mean what the contract says, under the rules that Chroma has for its columns."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from onevec.adapters.chroma.conditions import ChromaCompiler
from onevec.adapters.chroma.fields import kept
from onevec.adapters.chroma.records import records_of
from onevec.adapters.chroma.shapes import MOST, SHAPELESS, Kinds
from onevec.codec import iso
from onevec.documents import Metadata
from onevec.filters import Filter, Not, conditions, field
from onevec.lower import lower
from onevec.matching import matches
from onevec.metrics import Metric
from onevec.remote import Row
from onevec.testing import strategies
from onevec.validate import clean_metadata

from .filter_cases import CASES

Compare = Callable[[Any, Any], bool]

RANGES: dict[str, Compare] = {"$lt": operator.lt, "$lte": operator.le, "$gt": operator.gt, "$gte": operator.ge}
FULL: dict[str, Kinds] = {str(number): frozenset() for number in range(MOST)}

some_or_many = pytest.mark.parametrize("full", [False, True], ids=["shape", "shapeless"])


def record(metadata: Metadata, shapes: dict[str, Kinds]) -> dict[str, Any]:
    """Return the metadata that Chroma has of a document."""
    row = Row("a", None, np.ones(1, np.float32), metadata, 0, 0)
    fields: dict[str, Any] = records_of([row], Metric.DOT, {}, shapes)["metadatas"][0]
    return fields


def as_read(number: float) -> float:
    """Return what Chroma reads of a number's digits: integers exactly, fractions by one rounding too many."""
    digits = Decimal(repr(number)).as_tuple()
    exponent = int(digits.exponent)
    if isinstance(number, int) or not -22 <= exponent < 0:
        return number
    return math.copysign(float(int("".join(map(str, digits.digits)))) / 10.0**-exponent, number)


def compared(compare: Compare, stored: Any, operand: Any) -> bool:
    """Compare as Chroma does: columns of one type each, and numbers as whole ones with those."""
    if isinstance(operand, str | bool):
        return type(stored) is type(operand) and compare(stored, operand)
    operand = as_read(operand)
    if isinstance(stored, float):
        return compare(as_read(stored), float(operand))
    return type(stored) is int and compare(stored, min(max(int(operand), -(2**63)), 2**63 - 1))


def holds(where: dict[str, Any], fields: dict[str, Any]) -> bool:
    """Run a condition as Chroma does, refusing what it refuses."""
    ((name, value),) = where.items()
    if name in ("$and", "$or"):
        assert len(value) >= 2
        return (all if name == "$and" else any)(holds(part, fields) for part in value)
    ((symbol, operand),) = value.items()
    stored = fields.get(name)
    match symbol:
        case "$contains" | "$not_contains":
            return (isinstance(stored, list) and operand in stored) is (symbol == "$contains")
        case "$in" | "$nin":
            assert len({type(item) for item in operand}) == 1
            return any(compared(operator.eq, stored, item) for item in operand) is (symbol == "$in")
        case "$eq" | "$ne":
            return compared(operator.eq, stored, operand) is (symbol == "$eq")
        case _:
            assert type(operand) in (int, float)
            return compared(RANGES[symbol], stored, operand)


@some_or_many
@given(filter=strategies.filters(ChromaCompiler.operators), metadata=strategies.stored_metadata())
def test_conditions_find_what_the_evaluator_does(*, full: bool, filter: Filter, metadata: Metadata) -> None:
    """A random filter, lowered or not, finds a random document exactly if it matches."""
    shapes = dict(FULL) if full else {}
    fields = record(metadata, shapes)
    assert (fields["onevec:shape"] == SHAPELESS) is full
    expected = matches(filter, metadata)
    assert holds(ChromaCompiler(shapes).compile(filter), fields) is expected
    assert holds(ChromaCompiler(shapes).compile(lower(filter, ChromaCompiler.operators)), fields) is expected


@some_or_many
def test_conditions_agree_with_the_contract(*, full: bool) -> None:
    """Every case of the table holds, and its negation doesn't."""
    for case in CASES:
        if {part.op for part in conditions(case.filter)} <= ChromaCompiler.operators:
            shapes = dict(FULL) if full else {}
            fields = record(clean_metadata(case.metadata, "the document"), shapes)
            compiler = ChromaCompiler(shapes)
            assert holds(compiler.compile(case.filter), fields) is case.expected, case
            assert holds(compiler.compile(Not(case.filter)), fields) is not case.expected, case


NUMBERS = [
    0,
    1,
    -1,
    0.5,
    -0.5,
    1.5,
    -1.5,
    7,
    7.0,
    0.1 + 0.2,
    1 - 2**-53,
    1 + 2**-52,
    1023.9999999999999,
    99.99999999999999,
]
LARGE = [2**53 - 1, 2**53, 2.0**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2.0**63, -(2**63), -(2.0**63), 1e300, -1e300]


@pytest.mark.parametrize("stored", [*NUMBERS, *LARGE])
def test_numbers_are_compared_as_numbers(stored: float) -> None:
    """Integers with fractions, and beyond what a float can tell apart, where Chroma would take their whole part."""
    shapes: dict[str, Kinds] = {}
    fields = record({"v": stored}, shapes)
    v = field("v")
    for other in [*NUMBERS, *LARGE]:
        for filter in (v == other, v != other, v < other, v <= other, v > other, v >= other, v.is_in([other, "a"])):
            for asked in (filter, Not(filter)):
                assert holds(ChromaCompiler(shapes).compile(asked), fields) is matches(asked, {"v": stored}), asked


def test_a_fraction_stays_one() -> None:
    """One that Chroma would read as a whole number is kept apart from it; others are kept as they are."""
    for number in (1 - 2**-53, 1023.9999999999999, 99.99999999999999):
        assert as_read(number) == round(number)
        assert as_read(kept(number)) < round(number)
    for same in (0.5, 0.1 + 0.2, 1e-300, 2.0**50 + 0.5, 3):
        assert kept(same) == same


def test_a_datetime_is_not_the_text_that_it_is_stored_as() -> None:
    """Nor is that text the datetime, though other tools see the same of both."""
    moment = datetime(2020, 1, 1, 12, tzinfo=UTC)
    text = iso(moment)
    for stored in (moment, text):
        shapes: dict[str, Kinds] = {}
        fields = record({"v": stored}, shapes)
        assert fields["v"] == text
        for asked in (moment, text):
            for filter in (field("v") == asked, field("v").is_in([asked, "a"]), ~field("v").is_in([asked, 1])):
                assert holds(ChromaCompiler(shapes).compile(filter), fields) is matches(filter, {"v": stored}), filter


@pytest.mark.parametrize(
    ("filter", "where"),
    [
        (field("lang") == "en", {"lang": {"$in": ["en"]}}),
        (field("year") == 1958, {"year": {"$in": [1958]}}),
        (
            field("year").not_in([1958, 1961, "x"]),
            {"$and": [{"year": {"$nin": ["x"]}}, {"year": {"$nin": [1958, 1961]}}]},
        ),
        (field("year") >= 1958, {"year": {"$gte": 1958}}),
        (field("tags") == ["a", "b"], {"tags=": {"$in": ['l:["a","b"]']}}),
        (field("tags").contains(3), {"onevec:facets": {"$contains": "tags[]=n:3"}}),
    ],
    ids=["text", "number", "not_in", "ge", "list", "element"],
)
def test_what_is_sent(filter: Filter, where: dict[str, Any]) -> None:
    """Conditions on the document's own fields, as short as the question allows; none of these asks for shapes."""
    compiler = ChromaCompiler({})
    assert compiler.compile(filter) == where
    assert not compiler.asked
