"""Filters as `$` dicts mean what the contract says, under the rules that Chroma and Pinecone give such dicts."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from onevec.compile import DictCompiler
from onevec.documents import Metadata
from onevec.facets import facets_of, numbers_of
from onevec.filters import NEVER, Filter, Not, conditions, field
from onevec.lower import lower
from onevec.matching import matches
from onevec.testing import strategies
from onevec.validate import clean_metadata

from .filter_cases import CASES


class SinglyCompiler(DictCompiler):
    """With operators that take one string, as Chroma's."""

    some = "$contains"
    none = "$not_contains"
    singly = True


COMPILERS = [DictCompiler(facets="_facets", numbers="_number."), SinglyCompiler(facets="_facets", numbers="_number.")]
both = pytest.mark.parametrize("compiler", COMPILERS, ids=["several", "singly"])

_RANGES: dict[str, Callable[[Any, Any], bool]] = {
    "$lt": operator.lt,
    "$lte": operator.le,
    "$gt": operator.gt,
    "$gte": operator.ge,
}


def record(metadata: Metadata) -> dict[str, Any]:
    """Return what an engine has of a document: flat fields, the user's own among them."""
    numbers = {f"_number.{key}": number for key, number in numbers_of(metadata).items()}
    return {**metadata, **numbers, "_facets": facets_of(metadata)}


def holds(filter: dict[str, Any], fields: dict[str, Any]) -> bool:
    """Run a filter as these engines do, refusing what they refuse."""
    ((name, value),) = filter.items()
    if name in ("$and", "$or"):
        assert len(value) >= 2
        return (all if name == "$and" else any)(holds(part, fields) for part in value)
    ((symbol, operand),) = value.items()
    if symbol in _RANGES:
        assert type(operand) is float
        return name in fields and _RANGES[symbol](fields[name], operand)
    operands = operand if isinstance(operand, list) else [operand]
    assert operands
    assert isinstance(operand, list) is (symbol in ("$in", "$nin"))
    among = not set(operands).isdisjoint(fields.get(name, ()))
    return among if symbol in ("$in", "$contains") else not among


@both
@given(filter=strategies.filters(DictCompiler.operators), metadata=strategies.stored_metadata())
def test_dicts_find_what_the_evaluator_does(compiler: DictCompiler, filter: Filter, metadata: Metadata) -> None:
    """A random filter, lowered or not, finds a random document exactly if it matches."""
    expected = matches(filter, metadata)
    assert holds(compiler.compile(filter), record(metadata)) is expected
    assert holds(compiler.compile(lower(filter, compiler.operators)), record(metadata)) is expected


@both
def test_dicts_agree_with_the_contract(compiler: DictCompiler) -> None:
    """Every case of the table holds, and its negation doesn't."""
    for case in CASES:
        if {part.op for part in conditions(case.filter)} <= compiler.operators:
            fields = record(clean_metadata(case.metadata, "the document"))
            assert holds(compiler.compile(case.filter), fields) is case.expected, case
            assert holds(compiler.compile(Not(case.filter)), fields) is not case.expected, case


@pytest.mark.parametrize(
    ("filter", "several", "singly"),
    [
        (field("year") == 1958, {"f": {"$in": ["year=n:1958"]}}, {"f": {"$contains": "year=n:1958"}}),
        (
            field("lang").not_in(["en", "de"]),
            {"f": {"$nin": ["lang=s:en", "lang=s:de"]}},
            {"$and": [{"f": {"$not_contains": "lang=s:en"}}, {"f": {"$not_contains": "lang=s:de"}}]},
        ),
        (field("year") >= 1958, {"n.year": {"$gte": 1958.0}}, {"n.year": {"$gte": 1958.0}}),
        (
            ~(field("year") >= 1958),
            {"$or": [{"f": {"$nin": ["?year:n"]}}, {"n.year": {"$lt": 1958.0}}]},
            {"$or": [{"f": {"$not_contains": "?year:n"}}, {"n.year": {"$lt": 1958.0}}]},
        ),
        (NEVER, {"f": {"$nin": ["*"]}}, {"f": {"$not_contains": "*"}}),
    ],
    ids=["eq", "not_in", "ge", "not_ge", "never"],
)
def test_what_is_sent(filter: Filter, several: dict[str, Any], singly: dict[str, Any]) -> None:
    """The dicts are as short as the question allows, and name the fields they were told to."""
    assert DictCompiler(facets="f", numbers="n.").compile(filter) == several
    assert SinglyCompiler(facets="f", numbers="n.").compile(filter) == singly
