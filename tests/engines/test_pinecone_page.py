"""What the page of the pinecone engine shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs.test_readme import blocks, like
from tests.servers.pinecone import PineconeServer

from onevec.adapters.pinecone import PineconeOptions

PAGE = Path(__file__).parents[2] / "docs" / "engines" / "pinecone.md"


def test_the_page_is_true(
    pinecone: PineconeServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its programs print what stands below them, on a service at another place than the page's."""
    monkeypatch.setenv("PINECONE_API_KEY", "of the page")
    program: dict[str, object] = {}
    printed: str | None = None
    shown = 0
    for language, code, line, gap in blocks(PAGE):
        match language:
            case "py":
                there = code.replace('"pinecone://"', f'"pinecone://127.0.0.1:{pinecone.port}"')
                assert there != code
                exec(compile("\n" * (line - 1) + there, str(PAGE), "exec"), program)
                printed = capsys.readouterr().out
            case "text" if printed is not None and not gap.strip():
                assert like(code).fullmatch(printed.strip()), printed
                shown += 1
            case _:
                pass
    assert shown == 3


def test_the_page_has_every_option() -> None:
    """Those that the URL has no place for are in its table."""
    cells = "".join(re.findall(r"^\| (`.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE))
    options = PineconeOptions.__dataclass_fields__.keys() - {"host", "port", "path"}
    assert {f"`{name}`" for name in options} <= set(re.findall("`[a-z_]+`", cells))
