"""`search`, `get` and `count`."""

from __future__ import annotations

from pathlib import Path

import pytest

import onevec

from .runs import Cli

KEYS_OF_A_DOCUMENT = {"id", "text", "metadata", "created_at", "updated_at"}
KEYS_OF_A_HIT = KEYS_OF_A_DOCUMENT | {"rank", "score", "distance", "rerank_score", "explanation"}
NEAR_WING = ("search", "--vector", "[1, 0, 0]")


def found(cli: Cli, *words: str) -> list[str]:
    """Return the ids that a search prints as JSON."""
    return [hit["id"] for hit in cli(*words, "--json").json["hits"]]


def test_search_by_vector(cli: Cli, papers: Path) -> None:
    """The table has rank, score, id, metadata and text of each hit, best first."""
    run = cli(*NEAR_WING)
    assert (run.code, run.err) == (0, "")
    lines = run.out.splitlines()
    assert lines[0].split() == ["#", "score", "document"]
    assert lines[1].split() == ["1", "1.000", "wing-1"]
    assert lines[2].split("  ")[-3:] == ["year=1958", 'tags=["wing", "slipstream"]', 'author={"name": "brenckman,m."}']
    assert lines[3].endswith("a wing in a slipstream.")
    assert [line.split()[1:] for line in lines if line[:1].isdigit()] == [
        ["1.000", "wing-1"],
        ["0.600", "plate-2"],
        ["0.000", "layer-3"],
    ]


def test_search_as_json(cli: Cli, papers: Path) -> None:
    """The object has the collection, the mode and the hits, each with the promised keys; vectors only when asked."""
    answer = cli(*NEAR_WING, "-k", "1", "--json").json
    (hit,) = answer.pop("hits")
    assert answer == {"collection": "papers", "mode": "vector"}
    assert set(hit) == KEYS_OF_A_HIT
    assert (hit["rank"], hit["id"], hit["score"], hit["distance"]) == (1, "wing-1", pytest.approx(1), pytest.approx(0))
    assert hit["metadata"] == {"year": 1958, "tags": ["wing", "slipstream"], "author": {"name": "brenckman,m."}}
    (hit,) = cli(*NEAR_WING, "-k", "1", "--json", "--include-vectors").json["hits"]
    assert set(hit) == KEYS_OF_A_HIT | {"vector"}
    assert hit["vector"] == [1, 0, 0]


def test_search_by_words(cli: Cli, papers: Path) -> None:
    """--mode text finds by the words of the text, and its hits have no distance."""
    (hit,) = cli("search", "incompressible", "--mode", "text", "--json").json["hits"]
    assert (hit["id"], hit["distance"]) == ("layer-3", None)
    assert "layer-3" in cli("search", "incompressible", "--mode", "text").out


def test_search_in_words_by_meaning(cli: Cli) -> None:
    """A query in words is embedded by the collection's own embedder."""
    with onevec.connect("sqlite:///onevec.db") as store:
        notes = store.create_collection("notes", embedder="wordllama")
        notes.upsert([{"id": "cat", "text": "A cat sleeps on the sofa."}, {"id": "tax", "text": "Pay the income tax."}])
    assert found(cli, "search", "a kitten naps") == ["cat", "tax"]


def test_a_query_in_words_needs_an_embedder(cli: Cli, papers: Path) -> None:
    """Without an embedder it is refused with the way out."""
    run = cli("search", "wings")
    run.fails(2, "has no embedder")


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["-k", "2"], ["wing-1", "plate-2"]),
        (["--top-k", "1"], ["wing-1"]),
        (["--filter", "year >= 1956 and year < 1958"], ["plate-2"]),
        (["--filter", "year missing"], ["layer-3"]),
        (["--filter", 'tags contains "wing" or year == 1956'], ["wing-1", "plate-2"]),
        (["--filter", ""], ["wing-1", "plate-2", "layer-3"]),
        (["--min-score", "0.5"], ["wing-1", "plate-2"]),
        (["--ids", "plate-2", "layer-3"], ["plate-2", "layer-3"]),
        (["--ids", "plate-2", "--ids", "wing-1", "--exact"], ["wing-1", "plate-2"]),
        (["--namespace", "acme"], []),
    ],
    ids=" ".join,
)
def test_search_narrowed(cli: Cli, papers: Path, options: list[str], ids: list[str]) -> None:
    """Each option means what the keyword of the API means."""
    assert found(cli, *NEAR_WING, *options) == ids


def test_search_without_hits(cli: Cli, papers: Path) -> None:
    """Nothing found is an answer, not a failure."""
    run = cli(*NEAR_WING, "--filter", "year > 3000")
    assert (run.code, run.out, run.err) == (0, "no hits\n", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["search"], "a QUERY or --vector"),
        (["search", "wings", "--vector", "[1, 0, 0]"], "not both"),
        (["search", "--vector", "1, 0, 0"], "JSON list of numbers"),
        (["search", "--vector", "{}"], "JSON list of numbers"),
        (["search", "--vector", "[" * 100_000], "JSON list of numbers"),
        (["search", "--vector", '["a", 0, 0]'], "number"),
        (["search", "--vector", "[1, 0]"], "3"),
        (["search", "--vector", "[NaN, 0, 0]"], "finite"),
        (["search", "--vector", "[0, 0, 0]"], "zero"),
        ([*NEAR_WING, "-k", "0"], "top_k"),
        ([*NEAR_WING, "--min-score", "nan"], "min_score"),
        ([*NEAR_WING, "--filter", "year >="], "--filter: column 8: expected a value, got the end"),
        ([*NEAR_WING, "--filter", 'year >= "old"'], "--filter: "),
        ([*NEAR_WING, "--mode", "text"], "mode='text'"),
        (["count", "--filter", "a b"], "--filter: column 3"),
        (["get", ""], "id"),
    ],
    ids=lambda words: " ".join(words)[:40] if isinstance(words, list) else "",
)
def test_input_outside_the_contract_is_one_line(cli: Cli, papers: Path, words: list[str], said: str) -> None:
    """What can't be understood is told on one line with exit code 2, and as InvalidInput's child with --json."""
    cli(*words).fails(2, said)
    assert cli(*words, "--json").error["exit_code"] == 2


def test_a_filter_is_read_before_the_store_is_opened(cli: Cli, folder: Path) -> None:
    """A slip in a filter is told even where there is no store yet."""
    cli("count", "--filter", "year >=").fails(2, "--filter: column 8")


def test_get(cli: Cli, papers: Path) -> None:
    """The whole document is shown: id, metadata a line each, times, text."""
    run = cli("get", "wing-1")
    assert (run.code, run.err) == (0, "")
    lines = run.out.splitlines()
    assert lines[0] == "wing-1"
    assert "year     1958" in lines
    assert 'author   {"name": "brenckman,m."}' in lines
    assert lines[-2] == "Experimental investigation of the aerodynamics of a wing in a slipstream."
    assert sum(line.startswith(("created  20", "updated  20")) for line in lines) == 2


def test_get_as_json(cli: Cli, papers: Path) -> None:
    """The documents come in the order asked, with the promised keys; vectors only when asked."""
    answer = cli("get", "plate-2", "wing-1", "--json").json
    assert [document["id"] for document in answer["documents"]] == ["plate-2", "wing-1"]
    assert all(set(document) == KEYS_OF_A_DOCUMENT for document in answer["documents"])
    assert (answer["collection"], answer["missing"]) == ("papers", [])
    (document,) = cli("get", "wing-1", "--json", "--include-vectors").json["documents"]
    assert document["vector"] == [1, 0, 0]


def test_get_of_what_is_not_there(cli: Cli, papers: Path) -> None:
    """What is there is shown; what isn't is named on stderr, or under "missing", and the exit code is 1."""
    run = cli("get", "plate-2", "nothing", "nothing")
    assert run.code == 1
    assert run.out.startswith("plate-2\n")
    assert run.err == "onevec: collection 'papers' has no document 'nothing'\n"
    run = cli("get", "nothing", "--json")
    assert run.code == 1
    assert run.json == {"collection": "papers", "documents": [], "missing": ["nothing"]}
    cli("get", "nothing").fails(1, "'nothing'")


def test_times_are_iso_8601_in_json(cli: Cli, papers: Path) -> None:
    """A time is text in UTC, in metadata as in `created_at`."""
    with onevec.connect("sqlite:///onevec.db") as store:
        moment = store.collection("papers").get("wing-1")
        assert moment is not None
        store.collection("papers").update("wing-1", metadata={"seen": moment.created_at})
    (document,) = cli("get", "wing-1", "--json").json["documents"]
    assert document["metadata"]["seen"] == document["created_at"]
    assert document["created_at"].endswith("Z")
    assert f"seen     {document['created_at'][:10]} {document['created_at'][11:19]}" in cli("get", "wing-1").out


def test_count(cli: Cli, papers: Path) -> None:
    """The number of documents that match, alone on its line."""
    assert cli("count").out == "3\n"
    assert cli("count", "--filter", "year exists").out == "2\n"
    assert cli("count", "--filter", "year exists", "--json").json == {"collection": "papers", "count": 2}
    assert cli("count", "--namespace", "acme").out == "0\n"


@pytest.mark.parametrize("columns", ["20", "40", "60", "100", "300"])
def test_tables_are_as_wide_as_the_terminal(
    cli: Cli, papers: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """No line is longer than the terminal is wide."""
    with onevec.connect("sqlite:///onevec.db") as store:
        store.collection("papers").upsert(
            {"id": "i" * 200, "text": "word " * 500 + "x" * 500, "vector": [1, 1, 1], "metadata": {"k" * 90: "v" * 900}}
        )
    monkeypatch.setenv("COLUMNS", columns)
    for words in (NEAR_WING, ("get", "i" * 200)):
        assert max(map(len, cli(*words).out.splitlines())) <= int(columns)


def test_what_documents_hold_does_not_act_on_the_terminal(cli: Cli, papers: Path) -> None:
    """Escape sequences, direction marks and markup in stored texts are shown, not obeyed; JSON has them whole."""
    evil = "\x1b]0;title\x07\x1b[2J\u202ecba\x9b31m[bold]a[/bold][/] :smile:"
    with onevec.connect("sqlite:///onevec.db") as store:
        store.collection("papers").upsert(
            {"id": evil, "text": f"{evil}\r\nline", "vector": [1, 0, 0], "metadata": {"who": evil, evil: [evil]}}
        )
    for words in (NEAR_WING, ("get", evil)):
        shown = cli(*words).out
        assert {"\x1b", "\x07", "\u202e", "\x9b", "\r"}.isdisjoint(shown)
        assert "[bold]a[/bold][/] :smile:" in shown
    (document,) = cli("get", evil, "--json").json["documents"]
    assert document["id"] == document["metadata"]["who"] == evil
    run = cli("get", f"{evil}?")
    assert (run.code, run.out) == (1, "")
    assert "\x1b" not in run.err
