"""What the page of the pgvector engine shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from tests.docs.test_readme import blocks, like
from tests.servers.postgres import PostgresServer

from onevec.adapters.pgvector import PgvectorOptions

PAGE = Path(__file__).parents[2] / "docs" / "engines" / "pgvector.md"
SHOWN = "postgresql://me:secret@localhost:5432/papers"


def test_the_page_is_true(postgres: PostgresServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Its programs print what stands below them, and its SQL runs, on a server at another place than the page's."""
    program: dict[str, object] = {}
    printed: str | None = None
    shown = 0
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS onevec CASCADE")
        for language, code, line, gap in blocks(PAGE):
            match language:
                case "py":
                    there = postgres.conninfo if "psycopg" in code else postgres.url()
                    exec(compile("\n" * (line - 1) + code.replace(SHOWN, there), str(PAGE), "exec"), program)
                    printed = capsys.readouterr().out
                case "text" if printed is not None and not gap.strip():
                    assert like(code).fullmatch(printed.strip()), printed
                    shown += 1
                case "sql":
                    connection.execute(code)
                case _:
                    pass
    assert shown == 5


def test_the_page_has_every_option() -> None:
    """Those that the URL has no place for are in its table."""
    cells = "".join(re.findall(r"^\| (`.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE))
    in_url = {"host", "port", "username", "password", "path"}
    assert {f"`{name}`" for name in PgvectorOptions.__dataclass_fields__.keys() - in_url} <= set(
        re.findall("`[a-z_]+`", cells)
    )
