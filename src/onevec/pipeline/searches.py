"""Searching: a query in, ranked hits out."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from onevec.adapter import Found, Request
from onevec.batches import as_vector
from onevec.documents import Document, Hit, SearchQuery, SearchResult, Vector
from onevec.errors import InvalidDocument, InvalidQuery, Unsupported
from onevec.filters import Filter, FilterLike, conditions
from onevec.fusion import DEPTH, Fusion
from onevec.lower import split
from onevec.matching import matches
from onevec.metrics import SCORES
from onevec.pipeline.native import taken
from onevec.pipeline.options import FusionOptions, RerankOptions, SearchOptions
from onevec.pipeline.reads import Reads
from onevec.pipeline.reranking import DEPTH as RERANK_DEPTH
from onevec.pipeline.reranking import NO_RERANKING, Reordering, with_reranker
from onevec.pipeline.verbs import verb
from onevec.validate import checked_count, checked_ids, checked_score

Query: TypeAlias = "str | Vector | SearchQuery"

_NO_FUSION = FusionOptions()


class _Search(NamedTuple):
    """A checked search.

    Attributes:
        text: What still has to be embedded for the request.
        request: What the engine is asked.
        min_score: Hits below are left out.
        rest: What of the filter runs in Python.
        hybrid: The other half of a hybrid search.
        reordering: What is done to the hits that were found.
    """

    text: str | None
    request: Request
    min_score: float | None
    rest: Filter | None
    hybrid: _Hybrid | None = None
    reordering: Reordering | None = None


class _Hybrid(NamedTuple):
    """The text to search for by its words, and how the hits become `top_k` fused ones."""

    text: str
    fusion: Fusion
    top_k: int


class Searches(Reads):
    """The verbs that search."""

    @verb
    async def search(self, query: Query, options: SearchOptions) -> SearchResult:
        if options.reranking.rerank is not None:
            options = await with_reranker(self.store.io, options)
        return await self._run(await self._with_vector(self._checked(query, options)))

    @verb
    async def search_batch(self, queries: Iterable[Query], options: SearchOptions) -> list[SearchResult]:
        if isinstance(queries, str | SearchQuery):
            raise InvalidQuery("search_batch takes a list of queries; for one query use search")
        if options.ids is not None:
            options = options._replace(ids=checked_ids(options.ids))
        options = await with_reranker(self.store.io, options)
        searches = [self._checked(query, options) for query in queries]
        texts = {index: search.text for index, search in enumerate(searches) if search.text is not None}
        if texts:
            vectors = await self.embedded(list(texts.values()), [f"query {index}" for index in texts], queries=True)
            for index, vector in zip(texts, vectors, strict=True):
                search = searches[index]
                searches[index] = search._replace(request=search.request._replace(vector=vector))
        return await self.store.io.gather(
            [partial(self._run, search) for search in searches], self.store.max_concurrency
        )

    @verb
    async def explain(self, query: Query, options: SearchOptions) -> dict[str, Any]:  # Any: JSON values
        search = await self._with_vector(self._checked(query, options))
        native = search.request.filter
        return {
            "engine": self.store.engine,
            "collection": self.info.name,
            "namespace": self.namespace,
            "filter": None if native is None else str(native),
            "native": self._native(search),
            "python": None if search.rest is None else str(search.rest),
        }

    def _native(self, search: _Search) -> dict[str, Any]:  # Any: as above
        if search.hybrid is None:
            return dict(self.adapter.explain(self._place, search.request))
        halves = {"vector": search.request, "text": _by_words(search.request, search.hybrid)}
        return {side: dict(self.adapter.explain(self._place, request)) for side, request in halves.items()}

    async def _run(self, search: _Search) -> SearchResult:
        started = time.perf_counter()
        try:
            found = await self._hits(search)
        finally:
            self.times.add(started)
        return found if search.reordering is None else await search.reordering.applied(self.store.io, found)

    async def _hits(self, search: _Search) -> SearchResult:
        request = search.request
        if search.rest is not None:
            fields = ", ".join(sorted({condition.field for condition in conditions(search.rest)}))
            warnings.warn(f"{self.engine} can't filter all of this; Python scans for {fields}", stacklevel=2)
            allowed = await self._scanned(search.rest, request.filter)
            request = request._replace(filter=None, ids=allowed if request.ids is None else request.ids & allowed)
        if request.ids is not None and not request.ids:
            return SearchResult(())
        if search.hybrid is not None:
            return await self._fused(request, search.hybrid, search.min_score)
        found = await self.call("search", self.adapter.search, self._place, request)
        return self._ranked(found, request, search.min_score)

    async def _fused(self, request: Request, hybrid: _Hybrid, min_score: float | None) -> SearchResult:
        """Both searches at once, where the runtime can, and one ranking of their hits."""
        halves = (_by_words(request, hybrid), request)  # what takes longer begins
        searches = [partial(self.call, "search", self.adapter.search, self._place, half) for half in halves]
        found = await self.store.io.gather(searches, 2)
        by_text, by_vector = [self._ranked(*pair, None).hits for pair in zip(found, halves, strict=True)]
        hits = hybrid.fusion.fused(by_vector, by_text, hybrid.top_k)
        return SearchResult(tuple(hit for hit in hits if min_score is None or hit.score >= min_score))

    def _ranked(self, found: list[Found], request: Request, min_score: float | None) -> SearchResult:
        """Hits by score, highest first, ties by id, cut to `top_k` and by `min_score`."""
        # Ids differ, so the order is decided before two documents would have to be compared.
        ranked: list[tuple[float, str, Document, float | None]]
        if request.vector is None:
            ranked = sorted([(-score, document.id, document, None) for document, score in found])
        else:
            score_of = SCORES[self.info.metric]
            ranked = sorted([(-score_of(distance), document.id, document, distance) for document, distance in found])
        del ranked[request.top_k :]
        if min_score is not None:
            ranked = [one for one in ranked if -one[0] >= min_score]
        # By `_make`, which takes three quarters of the time of the constructor with its defaults.
        hits = [
            Hit._make((document, -score, distance, rank, None, None, None))
            for rank, (score, _, document, distance) in enumerate(ranked, 1)
        ]
        return SearchResult(tuple(hits))

    async def _scanned(self, rest: Filter, native: Filter | None) -> frozenset[str]:
        """The ids of the documents that match both: the engine runs one part, this process the other."""
        pages = self._pages(native, None, include_vectors=False)
        return frozenset([doc.id async for page in pages for doc in page if matches(rest, doc.metadata)])

    async def _with_vector(self, search: _Search) -> _Search:
        """The search with its text embedded, if it is to be searched for by its vector."""
        if search.text is None:
            return search
        vector = (await self.embedded([search.text], ["the query"], queries=True))[0]
        return search._replace(request=search.request._replace(vector=vector))

    def _checked(self, query: Query, options: SearchOptions) -> _Search:
        top_k, filter, ids, min_score, mode, exact, include_vectors, unsupported, ef, nprobe, fusing = options[:11]
        reranking = options.reranking
        text: str | None = None
        vector: Vector | None = None
        if isinstance(query, SearchQuery):
            text, vector = query.text, query.vector
            top_k = top_k if query.top_k is None else query.top_k
            filter = filter if query.filter is None else query.filter
            ids = ids if query.ids is None else query.ids
            min_score = min_score if query.min_score is None else query.min_score
            mode = mode if query.mode is None else query.mode
        elif isinstance(query, str):
            text = query
        else:
            vector = query
        native, rest = self._split(filter, unsupported)
        top_k = candidates = self._top_k(top_k)
        reordering = None
        if reranking != NO_RERANKING:
            reordering = self._reordering(text, top_k, reranking, include_vectors=include_vectors)
            candidates, include_vectors = reordering.depth, include_vectors or reordering.mmr is not None
        hybrid = None
        if mode == "hybrid" or fusing != _NO_FUSION:
            hybrid = self._hybrid(text, top_k, candidates, mode, fusing)
        request = Request(
            vector=self._query_vector(vector, text, mode),
            text=text if mode == "text" else None,
            top_k=candidates if hybrid is None else hybrid.fusion.depth,
            filter=native,
            ids=None if ids is None else frozenset(checked_ids(ids)),
            exact=exact,
            include_vectors=include_vectors,
            ef_search=None if ef is None else self._setting("ef_search", ef),
            nprobe=None if nprobe is None else self._setting("nprobe", nprobe),
            native=None if options.native is None else taken(options.native, self.engine, self.store.capabilities),
        )
        to_embed = text if mode != "text" and vector is None else None
        least = None if min_score is None else checked_score(min_score)
        return _Search(to_embed, request, least, rest, hybrid, reordering)

    def _reordering(self, text: str | None, top_k: int, asked: RerankOptions, *, include_vectors: bool) -> Reordering:
        """What becomes of the hits that were found, and how many are to be found for it."""
        depth = asked.rerank_depth
        if depth is None:
            depth = self._depth(top_k, RERANK_DEPTH)
        elif self._top_k(depth, "rerank_depth") < top_k:
            raise InvalidQuery(f"rerank_depth is how many hits are reranked, at least top_k={top_k}; got {depth}")
        return Reordering.checked(asked, text, depth=depth, top_k=top_k, include_vectors=include_vectors)

    def _hybrid(self, text: str | None, top_k: int, candidates: int, mode: str, fusing: FusionOptions) -> _Hybrid:
        """What a hybrid search is besides a search by vector."""
        if mode != "hybrid":
            raise InvalidQuery("fusion, vector_weight and depth are for mode='hybrid'; leave them out, or add it")
        method, vector_weight, depth = fusing
        if depth is None:
            depth = self._depth(candidates, DEPTH)
        elif self._top_k(depth, "depth") < top_k:
            raise InvalidQuery(f"depth is how many hits of each side are fused, at least top_k={top_k}; got {depth}")
        fusion = Fusion.checked(method, vector_weight, depth)
        return _Hybrid(self._words(text), fusion, candidates)

    def _depth(self, least: int, usual: int) -> int:
        """The usual depth, or what is needed, within what the engine gives."""
        most = self.store.capabilities.max_top_k
        return max(least, usual if most is None else min(usual, most))

    def _query_vector(self, vector: Vector | None, text: str | None, mode: str) -> Any:  # Any: a matrix row or None
        if mode == "text":
            self._words(text)
            return None
        if mode not in ("vector", "hybrid"):
            raise InvalidQuery(f"a mode is 'vector', 'text' or 'hybrid', got {mode!r}")
        if vector is None and text is None:
            raise InvalidQuery("a query is a text, a vector, or a SearchQuery with one of them; got None")
        if vector is None:
            return None
        try:
            return as_vector(vector, "the query", self.info.metric, self.info.dimension)
        except InvalidDocument as error:
            raise (InvalidQuery(str(error)) if type(error) is InvalidDocument else error) from None

    def _words(self, text: str | None) -> str:
        """The text of a query that is searched for by its words."""
        if not isinstance(text, str):
            raise InvalidQuery("mode='text' and mode='hybrid' search by words: the query is a text, or has one")
        if not self.store.capabilities.text_search:
            raise Unsupported(f"{self.engine} has no text search; use mode='vector'")
        return text

    def _top_k(self, top_k: int, name: str = "top_k") -> int:
        if type(top_k) is not int or top_k < 1:
            top_k = checked_count(top_k, name)
        most = self.store.capabilities.max_top_k
        if most is not None and top_k > most:
            raise Unsupported(f"{self.engine} gives up to {most} hits, got {name}={top_k}; page() and scan() give more")
        return top_k

    def _setting(self, name: str, value: int) -> int:
        if name not in self.store.capabilities.search_settings:
            raise Unsupported(f"a search of {self.engine} has no {name}; leave it out")
        return checked_count(value, name)

    def _split(self, filter: FilterLike | None, on_unsupported: str) -> tuple[Filter | None, Filter | None]:
        """What the engine filters, and what Python must."""
        if on_unsupported not in ("error", "scan"):
            raise InvalidQuery(f"on_unsupported is 'error' or 'scan', got {on_unsupported!r}")
        tree, lacking = self.lowered(filter)
        if tree is None or not lacking:
            return tree, None
        if on_unsupported == "error":
            raise self.refusal(lacking[0], 'use on_unsupported="scan"')
        return split(tree, self.store.capabilities.operators)


def _by_words(request: Request, hybrid: _Hybrid) -> Request:
    """The other half of a hybrid search, beside the one by vector."""
    return request._replace(vector=None, text=hybrid.text, exact=False, ef_search=None, nprobe=None)
