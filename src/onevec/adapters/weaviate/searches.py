"""Searches that give full pages, and exact answers; scans of what matches, page by page.

Weaviate measures every object that matches a filter, if these are up to 40,000. So a search is exact that has a filter
which all objects match, and of more objects it is, if it goes through them in shares of that size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from onevec.adapter import Found, Place, Request
from onevec.adapters.weaviate.filters import EVERY, Json, above, both
from onevec.adapters.weaviate.objects import WITH_VECTOR, WITHOUT_VECTOR, Read, found, matching, measured
from onevec.adapters.weaviate.schema import EXACT_UP_TO
from onevec.adapters.weaviate.shares import FIRST, share_after, shares
from onevec.remote import check_measurable, nearest

if TYPE_CHECKING:
    from onevec.adapters.weaviate.link import Link

MOST = 10_000  # objects of one answer, unless the server's QUERY_MAXIMUM_RESULTS is another number
_FILLED = 0.8  # of a share: they are equal only about


async def search(link: Link, name: str, tenant: str, place: Place, request: Request) -> list[Found]:
    """Return at least the `top_k` nearest documents, and those as near as the last of them."""
    metric = place.collection.metric
    query = cast("Any", request.vector)[None]  # a vector search: no other is declared
    check_measurable(query, None, metric)
    vector = measured(metric, query)[0][0].astype("<f4").tobytes()
    condition = matching(place, request.filter, request.ids, request.native)
    wanted = WITH_VECTOR if request.include_vectors else WITHOUT_VECTOR

    async def read(limit: int, condition: Json | None) -> list[Found]:
        reads = await link.read(name, tenant, limit=limit, wanted=wanted, condition=condition, vector=vector)
        return [found(one, metric) for one in reads]

    seen: list[Found] = []

    async def find(limit: int, *, exact: bool) -> list[Found]:
        nonlocal seen
        if not exact:
            seen = await read(limit, condition)
            return seen
        if request.ids is not None and len(seen) == len(request.ids):
            return seen
        every = EVERY if condition is None else condition
        count = await link.count(name, tenant, condition)
        if count == len(seen):
            return seen
        if count <= EXACT_UP_TO:
            return await read(limit, every)
        some: list[Found] = []
        for low, high in shares(math.ceil(count / (EXACT_UP_TO * _FILLED))):
            some += await read(limit, both(every, above(low, high)))
            some = sorted(some, key=lambda one: one[1])[:limit]
        return some

    return await nearest(find, request.top_k, exact=request.exact, most=MOST)


async def page(
    link: Link,
    name: str,
    tenant: str,
    condition: Json | None,
    *,
    after: str | None,
    limit: int,
    wanted: Sequence[str],
) -> tuple[list[Read], str | None]:
    """Return up to `limit` objects that match, by UUID, and the UUID to go on from.

    Weaviate goes through all objects in that order, but not through those that match: of these it reads a share that
    is about as large as the page.
    """
    start, most = after or FIRST, min(limit, MOST // 2)
    if condition is None:
        reads = await link.read(name, tenant, limit=most + 1, wanted=wanted, after=start)
        return reads[:most], reads[most - 1].uuid if len(reads) > most else None
    while True:
        count = await link.count(name, tenant, both(condition, above(start, None)))
        end = share_after(start, most / max(count, 1))
        share = both(condition, above(start, end))
        reads = await link.read(name, tenant, limit=MOST, wanted=wanted, condition=share)
        reads.sort(key=lambda read: read.uuid)
        if len(reads) > most:
            return reads[:most], reads[most - 1].uuid
        if reads or end is None:
            return reads, end
        start = end
