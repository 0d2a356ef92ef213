"""Maximal marginal relevance, beside the formula taken word for word."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onevec import Document, Hit
from onevec.diversity import diversified
from onevec.rerank import Reranked

Vector = list[float]


def cosine(a: Vector, b: Vector) -> float:
    lengths = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0


def vector_of(hit: Hit) -> Vector:
    return [float(number) for number in np.asarray(hit.vector)]


def hits_of(*rows: tuple[float, Vector]) -> list[Hit]:
    """Hits with these scores and vectors, best first."""
    ranked = sorted(rows, key=lambda row: -row[0])
    return [
        Hit(Document(str(rank), vector=np.array(vector, np.float32)), score, None, rank)
        for rank, (score, vector) in enumerate(ranked, 1)
    ]


def marginal(hit: Hit, hits: list[Hit], taken: list[Hit], mmr: float) -> float:
    low, high = hits[-1].score, hits[0].score
    relevance = (hit.score - low) / (high - low) if high > low else 1.0
    nearness = max((cosine(vector_of(hit), vector_of(other)) for other in taken), default=0.0)
    return mmr * relevance - (1 - mmr) * nearness


@given(
    st.lists(
        st.tuples(st.integers(0, 20).map(float), st.lists(st.integers(-3, 3).map(float), min_size=3, max_size=3)),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]),
    st.integers(1, 10),
)
def test_each_hit_is_the_best_of_those_left(rows: list[tuple[float, Vector]], mmr: float, top_k: int) -> None:
    """As the formula says, with equal scores, equal vectors and vectors of zeros among them."""
    hits = hits_of(*rows)
    found = diversified(hits, mmr, top_k)
    assert [hit.rank for hit in found] == list(range(1, min(top_k, len(hits)) + 1))
    taken: list[Hit] = []
    left = {hit.id: hit for hit in hits}
    for hit in found:
        of_each = {id: marginal(one, hits, taken, mmr) for id, one in left.items()}
        assert of_each[hit.id] == pytest.approx(max(of_each.values()), abs=1e-9)
        assert hit.diversified is not None
        assert hit.diversified.score == pytest.approx(of_each[hit.id], abs=1e-9)
        taken.append(left.pop(hit.id))


def test_relevance_alone_keeps_the_order() -> None:
    """Equal scores too, whatever the vectors."""
    hits = hits_of((3, [1, 0]), (2, [1, 0]), (2, [0, 1]), (1, [1, 0]), (0, [1, 1]))
    assert [hit.id for hit in diversified(hits, 1.0, 5)] == ["1", "2", "3", "4", "5"]


def test_a_double_comes_after_what_is_new() -> None:
    """A hit that says what the first one says waits for one that says something else."""
    hits = hits_of((1.0, [1, 0]), (0.9, [1, 0.01]), (0.5, [0, 1]), (0.0, [-1, -1]))
    assert [hit.id for hit in diversified(hits, 0.7, 3)] == ["1", "3", "2"]
    assert [hit.id for hit in diversified(hits, 0.95, 3)] == ["1", "2", "3"]


def test_the_rerankers_scores_are_the_relevance() -> None:
    """Where there are any; a hit without one counts as the least relevant."""
    scores = {"1": 5.0, "2": None, "3": 9.0, "4": 7.0}
    hits = [
        hit._replace(reranked=Reranked("mine", scores[hit.id], hit.rank))
        for hit in hits_of((4, [1, 0, 0]), (3, [0, 1, 0]), (2, [0, 0, 1]), (1, [1, 1, 1]))
    ]
    found = diversified(hits, 1.0, 4)
    assert [hit.id for hit in found] == ["3", "4", "1", "2"]
    assert [hit.diversified.relevance for hit in found if hit.diversified] == [1.0, 0.5, 0.0, 0.0]
    untold = [hit._replace(reranked=Reranked("mine", None, hit.rank)) for hit in hits]
    assert [hit.id for hit in diversified(untold, 1.0, 4)] == ["1", "2", "3", "4"]


def test_a_hit_explains_its_place() -> None:
    """After how its score came about."""
    first, second = diversified(hits_of((1.0, [1, 0]), (0.5, [1, 0])), 0.75, 2)
    assert first.explanation == "BM25 1.0000; mmr 0.7500 = 0.75 x relevance 1.0000 - 0.25 x similarity 0.0000"
    assert second.explanation == "BM25 0.5000; mmr -0.2500 = 0.75 x relevance 0.0000 - 0.25 x similarity 1.0000"
