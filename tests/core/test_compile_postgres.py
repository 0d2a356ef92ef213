"""Compiled filters mean what the evaluator says, in PostgreSQL itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.postgres import PostgresServer

from onevec.compile.jsonb import coded, decode, decoded, encode, instants
from onevec.compile.postgres import PostgresCompiler
from onevec.documents import Metadata
from onevec.errors import InvalidFilter
from onevec.filters import And, Condition, Filter, Not, Op, Or, condition, field
from onevec.lower import lower
from onevec.matching import matches
from onevec.testing import strategies
from onevec.validate import clean_metadata

from .filter_cases import CASES

year, lang, tags = field("year"), field("lang"), field("tags")


class Table:
    """Documents in PostgreSQL, found by compiled filters."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.connection.execute("CREATE TEMP TABLE documents (number integer, metadata jsonb NOT NULL, instants jsonb)")

    def fill(self, documents: Sequence[Metadata]) -> None:
        self.connection.execute("TRUNCATE documents")
        with self.connection.cursor() as cursor:
            cursor.executemany("INSERT INTO documents VALUES (%s, %s, %s)", map(_row, range(len(documents)), documents))

    def found(self, filter: Filter) -> list[int]:
        sql = PostgresCompiler().compile(filter)
        rows = self.connection.execute(f"SELECT number FROM documents WHERE {sql.text} ORDER BY number", sql.values)
        return [number for (number,) in rows]

    def metadata(self) -> list[Metadata]:
        rows = self.connection.execute("SELECT metadata::text FROM documents ORDER BY number")
        return [decode(text) for (text,) in rows]


def _row(number: int, metadata: Metadata) -> tuple[int, str, str | None]:
    at = instants(metadata)
    return number, encode(metadata), None if at is None else orjson.dumps(at).decode()


@pytest.fixture(scope="module")
def table(postgres: PostgresServer) -> Iterator[Table]:
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        yield Table(connection)


@given(
    documents=st.lists(strategies.stored_metadata(), min_size=1, max_size=8),
    filters=st.lists(strategies.filters(), min_size=1, max_size=4),
)
def test_postgres_finds_what_the_evaluator_does(table: Table, documents: list[Metadata], filters: list[Filter]) -> None:
    """Lowered or not, a random filter finds the same of random documents, and the documents come back."""
    table.fill(documents)
    assert table.metadata() == documents
    for filter in filters:
        expected = [number for number, metadata in enumerate(documents) if matches(filter, metadata)]
        assert table.found(lower(filter, PostgresCompiler.operators)) == expected
        assert table.found(filter) == expected


def test_postgres_agrees_with_the_contract(table: Table) -> None:
    """Every case of the table holds, and its negation doesn't."""
    for case in CASES:
        table.fill([clean_metadata(case.metadata, "the document")])
        assert table.found(case.filter) == ([0] if case.expected else []), case
        assert table.found(Not(case.filter)) == ([] if case.expected else [0]), case


LOOKS_ALIKE = [[1], {"a": 1}, datetime(2020, 1, 1, tzinfo=UTC), True, 1, [], {}]


@pytest.mark.parametrize("value", LOOKS_ALIKE, ids=str)
def test_a_string_is_not_the_json_of_another_value(table: Table, value: object) -> None:
    """What JSONB shows as a text is no string that has that text."""
    text = encode({"v": value})[len('{"v":') : -1]
    table.fill([{"v": value}, {"v": [value]}, {"v": text}, {"v": [text]}])
    v = field("v")
    assert table.found((v == text) | v.is_in([text]) | v.starts_with(text) | v.has_text(text)) == [2]
    assert table.found(v.contains(text) | v.contains_any([text]) | v.contains_all([text])) == [3]
    if not isinstance(value, dict):  # no operand is an object
        assert table.found((v == value) | v.is_in([value])) == [0]


def test_every_operator_compiles_for_postgres() -> None:
    """PostgreSQL runs all of the filter language itself."""
    assert PostgresCompiler.operators == frozenset(Op)


@pytest.mark.parametrize("op", Op)
@pytest.mark.parametrize("count", [2, 100])
def test_an_operand_is_never_in_the_text(op: Op, count: int) -> None:
    """Whatever a string or a number is, it goes to PostgreSQL as a value."""
    hostile, number = "x' OR '1'='1\"; -- %s $1", 918273645
    match op:
        case Op.EXISTS | Op.MISSING:
            operand: Any = None
        case Op.LT | Op.LE | Op.GT | Op.GE:
            operand = number
        case Op.BETWEEN:
            operand = (number, number)
        case Op.IN | Op.NOT_IN | Op.CONTAINS_ANY | Op.CONTAINS_ALL:
            operand = [hostile, *range(number, number + count)]
        case _:
            operand = hostile
    sql = PostgresCompiler().compile(condition("v", op, operand))
    assert "OR '1'" not in sql.text
    assert "91827" not in sql.text
    assert sql.text.count("%") == sql.text.count("%s") == len(sql.values)


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a b", "", "$datetime", "a..b", "a[0]", "é", "a%s"])
def test_a_name_that_was_not_checked_is_refused(name: str) -> None:
    """A condition made without `field()` can't bring its name into the text."""
    for op in (Op.EQ, Op.EXISTS, Op.CONTAINS):
        with pytest.raises(InvalidFilter, match="can't be a field"):
            PostgresCompiler().compile(Condition(name, op, 1))


def test_the_columns_can_be_named() -> None:
    """A query over several tables says whose columns it means."""
    compiler = PostgresCompiler("d.metadata", "d.instants")
    assert compiler.compile(lang.exists()).text == "((d.metadata -> 'lang') <> 'null')"
    assert "(d.instants -> 'at')" in compiler.compile(field("at") > datetime(2020, 1, 1, tzinfo=UTC)).text


def test_filters_of_many_values_and_members_run(table: Table) -> None:
    """A list is one value of the statement however long it is, and combinations nest as deep as the contract lets."""
    table.fill([{"year": 9_999}, {"year": 10_000}, {"year": "9999"}, {}])
    assert table.found(year.is_in(range(10_000))) == [0]
    assert table.found(year.not_in(range(10_000))) == [1, 2, 3]
    assert table.found(Or(tuple(year == number for number in range(9_000, 10_000)))) == [0]
    assert table.found(And(tuple(year != number for number in range(9_000, 10_000)))) == [1, 2, 3]
    deepest: Filter = Not(year < 10_000)
    for level in range(63):
        kind, other = (And, Not(field("y") < 0)) if level % 2 else (Or, field("y") < 0)
        deepest = kind((deepest, *[other] * 20))
    assert table.found(deepest) == [1, 2, 3]
    table.fill([{"tags": list(range(2000))}, {"tags": [1999]}, {"tags": {"0": 1}}, {"tags": 1}])
    assert table.found(tags.contains_all(range(2000))) == [0]
    assert table.found(tags.contains_any(range(1999, 12_000))) == [0, 1]


def test_equality_and_membership_can_use_an_index(table: Table) -> None:
    """They are containment, which the planner answers from a GIN index where there is one."""
    table.fill([{"lang": "en", "tags": ["a"]}])
    with table.connection.transaction(force_rollback=True):
        table.connection.execute("CREATE INDEX ON documents USING gin (metadata jsonb_path_ops)")
        table.connection.execute("SET LOCAL enable_seqscan = off")
        for filter in (lang == "en", tags.contains("a"), lang.is_in(["en", "de"]), tags.contains_any(["a", "b"])):
            sql = PostgresCompiler().compile(filter)
            plan = table.connection.execute(f"EXPLAIN SELECT FROM documents WHERE {sql.text}", sql.values).fetchall()
            assert "Bitmap Index Scan" in str(plan), filter
            assert table.found(filter) == [0]


ANY_TEXT = st.text(st.sampled_from("\0\ufdd0\ufdd1\ufdd2ab\\u0") | st.characters(exclude_categories=["Cs"]), max_size=8)


@given(text=ANY_TEXT, part=ANY_TEXT)
def test_any_text_has_a_form_without_nul(text: str, part: str) -> None:
    """The form has no NUL and gives the text back; it has the form of a part exactly where the text has the part."""
    assert "\0" not in coded(text)
    assert decoded(coded(text)) == text
    assert (coded(part) in coded(text)) is (part in text)
    assert coded(text).startswith(coded(part)) is text.startswith(part)
    assert coded(text + part) == coded(text) + coded(part)


@given(text=ANY_TEXT)
def test_a_text_of_other_software_is_left_as_it_is(text: str) -> None:
    """What was not written by onevec is read without an error, and unchanged where it holds none of the codes."""
    assert decoded(text) == text or "\ufdd0" in text


@given(metadata=strategies.stored_metadata(), text=ANY_TEXT, number=st.floats(allow_nan=False, allow_infinity=False))
def test_metadata_survives_jsonb(table: Table, metadata: Metadata, text: str, number: float) -> None:
    """Texts with NUL, keys with the codes' own characters, and every float come back equal and of their type."""
    given_ = {
        **metadata,
        "text": text,
        text.replace("\0", "") + "key": [number, {"n": number}],
        "whole": round(number) % 2**63,
    }
    table.fill([given_])
    (found,) = table.metadata()
    assert found == given_
    assert _typed(found) == _typed(given_)


def _typed(value: Any) -> Any:
    """A value with the types of its parts: `1 == 1.0 == True` for Python."""
    match value:
        case dict():
            return {name: _typed(item) for name, item in value.items()}
        case list():
            return [_typed(item) for item in value]
        case _:
            return type(value), value


def test_points_in_time_are_found_where_they_are() -> None:
    """Datetimes and ISO 8601 strings, at any depth of objects, in microseconds; nothing else."""
    at = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert instants({"a": at, "b": {"c": "1970-01-02", "d": {"e": "x"}}, "f": [at], "g": 5, "h": "2020-13-01"}) == {
        "a": 1_000_000,
        "b": {"c": 86_400_000_000},
    }
    assert instants({"a": "x", "b": {}, "c": {"d": 1}}) is None
