"""`ingest` and `delete`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import onevec
from onevec.embedders import EmbeddingCache

from .runs import Cli


@pytest.fixture
def texts(folder: Path) -> Path:
    """A folder with a note, rows with their own ids, and a picture."""
    (folder / "texts").mkdir()
    (folder / "texts" / "note.md").write_text("# Cats\n\nA cat sleeps on the sofa.\n\n# Taxes\n\nPay the income tax.\n")
    rows = [{"id": f"row-{n}", "text": f"Row number {n} of the table.", "n": n} for n in range(3)]
    (folder / "texts" / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n{broken\n")
    (folder / "texts" / "cat.png").write_bytes(b"\x89PNG\r\n")
    return folder / "texts"


class Terminal(io.StringIO):
    """A stdin at which someone sits."""

    def isatty(self) -> bool:
        return True


def test_ingest_makes_the_store_and_the_collection(cli: Cli, texts: Path) -> None:
    """Files go to the collection "documents" with the embedder wordllama, and are found."""
    run = cli("ingest", "texts")
    assert (run.code, run.err) == (0, "")
    assert "files: 2 added" in run.out
    assert "rows skipped: 1" in run.out
    assert "collection 'documents' has 4 documents" in run.out
    (info,) = cli("collections", "--json").json["collections"]
    assert (info["name"], info["embedder"], info["documents"]) == ("documents", "wordllama", 4)
    assert cli("search", "row number 2", "--filter", "n exists", "-k", "1", "--json").json["hits"][0]["id"] == "row-2"


def test_ingest_as_json(cli: Cli, texts: Path) -> None:
    """The object has the collection, how many documents it holds now, and what was done."""
    done = cli("ingest", "texts", "-c", "notes", "--json").json
    assert done.pop("skipped")[0].keys() == {"path", "line", "reason"}
    assert done == {
        "collection": "notes",
        "documents": 4,
        "added": 2,
        "changed": 0,
        "unchanged": 0,
        "removed": 0,
        "ignored": 1,
        "failed": [],
        "chunks_written": 4,
        "chunks_reused": 0,
        "chunks_removed": 0,
        "rows_skipped": 1,
    }


def test_ingest_again_writes_what_changed(cli: Cli, texts: Path) -> None:
    """A second run passes by what is as it was, into the collection that is there."""
    cli("ingest", "texts")
    (texts / "note.md").write_text("A dog barks.")
    done = cli("ingest", "texts", "--json").json
    assert (done["added"], done["changed"], done["unchanged"]) == (0, 1, 1)


def test_ingest_options(cli: Cli, folder: Path) -> None:
    """The fields of rows, the size of chunks and the namespace are those named."""
    (folder / "rows.csv").write_text("key,title,body,year,extra\nk1,Cats,They sleep.,1958,x\n")
    fields = ["--id-field", "key", "--text-field", "title", "--text-field", "body", "--metadata-field", "year"]
    assert cli("ingest", "rows.csv", *fields, "--namespace", "acme").code == 0
    (document,) = cli("get", "k1", "--namespace", "acme", "--json").json["documents"]
    assert document["text"] == "Cats\nThey sleep."
    assert document["metadata"]["year"] == 1958
    assert "extra" not in document["metadata"]
    assert cli("count").out == "0\n"
    (folder / "long.txt").write_text("Cats sleep. " * 200)
    chunks = [
        cli("ingest", "long.txt", "-c", f"of-{size}", "--chunk-tokens", size, "--json").json["chunks_written"]
        for size in ("50", "100")
    ]
    assert chunks[0] > chunks[1] > 1


def test_rows_with_vectors_need_no_embedder(cli: Cli, folder: Path) -> None:
    """--dimension makes a collection without an embedder, with the metric named."""
    (folder / "rows.jsonl").write_text('{"id": "a", "v": [3, 4]}\n{"id": "b", "v": [0, 1]}\n')
    options = ["--dimension", "2", "--metric", "euclidean", "--vector-field", "v"]
    assert cli("ingest", "rows.jsonl", *options, "--json").json["documents"] == 2
    (info,) = cli("collections", "--json").json["collections"]
    assert (info["dimension"], info["metric"], info["embedder"]) == (2, "euclidean", None)
    (hit,) = cli("search", "--vector", "[0, 0]", "-k", "1", "--json").json["hits"]
    assert (hit["id"], hit["distance"]) == ("b", 1)


def test_the_embedder_of_the_store(cli: Cli, texts: Path, folder: Path) -> None:
    """A store that names its embedder gives it to new collections; an unknown one is refused by its name."""
    (folder / "onevec.toml").write_text(
        'default = "mine"\n[stores.mine]\nurl = "sqlite:///mine.db"\nembedder = "nosuch"\n'
    )
    cli("ingest", "texts").fails(2, "there is no embedder 'nosuch'")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["ingest", "nothere"], 2, "no such file or folder: 'nothere'"),
        (["ingest", "texts", "nothere", "neither"], 2, "'nothere', 'neither'"),
        (["ingest", "texts", "--embedder", "wordlama"], 2, "did you mean 'wordllama'?"),
        (["ingest", "texts", "--metric", "nearest"], 2, "a metric is one of"),
        (["ingest", "texts", "--dimension", "3", "--embedder", "wordllama"], 2, "256"),
        (["ingest", "texts", "-c", "a/b"], 2, "'a/b'"),
        (["ingest", "texts", "--chunk-tokens", "0"], 2, "a whole number of 1 or more, got '0'"),
        (["ingest", "texts", "--dimension", "x"], 2, "a whole number of 1 or more, got 'x'"),
        (["ingest", "texts", "--store", "nosuch://x"], 2, "there is no engine 'nosuch'"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_ingest_refuses(cli: Cli, texts: Path, words: list[str], code: int, said: str) -> None:
    """What can't be done is one line, and nothing is written."""
    cli(*words).fails(code, said)
    assert cli(*words, "--json").error["exit_code"] == code


def test_a_missing_path_leaves_no_store(cli: Cli, folder: Path) -> None:
    """A slip in a path makes no database."""
    cli("ingest", "nothere").fails(2)
    assert list(folder.iterdir()) == []


def test_a_file_that_cannot_be_read(cli: Cli, texts: Path) -> None:
    """The others are written, the report names it, and the exit code is 1."""
    (texts / "bad.txt").write_bytes(b"caf\xe9 \xff")
    run = cli("ingest", "texts")
    assert (run.code, run.err) == (1, "")
    assert "texts/bad.txt: " in run.out
    run = cli("ingest", "texts", "--json")
    assert run.code == 1
    assert [failure["path"] for failure in run.json["failed"]] == ["texts/bad.txt"]
    assert cli("count").out == "4\n"


def test_ingest_with_a_cache_of_vectors(cli: Cli, texts: Path, folder: Path) -> None:
    """A second store takes its vectors from the file; one that is no cache is refused, and left as it is."""
    cli("ingest", "texts", "--embedding-cache", "vectors.db")
    cache = EmbeddingCache(folder / "vectors.db")
    entries, _ = cache.size()
    assert entries > 0
    cli("ingest", "texts", "--store", "sqlite:///second.db", "--embedding-cache", "vectors.db")
    assert cache.size()[0] == entries
    cache.close()
    cli("ingest", "texts", "--embedding-cache", "onevec.db").fails(2, "onevec.db is no embedding cache of onevec")
    assert cli("count", "-c", "documents").code == 0


def test_ingest_into_a_collection_of_another_embedder(cli: Cli, papers: Path, texts: Path) -> None:
    """A collection keeps its embedder: another one is refused, and so are texts where it has none."""
    cli("ingest", "texts", "-c", "papers", "--embedder", "wordllama").fails(1, "was made with embedder None")
    cli("ingest", "texts", "-c", "papers").fails(2, "embedder")
    cli("ingest", "texts", "-c", "papers", "--dimension", "4").fails(2, "was made with --dimension 3")
    cli("ingest", "texts", "-c", "papers", "--metric", "dot").fails(2, "was made with --metric cosine")
    assert cli("count").out == "3\n"


def test_delete_by_id(cli: Cli, papers: Path) -> None:
    """It says how many there were."""
    assert cli("delete", "wing-1", "nothing").out == "deleted 1\n"
    assert cli("delete", "wing-1", "plate-2", "--json").json == {"collection": "papers", "deleted": 1}
    assert cli("count").out == "1\n"


@pytest.mark.parametrize(
    ("options", "left"), [(["--filter", "year exists"], 1), (["--all"], 0), (["--filter", "year > 3000"], 3)], ids=str
)
def test_delete_of_many_needs_a_yes(cli: Cli, papers: Path, options: list[str], left: int) -> None:
    """By filter or all: refused where nobody can be asked, with the number it would be; done with --yes."""
    cli("delete", *options).fails(1, f"this would delete {3 - left} documents", "--yes")
    assert cli("delete", *options, "--json").error["type"] == "Refused"
    assert cli("count").out == "3\n"
    assert cli("delete", *options, "--yes").out == f"deleted {3 - left}\n"
    assert cli("count").out == f"{left}\n"


@pytest.mark.parametrize(
    ("typed", "left"), [("y\n", 1), ("YES\n", 1), ("n\n", 3), ("\n", 3), ("", 3), ("yesterday\n", 3)]
)
def test_delete_asks_at_a_terminal(
    cli: Cli, papers: Path, monkeypatch: pytest.MonkeyPatch, typed: str, left: int
) -> None:
    """The question is on stderr, with the number and the filter; only yes deletes."""
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    monkeypatch.setattr("sys.stderr", screen := Terminal())
    run = cli("delete", "--filter", "year exists", "--json")
    assert "Delete 2 documents of 'papers', those with year exists? [y/N]" in screen.getvalue()
    if left == 3:
        assert (run.code, run.out) == (1, "")
        assert "nothing was deleted" in screen.getvalue()
    else:
        assert run.code == 0
        assert json.loads(run.out) == {"collection": "papers", "deleted": 2}
    assert cli("count").out == f"{left}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["delete"], "ids, --filter or --all"),
        (["delete", "wing-1", "--all", "--yes"], "one of them only"),
        (["delete", "wing-1", "--filter", "year exists"], "one of them only"),
        (["delete", "--filter", "year exists", "--all"], "one of them only"),
        (["delete", "--filter", "", "--yes"], "filter"),
        (["delete", "--filter", "all_of()", "--yes"], "filter"),
        (["delete", "--filter", "year", "==", "--yes"], "one of them only"),
        (["delete", "--filter", "year ==", "--yes"], "--filter: column 8"),
        (["delete", ""], "id"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_delete_refuses_what_is_not_plain(cli: Cli, papers: Path, words: list[str], said: str) -> None:
    """Nothing, several ways at once, an empty filter: refused, and nothing is deleted."""
    cli(*words).fails(2, said)
    assert cli("count").out == "3\n"


def test_the_store_is_closed_after_a_failure(cli: Cli, papers: Path) -> None:
    """A command that fails lets go of the file: another program can delete it."""
    cli("get", "nothing")
    cli("count", "-c", "nothing")
    with onevec.connect("sqlite:///onevec.db") as store:
        assert store.collection("papers").delete("wing-1") == 1
