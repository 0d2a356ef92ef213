"""`pinecone`: the indexes of a Pinecone project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, cast

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.adapters.pinecone.abilities import MOST, PROJECT
from onevec.adapters.pinecone.calls import PAGE, Calls, info_of
from onevec.adapters.pinecone.names import index_name, namespace_name, namespace_of, record_id
from onevec.adapters.pinecone.opening import PineconeOptions, named, opened
from onevec.adapters.pinecone.records import (
    Record,
    check_vectors,
    distance,
    document,
    found,
    matching,
    record_of,
)
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, Stats
from onevec.errors import CollectionExists, InvalidDocument, OnevecError
from onevec.filters import Filter
from onevec.remote import Missing, Row, Turns, about, deleted, nearest, patched, rows_of, undated
from onevec.runtime import Runtime

__all__ = ["PineconeAdapter", "PineconeOptions"]

_LARGEST = 4_000_000  # bytes of a query's answer: https://docs.pinecone.io/reference/api/database-limits


class PineconeAdapter(Adapter[PineconeOptions]):
    """A project. A collection is an index, a namespace one of Pinecone's."""

    name = "pinecone"
    requires = ("pinecone",)
    options = PineconeOptions
    capabilities: ClassVar[Capabilities] = PROJECT
    turns: Turns | None = None

    def __init__(self, calls: Calls, prefix: str) -> None:
        self.calls = calls
        self._prefix = prefix
        self._known: dict[CollectionInfo, Any] = {}  # Any: Pinecone's clients of indexes
        self._written: dict[Place, int] = {}

    @classmethod
    async def open(cls, io: Runtime, options: PineconeOptions) -> Self:
        options = named(options)
        return cls(await opened(io, options), options.prefix)

    async def close(self) -> None:
        await self.calls.close()

    @property
    def client(self) -> object:
        """Pinecone's `Pinecone`, or `AsyncPinecone`."""
        return self.calls.client

    async def collections(self) -> list[CollectionInfo]:
        found = [(index, info_of(index)) for index in await self.calls.all()]
        infos = [info for index, info in found if info is not None and index.name == self._index_name(info.name)]
        return sorted(infos, key=lambda info: info.name)

    async def collection(self, name: str) -> CollectionInfo | None:
        try:
            info = info_of(await self.calls.describe(self._index_name(name)))
        except Missing:
            return None
        return info if info is not None and info.name == name else None  # not one of a store with another prefix

    async def create_collection(self, info: CollectionInfo) -> bool:
        name = self._index_name(info.name)
        if await self.calls.create(name, info):
            return True
        if await self.collection(info.name) is None:
            raise CollectionExists(f"Pinecone has an index {name!r} that this store didn't make; choose another name")
        return False

    async def delete_collection(self, name: str) -> bool:
        if await self.collection(name) is None:
            return False
        try:
            await self.calls.drop(self._index_name(name))
        except Missing:
            return False
        return True

    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        try:
            counts = await self.calls.counts(await self.index(collection))
        except Missing:
            raise deleted(collection) from None
        names = [namespace_of(name) for name, count in counts.items() if count]
        return sorted(name for name in names if name is not None)

    @about
    async def clear(self, place: Place) -> int:
        index, namespace = await self._checked(place), namespace_name(place.namespace)
        count = (await self.calls.counts(index)).get(namespace, 0)
        if count:
            await self.calls.clear(index, namespace)
        return count

    @about
    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        check_vectors(batch.vectors, batch.ids, place.collection.metric)
        index, namespace = await self._checked(place), namespace_name(place.namespace)
        there = await self._there(index, place, undated(batch))
        old = await self.calls.fetch(index, namespace, there)
        created = {one.metadata["onevec:id"]: int(one.metadata["onevec:created"]) for one in old}
        return await self._write(index, place, rows_of(batch, created), wait=batch.wait)

    @about
    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        for change in changes:
            if change.vector is not None:
                check_vectors(change.vector[None], [change.id], place.collection.metric)
        index = await self._checked(place)
        ids = list(dict.fromkeys(change.id for change in changes))
        rows, missing = patched(changes, await self._get(index, place, ids, include_vectors=True), now)
        return missing + await self._write(index, place, rows, wait=True)

    @about
    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        return await self._get(await self.index(place.collection), place, ids, include_vectors=include_vectors)

    @about
    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        index, namespace = await self._checked(place), namespace_name(place.namespace)
        gone: set[str] = set()
        while some := set(await self._matching(index, place, matching(filter, ids))) - gone:
            at = await self.calls.delete(index, namespace, sorted(some))
            await self._seen(index, place, at, wait=True)
            gone |= some
            if len(some) < MOST:
                break
        return len(gone)

    @about
    async def count(self, place: Place, filter: Filter | None) -> int:
        index, namespace = await self.index(place.collection), namespace_name(place.namespace)
        if filter is None:
            return (await self.calls.counts(index)).get(namespace, 0)
        condition = matching(filter)
        count = len(await self._matching(index, place, condition))
        if count < MOST:
            return count
        count, token = 0, None
        while True:
            records, token = await self.calls.page(index, namespace, condition, limit=PAGE, token=token)
            count += len(records)
            if token is None:
                return count

    @about
    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        index, namespace = await self.index(place.collection), namespace_name(place.namespace)
        found: list[Document] = []
        while True:
            most = min(PAGE, limit - len(found))
            records, after = await self.calls.page(index, namespace, matching(filter), limit=most, token=after)
            found += [document(one.metadata, one.values if include_vectors else None) for one in records]
            if after is None or len(found) >= limit:
                return found, after

    @about
    async def search(self, place: Place, request: Request) -> list[Found]:
        metric, vector = place.collection.metric, cast("Any", request.vector)  # a vector search: no other is declared
        check_vectors(vector[None], None, metric)
        index, namespace = await self.index(place.collection), namespace_name(place.namespace)
        condition, values = self._condition(request), request.include_vectors
        query = vector.tolist()

        async def find(limit: int, *, exact: bool) -> list[Found]:  # noqa: ARG001 (there is one way to search)
            if _fits(limit, place.collection.dimension, include_vectors=values):
                matches = await self.calls.query(
                    index, namespace, query, condition, limit, include_metadata=True, include_values=values
                )
                return [found(match, metric, include_vectors=values) for match in matches]
            matches = await self.calls.query(index, namespace, query, condition, limit)
            scores = {match.id: match.score for match in matches}
            records = await self.calls.fetch(index, namespace, list(scores))
            return [
                (document(one.metadata, one.values if values else None), distance(metric, scores[one.id]))
                for one in records
            ]

        return await nearest(find, request.top_k, exact=True, most=MOST)

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        return {
            "index": self._index_name(place.collection.name),
            "namespace": namespace_name(place.namespace),
            "top_k": min(request.top_k + 1, MOST),
            "filter": self._condition(request),
            "include_metadata": _fits(
                request.top_k + 1, place.collection.dimension, include_vectors=request.include_vectors
            ),
        }

    @about
    async def stats(self, place: Place) -> Stats:
        counts = await self.calls.counts(await self.index(place.collection))
        return Stats(documents=counts.get(namespace_name(place.namespace), 0), dimension=place.collection.dimension)

    async def health(self) -> Health:
        await self.calls.all()
        return Health("healthy", self.name, f"client {self.calls.version}", 0.0)

    @about
    async def flush(self, place: Place) -> None:
        await self._seen(await self._checked(place), place, self._written.get(place), wait=True)

    async def check(self, collection: CollectionInfo) -> None:
        """Refuse a handle of a collection that was deleted, and perhaps made again."""
        await self._checked(Place(collection, ""))

    def _index_name(self, name: str) -> str:
        return index_name(name, self._prefix)

    async def _checked(self, place: Place) -> Any:  # Any: Pinecone's client of the index, as in what follows
        info = place.collection
        try:
            description = await self.calls.describe(self._index_name(info.name))
        except Missing:
            raise deleted(info) from None
        if info_of(description) != info:
            raise deleted(info)
        self._known[info] = await self.calls.connected(description)
        return self._known[info]

    async def index(self, info: CollectionInfo) -> Any:
        return self._known.get(info) or await self._checked(Place(info, ""))

    async def _get(self, index: Any, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        records = await self.calls.fetch(index, namespace_name(place.namespace), list(map(record_id, ids)))
        return [document(one.metadata, one.values if include_vectors else None) for one in records]

    async def _there(self, index: Any, place: Place, ids: Sequence[str]) -> list[str]:
        """The records of those of the ids that are there: one request, where fetching takes one for every few."""
        return await self._matching(index, place, matching(ids=ids)) if len(ids) > 1 else list(map(record_id, ids))

    async def _matching(self, index: Any, place: Place, condition: dict[str, Any]) -> list[str]:
        """The ids of records that match, up to the most that Pinecone gives."""
        anywhere = [1.0] * place.collection.dimension
        matches = await self.calls.query(index, namespace_name(place.namespace), anywhere, condition, MOST)
        return [match.id for match in matches]

    async def _write(
        self, index: Any, place: Place, rows: Sequence[Row], *, wait: bool
    ) -> list[tuple[str, OnevecError]]:
        records: list[Record] = []
        failed: list[tuple[str, OnevecError]] = []
        for row in rows:
            try:
                records.append(record_of(row))
            except InvalidDocument as error:
                failed.append((row.id, error))
        if records:
            at = await self.calls.upsert(index, namespace_name(place.namespace), records)
            await self._seen(index, place, at, wait=wait)
        return failed

    async def _seen(self, index: Any, place: Place, at: int | None, *, wait: bool) -> None:
        """Wait until searches see a write, or note down where it is for `flush`."""
        if at is None:
            return
        if not wait:
            self._written[place] = at
            return
        await self.calls.visible(index, namespace_name(place.namespace), at, [1.0] * place.collection.dimension)
        self._written.pop(place, None)

    def _condition(self, request: Request) -> dict[str, Any] | None:
        if request.filter is None and request.ids is None and request.native is None:
            return None
        return matching(request.filter, request.ids, request.native)


def _fits(limit: int, dimension: int, *, include_vectors: bool) -> bool:
    """Whether so many whole documents are sure to fit into an answer."""
    return limit * (40_960 + (20 * dimension if include_vectors else 0)) <= _LARGEST
