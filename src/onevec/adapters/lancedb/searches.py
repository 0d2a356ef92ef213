"""Searches by vector: what a table is asked, and what comes of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from onevec.adapter import Found, Place, Request
from onevec.adapters.lancedb.conditions import condition
from onevec.adapters.lancedb.indexes import DISTANCES
from onevec.adapters.lancedb.link import Link
from onevec.adapters.lancedb.rows import RECORD, VECTOR, of_collection, placed, vectors_of
from onevec.metrics import Metric
from onevec.remote import check_measurable, nearest, unit
from onevec.remote.distances import distances

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa
    from lancedb.query import AsyncVectorQuery
    from lancedb.table import AsyncTable

# So many times `top_k` are measured again where an index keeps codes of vectors.
_REFINED = 4


async def search(link: Link, name: str, place: Place, request: Request) -> list[Found]:
    """Return the nearest documents of a place.

    Raises:
        Missing: The table isn't there, or is another collection's.
    """
    vector = vector_of(request)
    check_measurable(vector[None], None, place.collection.metric)
    table = await link.table(name)

    async def find(limit: int, *, exact: bool) -> list[Found]:
        async def asked(*, everywhere: bool) -> pa.Table:
            query = _query(table, place, request, limit, exact=exact, everywhere=everywhere)
            return of_collection(await link.call(query.to_arrow), place.collection)

        if link.is_plain(name, place.namespace):
            found = _found(await asked(everywhere=True), place, request)
            if found is not None:
                return found
            link.is_mixed(name)
        return _found(await asked(everywhere=False), place, request) or []

    return await nearest(find, request.top_k, exact=request.exact)


def vector_of(request: Request) -> npt.NDArray[np.float32]:
    """Return what is searched for."""
    return cast("npt.NDArray[np.float32]", request.vector)  # a vector search: no other is declared


def _query(
    table: AsyncTable, place: Place, request: Request, limit: int, *, exact: bool, everywhere: bool
) -> AsyncVectorQuery:
    """What finds documents of the place, or such ones of all namespaces."""
    metric, vector = place.collection.metric, vector_of(request)
    measured = unit(vector) if metric is Metric.COSINE else vector
    query = table.vector_search(measured).column("vector").distance_type(DISTANCES[metric]).limit(limit)
    matching = condition(place, request.filter, request.ids, native=request.native, everywhere=everywhere)
    if matching:
        query = query.where(matching)
    vectors = VECTOR if _needs_vectors(metric, request) else ()
    query = query.select([RECORD, *vectors, "_distance"])
    if exact:
        return query.bypass_vector_index()
    if request.nprobe is not None:
        query = query.nprobes(request.nprobe)
    if request.ef_search is not None:
        query = query.ef(max(request.ef_search, limit * _REFINED))
    return query.refine_factor(_REFINED)


def _needs_vectors(metric: Metric, request: Request) -> bool:
    """Whether distances are computed here: 1 - dot, as LanceDB has it in float32, is nothing for a small dot."""
    return request.include_vectors or metric is Metric.DOT


def _found(found: pa.Table, place: Place, request: Request) -> list[Found] | None:
    """The documents, with their distances; None if one of them is of another namespace."""
    documents = placed(found, include_vectors=request.include_vectors)
    if any(namespace != place.namespace for namespace, _ in documents):
        return None
    metric = place.collection.metric
    if _needs_vectors(metric, request):
        far = distances(metric, vector_of(request), vectors_of(found))
    elif metric is Metric.COSINE:
        far = [min(max(distance, 0.0), 2.0) for distance in found.column("_distance").to_pylist()]
    else:
        far = [math.sqrt(max(distance, 0.0)) for distance in found.column("_distance").to_pylist()]
    return [(document, distance) for (_, document), distance in zip(documents, far, strict=True)]
