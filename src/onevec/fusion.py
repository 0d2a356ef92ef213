"""Hybrid search: one ranking of what a search by vector and a search by words found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, TypeAlias

from onevec.errors import InvalidQuery

if TYPE_CHECKING:
    from onevec.documents import Hit

Method: TypeAlias = Literal["rrf", "weighted"]

# Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods",
# SIGIR 2009: the constant of their formula.
RRF_K = 60

# How many hits of each side are fused, at least.
DEPTH = 100


class Fusion(NamedTuple):
    """How two rankings become one.

    Attributes:
        method: `"rrf"`: a hit's part from a side is `1 / (60 + rank)`. `"weighted"`: it is the side's score, scaled so
            that the side's best hit has 1 and its last one 0.
        vector_weight: What the vector side counts, from 0 to 1; the text side counts the rest. RRF takes twice the
            weights, so that equal ones leave the formula as it is known.
        depth: How many hits of each side are fused.
    """

    method: Method = "rrf"
    vector_weight: float = 0.5
    depth: int = DEPTH

    @classmethod
    def checked(cls, method: object, vector_weight: object, depth: int) -> Self:
        """Return the fusion that a caller asks for; None where the caller leaves the choice.

        Raises:
            InvalidQuery: It is none.
        """
        if method not in (None, "rrf", "weighted"):
            raise InvalidQuery(f"fusion is 'rrf' or 'weighted', got {method!r}")
        weight = 0.5 if vector_weight is None else vector_weight
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1:
            raise InvalidQuery(f"vector_weight is a number from 0 to 1, got {weight!r}")
        return cls("weighted" if method == "weighted" else "rrf", float(weight), depth)

    def fused(self, by_vector: Sequence[Hit], by_text: Sequence[Hit], top_k: int) -> list[Hit]:
        """Return the best `top_k` of both, by their fused score, ties by id. What one side lacks gets nothing from it.

        Args:
            by_vector: Hits of a search by vector, best first.
            by_text: Hits of a search by words, best first.
            top_k: How many are wanted.
        """
        sides = [
            {hit.document.id: (hit, part) for hit, part in zip(hits, self._parts(hits, weight), strict=True)}
            for hits, weight in ((by_vector, self.vector_weight), (by_text, 1 - self.vector_weight))
        ]
        scores: dict[str, float] = {}
        for side in sides:
            for id, (_, part) in side.items():
                scores[id] = scores.get(id, 0.0) + part
        best = sorted([(-score, id) for id, score in scores.items()])[:top_k]
        return [self._hit([side.get(id) for side in sides], rank) for rank, (_, id) in enumerate(best, 1)]

    def _hit(self, found: Sequence[tuple[Hit, float] | None], rank: int) -> Hit:
        """The hit of both sides, as the first that found it has it: only the vector's has a distance."""
        by_vector, by_text = [None if one is None else Side(one[0].rank, one[0].score, one[1]) for one in found]
        fused = Fused(self.method, by_vector, by_text)
        hit = next(one[0] for one in found if one is not None)
        return hit._replace(score=fused.score, rank=rank, fused=fused)

    def _parts(self, hits: Sequence[Hit], weight: float) -> list[float]:
        if self.method == "rrf":
            return [2 * weight / (RRF_K + hit.rank) for hit in hits]
        if not hits:
            return []
        best, last = hits[0].score, hits[-1].score
        span = best - last
        return [weight * ((hit.score - last) / span if span > 0 else 1.0) for hit in hits]


class Side(NamedTuple):
    """What one of the two searches gave for a hit.

    Attributes:
        rank: Its rank there, 1 for the best.
        score: Its score there.
        part: What it adds to the fused score.
    """

    rank: int
    score: float
    part: float


class Fused(NamedTuple):
    """How the score of a hit of a hybrid search came about. None for a side that didn't find it."""

    method: Method
    vector: Side | None
    text: Side | None

    @property
    def score(self) -> float:
        """The fused score."""
        return sum(side.part for side in (self.vector, self.text) if side is not None)

    def __str__(self) -> str:
        parts = [
            f"{side.part:.5f} ({name} rank {side.rank}, score {side.score:.4f})"
            for name, side in (("vector", self.vector), ("text", self.text))
            if side is not None
        ]
        return f"{self.method}: {' + '.join(parts)}"
