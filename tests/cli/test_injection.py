"""Words of the command line that look like something else are ids, queries and filters, and nothing more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import onevec
from onevec.errors import InvalidDocument, InvalidFilter
from onevec.filter_text import parse_text
from onevec.testing.payloads import PAYLOADS
from onevec.validate import checked_id

from .runs import PAPERS, Cli


def can_be_an_id(word: str) -> bool:
    try:
        return checked_id(word) == word
    except InvalidDocument:
        return False


WORDS = tuple(payload for payload in PAYLOADS if "\0" not in payload)  # no process can be given a NUL
IDS = tuple(filter(can_be_an_id, WORDS))
PART = 25


def parts(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [words[start : start + PART] for start in range(0, len(words), PART)]


@pytest.fixture
def ids(papers: Path) -> Path:
    """The papers, and a document for every payload that can be an id."""
    with onevec.connect("sqlite:///onevec.db") as store:
        store.collection("papers").upsert(
            [{"id": id, "text": id, "vector": [1.0, 2.0, 3.0], "metadata": {"value": id}} for id in IDS]
        )
    return papers


@pytest.mark.parametrize("words", parts(IDS), ids=lambda words: ascii(words[0])[:20])
def test_ids_are_ids(cli: Cli, ids: Path, words: tuple[str, ...]) -> None:
    """Whatever an id looks like, after `--` it gets that document and deletes that document only."""
    run = cli("get", "--json", "--", *words)
    assert run.code == 0
    assert [(found["id"], found["text"], found["metadata"]) for found in run.json["documents"]] == [
        (word, word, {"value": word}) for word in words
    ]
    shown = cli("get", "--", *words)
    assert (shown.code, shown.err) == (0, "")
    assert "\x1b" not in shown.out
    before = int(cli("count").out)
    assert cli("delete", "--json", "--", *words).json["deleted"] == len(set(words))
    assert int(cli("count").out) == before - len(set(words))
    missing = cli("get", "--json", "--", *words)
    assert (missing.code, missing.json["missing"]) == (1, list(words))


def test_ids_outside_the_contract_are_refused(cli: Cli, ids: Path) -> None:
    """An empty id, and one that is too long, is one line with exit code 2."""
    refused = [word for word in WORDS if word not in IDS]
    assert "" in refused
    for word in refused:
        cli("get", "--", word).fails(2, "id")


@pytest.mark.parametrize("mode", ["vector", "text"])
def test_queries_are_words(cli: Cli, mode: str) -> None:
    """A query is never an operator, a pattern or an option: it finds something or nothing, and no error escapes."""
    with onevec.connect("sqlite:///onevec.db") as store:
        store.create_collection("notes", embedder="wordllama").upsert(
            [{"id": str(number), "text": f"text {word}"} for number, word in enumerate(WORDS)]
        )
        count = store.collection("notes").count()
    for word in WORDS:
        run = cli("search", "--mode", mode, "--json", "--", word)
        if run.code == 0:
            assert len(run.json["hits"]) <= 10
        else:
            assert (run.code, run.error["type"]) in {(1, "EmbeddingFailed"), (2, "InvalidQuery")}, word
    assert cli("count").out == f"{count}\n"


def test_filter_values_are_values(cli: Cli, ids: Path) -> None:
    """A quoted payload in a filter is equal to itself and to nothing else."""
    for word in IDS:
        run = cli("search", "--vector", "[1, 2, 3]", "--filter", f"value == {json.dumps(word)}", "--json")
        assert [hit["id"] for hit in run.json["hits"]] == [word]


def test_bare_payloads_are_no_filters(cli: Cli, ids: Path) -> None:
    """As a whole filter a payload is refused on one line, unless it is one."""
    for word in WORDS:
        run = cli("count", f"--filter={word}")
        try:
            parse_text(word)
        except InvalidFilter:
            run.fails(2, "--filter: ")
        else:
            assert (run.code, run.err) == (0, "")


@pytest.mark.parametrize("option", ["--store", "--collection", "--namespace"])
def test_names_are_names(cli: Cli, ids: Path, folder: Path, option: str) -> None:
    """As a store, a collection or a namespace a payload reads nothing else, and makes no file."""
    for word in WORDS:
        run = cli("count", f"{option}={word}")
        if run.code == 0:
            empty = (option, word) == ("--namespace", "")
            assert (run.out, run.err) == (f"{len(IDS) + len(PAPERS)}\n" if empty else "0\n", "")
        else:
            not_there = run.err.startswith(("onevec: there is no store", "onevec: there is no collection"))
            nothing_in_it = word == "memory://" and "the store has no collection" in run.err
            run.fails(1 if not_there or nothing_in_it else 2)
    assert {path.name.partition("-")[0] for path in folder.iterdir()} == {"onevec.db"}
