"""The engines in memory rank words apart from their other reads, so that the halves of a hybrid search run at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import onevec
from onevec import Collection, Document
from onevec.adapter import Request
from onevec.adapters.memory import MemoryAdapter
from onevec.local.records import Ranking, Records

TEXTS = ["the wing of a plane", "heat in slabs", "a wing, and another wing", "flow past a plate"]


@pytest.fixture(params=["memory", "jsonl"])
def papers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Collection]:
    with onevec.connect("memory://" if request.param == "memory" else f"jsonl:///{tmp_path}/papers") as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert([Document(str(n), text=text, vector=[1, n]) for n, text in enumerate(TEXTS)])
        assert papers.search("wing", mode="text").ids == ["2", "0"]
        yield papers


@pytest.mark.parametrize("papers", ["memory"], indirect=True)
def test_words_are_ranked_while_another_search_reads(papers: Collection) -> None:
    """A search that takes long doesn't keep them waiting, nor they it."""
    adapter = papers._core.adapter
    assert isinstance(adapter, MemoryAdapter)
    records = adapter._space(papers._core._place)
    rank = records.ranker(Request(None, "wing", 10))
    with adapter._lock, ThreadPoolExecutor(1) as thread:
        assert len(thread.submit(rank).result(timeout=60).scores) == 2
    with records._ranks, ThreadPoolExecutor(1) as thread:
        assert thread.submit(papers.search, [1, 0]).result(timeout=60).ids[0] == "0"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("limits", [{}, {"filter": "not x exists"}, {"ids": ["0", "1", "2", "new"]}], ids=str)
@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda papers: papers.upsert(Document("new", text="wing wing wing", vector=[1, 1])), {"2", "new", "0"}),
        (lambda papers: papers.delete("2"), {"0"}),
        (lambda papers: papers.update("2", text="nothing of that"), {"0"}),
        (lambda papers: papers.update("0", metadata={"x": 1}), {"2"}),
        (lambda papers: papers.clear(), set()),
        (lambda papers: papers.namespace("acme").upsert(Document("2", text="wing", vector=[1, 1])), {"2", "0"}),
    ],
    ids=["upsert", "delete", "update", "metadata", "clear", "elsewhere"],
)
def test_a_write_while_words_are_ranked_counts(
    papers: Collection,
    *,
    write: Callable[[Collection], Any],
    expected: set[str],
    limits: dict[str, Any],
    after: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The hits are those of the moment their documents are read."""
    ranker = Records.ranker
    written = False

    def overtaken(self: Records, request: Request) -> Callable[[], Ranking]:
        rank = ranker(self, request)

        def ranked() -> Ranking:
            nonlocal written
            if written:
                return rank()
            written = True
            ranking = rank() if after else None
            write(papers)
            return ranking or rank()

        return ranked

    monkeypatch.setattr(Records, "ranker", overtaken)
    hits = papers.search("wing", mode="text", **limits)
    assert written
    monkeypatch.undo()
    assert papers.search("wing", mode="text", **limits) == hits
    assert set(hits.ids) == expected | ({"0"} if "filter" not in limits and "2" in expected else set())
