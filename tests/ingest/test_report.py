"""What an ingest tells: while it works, and at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from onevec.collection import Collection
from onevec.ingest import ingest

pytestmark = pytest.mark.usefixtures("folder")


def make(name: str, text: str) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text)


def test_progress_comes_in_bytes_and_reaches_the_end(collection: Collection) -> None:
    """It never runs backwards, moves within a large file, and ends at the total."""
    make("docs/a.txt", "a line of text\n" * 100_000)
    make("docs/b.txt", "b")
    seen: list[tuple[int, int | None]] = []
    ingest(collection, "docs", on_progress=lambda done, total: seen.append((done, total)))
    size = sum(path.stat().st_size for path in Path("docs").iterdir())
    done = [one for one, _ in seen]
    assert done == sorted(done)
    assert len(set(done)) > 4
    assert {total for _, total in seen} == {size}
    assert done[-1] == size


def test_a_report_is_readable(collection: Collection) -> None:
    """Counts first, then each failure with its file, and no more than ten of a kind."""
    make("docs/r.jsonl", '{"text": ""}\n' * 12 + '{"text": "t"}')
    make("docs/b.txt", "\0")
    make("docs/c.pdf", "")
    text = str(ingest(collection, "docs")).split("\n")
    assert text[:7] == [
        "files: 1 added, 0 changed, 0 unchanged, 0 removed, 1 failed, 1 of other kinds ignored",
        "chunks: 1 written, 0 with the vector they had, 0 removed",
        "failed: 1",
        "  docs/b.txt: it is binary, not text",
        "rows skipped: 12",
        "  docs/r.jsonl:1: its text is empty, and it has no vector",
        "  docs/r.jsonl:2: its text is empty, and it has no vector",
    ]
    assert text[-1] == "  and 2 more"
    assert len(text) == 16
