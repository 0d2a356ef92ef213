"""Text searches rank on a connection of their own, so that the two halves of a hybrid search run at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import onevec
from onevec import Collection, Document
from onevec.adapter import Request
from onevec.adapters.sqlite import SqliteAdapter

TEXTS = ["the wing of a plane", "heat in slabs", "a wing, and another wing", "flow past a plate"]


@pytest.fixture
def papers(tmp_path: Path) -> Iterator[Collection]:
    with onevec.connect(f"sqlite:///{tmp_path}/papers.db") as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert([Document(str(n), text=text, vector=[1, n]) for n, text in enumerate(TEXTS)])
        assert papers.search("wing", mode="text").ids == ["2", "0"]
        yield papers


def adapter_of(papers: Collection) -> SqliteAdapter:
    adapter = papers._core.adapter
    assert isinstance(adapter, SqliteAdapter)
    return adapter


def test_words_are_ranked_while_another_search_reads(papers: Collection) -> None:
    """A read that takes long doesn't keep them waiting, nor they it."""
    adapter, place = adapter_of(papers), papers._core._place
    with adapter._file.reading(), ThreadPoolExecutor(1) as thread:
        _, ranking = thread.submit(adapter._finder.rank, place, Request(None, "wing", 10), None).result(timeout=60)
    assert ranking is not None
    assert len(ranking.scores) == 2
    with adapter._file.ranking(), ThreadPoolExecutor(1) as thread:
        assert thread.submit(papers.search, [1, 0]).result(timeout=60).ids[0] == "0"


@pytest.mark.parametrize("indexed", [False, True], ids=["", "indexed"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("limits", [{}, {"filter": "not x exists"}, {"ids": ["0", "1", "2", "new"]}], ids=str)
@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda papers: papers.upsert(Document("new", text="wing wing wing", vector=[1, 1])), ["2", "new", "0"]),
        (lambda papers: papers.delete("2"), ["0"]),
        (lambda papers: papers.update("2", text="nothing of that"), ["0"]),
        (lambda papers: papers.update("0", metadata={"n": 1}), ["2", "0"]),
        (lambda papers: papers.clear(), []),
        (lambda papers: papers.namespace("acme").upsert(Document("2", text="wing", vector=[1, 1])), ["2", "0"]),
    ],
    ids=["upsert", "delete", "update", "metadata", "clear", "elsewhere"],
)
def test_a_write_while_words_are_ranked_counts(
    papers: Collection,
    *,
    write: Callable[[Collection], Any],
    expected: list[str],
    limits: dict[str, Any],
    after: bool,
    indexed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The hits are those of the commit that their documents are read from, whoever wrote it, or indexed it too."""
    adapter = adapter_of(papers)
    rank = adapter._finder.rank
    file = str(adapter._file.path)

    def overtaken(*args: Any) -> Any:
        ranked = rank(*args) if after else None
        with onevec.connect(f"sqlite:///{file}") as other:
            write(other.collection("papers"))
            if indexed:
                other.collection("papers").search("plate", mode="text")
        return ranked or rank(*args)

    monkeypatch.setattr(adapter._finder, "rank", overtaken)
    hits = papers.search("wing", mode="text", **limits)
    assert sorted(hits.ids) == sorted(expected)
    assert hits.scores == sorted(hits.scores, reverse=True)
    monkeypatch.undo()
    assert papers.search("wing", mode="text", **limits).ids == hits.ids


def test_searches_with_a_filter_are_ranked_with_it(papers: Collection) -> None:
    """As many hits as match, whatever ranks above them."""
    papers.upsert([Document(f"x{n}", text="wing wing", vector=[1, n], metadata={"x": True}) for n in range(50)])
    assert papers.search("wing", mode="text", top_k=2, filter="not x exists").ids == ["2", "0"]
    assert papers.search("wing", mode="text", top_k=2, ids=["0", "1"]).ids == ["0"]
