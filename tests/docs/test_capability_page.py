"""The generated page of the documentation says what the engines declare."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_current() -> None:
    """docs/capabilities.md is what `make docs` writes."""
    generate = runpy.run_path(str(DOCS / "generate.py"))
    assert (DOCS / "capabilities.md").read_text("utf-8") == generate["page"](), "run `make docs`"


def test_every_engine_of_the_wheel_has_a_page() -> None:
    """Each engine in the table has a page of its own."""
    generate = runpy.run_path(str(DOCS / "generate.py"))
    assert all((DOCS / "engines" / f"{name}.md").is_file() for name in generate["ENGINES"])
