"""Fusing two rankings into one."""

from __future__ import annotations

from typing import Any

import pytest

import onevec
from onevec import Document, Hit
from onevec.errors import InvalidQuery, OnevecError, Unsupported
from onevec.fusion import Fusion

from .limited import LimitedAdapter


def ranking(*scores: tuple[str, float], by_vector: bool = True) -> list[Hit]:
    return [
        Hit(Document(id), score, 1 - score if by_vector else None, rank) for rank, (id, score) in enumerate(scores, 1)
    ]


VECTOR = ranking(("a", 0.9), ("b", 0.5), ("c", 0.1))
TEXT = ranking(("c", 8.0), ("d", 4.0), by_vector=False)


def test_reciprocal_ranks_are_summed() -> None:
    """A hit has 1 / (60 + rank) from each side that found it; equal sums go by id."""
    hits = Fusion().fused(VECTOR, TEXT, 10)
    assert [hit.id for hit in hits] == ["c", "a", "b", "d"]
    assert [hit.score for hit in hits] == pytest.approx([1 / 63 + 1 / 61, 1 / 61, 1 / 62, 1 / 62])
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]


def test_scores_are_scaled_and_weighted() -> None:
    """The best of a side has 1 and the last one 0, times the side's weight; a lone hit has 1."""
    hits = Fusion("weighted", 0.75).fused(VECTOR, TEXT, 10)
    assert {hit.id: hit.score for hit in hits} == pytest.approx({"a": 0.75, "b": 0.375, "c": 0.25, "d": 0.0})
    assert [hit.id for hit in hits] == ["a", "b", "c", "d"]
    lone = Fusion("weighted", 0.25).fused(VECTOR[:1], [], 10)
    assert [(hit.id, hit.score) for hit in lone] == [("a", 0.25)]


@pytest.mark.parametrize("method", ["rrf", "weighted"])
def test_a_weight_of_one_is_one_side_alone(method: Any) -> None:
    """The order is then that side's; what only the other found comes last, with nothing."""
    by_vector = Fusion(method, 1.0).fused(VECTOR, TEXT, 10)
    assert [hit.id for hit in by_vector] == ["a", "b", "c", "d"]
    assert by_vector[-1].score == 0.0
    by_text = Fusion(method, 0.0).fused(VECTOR, TEXT, 2)
    assert by_text[0].id == "c"


def test_a_hit_tells_how_it_came_about() -> None:
    """Both ranks and scores, the distance where there is one, and a line for a person."""
    best, second = Fusion().fused(VECTOR, TEXT, 2)
    assert (best.vector_score, best.text_score, best.distance) == (0.1, 8.0, 0.9)
    assert best.explanation == "rrf: 0.01587 (vector rank 3, score 0.1000) + 0.01639 (text rank 1, score 8.0000)"
    assert (second.vector_score, second.text_score) == (0.9, None)
    assert second.explanation == "rrf: 0.01639 (vector rank 1, score 0.9000)"
    assert (VECTOR[0].vector_score, VECTOR[0].text_score) == (0.9, None)
    assert (TEXT[0].vector_score, TEXT[0].text_score) == (None, 8.0)
    assert TEXT[0].explanation == "BM25 8.0000"
    assert VECTOR[0].explanation.startswith("distance 0.1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fusion": "max"}, "rrf"),
        ({"vector_weight": 1.1}, "0 to 1"),
        ({"vector_weight": "half"}, "0 to 1"),
        ({"vector_weight": True}, "0 to 1"),
        ({"vector_weight": float("nan")}, "0 to 1"),
        ({"depth": 0}, "depth"),
        ({"depth": 5, "top_k": 6}, "at least top_k=6"),
        ({"mode": "vector", "depth": 5}, "mode='hybrid'"),
        ({"mode": "text", "fusion": "rrf"}, "mode='hybrid'"),
    ],
    ids=str,
)
def test_what_cannot_be_fused_is_refused(arguments: dict[str, Any], message: str) -> None:
    """Before anything is searched; and a setting that a mode would ignore is refused, too."""
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", dimension=2)
        query = onevec.SearchQuery("wing", vector=[1, 0])
        with pytest.raises(InvalidQuery, match=message):
            papers.search(query, **{"mode": "hybrid", **arguments})


def test_a_hybrid_search_needs_words_and_an_engine_that_searches_them() -> None:
    """A vector alone is refused, and an engine without text search says so by name."""
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", dimension=2)
        with pytest.raises(InvalidQuery, match="by words"):
            papers.search([1, 0], mode="hybrid")
        with pytest.raises(OnevecError, match="no embedder"):
            papers.search("wing", mode="hybrid")
    with onevec.connect(LimitedAdapter) as store:
        papers = store.create_collection("papers", dimension=2)
        if not store.capabilities.text_search:
            with pytest.raises(Unsupported, match="no text search"):
                papers.search(onevec.SearchQuery("wing", vector=[1, 0]), mode="hybrid")
