"""What takes several of Chroma's calls: pages, exact searches, deletes that count."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from onevec.adapter import Found, Request
from onevec.adapters.chroma.calls import Calls, Where
from onevec.adapters.chroma.records import TEXTS, VECTORS, documents_of, found_in
from onevec.documents import Document
from onevec.metrics import Metric
from onevec.remote.distances import distances

if TYPE_CHECKING:
    import numpy.typing as npt

_CHUNK = 1000  # ids in a call; SQLite, under Chroma, takes 32,766 values
_SCANS = 4


class Reading:
    """Reads of one Chroma collection at a time, which is the first argument."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        # What is still to come of the last few scans, by where the next page begins.
        self._scans: dict[tuple[Any, str, str], list[str]] = {}  # Any: a UUID

    async def ids(self, space: Any, *, where: Where = None, among: Collection[str] | None = None) -> list[str]:
        """The ids of all records that match, in no order."""
        if among is None:
            return await self._ids(space, where=where)
        return [id for ids in _chunks(list(among)) for id in await self._ids(space, where=where, ids=ids)]

    async def count(self, space: Any, *, where: Where = None) -> int:
        """How many records match."""
        if where is None:
            return int(await self._calls.call(space.count))
        return len(await self._ids(space, where=where))

    async def documents(
        self, space: Any, *, ids: Sequence[str], include_vectors: bool, where: Where = None
    ) -> list[Document]:
        """Those of the documents that exist, and match."""
        include = [*TEXTS, *VECTORS] if include_vectors else TEXTS
        found: list[Document] = []
        for chunk in _chunks(ids):
            found += documents_of(await self._calls.call(space.get, ids=chunk, where=where, include=include))
        return found

    async def delete(self, space: Any, *, ids: Sequence[str] | None = None, where: Where = None) -> int:
        """Remove these ids, or what matches, or all; return how many there were."""
        existing = await self.ids(space, where=where, among=ids)
        for chunk in _chunks(existing):
            await self._calls.call(space.delete, ids=chunk)
        return len(existing)

    async def page(
        self, space: Any, *, where: Where, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        """Up to `limit` matching documents after an id.

        Chroma's own order is that of writing, so all ids are asked for and sorted, once a scan: while it goes on, the
        rest of them is remembered, until this store writes.
        """
        scan = (space.id, repr(where))
        rest = None if after is None else self._scans.pop((*scan, after), None)
        if rest is None:
            rest = sorted(id for id in await self._ids(space, where=where) if after is None or id > after)
        page, rest = rest[:limit], rest[limit:]
        found = await self.documents(space, ids=page, include_vectors=include_vectors, where=where) if page else []
        found.sort(key=lambda document: document.id)
        if not rest:
            return found, None
        self._scans[*scan, page[-1]] = rest
        for oldest in list(self._scans)[:-_SCANS]:
            self._scans.pop(oldest, None)
        return found, page[-1]

    def forget(self, space: Any) -> None:
        """Begin the scans of it anew: there may be more to show."""
        for scan in list(self._scans):
            if scan[0] == space.id:
                self._scans.pop(scan, None)

    async def search(
        self,
        space: Any,
        limit: int,
        *,
        exact: bool,
        metric: Metric,
        query: npt.NDArray[np.float32],
        request: Request,
        where: Where,
    ) -> list[Found]:
        """The nearest `limit` documents, by Chroma's index or by reading all vectors that match."""
        include = [*TEXTS, *VECTORS] if request.include_vectors else TEXTS
        left_out = {} if request.include_vectors else {"embeddings": None}
        if not exact:
            return found_in(await self._calls.nearest(space, query, limit, where, [*include, "distances"]), metric)
        among = None if request.ids is None else list(request.ids)
        if among is None or len(among) <= _CHUNK:
            answer = await self._calls.call(
                space.get, ids=among, where=where, limit=_CHUNK + 1, include=[*TEXTS, *VECTORS]
            )
            if len(answer["ids"]) <= _CHUNK:  # all of them
                away = _measured(answer, metric, query)
                found = [(document, away[document.id]) for document in documents_of({**answer, **left_out})]
                return sorted(found, key=lambda one: one[1])[:limit]
        away = {}
        for chunk in _chunks(await self.ids(space, where=where, among=among)):
            away |= _measured(await self._calls.call(space.get, ids=chunk, include=VECTORS), metric, query)
        nearest = dict(sorted(away.items(), key=lambda one: one[1])[:limit])
        documents = await self.documents(space, ids=list(nearest), include_vectors=request.include_vectors)
        return [(document, nearest[document.id]) for document in documents]

    async def _ids(self, space: Any, *, where: Where, ids: Sequence[str] | None = None) -> list[str]:
        found: list[str] = (await self._calls.call(space.get, ids=ids, where=where, include=[]))["ids"]
        return found


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    return (list(ids[start : start + _CHUNK]) for start in range(0, len(ids), _CHUNK))


def _measured(answer: Mapping[str, Any], metric: Metric, query: npt.NDArray[np.float32]) -> dict[str, float]:
    """How far the records of an answer are from the query; Any: what Chroma's `get` returns."""
    vectors = [np.asarray(vector, np.float32) for vector in answer["embeddings"]] if answer["ids"] else []
    return dict(zip(answer["ids"], distances(metric, query, vectors), strict=True))
