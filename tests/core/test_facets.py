"""Facets say of a document what a filter asks, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onevec import facets
from onevec.compile import FacetCompiler, compiles
from onevec.documents import Metadata
from onevec.facets import facets_of, flattened, numbers_of
from onevec.filters import ALWAYS, NEVER, And, Condition, Filter, Not, Op, Or, conditions, field
from onevec.lower import lower
from onevec.matching import matches
from onevec.testing import strategies
from onevec.validate import clean_metadata
from onevec.values import value_key

from .filter_cases import CASES, Case

MIDNIGHT = datetime(2020, 1, 1, tzinfo=UTC)
_COMPARE: dict[Op, Callable[[float, float], bool]] = {
    Op.LT: float.__lt__,
    Op.LE: float.__le__,
    Op.GT: float.__gt__,
    Op.GE: float.__ge__,
}


class Kept:
    """What an engine keeps of a document: strings that it has or has not, and floats, as its JSON brings them there."""

    def __init__(self, metadata: Metadata) -> None:
        self.facets = set(json.loads(json.dumps(facets_of(metadata))))
        self.numbers: dict[str, float] = json.loads(json.dumps(numbers_of(metadata)))


Test = Callable[[Kept], bool]


class KeptCompiler(FacetCompiler[Test]):
    """The smallest engine: it asks `Kept`, and knows no negation."""

    def has(self, some: Sequence[str]) -> Test:
        assert some
        return lambda kept: not kept.facets.isdisjoint(some)

    def lacks(self, all: Sequence[str]) -> Test:
        assert all
        return lambda kept: kept.facets.isdisjoint(all)

    def compare_number(self, key: str, op: Op, bound: float) -> Test:
        assert type(bound) is float
        return lambda kept: key in kept.numbers and _COMPARE[op](kept.numbers[key], bound)

    def all_of(self, parts: Sequence[Test]) -> Test:
        assert len(parts) > 1
        return lambda kept: all(part(kept) for part in parts)

    def any_of(self, parts: Sequence[Test]) -> Test:
        assert len(parts) > 1
        return lambda kept: any(part(kept) for part in parts)


OPERATORS = KeptCompiler.operators
ASKABLE = [case for case in CASES if {part.op for part in conditions(case.filter)} <= OPERATORS]


def found(filter: Filter, metadata: Metadata) -> bool:
    return KeptCompiler().compile(filter)(Kept(metadata))


def test_all_but_two_operators_need_nothing_but_facets() -> None:
    """What asks for parts of a string is the engine's own."""
    assert set(Op) - OPERATORS == {Op.STARTS_WITH, Op.HAS_TEXT}


@given(filter=strategies.filters(OPERATORS), metadata=strategies.stored_metadata())
def test_facets_answer_as_the_evaluator_does(filter: Filter, metadata: Metadata) -> None:
    """A random filter, lowered or not, is true of a random document's facets exactly if it is true of the document."""
    expected = matches(filter, metadata)
    assert found(filter, metadata) is expected
    assert found(lower(filter, OPERATORS), metadata) is expected


@pytest.mark.parametrize("case", ASKABLE, ids=lambda case: f"{case.filter}-{case.metadata}"[:100])
def test_facets_agree_with_the_contract(case: Case) -> None:
    """Every case of the table holds, and its negation doesn't."""
    metadata = clean_metadata(case.metadata, "the document")
    assert found(case.filter, metadata) is case.expected
    assert found(Not(case.filter), metadata) is not case.expected


_SCALARS = st.one_of(
    st.booleans(), st.text(max_size=3), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.datetimes()
)


@given(one=_SCALARS | st.lists(_SCALARS, max_size=2), other=_SCALARS | st.lists(_SCALARS, max_size=2))
@example(2020, 2020.0)
@example(0, -0.0)
@example(1, True)
@example(2**53 + 1, 2.0**53)
@example(2**63 - 1, 2.0**63)
@example(-(2**63), -(2.0**63))
@example([1, [2.0]], [1.0, [2]])
@example(MIDNIGHT, "2020-01-01T00:00:00Z")
@example([MIDNIGHT], [{"t": 1577836800000000}])
@example([None], ["null"])
@example("a" * 200, "a" * 201)
@example("a\0b", "a")
def test_equal_values_have_one_facet(one: Any, other: Any) -> None:
    """Two values have the same facet exactly if the contract calls them equal."""
    alike = value_key(one) == value_key(other)
    assert (facets.equal("a", one) == facets.equal("a", other)) is alike
    assert (facets.equal("a", one) == facets.equal("b", other)) is False
    if not isinstance(one, list):
        assert facets.element("a", one) not in facets_of({"a": one})
        assert facets.element("a", one) in facets_of({"a": [one]})


def test_the_facets_of_a_document() -> None:
    """The facets are those of the module's own example: they are stored, so they don't change."""
    metadata: Metadata = {
        "year": 1958,
        "flag": True,
        "tags": ["wing", 3, "wing", None, ["x"], {"y": 1}],
        "author": {"name": "Zoë", "none": {}},
        "at": datetime(1970, 1, 2, tzinfo=UTC),
        "on": "1970-01-02",
        "a.b": 1,
        "": 1,
    }
    assert facets_of(metadata) == [
        *("*", "?year", "year=n:1958", "?year:n", "?flag", "flag=b:true"),
        *("?tags", 'tags=l:["wing",3,"wing",null,["x"],{"o":{"y":1}}]', "?tags:l", "tags[]=s:wing", "tags[]=n:3"),
        *("?author", "?author.name", "author.name=s:Zoë", "?author.none"),
        *("?at", "at=t:86400000000", "?at:t", "?at:d", "?on", "on=s:1970-01-02", "?on:t"),
    ]
    assert facets_of({}) == ["*"]


def test_a_long_facet_is_its_hash() -> None:
    """No facet has more than 128 characters or a NUL, whatever the field's name and value are."""
    metadata: Metadata = {"a" * 200: "x", "b": "x" * 124, "c": "x" * 100_000, "d": ["\0", "y" * 500], "e": "é" * 125}
    kept = facets_of(metadata)
    assert max(map(len, kept)) == facets.LONGEST
    assert not any("\0" in facet for facet in kept)
    assert "b=s:" + "x" * 124 in kept
    assert len({facet for facet in kept if facet.startswith("#")}) == 7
    for name in metadata:
        assert found(field(name).exists(), metadata)
        assert found(field(name) == metadata[name], metadata)
    assert found(field("d").contains("y" * 500), metadata)
    assert not found(field("c") == "x" * 99_999, metadata)


@given(
    value=st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    bound=st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    op=st.sampled_from(list(_COMPARE)),
)
@example(2**53 + 1, 2**53, Op.GT)
@example(2**53 + 1, 2.0**53, Op.LE)
@example(2**63 - 1, 2.0**63, Op.LT)
@example(2**63 - 1, 2**63 - 2, Op.GT)
@example(-(2**63) + 1, -(2**63), Op.LE)
def test_ranges_are_exact_though_engines_compare_floats(value: float, bound: float, op: Op) -> None:
    """Numbers of any size are ordered as numbers, where no float is between them, too."""
    filter = Condition("v", op, bound)
    assert found(filter, {"v": value}) is matches(filter, {"v": value})
    assert found(Not(filter), {"v": value}) is not matches(filter, {"v": value})


def test_instants_are_exact_to_the_microsecond_in_any_year() -> None:
    """Also where microseconds since 1970 are more than a float can tell apart."""
    for moment in (datetime.min, datetime(1600, 1, 1), MIDNIGHT, datetime(9999, 12, 31)):  # noqa: DTZ001, DTZ901 (UTC)
        moment = moment.replace(tzinfo=UTC)  # noqa: PLW2901
        later = moment + timedelta(microseconds=1)
        for stored in (moment, moment.isoformat()):
            assert found(field("at") >= moment, {"at": stored})
            assert found(field("at") < later, {"at": stored})
            assert not found(field("at") >= later, {"at": stored})
            assert not found(field("at") < 5, {"at": stored})


def test_the_numbers_of_a_document() -> None:
    """They are floats under names that no other field can have, with what a float lacks beside it."""
    metadata: Metadata = {"n": 5, "x": {"y": 2**53 + 1}, "at": MIDNIGHT, "on": "2020-01-01", "b": True, "l": [5]}
    assert numbers_of(metadata) == {
        "n": 5.0,
        "x.y": 2.0**53,
        "x.y:low": 1.0,
        "at:time": 1577836800000000.0,
        "on:time": 1577836800000000.0,
    }


def test_flattened_is_what_a_flat_engine_can_hold() -> None:
    """Scalars and lists of strings come under dotted names; the rest is left out."""
    metadata: Metadata = {
        "a": {"b": {"c": 1}, "d": [], "e": {}},
        "at": MIDNIGHT,
        "l": ["x", "y"],
        "mixed": ["x", 1],
        "flag": False,
        "": 1,
        "a.b": 2,
        "text": "wing",
    }
    assert flattened(metadata) == {
        "a.b.c": 1,
        "at": "2020-01-01T00:00:00.000000Z",
        "l": ["x", "y"],
        "flag": False,
        "text": "wing",
    }


def test_always_and_never_are_questions_too() -> None:
    """An engine never gets an empty combination: what is always true asks for the facet that every document has."""
    for metadata in ({}, {"a": 1}):
        assert found(ALWAYS, metadata)
        assert not found(NEVER, metadata)
        assert not found(And((ALWAYS, NEVER)), metadata)
        assert found(Or((ALWAYS, NEVER)), metadata)


class WithText(KeptCompiler):
    """An engine that has an operator of its own, and no word for its negation."""

    @compiles(Op.HAS_TEXT)
    def has_text(self, condition: Condition) -> Test:
        return lambda kept: any(str(condition.value) in facet for facet in kept.facets)


def test_an_operator_of_the_engines_own_brings_its_negation() -> None:
    """A compiler that adds an operator and can't negate it fails where that is asked for, and says why."""
    assert WithText.operators == OPERATORS | {Op.HAS_TEXT}
    assert WithText().compile(field("a").has_text("in"))(Kept({"a": "wing"}))
    with pytest.raises(NotImplementedError, match="WithText"):
        WithText().compile(~field("a").has_text("in"))
