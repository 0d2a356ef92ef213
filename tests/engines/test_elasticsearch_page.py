"""What the page of the elasticsearch engine shows is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.test_readme import blocks, like
from tests.servers.elasticsearch import MARKS, ElasticsearchServer

from onevec.adapters.elasticsearch import ElasticsearchOptions

pytestmark = MARKS

PAGE = Path(__file__).parents[2] / "docs" / "engines" / "elasticsearch.md"


def test_the_page_is_true(elasticsearch: ElasticsearchServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Its programs print what stands below them, on a server at another port than the page's."""
    program: dict[str, object] = {}
    printed: str | None = None
    shown = 0
    for language, code, line, gap in blocks(PAGE):
        match language:
            case "py":
                there = code.replace("localhost:9200", f"127.0.0.1:{elasticsearch.port}")
                exec(compile("\n" * (line - 1) + there, str(PAGE), "exec"), program)
                printed = capsys.readouterr().out
            case "text" if printed is not None and not gap.strip():
                assert like(code).fullmatch(printed.strip()), printed
                shown += 1
            case _:
                pass
    assert shown == 3


def test_the_page_names_every_option() -> None:
    """The table of options has each of them, and none that isn't there."""
    text = PAGE.read_text("utf-8")
    table = text[text.index("| option |") : text.index("The server is Elasticsearch")]
    named = {name for row in table.splitlines()[2:] if row for name in row.split("|")[1].replace("`", "").split(", ")}
    options = ElasticsearchOptions.__dataclass_fields__.keys() - {"host", "port", "path"}
    assert {name.strip() for name in named} == options
