"""A caller's own condition is one closed expression, or is refused before any engine sees it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onevec.compile.dialects import LANCE, MILVUS, POSTGRES, SQLITE, TextDialect
from onevec.compile.native import condition
from onevec.errors import InvalidFilter
from onevec.pipeline.native import ENGINES
from onevec.registry import adapter_class, engines
from onevec.remote.native import checked_dict
from onevec.testing.payloads import PAYLOADS

AT = datetime(2020, 1, 1, tzinfo=UTC)
DIALECTS = {"sqlite": SQLITE, "lance": LANCE, "milvus": MILVUS, "postgres": POSTGRES}
UNBOUND: tuple[Any, ...] = (1 << 63, "\ud800", [1], {}, 1j, AT)
MISCOUNTED: tuple[Any, ...] = (("id = %s", []), ("id = ?", ["a"]), ("id = %s", [{}]), ("id = %s", [[{}]]))
NO_TEXTS: tuple[Any, ...] = (5, None, b"1=1", ["1=1"], {"a": 1}, ("1=1",), ("1", 5), ())
SQLS = ["sqlite", "lance", "postgres"]


@pytest.mark.parametrize(
    ("dialect", "native", "text"),
    [
        ("sqlite", "json_extract(metadata, '$.year') > 1960", "(json_extract(metadata, '$.year') > 1960)"),
        ("sqlite", "text LIKE '%wing;--%' OR id IN ('a', 'b''c')", "(text LIKE '%wing;--%' OR id IN ('a', 'b''c'))"),
        ("sqlite", "metadata -> '$.a\\b' IS NOT NULL", "(metadata -> '$.a\\b' IS NOT NULL)"),
        ("sqlite", "\"text\" = `id` AND [text] <> ''", "(\"text\" = `id` AND [text] <> '')"),
        ("lance", "array_has(facets, 'tags[]=s:wing') AND id NOT IN ('a')", None),
        ("lance", "regexp_like(text, '\\bwing\\b') OR CAST(created AS BIGINT) > 5", None),
        ("milvus", 'metadata["year"] > 1960 and text like "wi%"', None),
        ("milvus", 'id in [\'a\', "b\\"]) or (1 == 1"] && !(created > 1e3)', None),
        (
            "postgres",
            "metadata @> '{\"a\": [1]}' AND text LIKE 'w%g'",
            "(metadata @> '{\"a\": [1]}' AND text LIKE 'w%%g')",
        ),
        ("postgres", "(metadata ->> 'year')::int % 2 = 0", "((metadata ->> 'year')::int %% 2 = 0)"),
        ("postgres", "to_tsvector('english', text) @@ plainto_tsquery('english', 'wings')", None),
        ("postgres", "lower(text) = ANY(ARRAY['a', 'b']) AND metadata ? 'year'", None),
        ("postgres", "jsonb_path_exists(metadata, '$.tags[*] ? (@ == \"a\")')", None),
        ("postgres", "created > extract(epoch FROM timestamp with time zone '2020-01-01') * 1e6", None),
    ],
)
def test_a_closed_expression_passes(dialect: str, native: str, text: str | None) -> None:
    """Character for character, in parentheses."""
    assert condition(native, DIALECTS[dialect]) == (f"({native})" if text is None else text, ())


def test_values_are_bound() -> None:
    """As many as there are placeholders outside of quotes, whatever is in them."""
    hostile = "x') OR ('1'='1"
    assert condition(("id = ? AND '?' <> text", [hostile]), SQLITE) == ("(id = ? AND '?' <> text)", (hostile,))
    own = condition(("id = ANY(%s) AND text <> '%s' AND created > %s", [["a"], 5]), POSTGRES)
    assert own == ("(id = ANY(%s) AND text <> '%%s' AND created > %s)", (["a"], 5))
    assert condition(("text = %s", (AT,)), POSTGRES).values == (AT,)
    assert condition(("a = ? OR b = ?", (None, True)), SQLITE).values == (None, True)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "native",
    [
        *("1=1) OR (1=1", ")", "(", "(1=1", "1=1)", "([)]", "[(])", "1=1]", ")(", "())(()", "((1)", "1=1) AND (1=1"),
        *("1=1 -- x", "1=1--", "1 /* x */", "1=1 /*", "*/ 1=1", "1 // 2", "1=1; 1=1", ";", "1=1;"),
        *("'a", 'a"', "'a''", "'a' = 'b", '"a', "`a", "a'b'", "E'a'", "x'00'", "N'a'", "U&'a'", "'a'b'c'", "'a'\"b\""),
        *("$$a$$ = $$b$$", "$1 = 1", "a = $tag$ ' $tag$", "\\", "a \\ b", "a = :id", "{a} = 1"),
        *(
            "",
            " ",
            "\n\t",
            "1=1, 2=2",
            "a,",
            "\0",
            "a = '\0'",
            "a = '\ud800'",
            "\ud800",
            "é = 1",
            "a\u00a0= 1",
            "a =\u2028 1",
        ),
        *("(" * 33 + "1" + ")" * 33, "a" * 100_001, "1=1\x0b", "1 = 1\x00"),
    ],
    ids=lambda text: ascii(text[:24]),
)
def test_what_could_leave_its_place_is_refused(dialect: str, native: str) -> None:
    """In every dialect: it isn't closed, has a comment or a second statement, or what dialects read differently."""
    with pytest.raises(InvalidFilter, match="native="):
        condition(native, DIALECTS[dialect])


@pytest.mark.parametrize("dialect", SQLS)
@pytest.mark.parametrize(
    "native",
    [
        *(
            "(SELECT 1)",
            "id IN (select id from documents)",
            "EXISTS (SeLeCt 1)",
            "id = (VALUES ('a'))",
            "(TABLE documents)",
        ),
        *("(WITH a AS (SELECT 1) SELECT 1)", "1 = (SELECT\n1)", "ARRAY(SELECT id FROM documents) IS NULL"),
    ],
)
def test_a_subquery_is_refused(dialect: str, native: str) -> None:
    """It would read other documents than the one that is asked about."""
    with pytest.raises(InvalidFilter, match="subquery"):
        condition(native, DIALECTS[dialect])


@pytest.mark.parametrize(
    ("dialect", "native"),
    [
        *(
            ("sqlite", native)
            for native in ("id IN documents", 'id IN "documents"', "id NOT IN main.gone", "id IN [a]")
        ),
        *(("sqlite", native) for native in ("seq IN json_each('[1]')", "load_extension('x')", "id = ?1", "id = ?a")),
        *(
            ("postgres", f"{name}('x') IS NULL")
            for name in ("query_to_xml", "pg_read_file", "pg_sleep", "dblink", "mine")
        ),
        *(
            ("postgres", native)
            for native in ('"query_to_xml"(1)', "pg_catalog.lower(text)", "x.\n lower (a)", "lo_get (1)")
        ),
        *(("postgres", native) for native in ("text = 'a\\'", "text = e'\\''", "current_setting\n('a') = 'b'")),
        *(("milvus", native) for native in ('a == "b\n"', "a == 'b\\'", 'a == "b\\"')),
    ],
)
def test_what_reads_more_than_the_document_is_refused(dialect: str, native: str) -> None:
    """What one dialect has for that: tables after IN, functions that run queries, escapes that hide a quote."""
    with pytest.raises(InvalidFilter, match="native="):
        condition(native, DIALECTS[dialect])


@pytest.mark.parametrize(
    ("dialect", "native"),
    [
        *(("sqlite", native) for native in (("id = ?", []), ("id = 1", [1]), ("id = ?", [1, 2]), ("id = '?'", ["a"]))),
        *(("sqlite", ("id = ?", [value])) for value in UNBOUND),
        *(("postgres", native) for native in MISCOUNTED),
        *((name, native) for name in DIALECTS for native in NO_TEXTS),
        *((name, ("1=1", [])) for name in ("lance", "milvus")),
    ],
    ids=ascii,
)
def test_what_is_no_condition_is_refused(dialect: str, native: Any) -> None:
    """Of another type, with more or fewer values than placeholders, or values that can't be bound."""
    with pytest.raises(InvalidFilter, match="native="):
        condition(native, DIALECTS[dialect])


@pytest.fixture(scope="module")
def database() -> Iterator[apsw.Connection]:
    with apsw.Connection(":memory:") as connection:
        connection.execute("CREATE TABLE documents (id TEXT, text TEXT, namespace INT)")
        connection.execute("CREATE TABLE secrets (id TEXT)")
        connection.execute("INSERT INTO documents VALUES ('a', 'wing', 1), ('b', 'secret', 2)")
        connection.execute("INSERT INTO secrets VALUES ('a'), ('b')")
        yield connection
    connection.close()


_PIECES = """
( ) [ ] ' '' " ` -- /* */ ; , \\ $ ? : @ = <> OR AND NOT IN IN( 1=1 1 TRUE NULL id text namespace documents secrets
SELECT select FROM VALUES UNION EXISTS EXISTS( CASE WHEN THEN ELSE END LIKE || :: E'a' 'a' "a" x'00' lower( % é
"""
_SOUP = st.lists(st.sampled_from(_PIECES.split()), max_size=12)


@given(_SOUP.map(" ".join) | _SOUP.map("".join))
def test_sqlite_stays_in_its_place(database: apsw.Connection, text: str) -> None:
    """Random pieces of SQL: refused here, refused by SQLite, or never true where what stands before them is false."""
    _stays(database, text)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_payloads_stay_in_their_place(database: apsw.Connection, dialect: TextDialect) -> None:
    """So does every payload of the kit; what passes has no quote or parenthesis open in any dialect."""
    for payload in PAYLOADS:
        _stays(database, payload)
        try:
            text, _ = condition(payload, dialect)
        except InvalidFilter:
            continue
        assert text[0] + text[-1] == "()"
        assert ";" not in text
        assert "--" not in text


def _stays(database: apsw.Connection, text: str) -> None:
    try:
        own, _ = condition(text, SQLITE)
    except InvalidFilter:
        return
    read: list[str | None] = []

    def authorize(operation: int, table: str | None, *_: object) -> int:
        if operation == apsw.SQLITE_READ:
            read.append(table)
        return apsw.SQLITE_OK

    database.authorizer = authorize
    try:
        found = database.execute(f"SELECT id FROM documents WHERE namespace = 3 AND {own}").fetchall()
        some = database.execute(f"SELECT id FROM documents WHERE namespace = 1 AND {own}").fetchall()
    except apsw.SQLError:
        return
    finally:
        database.authorizer = None
    assert found == []
    assert some in ([], [("a",)])
    assert set(read) == {"documents"}


def test_a_dict_is_copied() -> None:
    """What is sent is what was given when it was checked."""
    given: dict[str, Any] = {"a": {"$in": [1, "b", None, True]}}
    taken = checked_dict(given, "a dict")
    given["a"]["$in"].append(2)
    assert taken == {"a": {"$in": [1, "b", None, True]}}


@pytest.mark.parametrize("native", [{}, [], "a", None, {1: 2}, {"a": 1j}, {"a": "\ud800"}, {"a": {2}}], ids=ascii)
def test_what_is_no_dict_of_json_is_refused(native: object) -> None:
    """With what it is to be."""
    with pytest.raises(InvalidFilter, match="native= is a dict of Mine"):
        checked_dict(native, "a dict of Mine")


def test_a_dict_of_any_depth_is_refused() -> None:
    """An engine's client could go down it without an end."""
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"$and": [deep]}
    with pytest.raises(InvalidFilter, match="levels deep"):
        checked_dict(deep, "a dict")
    deep["$and"] = deep
    with pytest.raises(InvalidFilter, match="a dict"):
        checked_dict(deep, "a dict")


def test_the_refusal_names_the_engines_that_have_them() -> None:
    """Those that declare `native_filter`, and no others."""
    assert set(ENGINES) == {one.name for one in engines() if adapter_class(one.name).capabilities.native_filter}
