"""What the page of the weaviate engine shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs.test_readme import blocks, like
from tests.servers.weaviate import MARKS, WeaviateServer

from onevec.adapters.weaviate import WeaviateOptions

pytestmark = MARKS

PAGE = Path(__file__).parents[2] / "docs" / "engines" / "weaviate.md"


def test_the_page_is_true(weaviate: WeaviateServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Its programs print what stands below them, on a server at another port than the page's."""
    program: dict[str, object] = {}
    printed: str | None = None
    shown = 0
    there = f"weaviate://localhost:{weaviate.port}?grpc_port={weaviate.grpc_port}"
    for language, code, line, gap in blocks(PAGE):
        match language:
            case "py":
                code_there = code.replace("weaviate://localhost:8080", there)
                exec(compile("\n" * (line - 1) + code_there, str(PAGE), "exec"), program)
                printed = capsys.readouterr().out
            case "text" if printed is not None and not gap.strip():
                assert like(code).fullmatch(printed.strip()), printed
                shown += 1
            case _:
                pass
    assert shown == 4
    weaviate.clear()


def test_the_page_has_every_option() -> None:
    """Those that the URL has no place for are in its table."""
    cells = "".join(re.findall(r"^\| (`.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE))
    options = WeaviateOptions.__dataclass_fields__.keys() - {"host", "port"}
    assert {f"`{name}`" for name in options} <= set(re.findall("`[a-z_]+`", cells))
