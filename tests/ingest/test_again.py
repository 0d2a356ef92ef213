"""Ingesting again: only what changed is written, embedded and removed."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onevec import Document
from onevec.collection import Collection
from onevec.errors import EmbeddingFailed, InvalidInput
from onevec.ingest import IngestReport, ingest

pytestmark = pytest.mark.usefixtures("folder")


def paragraphs(*numbers: int) -> str:
    """Each its own chunk: 1,000 bytes of at most 1,024."""
    return "\n\n".join(f"paragraph {number} ".ljust(1000, "x") for number in numbers)


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def rows(name: str, *values: dict[str, Any]) -> None:
    write(name, "".join(f"{json.dumps(value)}\n" for value in values))


def files(report: IngestReport) -> tuple[int, int, int, int]:
    return (report.added, report.changed, report.unchanged, report.removed)


def chunks(report: IngestReport) -> tuple[int, int, int]:
    return (report.chunks_written, report.chunks_reused, report.chunks_removed)


def test_unchanged_files_are_not_written(collection: Collection, digests: Any) -> None:
    """Neither embedded nor touched: their `updated_at` stays."""
    write("docs/a.md", paragraphs(1, 2))
    write("docs/b.txt", "text")
    write("docs/empty.txt", "")
    assert files(ingest(collection, "docs")) == (2, 0, 1, 0)
    before = list(collection.scan())
    digests.texts.clear()
    again = ingest(collection, "docs")
    assert files(again) == (0, 0, 3, 0)
    assert chunks(again) == (0, 0, 0)
    assert digests.texts == []
    assert list(collection.scan()) == before


@pytest.mark.parametrize(
    ("after", "embedded", "removed"),
    [
        ((1, 2, 3, 4), 1, 0),
        ((1, 2), 0, 1),
        ((9, 1, 2, 3), 1, 0),
        ((1, 9, 3), 1, 0),
        ((2, 3), 0, 1),
        ((3, 2, 1), 0, 0),
        ((7, 8, 9), 3, 0),
        ((), 0, 3),
    ],
)
def test_of_a_changed_file_only_new_text_is_embedded(
    collection: Collection, digests: Any, after: tuple[int, ...], embedded: int, removed: int
) -> None:
    """Wherever it was put in, taken out or moved to; then the collection holds the new version alone."""
    write("a.txt", paragraphs(1, 2, 3))
    ingest(collection, "a.txt")
    digests.texts.clear()
    write("a.txt", paragraphs(*after))
    report = ingest(collection, "a.txt")
    assert files(report) == (0, 1, 0, 0)
    assert chunks(report) == (embedded, len(after) - embedded, removed)
    assert len(digests.texts) == embedded
    assert [document.text for document in collection.scan()] == [paragraphs(number) for number in after]
    assert files(ingest(collection, "a.txt")) == (0, 0, 1, 0)


def test_a_long_file_keeps_its_vectors_when_its_chunks_move(collection: Collection, digests: Any) -> None:
    """Two paragraphs put in at the top move 2,000 chunks past several batches, and none is embedded again."""
    write("a.txt", paragraphs(*range(2000)))
    ingest(collection, "a.txt")
    digests.texts.clear()
    write("a.txt", paragraphs(7000, 7001, *range(2000)))
    report = ingest(collection, "a.txt")
    assert chunks(report) == (2, 2000, 0)
    assert len(digests.texts) == 2
    write("a.txt", paragraphs(*range(300, 2000)))
    assert chunks(ingest(collection, "a.txt")) == (0, 1700, 302)
    assert collection.count() == 1700


def test_files_that_are_gone_are_removed(collection: Collection) -> None:
    """From the folder given, and nothing else: not what lies outside it, nor what was not ingested."""
    for name in ("docs/a.txt", "docs/b.txt", "docs2/c.txt"):
        write(name, name)
    ingest(collection, ["docs", "docs2"])
    collection.upsert([Document("mine", text="mine", metadata={"path": "docs/a.txt"})])
    Path("docs/a.txt").unlink()
    Path("docs2/c.txt").unlink()
    report = ingest(collection, "docs")
    assert files(report) == (0, 0, 1, 1)
    assert chunks(report) == (0, 0, 1)
    assert {document.id for document in collection.scan()} == {"docs/b.txt#0", "docs2/c.txt#0", "mine"}
    assert files(ingest(collection, ".")) == (0, 0, 1, 1)


def test_a_folder_whose_name_begins_alike_is_another_one(collection: Collection) -> None:
    """`docs` is not `docs-old`, and a `%` or `_` in a name is itself."""
    for name in ("d_cs/a.txt", "docs/b.txt", "d%/c.txt"):
        write(name, name)
    ingest(collection, ".")
    Path("docs/b.txt").unlink()
    assert files(ingest(collection, ["d_cs", "d%"])) == (0, 0, 2, 0)
    assert collection.count() == 3


def test_what_cannot_be_read_now_is_reported_and_kept(collection: Collection) -> None:
    """A file that became binary keeps its chunks, and stops no other."""
    write("docs/a.txt", "a")
    write("docs/b.txt", "b")
    ingest(collection, "docs")
    Path("docs/a.txt").write_bytes(b"\0\1")
    write("docs/b.txt", "b2")
    report = ingest(collection, "docs")
    assert report.failed == (("docs/a.txt", "it is binary, not text"),)
    assert files(report) == (0, 1, 0, 0)
    assert [document.text for document in collection.scan()] == ["a", "b2"]


def test_without_permission_nothing_is_lost(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file or folder that may not be read is reported, and what is held of it stays."""
    write("docs/a.txt", "a")
    write("docs/in/b.txt", "b")
    ingest(collection, "docs")

    def guard(owner: Any, name: str, *forbidden: str) -> None:
        allowed = getattr(owner, name)

        def guarded(path: Any, *args: Any, **options: Any) -> Any:
            if str(path).endswith(forbidden):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return allowed(path, *args, **options)

        monkeypatch.setattr(owner, name, guarded)

    guard(Path, "open", "docs/a.txt")
    guard(os, "scandir", "docs/in")
    guard(Path, "stat", "docs/in/b.txt")
    report = ingest(collection, "docs")
    monkeypatch.undo()
    assert report.failed == (("docs/in", "Permission denied"), ("docs/a.txt", "Permission denied"))
    assert collection.count() == 2


def test_a_missing_path_writes_nothing(collection: Collection) -> None:
    """Not even what comes before it."""
    write("a.txt", "a")
    with pytest.raises(InvalidInput, match="no such file or folder: 'b"):
        ingest(collection, ["a.txt", "b.txt"])
    assert collection.count() == 0


def test_text_without_an_embedder_writes_nothing(new_collection: Callable[..., Collection]) -> None:
    """The message says what the collection needs."""
    collection = new_collection(embedder=None, dimension=2)
    rows("a.jsonl", {"id": "a", "text": "t", "vector": [1, 2]})
    write("b.txt", "b")
    with pytest.raises(InvalidInput, match="embedder="):
        ingest(collection, ["a.jsonl", "b.txt"])
    assert collection.count() == 0


def test_a_broken_embedder_is_not_taken_for_bad_texts(new_collection: Callable[..., Collection]) -> None:
    """It stops the ingest; the next one, with the embedder mended, finishes it."""
    fails = [True]

    class Flaky:
        name = "flaky"
        dimension = 2

        def embed(self, texts: Any) -> list[list[float]]:
            if fails:
                raise ConnectionError("no route")
            return [[1.0, float(len(text))] for text in texts]

    collection = new_collection(embedder=Flaky())
    for n in range(3):
        write(f"{n}.txt", f"text {n}")
    with pytest.raises(EmbeddingFailed, match="no route"):
        ingest(collection, ".")
    fails.clear()
    assert ingest(collection, ".").added == 3


def test_a_changed_row_is_embedded_alone(collection: Collection, digests: Any) -> None:
    """Rows are known by their ids; metadata changes need no new vector."""
    rows("r.jsonl", {"id": "a", "text": "one"}, {"id": "b", "text": "two", "n": 1}, {"id": "c", "text": "three"})
    ingest(collection, "r.jsonl")
    digests.texts.clear()
    rows("r.jsonl", {"id": "d", "text": "four"}, {"id": "b", "text": "two", "n": 2}, {"id": "a", "text": "ONE"})
    report = ingest(collection, "r.jsonl")
    assert digests.texts == ["four", "ONE"]
    assert chunks(report) == (2, 1, 1)
    held = {document.id: (document.text, document.metadata.get("n")) for document in collection.scan()}
    assert held == {"a": ("ONE", None), "b": ("two", 2), "d": ("four", None)}


def test_an_id_in_two_files_belongs_to_the_first(collection: Collection) -> None:
    """The other row is reported, each time the same way, and nothing is written to and fro."""
    rows("a.jsonl", {"id": "x", "text": "of a"})
    rows("b.jsonl", {"id": "x", "text": "of b"}, {"id": "y", "text": "y"})
    report = ingest(collection, ".")
    assert [(row.path, row.line) for row in report.skipped] == [("b.jsonl", 1)]
    assert files(report) == (2, 0, 0, 0)
    assert files(ingest(collection, ".")) == (0, 0, 2, 0)
    assert {document.id: document.text for document in collection.scan()} == {"x": "of a", "y": "y"}


def test_a_file_learns_at_once_that_another_took_its_id(collection: Collection) -> None:
    """It is unchanged itself, but no longer whole: its row is reported in the same run, and then there is peace."""
    rows("a.jsonl", {"id": "a", "text": "a"})
    rows("b.jsonl", {"id": "x", "text": "of b"}, {"id": "y", "text": "y"})
    ingest(collection, ".")
    rows("a.jsonl", {"id": "a", "text": "a"}, {"id": "x", "text": "of a"})
    report = ingest(collection, ".")
    assert [str(row) for row in report.skipped] == ["b.jsonl:1: its id 'x' is that of a.jsonl:2"]
    assert files(report) == (0, 2, 0, 0)
    assert files(ingest(collection, ".")) == (0, 0, 2, 0)
    assert {document.id: document.text for document in collection.scan()} == {"a": "a", "x": "of a", "y": "y"}


def test_a_row_can_move_to_another_file(collection: Collection) -> None:
    """To one before or after its own, also when its own is gone."""
    rows("a.jsonl", {"id": "x", "text": "x"}, {"id": "a", "text": "a"})
    rows("b.jsonl", {"id": "y", "text": "y"}, {"id": "b", "text": "b"})
    rows("c.jsonl", {"id": "z", "text": "z"})
    ingest(collection, ".")
    rows("a.jsonl", {"id": "a", "text": "a"}, {"id": "y", "text": "y"}, {"id": "z", "text": "z"})
    rows("b.jsonl", {"id": "b", "text": "b"}, {"id": "x", "text": "x"})
    Path("c.jsonl").unlink()
    report = ingest(collection, ".")
    assert report.rows_skipped == 0
    assert files(report) == (0, 2, 0, 1)
    places = {document.id: document.metadata["path"] for document in collection.scan()}
    assert places == {"a": "a.jsonl", "y": "a.jsonl", "z": "a.jsonl", "b": "b.jsonl", "x": "b.jsonl"}
    assert files(ingest(collection, ".")) == (0, 0, 2, 0)


def test_an_id_given_twice_in_one_file_belongs_to_the_first_row(collection: Collection) -> None:
    """Also when the rows are batches apart; the file counts as whole."""
    between = [{"id": str(n), "text": f"text {n}"} for n in range(1500)]
    rows("r.jsonl", {"id": "x", "text": "first"}, *between, {"id": "x", "text": "second"})
    report = ingest(collection, "r.jsonl")
    assert [(row.line, row.reason) for row in report.skipped] == [(1502, "its id 'x' is that of r.jsonl:1")]
    document = collection.get("x")
    assert document is not None
    assert document.text == "first"
    assert files(ingest(collection, "r.jsonl")) == (0, 0, 1, 0)


def test_an_id_given_twice_on_one_line_does_not_unsettle_its_file(collection: Collection) -> None:
    """Rows of an array without line ends can't be told apart by their lines; the file counts as whole all the same."""
    between = [{"id": str(n), "text": f"text {n}"} for n in range(1500)]
    write("r.json", json.dumps([{"id": "x", "text": "first"}, *between, {"id": "x", "text": "second"}]))
    ingest(collection, "r.json")
    assert collection.count() == 1501
    assert files(ingest(collection, "r.json")) == (0, 0, 1, 0)


def test_the_mark_is_on_a_document_that_could_be_written(collection: Collection) -> None:
    """A first row without a usable vector doesn't leave its file unmarked for ever."""
    rows("r.jsonl", {"id": "a", "text": "0"}, {"id": "b", "text": "b"})
    assert ingest(collection, "r.jsonl").rows_skipped == 1
    assert files(ingest(collection, "r.jsonl")) == (0, 0, 1, 0)


def test_a_document_deleted_by_hand_comes_back(collection: Collection) -> None:
    """A file with a document missing isn't whole."""
    write("a.txt", paragraphs(1, 2, 3))
    ingest(collection, "a.txt")
    collection.delete("a.txt#1")
    assert files(ingest(collection, "a.txt")) == (0, 1, 0, 0)
    assert collection.count() == 3


def test_namespaces_are_apart(collection: Collection) -> None:
    """What one holds doesn't count for the other."""
    write("a.txt", "a")
    ingest(collection.namespace("one"), "a.txt")
    assert files(ingest(collection.namespace("two"), "a.txt")) == (1, 0, 0, 0)
