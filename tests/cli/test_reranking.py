"""`search --rerank` and `--mmr`, with a hosted reranker on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers.reranker import KEY, MODEL, Answer, RerankerServer, reranker

from onevec import registry

from .runs import Cli

__all__ = ["reranker"]

RERANK = ("--rerank", f"cohere:{MODEL}")


@pytest.fixture(autouse=True)
def cohere(reranker: RerankerServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[RerankerServer]:
    """The server in the place of Cohere's."""
    monkeypatch.setenv("COHERE_API_KEY", KEY)
    monkeypatch.setenv("COHERE_BASE_URL", reranker.url())
    registry._reranker.cache_clear()
    yield reranker
    registry._reranker.cache_clear()


@pytest.mark.usefixtures("papers")
def test_hits_are_reranked(cli: Cli, cohere: RerankerServer) -> None:
    """The order is the reranker's, its score stands beside the search's own, in JSON too."""
    words = ("search", "past an aerodynamics wing", "--mode", "text")
    plain = cli(*words)
    assert plain.out.split()[:3] == ["#", "score", "document"]
    run = cli(*words, *RERANK)
    header, first, *_ = run.out.splitlines()
    assert header.split() == ["#", "rerank", "score", "document"]
    assert first.split()[0:2] == ["1", "0.500"]
    assert "wing-1" in first
    hits = cli(*words, *RERANK, "--json").json["hits"]
    assert (hits[0]["id"], hits[0]["rerank_score"]) == ("wing-1", 0.5)
    assert f"cohere:{MODEL} 0.5000 (rank " in hits[0]["explanation"]
    assert [hit["rerank_score"] for hit in cli(*words, "--json").json["hits"]] == [None] * len(hits)
    cli(*words, *RERANK, "-k", "1", "--rerank-depth", "2")
    assert len(cohere.requests[-1]["documents"]) == 2


@pytest.mark.usefixtures("papers")
def test_hits_are_diversified(cli: Cli) -> None:
    """Without a reranker too, and for a search by vector."""
    near = ("search", "--vector", "[1, 0.2, 0]", "--json")
    assert [hit["id"] for hit in cli(*near).json["hits"]] == ["wing-1", "plate-2", "layer-3"]
    hits = cli(*near, "--mmr", "0.1").json["hits"]
    assert [hit["id"] for hit in hits] == ["wing-1", "layer-3", "plate-2"]
    assert "mmr" in hits[1]["explanation"]
    assert cli(*near[:3], "--mmr", "0.1").out.split()[:3] == ["#", "score", "document"]


@pytest.mark.usefixtures("papers")
def test_what_can_not_be_reranked_is_told(cli: Cli, cohere: RerankerServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line: an unknown name, a query that is no text, a refused key, an option that nothing uses."""
    wing = ("search", "wing", "--mode", "text")
    cli(*wing, "--rerank", "cohear").fails(2, "no reranker 'cohear'", "did you mean 'cohere'")
    cli("search", "--vector", "[1, 0, 0]", *RERANK).fails(2, "rerank= reads the query's text")
    cli(*wing, "--rerank-depth", "5").fails(2, "rerank_depth")
    cli(*wing, "--rerank-depth", "0").fails(2, "--rerank-depth")
    cli(*wing, "--mmr", "2").fails(2, "mmr is a number from 0")
    cohere.answers.append(Answer(401, b'{"message": "invalid api token"}'))
    cli(*wing, *RERANK).fails(1, "invalid api token", "check the key")
    registry._reranker.cache_clear()
    monkeypatch.delenv("COHERE_API_KEY")
    cli(*wing, *RERANK).fails(2, "set COHERE_API_KEY")


def test_a_store_that_is_not_there_is_told_first(cli: Cli, folder: Path) -> None:
    """Nothing is made by looking for it."""
    cli("search", "wing", *RERANK).fails(1, "no store at")
    assert list(folder.iterdir()) == []
