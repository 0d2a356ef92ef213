"""Files of rows: each row a document, bad ones reported with their line."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onevec import Document
from onevec.collection import Collection
from onevec.ingest import IngestReport, ingest
from onevec.ingest.reading import BLOCK
from onevec.ingest.rows import number_or_text

pytestmark = pytest.mark.usefixtures("folder")


def lines(*rows: Any) -> str:
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)


def skipped(report: IngestReport) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in report.skipped]


def own(metadata: dict[str, Any]) -> dict[str, Any]:
    """What a row brought, without what ingest adds."""
    added = ("path", "start_line", "end_line", "file_hash", "chunk_hash", "file_chunks")
    return {name: value for name, value in metadata.items() if name not in added}


def numbers(document: Document) -> list[float]:
    assert document.vector is not None
    return [float(number) for number in document.vector]


ROWS: list[dict[str, Any]] = [
    {"id": "a", "text": "one\ntwo", "year": 1958, "tags": ["x", "y"], "none": None},
    {"_id": 7, "content": "three", "metadata": {"lang": "en"}, "n": 1.5},
    {"title": "four", "note": "five", "year": 1960},
]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.ndjson", "rows.json"])
def test_a_json_row_is_a_document(collection: Collection, name: str) -> None:
    """Id, text and metadata by the usual names; without a text, the columns of text are the text."""
    Path(name).write_text(lines(*ROWS) if name != "rows.json" else json.dumps(ROWS))
    report = ingest(collection, name)
    assert (report.added, report.chunks_written, report.rows_skipped) == (1, 3, 0)
    held = {document.id: (document.text, own(document.metadata)) for document in collection.scan()}
    assert held == {
        "a": ("one\ntwo", {"year": 1958, "tags": ["x", "y"]}),
        "7": ("three", {"lang": "en", "n": 1.5}),
        f"{name}#2": ("title: four\nnote: five", {"title": "four", "note": "five", "year": 1960}),
    }


@pytest.mark.parametrize(("name", "delimiter"), [("rows.csv", ","), ("rows.csv", ";"), ("rows.tsv", "\t")])
def test_a_table_row_is_a_document(collection: Collection, name: str, delimiter: str) -> None:
    """Numbers become numbers, empty cells no value; a quoted cell may have lines."""
    with Path(name).open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.writer(file, delimiter=delimiter)
        table.writerows(
            [
                ["id", "text", "year", "code", "metadata", "empty"],
                ["007", "one\ntwo, three; four", "1958", "007", '{"lang": "en"}', ""],
                [],
                ["", "1.50", "2e3", "nan", "{broken", ""],
            ]
        )
    report = ingest(collection, name)
    assert report.chunks_written == 2
    first, second = collection.get("007"), collection.get(f"{name}#1")
    assert first is not None
    assert second is not None
    assert (first.text, own(first.metadata)) == ("one\ntwo, three; four", {"year": 1958, "code": "007", "lang": "en"})
    assert (first.metadata["start_line"], first.metadata["end_line"]) == (2, 3)
    assert (second.text, own(second.metadata)) == ("1.50", {"year": 2000.0, "code": "nan", "metadata": "{broken"})
    assert (second.metadata["start_line"], second.metadata["end_line"]) == (5, 5)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("7", 7), ("-7", -7), ("0", 0), ("1.5", 1.5), ("-0.5", -0.5), ("2e3", 2000.0), (str(2**63 - 1), 2**63 - 1)]
    + [
        (text, text) for text in ("007", "+1", "1_000", "1,5", ".5", "5.", "nan", "inf", "", " 1", "\u0667", str(2**63))
    ],
)
def test_a_cell_is_a_number_if_it_is_written_as_one(cell: str, value: float | str) -> None:
    """And text if it could be a code, or if it would not fit."""
    assert (number_or_text(cell), type(number_or_text(cell))) == (value, type(value))


def test_a_bad_row_is_reported_and_stops_nothing(collection: Collection) -> None:
    """With its line and the reason; the rows around it are written."""
    rows = lines(
        {"id": "1", "text": "one"},
        "{broken",
        "",
        [1],
        {"id": "2", "text": "  "},
        {"id": ["3"], "text": "three"},
        {"id": "4", "text": "four", "vector": [1, 2]},
        {"id": "5", "text": "five", "big": 2**70},
        '{"id": "6", "text": "lone \\ud800"}',
        {"id": "7", "text": "0000"},
        {"id": "8", "text": "eight"},
        {"id": "1", "text": "again"},
        {"id": "a\0b", "text": "nul"},
    )
    Path("rows.jsonl").write_bytes(rows.encode() + b'\xff\xfe\n{"id": "9", "text": "nine"}')
    report = ingest(collection, "rows.jsonl")
    assert sorted(document.id for document in collection.scan()) == ["1", "5", "8", "9"]
    reasons = {
        2: "isn't JSON",
        4: "JSON object",
        5: "empty",
        6: "id is a list",
        7: "8 numbers",
        9: "JSON",
        10: "no usable vector",
        12: "is that of rows.jsonl:1",
        13: "NUL",
        14: "UTF-8",
    }
    assert {line for line, _ in skipped(report)} == set(reasons)
    assert all(reasons[line] in reason for line, reason in skipped(report))
    assert (report.chunks_written, report.rows_skipped, report.failed) == (4, len(reasons), ())
    assert ingest(collection, "rows.jsonl").unchanged == 1


def test_bad_rows_of_a_table_are_reported(collection: Collection) -> None:
    """More cells than columns, a cell past the limit of the csv module; short rows are rows."""
    long = "x" * (csv.field_size_limit() + 1)
    Path("rows.csv").write_text(f"id,text\n1,one\n2,two,three\n3,{long}\n4\n5,five\n")
    report = ingest(collection, "rows.csv")
    assert [line for line, _ in skipped(report)] == [3, 4, 5]
    assert sorted(document.id for document in collection.scan()) == ["1", "5"]


def test_a_broken_array_gives_the_rows_before_the_break(collection: Collection) -> None:
    """Nothing after it can be told apart, and the report says so."""
    Path("rows.json").write_text('[{"text": "one"},\n {"text": "two"},\n {"text": three}, {"text": "four"}]')
    report = ingest(collection, "rows.json")
    assert report.chunks_written == 2
    ((line, reason),) = skipped(report)
    assert line == 3
    assert "the rest of the file was not read" in reason


def test_a_long_array_is_read_block_by_block(collection: Collection) -> None:
    """Rows larger and smaller than a block, cut anywhere, each with its own lines."""
    rows = [{"id": str(n), "text": f"row {n} " + 'é\\"' * (n * 37 % 500)} for n in range(300)]
    rows[150]["text"] += "x" * (3 * BLOCK)
    Path("rows.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False))
    assert ingest(collection, "rows.json").rows_skipped == 0
    source = Path("rows.json").read_text().split("\n")
    for row in rows:
        document = collection.get(row["id"])
        assert document is not None
        assert document.text == row["text"]
        start, end = document.metadata["start_line"], document.metadata["end_line"]
        assert json.loads("\n".join(source[start - 1 : end]).strip().rstrip(",")) == row


def test_json_that_is_no_array_of_objects_is_text(collection: Collection) -> None:
    """A configuration file is read as any other text."""
    Path("config.json").write_text('{"name": "onevec",\n "numbers": [1, 2]}')
    ingest(collection, "config.json")
    (document,) = collection.scan()
    assert document.id == "config.json#0"
    assert document.text == '{"name": "onevec",\n "numbers": [1, 2]}'


def test_the_columns_can_be_named(collection: Collection) -> None:
    """Id, several texts, the vector, and which columns to keep."""
    row = {"key": "k", "title": "T", "abstract": "A", "embedding": [1, 0, 0, 0, 0, 0, 0, 2], "year": 1, "secret": "s"}
    Path("rows.jsonl").write_text(lines(row, {"title": "no key"}))
    report = ingest(
        collection,
        "rows.jsonl",
        id_field="key",
        text_field=["title", "abstract"],
        vector_field="embedding",
        metadata_fields=["year"],
    )
    (document,) = collection.scan()
    assert (document.id, document.text, own(document.metadata)) == ("k", "T\nA", {"year": 1})
    assert numbers(document) == [1, 0, 0, 0, 0, 0, 0, 2]
    assert skipped(report) == [(2, "it has no value in the id column 'key'")]


def test_a_row_in_the_form_of_a_document_is_that_document(collection: Collection) -> None:
    """Its vector too, also without a text; in a table the vector is a JSON list."""
    vector = [1.0, 2, 3, 4, 5, 6, 7, 8]
    Path("a.jsonl").write_text(lines({"id": "a", "vector": vector, "metadata": {"n": 1}}))
    Path("b.csv").write_text(f'id,text,vector\nb,text,"{vector}"\n')
    assert ingest(collection, ["a.jsonl", "b.csv"]).chunks_written == 2
    for id, text in (("a", None), ("b", "text")):
        document = collection.get(id)
        assert document is not None
        assert document.text == text
        assert numbers(document) == vector


def test_a_rows_own_metadata_is_kept_beside_that_of_ingest(collection: Collection) -> None:
    """What has the same name moves into the object `row`, and can be filtered on there."""
    row = {"id": "a", "text": "t", "path": "/mine", "start_line": 99, "row": 3, "other": 1}
    Path("rows.jsonl").write_text(lines(row))
    ingest(collection, "rows.jsonl")
    document = collection.get("a")
    assert document is not None
    assert own(document.metadata) == {"other": 1, "row": {"path": "/mine", "start_line": 99, "row": 3}}
    assert (document.metadata["path"], document.metadata["start_line"]) == ("rows.jsonl", 1)
    assert collection.count('row.path == "/mine"') == 1


def test_a_long_id_is_replaced_by_its_hash(collection: Collection) -> None:
    """The same one each time, so that nothing is written twice."""
    Path("rows.jsonl").write_text(lines({"id": "x" * 513, "text": "long"}, {"id": "y" * 512, "text": "fits"}))
    ingest(collection, "rows.jsonl")
    digest = hashlib.sha256(b"x" * 513).hexdigest()
    assert {document.id for document in collection.scan()} == {f"sha256-{digest}", "y" * 512}
    assert ingest(collection, "rows.jsonl").unchanged == 1


def test_two_columns_of_one_name_are_refused(collection: Collection) -> None:
    """One of them would be lost."""
    Path("rows.csv").write_text("id,text,id\n1,a,2\n")
    assert ingest(collection, "rows.csv").failed == (
        ("rows.csv", "its first row doesn't name the columns: 'id' is there twice"),
    )


def test_rows_without_vectors_need_an_embedder(new_collection: Callable[..., Collection]) -> None:
    """A collection without one takes the rows that bring theirs, and reports the others."""
    collection = new_collection(embedder=None, dimension=2)
    Path("rows.jsonl").write_text(lines({"id": "a", "text": "t", "vector": [1, 2]}, {"id": "b", "text": "t"}))
    report = ingest(collection, "rows.jsonl")
    assert [document.id for document in collection.scan()] == ["a"]
    assert [line for line, _ in skipped(report)] == [2]
