"""Filters as dicts, triples, lists and text: one tree, whichever way it is written."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections import UserDict
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from onevec import filter_text
from onevec.filter_syntax import parse_filter, parse_text, to_dict, to_text
from onevec.filters import (
    ALWAYS,
    NEVER,
    And,
    Condition,
    Filter,
    FilterLike,
    Not,
    Op,
    Or,
    SearchFilter,
    conditions,
    field,
)

x, y = field("x"), field("y")
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)


OPERATORS: list[tuple[str, Any, Filter]] = [
    ("eq", "en", x == "en"),
    ("eq", [1, "a"], x == [1, "a"]),
    ("eq", None, x.is_null()),
    ("ne", True, x != True),  # noqa: E712 (a filter)
    ("ne", None, x.exists()),
    ("lt", 1, x < 1),
    ("lt", NOON, x < NOON),
    ("le", 1, x <= 1),
    ("lte", 1, x <= 1),
    ("gt", "2020-01-01", x > "2020-01-01"),
    ("ge", 1.5, x >= 1.5),
    ("gte", {"$datetime": "2020-01-01T12:00:00Z"}, x >= NOON),
    ("between", [1, 2], x.between(1, 2)),
    ("between", ("2020-01-01", NOON), x.between("2020-01-01", NOON)),
    ("in", [1, "a"], x.is_in([1, "a"])),
    ("in", [], x.is_in([])),
    ("in", (1, None), x.is_in([1, None])),
    ("in", {1}, x.is_in([1])),
    ("in", np.array([1, 2]), x.is_in([1, 2])),
    ("in", [{"$datetime": "2020-01-01T12:00:00Z"}, [NOON]], x.is_in([NOON, [NOON]])),
    ("nin", [1], x.not_in([1])),
    ("not_in", [None], x.not_in([None])),
    ("exists", True, x.exists()),
    ("exists", False, x.is_null()),
    ("missing", True, x.is_null()),
    ("missing", False, x.exists()),
    ("contains", "a", x.contains("a")),
    ("contains_any", ["a"], x.contains_any(["a"])),
    ("contains_all", [], x.contains_all([])),
    ("starts_with", "a", x.starts_with("a")),
    ("has_text", "a", x.has_text("a")),
]


@pytest.mark.parametrize(("name", "operand", "filter"), OPERATORS, ids=str)
def test_an_operator_has_one_name_in_dicts_and_triples(name: str, operand: Any, filter: Filter) -> None:
    """Each operator is spelled the same in both dict forms and in triples, with a `$` or without."""
    for spelled in (name, f"${name}"):
        forms: list[Any] = [{"x": {spelled: operand}}, SearchFilter("x", spelled, operand), [["x", spelled, operand]]]
        for form in forms:
            assert parse_filter(form) == filter
    assert parse_filter(to_dict(filter)) == parse_filter(to_text(filter)) == filter


def test_every_operator_has_a_name() -> None:
    """The table above leaves no operator out."""
    assert {condition.op for *_, filter in OPERATORS for condition in conditions(filter)} == set(Op)


@pytest.mark.parametrize(
    ("built", "mongo", "short", "triples", "text"),
    [
        (
            (x >= 0.8) & (x <= 1.0) & (y == "en"),
            {"$and": [{"x": {"$gte": 0.8}}, {"x": {"$lte": 1.0}}, {"y": {"$eq": "en"}}]},
            {"x": {"gte": 0.8, "lte": 1.0}, "y": "en"},
            [SearchFilter("x", "gte", 0.8), SearchFilter("x", "lte", 1.0), SearchFilter("y", "eq", "en")],
            "x >= 0.8 and x <= 1.0 and y == 'en'",
        ),
        (
            field("author.name").starts_with("B") & field("tags").contains_any(["wing", "flap"]),
            {"author.name": {"$starts_with": "B"}, "tags": {"$contains_any": ["wing", "flap"]}},
            {"author.name": {"starts_with": "B"}, "tags": {"contains_any": ["wing", "flap"]}},
            (("author.name", "starts_with", "B"), ("tags", "contains_any", ["wing", "flap"])),
            'author.name starts_with "B" and tags contains_any ["wing", "flap"]',
        ),
        (x == [1, 2], {"x": {"$eq": [1, 2]}}, {"x": [1, 2]}, ("x", "eq", [1, 2]), "x == [1, 2]"),
        (x == True, {"x": {"$eq": True}}, {"x": True}, ("x", "eq", True), "x"),  # noqa: E712 (a filter)
        (x.is_null(), {"x": {"$exists": False}}, {"x": None}, SearchFilter("x", "missing"), "x is null"),
        (
            x.is_in([1, None]),
            {"$or": [{"x": {"$missing": True}}, {"x": {"$in": [1]}}]},
            {"x": {"in": [None, 1]}},
            ("x", "in", [1, None]),
            "x missing or x in [1]",
        ),
        (
            x >= NOON,
            {"x": {"$gte": {"$datetime": "2020-01-01T12:00:00Z"}}},
            {"x": {"gte": NOON}},
            ("x", "gte", "2020-01-01T13:00:00+01:00"),
            'x >= datetime("2020-01-01T12:00:00Z")',
        ),
    ],
    ids=str,
)
def test_one_filter_in_five_forms(
    built: Filter, mongo: FilterLike, short: FilterLike, triples: FilterLike, text: str
) -> None:
    """The builder, the Mongo-style dict, the short dict, triples and text give one and the same tree."""
    for form in (built, mongo, short, triples, text):
        assert parse_filter(form) == built


@pytest.mark.parametrize(
    ("form", "filter"),
    [
        ({}, ALWAYS),
        ([], ALWAYS),
        ((), ALWAYS),
        ("", ALWAYS),
        (" \n", ALWAYS),
        ({"$and": []}, ALWAYS),
        ({"$or": []}, NEVER),
        ({"$nor": []}, Not(NEVER)),
        ({"$not": {}}, Not(ALWAYS)),
        ({"$and": [{"x": 1}]}, And((x == 1,))),
        ({"$or": [{"x": 1}]}, Or((x == 1,))),
        ({"$or": ({"x": 1}, y == 2)}, Or((x == 1, y == 2))),
        ({"$or": [("x", "eq", 1), [{"y": 1}, {"y": 2}]]}, Or((x == 1, And((y == 1, y == 2))))),
        ({"$nor": [{"x": 1}, {"y": 2}]}, Not(Or((x == 1, y == 2)))),
        ({"$not": {"x": 1, "y": 2}}, Not(And((x == 1, y == 2)))),
        ({"$not": ("x", "lt", 1)}, Not(x < 1)),
        ({"x": {"$not": {"$lt": 1}}}, Not(x < 1)),
        ({"x": {"$not": {"$gte": 1, "lt": 2}, "$exists": True}}, And((Not(And((x >= 1, x < 2))), x.exists()))),
        ({"x": 1, "$or": [{"y": 1}, {"y": 2}]}, And((x == 1, Or((y == 1, y == 2))))),
        ({"x": {"$gte": 1, "$lt": 2}, "y": 3}, And((x >= 1, x < 2, y == 3))),
        ({"in": {"in": [1]}}, field("in").is_in([1])),
        ({"and": 1, "eq": {"eq": 2}}, And((field("and") == 1, field("eq") == 2))),
        ({"x": [{"$datetime": "2020-01-01T13:00:00+01:00"}, None]}, x == [NOON, None]),
        (UserDict({"x": UserDict({"gte": 1})}), x >= 1),
        (MappingProxyType({"x": MappingProxyType({"$datetime": "2020-01-01T12:00:00Z"})}), x == NOON),
        (SearchFilter("x", "exists"), x.exists()),
        (("x", Op.GE, 1), x >= 1),
        (["x", "gte", 1], x >= 1),
        ([["x", "gte", 1], ["y", "missing", None]], And((x >= 1, y.is_null()))),
        ([x == 1], x == 1),
        ((x == 1, y == 2), And((x == 1, y == 2))),
        ([x == 1, {"y": {"lt": 2}}, ("y", "gt", 0)], And((x == 1, y < 2, y > 0))),
        ([{"x": 1, "y": 2}, {"x": 3}], And((x == 1, y == 2, x == 3))),
        ("not x and (y or x exists)", And((Not(x == True), Or((y == True, x.exists()))))),  # noqa: E712
    ],
    ids=str,
)
def test_what_else_can_be_written(form: Any, filter: Filter) -> None:
    """What stands side by side holds together; forms nest in one another; nothing given is changed."""
    before = copy.deepcopy(form) if not isinstance(form, MappingProxyType) else dict(form)
    assert parse_filter(form) == filter
    assert str(before) == str(form) if not isinstance(form, MappingProxyType) else before == dict(form)


def test_no_filter_is_none() -> None:
    """None stays None: no filter at all, other than the one that always holds."""
    assert parse_filter(None) is None


def test_a_tree_made_by_hand_is_brought_to_one_form() -> None:
    """Lists become tuples, datetimes become UTC, and equality with None is presence, as the builder would have it."""
    values: list[object] = ["a", ["b"]]
    made = And((Condition("x", Op.IN, values), Condition("x", Op.EQ, None)))  # type: ignore[arg-type]  # the test
    assert parse_filter(made) == And((x.is_in(["a", ["b"]]), x.is_null()))
    elsewhere = Condition("x", Op.EQ, NOON.astimezone(timezone(timedelta(hours=2))))
    read = parse_filter(elsewhere)
    assert isinstance(read, Condition)
    assert getattr(read.value, "tzinfo", None) is UTC


@pytest.mark.parametrize(
    ("filter", "written"),
    [
        (ALWAYS, {"$and": []}),
        (NEVER, {"$or": []}),
        (Not(And((x == 1,))), {"$not": {"$and": [{"x": {"$eq": 1}}]}}),
        ((x >= 1) | (y <= 2), {"$or": [{"x": {"$gte": 1}}, {"y": {"$lte": 2}}]}),
        (x.not_in([1, [2]]), {"x": {"$nin": [1, [2]]}}),
        (x.exists(), {"x": {"$exists": True}}),
        (x.is_null(), {"x": {"$exists": False}}),
        (x == [], {"x": {"$eq": []}}),
        (x.between(1, 2), {"x": {"$between": [1, 2]}}),
        (x < NOON, {"x": {"$lt": {"$datetime": "2020-01-01T12:00:00.000000Z"}}}),
        (x == [NOON, None], {"x": {"$eq": [{"$datetime": "2020-01-01T12:00:00.000000Z"}, None]}}),
    ],
    ids=str,
)
def test_the_one_json_form(filter: Filter, written: dict[str, Any]) -> None:
    """`to_dict` writes every filter in one way: the Mongo-style dict, with JSON values only."""
    assert to_dict(filter) == written
    assert parse_filter(written) == filter


def test_the_text_form_is_the_same_one() -> None:
    """`filter_syntax` hands on `parse_text` and `to_text`."""
    assert (parse_text, to_text) == (filter_text.parse_text, filter_text.to_text)


def test_each_module_can_be_the_first_one_imported() -> None:
    """The modules of the filter language import each other without a circle, and `str(filter)` finds the text form."""
    for module in ("filters", "filter_tokens", "filter_text", "filter_syntax"):
        code = f"import onevec.{module}; from onevec.filters import field; print(field('x') == 1)"
        shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
        assert shown.stdout.strip() == "x == 1"
