"""`eval`: from files to a table, over engines, embedders, modes and runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import onevec
from onevec.evaluation import evaluate, read_run

from .runs import Cli

CORPUS: list[dict[str, Any]] = [
    {"_id": "wing", "title": "Wings", "text": "The lift of a wing in the slipstream of a propeller."},
    {"_id": "slab", "text": "Heat conduction in slabs of several layers."},
    {"_id": "plate", "text": "Shear flow past a flat plate.", "metadata": {"year": 1956}},
    {"_id": "empty", "title": "", "text": ""},
]
QUERIES = [{"_id": "q1", "text": "lift of a wing"}, {"_id": "q2", "text": "temperature"}, {"_id": "q3", "text": "mice"}]
JUDGEMENTS = "query-id\tcorpus-id\tscore\nq1\twing\t1\nq2\tslab\t1\nq2\tgone\t1\n"
FILES = ("--queries", "queries.jsonl", "--judgements", "qrels.tsv")


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    for name, rows in (("corpus.jsonl", CORPUS), ("queries.jsonl", QUERIES)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (folder / "qrels.tsv").write_text(JUDGEMENTS, "utf-8")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_table(cli: Cli, folder: Path) -> None:
    """Means with their errors, differences with the first system, and what doesn't fit together; no store is left."""
    run = cli("eval", "--corpus", "corpus.jsonl", *FILES, "--metric", "nDCG@10", "mrr")
    assert (run.code, run.err) == (0, "")
    lines = run.out.splitlines()
    assert lines[0] == "2 queries, top_k=100: mean ± standard error"
    assert lines[1].split() == ["nDCG@10", "MRR"]
    assert [line.split()[0] for line in lines[2:5]] == ["vector", "text", "hybrid"]
    assert lines[3].endswith("0.5000 ± 0.5000")
    assert lines[6] == "nDCG@10 less that of 'vector', query by query (paired t-test, two-sided)"
    assert [line.split()[0] for line in lines[8:10]] == ["text", "hybrid"]
    assert "1 of the corpus without text, not indexed: empty" in lines[-1]
    assert "1 query without a relevant document, left out: q3" in lines[-1]
    assert "1 document relevant but not in a collection, counted as not found: gone" in lines[-1]
    assert names(folder) == ["corpus.jsonl", "qrels.tsv", "queries.jsonl"]


def test_as_json(cli: Cli) -> None:
    """All of the evaluation, with stable keys."""
    found = cli("eval", "--corpus", "corpus.jsonl", *FILES, "--mode", "text", "--metric", "MRR", "--json").json
    assert set(found) == {
        *("metrics", "queries", "top_k", "systems", "test", "differences", "unmatched", "documents", "empty_documents"),
    }
    assert (found["queries"], found["documents"], found["empty_documents"]) == (2, 3, ["empty"])
    assert found["systems"] == [
        {
            "name": "text",
            "means": {"MRR": {"value": 0.5, "standard_error": 0.5}},
            "values": {"MRR": {"q1": 1.0, "q2": 0.0}},
        }
    ]


def test_stores_and_modes_side_by_side(cli: Cli, folder: Path) -> None:
    """Named by what differs; each store finds the same, and is left without the collection that was made in it."""
    found = cli(
        *("eval", "--corpus", "corpus.jsonl", *FILES, "--json", "--mode", "text", "vector"),
        *("--store", "memory://", "sqlite:///kept.db"),
    ).json
    systems = {system["name"]: system["means"] for system in found["systems"]}
    assert list(systems) == ["memory text", "memory vector", "sqlite text", "sqlite vector"]
    assert systems["memory text"] == systems["sqlite text"]
    assert systems["memory vector"] == systems["sqlite vector"]
    with onevec.connect("sqlite:///kept.db") as store:
        assert store.collections() == []


def test_embedders_and_fusions_side_by_side(cli: Cli) -> None:
    """Likewise."""
    found = cli(
        *("eval", "--corpus", "corpus.jsonl", *FILES, "--json", "--mode", "hybrid", "--fusion", "rrf", "weighted"),
        *("--baseline", "hybrid weighted"),
    ).json
    assert [system["name"] for system in found["systems"]] == ["hybrid rrf", "hybrid weighted"]


def test_a_collection_that_is_there(cli: Cli) -> None:
    """Is searched as it is, in the modes that its engine has."""
    with onevec.connect("sqlite:///onevec.db") as store:
        papers = store.create_collection("papers", embedder="wordllama")
        papers.upsert([{"id": row["_id"], "text": row["text"]} for row in CORPUS if row["text"]])
        wanted = evaluate(papers, "queries.jsonl", "qrels.tsv", modes=["vector", "text", "hybrid"])
    found = cli("eval", "-c", "papers", *FILES, "--json").json
    assert found == {**wanted.to_json(), "documents": None, "empty_documents": []}
    assert cli("eval", *FILES, "--json").json == found  # the only collection there is
    with onevec.connect("sqlite:///onevec.db") as store:
        assert store.collection("papers").count() == 3


def test_runs_go_out_and_in(cli: Cli, folder: Path) -> None:
    """`--run-out` writes what `--runs` measures, the same to the last digit."""
    first = cli("eval", "--corpus", "corpus.jsonl", *FILES, "--run-out", "runs", "--json").json
    assert names(folder / "runs") == ["hybrid.run", "text.run", "vector.run"]
    assert read_run("runs/text.run")["q1"][0].id == "wing"
    again = cli("eval", "--judgements", "qrels.tsv", "--runs", "runs/vector.run", "runs/text.run", "--json").json
    assert again["systems"] == first["systems"][:2]
    (folder / "other").mkdir()
    (folder / "runs" / "text.run").replace(folder / "other" / "text.run")
    (folder / "runs" / "vector.run").replace(folder / "runs" / "text.run")
    same = cli("eval", "--judgements", "qrels.tsv", "--runs", "runs/text.run", "other/text.run", "--json").json
    assert [system["name"] for system in same["systems"]] == ["text", "other/text.run"]
    assert [system["means"] for system in same["systems"]] == [system["means"] for system in again["systems"]]
    beside = cli("eval", "--corpus", "corpus.jsonl", *FILES, "--mode", "hybrid", "--runs", "runs/text.run", "--json")
    assert [system["name"] for system in beside.json["systems"]] == ["hybrid", "text"]


def test_a_chart(cli: Cli, folder: Path) -> None:
    """Of a kind that its suffix names, checked before anything is measured."""
    assert cli("eval", "--corpus", "corpus.jsonl", *FILES, "--chart", "charts/quality.svg").code == 0
    assert ">hybrid<" in (folder / "charts" / "quality.svg").read_text("utf-8")
    cli("eval", "--corpus", "nothing.jsonl", *FILES, "--chart", "chart.gif").fails(2, ".svg, .png, .pdf", "chart.gif")


def test_rerankers_stand_beside(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each search without, and with each reranker."""

    def last_first(query: str, texts: list[str]) -> list[float]:
        return [-len(set(query.split()) & set(text.split())) for text in texts]

    reranker = onevec.FunctionReranker(last_first, name="last-first")
    monkeypatch.setattr("onevec.registry._reranker", lambda name: reranker)
    found = cli("eval", "--corpus", "corpus.jsonl", *FILES, "--mode", "vector", "--rerank", "last-first", "--json").json
    assert [system["name"] for system in found["systems"]] == ["vector", "vector + last-first"]
    plain, reranked = (system["values"]["MRR"]["q1"] for system in found["systems"])
    assert plain == 1 > reranked


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--judgements", "qrels.tsv"], "eval needs --queries"),
        (["--judgements", "qrels.tsv", "--corpus", "corpus.jsonl"], "needs --queries"),
        ([*FILES, "--corpus", "corpus.jsonl", "-c", "papers"], "leave out --corpus or --collection"),
        ([*FILES, "--embedder", "wordllama"], "--embedder goes with --corpus"),
        ([*FILES, "--corpus", "corpus.jsonl", "--metric", "F1"], "there is no metric 'F1'"),
        ([*FILES, "--corpus", "corpus.jsonl", "-k", "5"], "nDCG@10 looks at 10 hits"),
        ([*FILES, "--corpus", "corpus.jsonl", "--baseline", "x"], "there is no 'x', but 'vector', 'text', 'hybrid'"),
        ([*FILES, "--corpus", "corpus.jsonl", "--rerank", "x"], "there is no reranker 'x'"),
        ([*FILES, "--corpus", "corpus.jsonl", "--embedder", "x"], "there is no embedder 'x'"),
        ([*FILES, "--corpus", "corpus.jsonl", "--strict"], "relevant but not in a collection"),
        ([*FILES, "--corpus", "nothing.jsonl"], "can't read 'nothing.jsonl'"),
        (["--judgements", "nothing.tsv", "--runs", "a.run"], "can't read 'nothing.tsv'"),
    ],
)
def test_what_can_not_be_understood(cli: Cli, folder: Path, words: list[str], said: str) -> None:
    """Is told in a line that says what to do, and nothing is left behind."""
    cli("eval", *words).fails(2, said)
    assert names(folder) == ["corpus.jsonl", "qrels.tsv", "queries.jsonl"]


def test_ids_that_a_run_file_can_not_hold(cli: Cli, folder: Path) -> None:
    """Are refused before anything is embedded."""
    with (folder / "corpus.jsonl").open("a") as corpus:
        corpus.write('{"_id": "two words", "text": "flow"}\n')
    words = ("eval", "--corpus", "corpus.jsonl", *FILES, "--embedder", "x")
    cli(*words, "--run-out", "runs").fails(2, "white space: 'two words'")
    cli(*words).fails(2, "there is no embedder 'x'")


def test_malformed_lines(cli: Cli, folder: Path) -> None:
    """Are named with their numbers before anything is embedded."""
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\twing\tyes\nq2\tslab\n")
    cli("eval", "--corpus", "corpus.jsonl", *FILES).fails(2, "'qrels.tsv' has 2 lines", "line 2: relevance", "line 3: ")
    error = cli("eval", "--corpus", "corpus.jsonl", *FILES, "--json").error
    assert (error["type"], error["exit_code"]) == ("InvalidFile", 2)


def test_cranfield(cli: Cli, cranfield: Path) -> None:
    """A real test collection: nDCG@10 is what other programs have for BM25, and titles and abstracts."""
    found = cli(
        *("eval", "--corpus", str(cranfield / "corpus.jsonl"), "--queries", str(cranfield / "queries.jsonl")),
        *(
            "--judgements",
            str(cranfield / "qrels.tsv"),
            "--json",
            "--metric",
            "nDCG@10",
            "-k",
            "10",
            "--mode",
            "text",
            "vector",
        ),
    ).json
    means = {system["name"]: system["means"]["nDCG@10"]["value"] for system in found["systems"]}
    assert (found["queries"], found["documents"], found["empty_documents"]) == (225, 1398, ["471", "995"])
    assert round(means["text"], 2) == 0.38
    assert means["text"] > means["vector"] > 0.3
