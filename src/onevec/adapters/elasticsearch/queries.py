"""Filters as Elasticsearch's queries, and the two ways to search by a vector."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from onevec.adapter import Place, Request
from onevec.adapters.elasticsearch.native import own_query
from onevec.adapters.elasticsearch.sources import DOCUMENT, SIMILARITIES, VECTOR, Json, number_key, ordered
from onevec.compile import FacetCompiler
from onevec.documents import CollectionInfo
from onevec.filters import Filter, Op
from onevec.metrics import Metric
from onevec.remote import check_measurable, point_id, units

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# A vector to search by; JSON is to be had of the list.
Query: TypeAlias = "npt.NDArray[np.float32] | list[float]"

MOST = 10_000  # hits of one request, and candidates of one search of a graph
_CANDIDATES = 128  # at least; Elasticsearch's own choice, half more than hits, misses too many of few
_MOST_TERMS = 65_536  # of one `terms` query

_RANGES = {Op.LT: "lt", Op.LE: "lte", Op.GT: "gt", Op.GE: "gte"}
# A range of one key of a flattened field has both ends, as it would go on into other keys.
_LOWEST, _HIGHEST = "0" * 16, "f" * 16

# Each grows as the distance falls, and is never below zero, which Elasticsearch refuses.
_SCRIPTS = {
    Metric.COSINE: "Math.max(0, cosineSimilarity(params.query, 'vector') + 1)",
    Metric.DOT: "double dot = dotProduct(params.query, 'vector'); return dot < 0 ? 1 / (1 - dot) : dot + 1;",
    Metric.EUCLIDEAN: "1 / (1 + l2norm(params.query, 'vector'))",
    Metric.MANHATTAN: "1 / (1 + l1norm(params.query, 'vector'))",
}


def matching(
    place: Place, filter: Filter | None = None, ids: Iterable[str] | None = None, native: object = None
) -> Json:
    """Return the query for the documents of a place that match, are of these ids, and match a query of the caller's."""
    parts: list[Json] = [{"term": {"namespace": place.namespace}}]
    if filter is not None:
        parts.append(ElasticsearchCompiler().compile(filter))
    if ids is not None:
        parts.append({"ids": {"values": [point_id(id, place.namespace) for id in ids]}})
    if native is not None:
        parts.append(own_query(native))
    return {"bool": {"filter": parts}}


def counting(query: Json) -> Json:
    """Return a search that only counts what a query is true of."""
    return {"query": query, "size": 0, "track_total_hits": True}


def measure(info: CollectionInfo) -> Metric:
    """Return by what to tell whether a vector is too long: Elasticsearch squares them also where it takes sums."""
    return Metric.EUCLIDEAN if info.metric is Metric.MANHATTAN else info.metric


def query_vector(info: CollectionInfo, request: Request) -> npt.NDArray[np.float32]:
    """Return the vector to search by, under cosine at length 1.

    Raises:
        InvalidQuery: It is too long.
    """
    vector: Any = request.vector  # a vector search: no other is declared
    check_measurable(vector[None], None, measure(info))
    made: npt.NDArray[np.float32] = units(vector[None])[0][0] if info.metric is Metric.COSINE else vector
    return made


def reading(*, include_vectors: bool) -> Json:
    """Return which parts of documents to read."""
    return {"_source": False, "stored_fields": [DOCUMENT, VECTOR] if include_vectors else [DOCUMENT]}


def nearest_query(place: Place, request: Request, query: Query, limit: int, *, exact: bool, vectors: bool) -> Json:
    """Return a search for the documents nearest to a vector.

    By the collection's graph, which is searched with the filter in mind, or exactly: by a script that measures every
    document that matches, and gives those that are equally near in the order of their ids.
    """
    metric, among = place.collection.metric, matching(place, request.filter, request.ids, request.native)
    common = {"size": limit, **reading(include_vectors=vectors)}
    if exact or metric not in SIMILARITIES:
        script = {"source": _SCRIPTS[metric], "params": {"query": query}}
        return {
            "query": {"script_score": {"query": among, "script": script}},
            "sort": [{"_score": "desc"}, {"id": "asc"}],
            **common,
        }
    candidates = min(MOST, max(limit, request.ef_search or _CANDIDATES))
    knn = {"field": "vector", "query_vector": query, "k": limit, "num_candidates": candidates, "filter": among}
    # As a query: a search with a `knn` of its own goes through a phase more.
    return {"query": {"knn": knn}, **common}


class ElasticsearchCompiler(FacetCompiler[Json]):
    """Queries that count for nothing in a score."""

    def has(self, some: Sequence[str]) -> Json:
        if len(some) > _MOST_TERMS:
            parts = [some[start : start + _MOST_TERMS] for start in range(0, len(some), _MOST_TERMS)]
            return self.any_of([self.has(part) for part in parts])
        return {"terms": {"onevec.facets": list(some)}}

    def lacks(self, all: Sequence[str]) -> Json:
        return {"bool": {"must_not": [self.has(all)]}}

    def compare_number(self, key: str, op: Op, bound: float) -> Json:
        other = {"gte": _LOWEST} if op in {Op.LT, Op.LE} else {"lte": _HIGHEST}
        return {"range": {f"onevec.numbers.{number_key(key)}": {_RANGES[op]: ordered(bound), **other}}}

    def all_of(self, parts: Sequence[Json]) -> Json:
        return {"bool": {"filter": list(parts)}}

    def any_of(self, parts: Sequence[Json]) -> Json:
        return {"bool": {"should": list(parts)}}
