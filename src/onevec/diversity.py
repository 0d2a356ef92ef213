"""Diversity: hits that answer the query and don't repeat each other, by maximal marginal relevance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from onevec.documents import Hit


class Diversified(NamedTuple):
    """Why a hit was taken when it was.

    Attributes:
        mmr: What relevance counts, from 0 to 1; novelty counts the rest.
        relevance: The hit's score, by the reranker if there is one, scaled: the best candidate has 1, the last one 0.
        similarity: The cosine of its vector and the nearest one of the hits taken before it; 0 for the first.
    """

    mmr: float
    relevance: float
    similarity: float

    @property
    def score(self) -> float:
        """The marginal relevance: of all hits left, this one had the highest."""
        return self.mmr * self.relevance - (1 - self.mmr) * self.similarity

    def __str__(self) -> str:
        novelty = 1 - self.mmr
        return (
            f"mmr {self.score:.4f} = {self.mmr:g} x relevance {self.relevance:.4f} "
            f"- {novelty:g} x similarity {self.similarity:.4f}"
        )


def diversified(hits: Sequence[Hit], mmr: float, top_k: int) -> list[Hit]:
    """Return `top_k` of the hits, each the one of highest marginal relevance beside those before it, with new ranks.

    The marginal relevance is `mmr * relevance - (1 - mmr) * similarity`, as `Diversified` has them; of equal ones the
    hit that came first is taken (Carbonell, Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering
    Documents and Producing Summaries", SIGIR 1998).

    Args:
        hits: The candidates, best first, with their vectors.
        mmr: What relevance counts, from 0 to 1.
        top_k: How many are wanted.
    """
    units = _units(hits)
    relevance = _relevance(hits)
    similarity = np.zeros(len(hits))
    left = np.ones(len(hits), bool)
    taken: list[Hit] = []
    while len(taken) < min(top_k, len(hits)):
        marginal = np.where(left, mmr * relevance - (1 - mmr) * similarity, -np.inf)
        best = int(marginal.argmax())
        why = Diversified(mmr, float(relevance[best]), float(similarity[best]))
        taken.append(hits[best]._replace(rank=len(taken) + 1, diversified=why))
        left[best] = False
        nearness = units @ units[best]
        similarity = nearness if len(taken) == 1 else np.maximum(similarity, nearness)
    return taken


def _units(hits: Sequence[Hit]) -> npt.NDArray[np.float64]:
    """The vectors at length 1, shape (hits, dimension); one of zeros, which has no direction, is like no other."""
    vectors = np.array([hit.vector for hit in hits], np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: npt.NDArray[np.float64] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return units


def _relevance(hits: Sequence[Hit]) -> npt.NDArray[np.float64]:
    """Scores from 0 to 1, shape (hits,); a hit without a text has none from a reranker, and counts as the last one."""
    scores = np.array([_score(hit) for hit in hits], np.float64)
    known = scores[~np.isnan(scores)]
    if not len(known):
        return np.ones(len(hits))
    span = known.max() - known.min()
    scaled = (scores - known.min()) / span if span > 0 else np.where(np.isnan(scores), scores, 1.0)
    return np.nan_to_num(scaled, nan=0.0)


def _score(hit: Hit) -> float | None:
    return hit.score if hit.reranked is None else hit.reranked.score
