"""What the documentation shows is what happens: every block of Python runs, and prints what stands below it.

A page's blocks run in order, as one program, in an empty folder. A ```text block right after a ```python block is what
that block prints. A ```console block is run line by line, and what follows a command up to the next one is its output;
`...` stands for any text. A block that starts with the comment `# name.py` is saved under that name instead.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\w+\.py)\n")
_LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#]+)(?:#[^)]*)?\)")


class Block(NamedTuple):
    """A fenced block; `line` is where its code starts, from 1; `gap` is what stands between it and the one before."""

    language: str
    code: str
    line: int
    gap: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found: list[Block] = []
    end = 0
    for fence in _FENCE.finditer(text):
        line = text.count("\n", 0, fence.start(2)) + 1
        found.append(Block(fence[1], fence[2], line, text[end : fence.start()]))
        end = fence.end()
    return found


def like(shown: str) -> re.Pattern[str]:
    """Return the pattern of an output as it is shown."""
    return re.compile(".*?".join(map(re.escape, shown.strip().split("..."))), re.DOTALL)


def run_console(session: str, folder: Path) -> None:
    """Run the commands of a console block, and compare what they print."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1"}
    for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        done = subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=110, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if shown.strip():
            printed = "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())
            assert like(shown).fullmatch(printed), f"{command}\n{printed}"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A new module to run code in, in an empty folder; nothing that the code registers or imports from there stays."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("onevec.registry._registered", {})
    before = set(sys.modules)
    module = sys.modules["documented"] = ModuleType("documented")
    yield module
    for name in set(sys.modules) - before:
        if name == "documented" or str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


RUNNABLE = [page for page in PAGES if {"python", "console"} & {block.language for block in blocks(page)}]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_page_is_true(page: Path, program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of a page run as they stand and print what the page says."""
    printed: str | None = None
    for language, code, line, gap in blocks(page):
        match language:
            case "python" if saved := _FILE.match(code):
                (tmp_path / saved[1]).write_text(code, "utf-8")
                printed = None
            case "python":
                exec(compile("\n" * (line - 1) + code, str(page), "exec"), vars(program))
                printed = capsys.readouterr().out
            case "console":
                run_console(code, tmp_path)
            case "text" if printed is not None and not gap.strip():
                assert like(code).fullmatch(printed.strip()), printed
            case _:
                pass


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Every relative link of a page is a file of the repository."""
    missing = [link for link in _LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert missing == []
