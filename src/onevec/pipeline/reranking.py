"""Hits in another order: by a reranker, whose scores are checked as it is someone else's code, and for diversity."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from onevec.diversity import diversified
from onevec.documents import Hit, SearchResult
from onevec.errors import InvalidQuery, OnevecError, RerankingFailed
from onevec.pipeline.options import RerankOptions, SearchOptions
from onevec.registry import load_reranker
from onevec.rerank import Reranked, Reranker
from onevec.runtime import AsyncRuntime, Runtime
from onevec.validate import checked_score

# How many hits are reranked or diversified, at least: more than are shown, few enough for a cross-encoder.
DEPTH = 50

NO_RERANKING = RerankOptions()


async def with_reranker(io: Runtime, options: SearchOptions) -> SearchOptions:
    """Return the options with their reranker found by its name: importing its module may take a while."""
    asked = options.reranking
    if asked.rerank is None:
        return options
    return options._replace(reranking=asked._replace(rerank=await io.offload(load_reranker, asked.rerank)))


class Reordering(NamedTuple):
    """What is done to the candidates that a search has found.

    Attributes:
        reranker: What scores them anew; None to leave them their scores.
        text: The query as the reranker reads it.
        min_score: Candidates with a lower score by the reranker are left out.
        mmr: What relevance counts where the hits are diversified; None where they are not.
        depth: How many candidates there are at most.
        top_k: How many are left of them.
        include_vectors: Whether the hits were to carry their vectors anyway.
    """

    reranker: Reranker | None
    text: str
    min_score: float | None
    mmr: float | None
    depth: int
    top_k: int
    include_vectors: bool

    @classmethod
    def checked(
        cls, asked: RerankOptions, text: str | None, *, depth: int, top_k: int, include_vectors: bool
    ) -> Reordering:
        """Return what a caller asks for.

        Raises:
            InvalidQuery: It doesn't fit together, or an option is out of its range.
        """
        rerank, _, least, mmr = asked
        if rerank is None and mmr is None:
            raise InvalidQuery("rerank_depth and min_rerank_score are for rerank= and mmr=; leave them out, or add one")
        if rerank is None and least is not None:
            raise InvalidQuery("min_rerank_score cuts by the scores of rerank=; add it, or use min_score")
        if rerank is not None and not isinstance(text, str):
            raise InvalidQuery("rerank= reads the query's text: give a text, or SearchQuery(text, vector=...)")
        reranker = None if rerank is None else load_reranker(rerank)
        least = checked_score(least, "min_rerank_score")
        return cls(reranker, text or "", least, _checked_mmr(mmr), depth, top_k, include_vectors)

    async def applied(self, io: Runtime, found: SearchResult) -> SearchResult:
        """Return the hits in their new order, cut to `top_k`.

        Raises:
            RerankingFailed: The reranker raised, or gave something else than one finite number a text.
        """
        hits = found.hits
        if self.reranker is not None and hits:
            hits = await self._reranked(io, self.reranker, hits)
        if self.mmr is not None and hits:
            hits = tuple(await io.offload(diversified, hits, self.mmr, self.top_k))
            if not self.include_vectors:
                hits = tuple([hit._replace(document=replace(hit.document, vector=None)) for hit in hits])
        return SearchResult(hits[: self.top_k])

    async def _reranked(self, io: Runtime, reranker: Reranker, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        """Hits by their score, ties by id; those without a text come last, in their order."""
        texts = [hit.text for hit in hits if hit.text is not None]
        scores = iter(await _scores(io, reranker, self.text, texts) if texts else [])
        told = [
            hit._replace(reranked=Reranked(reranker.name, None if hit.text is None else next(scores), hit.rank))
            for hit in hits
        ]
        if self.min_score is not None:
            told = [hit for hit in told if hit.rerank_score is not None and hit.rerank_score >= self.min_score]
        return tuple([hit._replace(rank=rank) for rank, hit in enumerate(sorted(told, key=_order), 1)])


def _checked_mmr(mmr: object) -> float | None:
    if mmr is None:
        return None
    if isinstance(mmr, bool) or not isinstance(mmr, int | float) or not 0 <= mmr <= 1:
        raise InvalidQuery(f"mmr is a number from 0, for novelty alone, to 1, for relevance alone; got {mmr!r}")
    return float(mmr)


def _order(hit: Hit) -> tuple[bool, float, str]:
    score = hit.rerank_score
    return (True, hit.rank, hit.id) if score is None else (False, -score, hit.id)


async def _scores(io: Runtime, reranker: Reranker, query: str, texts: list[str]) -> list[float]:
    """What the reranker gives, checked; on an event loop by its own async form, if it has one."""
    native = getattr(reranker, "score_async", None)
    try:
        if native is not None and isinstance(io, AsyncRuntime):
            scores = np.asarray(await native(query, texts))
        else:
            scores = await io.offload(lambda: np.asarray(reranker.score(query, texts)))
    except OnevecError:
        raise
    except Exception as error:
        raise RerankingFailed(f"reranker {reranker.name!r} failed: {type(error).__name__}: {error}") from error
    if scores.shape != (len(texts),) or scores.dtype.kind not in "fiu":
        raise RerankingFailed(
            f"reranker {reranker.name!r} gave {scores.dtype} of shape {scores.shape} for {len(texts)} texts; "
            "it is to give one number for each"
        )
    return _finite(reranker, scores, texts)


def _finite(reranker: Reranker, scores: npt.NDArray[Any], texts: list[str]) -> list[float]:  # Any: numbers
    numbers: list[float] = scores.astype(np.float64).tolist()
    for text, number in zip(texts, numbers, strict=True):
        if not math.isfinite(number):
            raise RerankingFailed(f"reranker {reranker.name!r} gave {number} for the text {text[:40]!r}")
    return numbers
