"""`quality`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import onevec

from .runs import Cli

DIMENSION = 8


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Workers that run beside each other have no cores to spare for threads, which would wait for each other."""
    import sklearn.cluster  # noqa: F401 (its threads are limited once it is there)

    with threadpool_limits(1):
        yield


@pytest.fixture
def topics(folder: Path) -> Path:
    """The default store, with one collection of 60 documents in three topics: two alike, one far from all others."""
    labels = [row % 3 for row in range(60)]
    vectors = np.eye(3, DIMENSION)[labels] + 0.1 * np.random.default_rng(0).standard_normal((60, DIMENSION))
    vectors[1] = vectors[4]
    vectors[59] = 30 * np.eye(DIMENSION)[7]
    with onevec.connect("sqlite:///onevec.db") as store:
        topics = store.create_collection("topics", dimension=DIMENSION, metric="euclidean")
        metadata = [{"topic": f"topic {label}", "half": row < 30} for row, label in enumerate(labels)]
        topics.upsert(ids=[f"d{row:02}" for row in range(60)], vectors=vectors, metadata=metadata)
        topics.namespace("acme").upsert({"id": "x", "vector": vectors[0]})
    return folder


def test_the_table_says_what_each_number_tells(cli: Cli, topics: Path) -> None:
    """Each number is on a line with its value and what it tells; outliers and near-duplicates are listed by id."""
    run = cli("quality", "topics", "--label", "topic", "--near-duplicate", "0.9999")
    assert (run.code, run.err) == (0, "")
    lines = run.out.splitlines()
    assert lines[0].split("  ")[0] == "number"
    named = {line[:19].strip(): line.split() for line in lines}
    assert named["vectors"][1:] == ["60", "all", "there", "are"]
    assert named["labels"][1] == "3"
    assert float(named["label silhouette"][2]) > 0.4
    assert named["outliers"][1] == "1"
    assert named["near-duplicates"][1] == "1"
    assert [line.split()[0] for line in lines if line.startswith("d")] == ["dimension", "d59", "d01"]
    assert [line.split() for line in lines if line.startswith("d01")] == [["d01", "d04", "1.0000"]]


def test_as_json(cli: Cli, topics: Path) -> None:
    """The object has the collection, the namespace and the fields of `EmbeddingQuality`, as `to_json` gives them."""
    from onevec.quality import collection_quality

    found = cli(
        "quality",
        "topics",
        "--label",
        "topic",
        "--seed",
        "3",
        "--clusters",
        "3",
        "--near-duplicate",
        "0.9999",
        "--json",
    ).json
    with onevec.connect("sqlite:///onevec.db") as store:
        quality = collection_quality(
            store.collection("topics"), label="topic", seed=3, clusters=3, near_duplicate=0.9999
        )
    expected = {"collection": "topics", "namespace": "", **quality.to_json()}
    assert set(found) == set(expected)
    assert found["labels"] == expected["labels"]
    assert found["outliers"]["farthest"][0]["id"] == "d59"
    assert found["near_duplicates"]["nearest"] == [{"first": "d01", "second": "d04", "cosine": pytest.approx(1)}]
    assert (found["seed"], found["clusters"]["groups"]) == (3, 3)


@pytest.mark.parametrize(
    ("options", "vectors", "total"),
    [
        ([], 60, 60),
        (["-c", "topics"], 60, 60),
        (["topics", "--filter", "half == true"], 30, 30),
        (["topics", "--sample", "20"], 20, 60),
        (["topics", "--namespace", "acme"], 1, 1),
        (["topics", "--namespace", "nobody"], 0, 0),
    ],
    ids=str,
)
def test_what_is_measured(cli: Cli, topics: Path, options: list[str], vectors: int, total: int) -> None:
    """The collection may be left out if it is the only one; filter, sample and namespace narrow it."""
    found = cli("quality", *options, "--json").json
    assert (found["vectors"], found["total"]) == (vectors, total)


def test_an_empty_namespace_is_no_failure(cli: Cli, topics: Path) -> None:
    """Nothing to measure is an answer: numbers are unknown, in the table and in the report."""
    run = cli("quality", "topics", "--namespace", "nobody", "--label", "topic", "--report", "none.html")
    assert (run.code, run.err) == (0, "")
    assert "intrinsic dimension  unknown" in run.out
    assert "There are no vectors." in Path("none.html").read_text("utf-8")


def test_the_report_is_written(cli: Cli, topics: Path) -> None:
    """--report writes the page and says so, or with --json says nothing of it; one that is there is replaced."""
    Path("report.html").write_text("old")
    run = cli("quality", "topics", "--label", "topic", "--report", "report.html")
    assert run.out.endswith("\n\nwrote report.html\n")
    page = Path("report.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "topic 2</bdi>" in page
    assert "d59" in page
    assert cli("quality", "topics", "--report", "again.html", "--json").json["vectors"] == 60
    assert Path("again.html").exists()


def test_the_threshold_of_near_duplicates(cli: Cli, topics: Path) -> None:
    """--near-duplicate is the cosine from which on pairs count."""
    counts = [
        cli("quality", "--near-duplicate", cosine, "--json").json["near_duplicates"]["pairs"]
        for cosine in ("1", "0.9", "-1")
    ]
    assert counts[0] == 1 < counts[1] < counts[2] == 60 * 59 // 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["topics", "-c", "topics"], 2, "COLLECTION or -c"),
        (["nothing"], 1, "nothing"),
        (["topics", "--label", "topc"], 2, "none of the 60 documents"),
        (["topics", "--label", "a b"], 2, "field"),
        (["topics", "--filter", "half =="], 2, "--filter: column"),
        (["topics", "--sample", "0"], 2, "--sample"),
        (["topics", "--seed", "-1"], 2, "seed"),
        (["topics", "--clusters", "1"], 2, "clusters"),
        (["topics", "--near-duplicate", "2"], 2, "near_duplicate"),
        (["topics", "--report", "missing/report.html"], 2, "make it first"),
        (["topics", "--report", "."], 2, "is a folder"),
        (["topics", "--store", "sqlite:///none.db"], 1, "there is no store"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said(cli: Cli, topics: Path, words: list[str], code: int, said: str) -> None:
    """A slip is one line that says what to do, before anything is measured or written."""
    before = sorted(topics.iterdir())
    cli("quality", *words).fails(code, said)
    assert sorted(topics.iterdir()) == before


def test_a_report_that_cannot_be_written(cli: Cli, topics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, say, is told with the file's name."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("onevec.quality.write_report", full)
    cli("quality", "topics", "--report", "report.html").fails(2, "'report.html' can't be written: No space left")


def test_without_the_libraries(cli: Cli, topics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure has the command that installs them."""
    monkeypatch.setitem(sys.modules, "sklearn", None)
    cli("quality", "topics").fails(1, 'pip install "onevec[quality]"')


def test_ids_cannot_act_on_the_terminal(cli: Cli, topics: Path) -> None:
    """Control characters in the ids that are listed are replaced."""
    with onevec.connect("sqlite:///onevec.db") as store:
        store.collection("topics").upsert({"id": "\x1b[31mred", "vector": [99.0] * DIMENSION})
    assert "\x1b" not in cli("quality", "topics").out
