"""Compiled filters mean what the evaluator says, in SQLite itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onevec.codec import encode
from onevec.compile import FUNCTIONS, Compiler, SqliteCompiler, compiles
from onevec.documents import Metadata
from onevec.errors import InvalidFilter
from onevec.filters import ALWAYS, NEVER, And, Condition, Filter, Not, Op, Or, condition, field
from onevec.lower import lower
from onevec.matching import matches
from onevec.testing import strategies
from onevec.validate import clean_metadata

from .filter_cases import CASES, Case

year, lang, tags = field("year"), field("lang"), field("tags")


class Table:
    """Documents in SQLite, found by compiled filters."""

    def __init__(self) -> None:
        self.connection = apsw.Connection(":memory:")
        for name, function in FUNCTIONS.items():
            self.connection.create_scalar_function(name, function, deterministic=True)
        self.connection.execute("CREATE TABLE documents (number INTEGER PRIMARY KEY, metadata TEXT NOT NULL)")

    def fill(self, documents: Sequence[Metadata]) -> None:
        self.connection.execute("DELETE FROM documents")
        self.connection.executemany("INSERT INTO documents VALUES (?, ?)", enumerate(map(encode, documents)))

    def found(self, filter: Filter) -> list[int]:
        sql = SqliteCompiler().compile(filter)
        rows = self.connection.execute(f"SELECT number FROM documents WHERE {sql.text} ORDER BY number", sql.values)
        return [number for (number,) in rows]


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    table = Table()
    yield table
    table.connection.close()


@given(
    documents=st.lists(strategies.stored_metadata(), min_size=1, max_size=8),
    filters=st.lists(strategies.filters(), min_size=1, max_size=4),
)
def test_sqlite_finds_what_the_evaluator_does(table: Table, documents: list[Metadata], filters: list[Filter]) -> None:
    """Lowered or not, a random filter finds the same of random documents."""
    table.fill(documents)
    for filter in filters:
        expected = [number for number, metadata in enumerate(documents) if matches(filter, metadata)]
        assert table.found(lower(filter, SqliteCompiler.operators)) == expected
        assert table.found(filter) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.filter}-{case.metadata}"[:100])
def test_sqlite_agrees_with_the_contract(table: Table, case: Case) -> None:
    """Every case of the table holds, and its negation doesn't."""
    table.fill([clean_metadata(case.metadata, "the document")])
    assert table.found(case.filter) == ([0] if case.expected else [])
    assert table.found(Not(case.filter)) == ([] if case.expected else [0])


LOOKS_ALIKE = [[1], {"a": 1}, datetime(2020, 1, 1, tzinfo=UTC), True, 1, [], {}]


@pytest.mark.parametrize("value", LOOKS_ALIKE, ids=str)
def test_a_string_is_not_the_json_of_another_value(table: Table, value: object) -> None:
    """SQLite gives a list or an object as its JSON text, and true as 1."""
    text = encode({"v": value})[len('{"v":') : -1]
    table.fill([{"v": value}, {"v": [value]}, {"v": text}, {"v": [text]}])
    v = field("v")
    assert table.found((v == text) | v.is_in([text]) | v.starts_with(text) | v.has_text(text)) == [2]
    assert table.found(v.contains(text) | v.contains_any([text]) | v.contains_all([text])) == [3]
    if not isinstance(value, dict):  # no operand is an object
        assert table.found((v == value) | v.is_in([value])) == [0]


def test_every_operator_compiles_for_sqlite() -> None:
    assert SqliteCompiler.operators == frozenset(Op)


@pytest.mark.parametrize("op", Op)
def test_an_operand_is_never_in_the_text(op: Op) -> None:
    """Whatever a string or a number is, it goes to SQLite as a value."""
    hostile, number = "x' OR '1'='1\"; --", 918273645
    match op:
        case Op.EXISTS | Op.MISSING:
            operand: Any = None
        case Op.LT | Op.LE | Op.GT | Op.GE:
            operand = number
        case Op.BETWEEN:
            operand = (number, number)
        case Op.IN | Op.NOT_IN | Op.CONTAINS_ANY | Op.CONTAINS_ALL:
            operand = [hostile, number]
        case _:
            operand = hostile
    sql = SqliteCompiler().compile(condition("v", op, operand))
    assert "OR '1'" not in sql.text
    assert "91827" not in sql.text
    assert sql.text.count("?") == len(sql.values)


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a b", "", "$datetime", "a..b", "a[0]", "é"])
def test_a_name_that_was_not_checked_is_refused(name: str) -> None:
    """A condition made without `field()` can't bring its name into the text."""
    with pytest.raises(InvalidFilter, match="can't be a field"):
        SqliteCompiler().compile(Condition(name, Op.EQ, 1))


def test_the_column_can_be_named() -> None:
    assert SqliteCompiler("d.metadata").compile(lang.exists()).text.startswith("(json_extract(d.metadata,")


@pytest.mark.parametrize(
    "filter",
    [lang == "en", year >= 1958, lang.is_in(["en", "de"]), lang != "en", lang.exists(), tags.contains("x")],
    ids=str,
)
def test_common_conditions_run_in_sqlite_alone(filter: Filter) -> None:
    """They call no Python function."""
    assert "onevec_" not in SqliteCompiler().compile(filter).text


def test_a_datetime_field_is_compared_in_sqlite_alone() -> None:
    """Python is called for strings only."""
    calls: list[object] = []

    def instant(*values: object) -> None:
        calls.extend(values)

    with apsw.Connection(":memory:") as connection:
        connection.create_scalar_function("onevec_instant", instant)
        connection.execute("CREATE TABLE documents (metadata TEXT)")
        values: list[object] = [datetime(2020, 1, 1, tzinfo=UTC), 2020, ["2020-01-01"], "2020-01-01", True]
        connection.executemany("INSERT INTO documents VALUES (?)", [(encode({"at": value}),) for value in values])
        sql = SqliteCompiler().compile(field("at") >= datetime(2019, 1, 1, tzinfo=UTC))
        assert connection.execute(f"SELECT count(*) FROM documents WHERE {sql.text}", sql.values).get == 1

    assert calls == ["2020-01-01"]


def test_a_filter_of_ten_thousand_values_runs(table: Table) -> None:
    """A statement takes 32,766 values; a list is one of them."""
    table.fill([{"year": 9_999}, {"year": 10_000}, {"year": "9999"}, {}])
    assert table.found(year.is_in(range(10_000))) == [0]
    assert table.found(year.not_in(range(10_000))) == [1, 2, 3]
    table.fill([{"tags": list(range(2000))}, {"tags": [1999]}])
    assert table.found(tags.contains_all(range(2000))) == [0]
    assert table.found(tags.contains_any(range(1999, 12_000))) == [0, 1]


@pytest.mark.parametrize("kind", [And, Or])
def test_a_filter_of_thousands_of_members_runs(table: Table, kind: type[And | Or]) -> None:
    """SQLite refuses expressions 1,000 deep, as a plain chain would be."""
    table.fill([{"year": 1}, {}])
    members = tuple((year != number) if kind is And else (year == number) for number in range(4_000))
    assert table.found(kind(members)) == ([1] if kind is And else [0])


def test_the_deepest_filter_runs(table: Table) -> None:
    """64 levels of wide combinations, each first in the one around it."""
    table.fill([{"x": 1}, {"x": 2}])
    filter: Filter = Not(field("x") < 2)
    for level in range(63):
        kind, other = (And, Not(field("y") < 0)) if level % 2 else (Or, field("y") < 0)
        filter = kind((filter, *[other] * 20))
    assert table.found(filter) == [1]


class WordCompiler(Compiler[str]):
    @compiles(Op.EQ, Op.IN)
    def equal(self, condition: Condition) -> str:
        return f"{condition.field}={condition.value}"

    def all_of(self, parts: Sequence[str]) -> str:
        return f"all({' '.join(parts)})"

    def any_of(self, parts: Sequence[str]) -> str:
        return f"any({' '.join(parts)})"

    def negate(self, part: str) -> str:
        return f"not({part})"


class WiderWordCompiler(WordCompiler):
    @compiles(Op.EXISTS)
    def present(self, condition: Condition) -> str:
        return f"{condition.field}?"

    def equal(self, condition: Condition) -> str:
        return super().equal(condition).upper()


def test_a_compilers_operators_are_those_its_methods_take() -> None:
    """A dialect adds to its family's operators, and can replace a method without marking it again."""
    assert WordCompiler.operators == {Op.EQ, Op.IN}
    assert WiderWordCompiler.operators == {Op.EQ, Op.IN, Op.EXISTS}
    assert Compiler.operators == frozenset()
    assert WiderWordCompiler().compile((lang == "en") & lang.exists()) == "all(LANG=EN lang?)"


def test_a_compiler_walks_the_whole_tree() -> None:
    filter = Or((And((lang == "en", Not(year == 1))), ALWAYS, NEVER))
    assert WordCompiler().compile(filter) == "any(all(lang=en not(year=1)) all() any())"
