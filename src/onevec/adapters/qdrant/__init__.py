"""`qdrant`: a Qdrant server, Qdrant's engine in this process, or its client's collections in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.adapters.qdrant.abilities import FOLDER, MEMORY, SERVER
from onevec.adapters.qdrant.calls import Calls, Search, Wanted
from onevec.adapters.qdrant.native import own_filter
from onevec.adapters.qdrant.opening import IN_MEMORY, QdrantOptions, folder_calls, memory_calls, server_calls
from onevec.adapters.qdrant.points import (
    CREATED,
    WITH_VECTOR,
    WITHOUT_VECTOR,
    distance,
    documents,
    kept_in,
    matching,
    points_of,
)
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, IndexSettings, Stats
from onevec.errors import CollectionExists, OnevecError
from onevec.filters import Filter
from onevec.metrics import Metric
from onevec.remote import (
    Missing,
    Row,
    Turns,
    about,
    check_measurable,
    deleted,
    engine_name,
    in_turn,
    nearest,
    patched,
    point_id,
    rows_of,
    undated,
    unit,
)
from onevec.runtime import Runtime

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["EdgeAdapter", "MemoryAdapter", "QdrantAdapter", "QdrantOptions"]


class QdrantAdapter(Adapter[QdrantOptions]):
    """A Qdrant server, by its REST API. A namespace is a tenant: a field of the payload, with an index."""

    name = "qdrant"
    requires = ("qdrant_client",)
    options = QdrantOptions
    capabilities: ClassVar[Capabilities] = SERVER

    def __init__(self, calls: Calls, turns: Turns | None = None) -> None:
        self.calls = calls
        self.turns = turns
        self._mixed: set[str] = set()  # collections in which a search met documents of several namespaces

    @classmethod
    async def open(cls, io: Runtime, options: QdrantOptions) -> Self:
        opened: QdrantAdapter
        if options.host is not None:
            opened = QdrantAdapter(await server_calls(io, options))
        elif options.path == IN_MEMORY:
            opened = MemoryAdapter(await io.offload(memory_calls), Turns(io))
        else:
            opened = EdgeAdapter(await io.offload(folder_calls, options), Turns(io))
        return cast("Self", opened)  # one of this class and its children

    @in_turn
    async def close(self) -> None:
        await self.calls.close()

    @property
    def client(self) -> object:
        return self.calls.client

    @in_turn
    async def collections(self) -> list[CollectionInfo]:
        infos = [await self.calls.info(name) for name in await self.calls.names()]
        return sorted((info for info in infos if info is not None), key=lambda info: info.name)

    @in_turn
    async def collection(self, name: str) -> CollectionInfo | None:
        return await self.calls.info(self._name(name))

    @in_turn
    async def create_collection(self, info: CollectionInfo) -> bool:
        name = self._name(info.name)
        if await self.calls.create(name, info):
            return True
        if await self.calls.info(name) is None:
            raise CollectionExists(f"Qdrant has a collection {name!r} that onevec didn't make; choose another name")
        return False

    @in_turn
    async def delete_collection(self, name: str) -> bool:
        name = self._name(name)
        if await self.calls.info(name) is None:
            return False
        await self.calls.drop(name)
        return True

    @in_turn
    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        try:
            return sorted(await self.calls.namespaces(self._name(collection.name)))
        except Missing:
            raise deleted(collection) from None

    @about
    async def clear(self, place: Place) -> int:
        return await self._delete(place, None, None)

    @about
    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        check_measurable(batch.vectors, batch.ids, place.collection.metric)
        await self.check(place.collection)
        ids = [point_id(id, place.namespace) for id in undated(batch)]
        old = await self.calls.retrieve(self._name(place.collection.name), ids, CREATED) if ids else []
        created = {kept["id"]: kept["created"] for kept in kept_in(old)}
        await self._write(place, rows_of(batch, created), wait=batch.wait)
        return []

    @about
    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        for change in changes:
            if change.vector is not None:
                check_measurable(change.vector[None], [change.id], place.collection.metric)
        await self.check(place.collection)
        ids = list(dict.fromkeys(change.id for change in changes))
        rows, missing = patched(changes, await self._get(place, ids, WITH_VECTOR), now)
        await self._write(place, rows, wait=True)
        return missing

    @about
    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        return await self._get(place, ids, WITH_VECTOR if include_vectors else WITHOUT_VECTOR)

    @about
    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        return await self._delete(place, ids, filter)

    @about
    async def count(self, place: Place, filter: Filter | None) -> int:
        return await self.calls.count(self._name(place.collection.name), matching(place, filter))

    @about
    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        records, after = await self.calls.scroll(
            self._name(place.collection.name),
            matching(place, filter),
            offset=after,
            limit=limit,
            wanted=WITH_VECTOR if include_vectors else WITHOUT_VECTOR,
        )
        return documents(records), after

    @about
    async def search(self, place: Place, request: Request) -> list[Found]:
        name, metric = self._name(place.collection.name), place.collection.metric

        async def find(limit: int, *, exact: bool) -> list[Found]:
            plain = self._is_plain(place)
            records = await self.calls.search(name, self._search(place, request)._replace(limit=limit, exact=exact))
            kept = kept_in(records)
            if plain and any(one["namespace"] != place.namespace for one in kept):
                self._mixed.add(name)
                return await find(limit, exact=exact)
            distances = [distance(record.score, metric) for record in records]
            return list(zip(documents(records, kept), distances, strict=True))

        return await nearest(find, request.top_k, exact=request.exact)

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        search = self._search(place, request)
        return {
            "collection": self._name(place.collection.name),
            "limit": search.limit,
            "filter": search.filter or None,
            "params": {"exact": search.exact, "hnsw_ef": search.ef},
            "with_payload": list(search.wanted.payload),
            "with_vector": search.wanted.vector,
        }

    @about
    async def stats(self, place: Place) -> Stats:
        count = await self.calls.count(self._name(place.collection.name), matching(place))
        return Stats(documents=count, dimension=place.collection.dimension)

    @in_turn
    async def health(self) -> Health:
        return Health("healthy", self.name, await self.calls.version(), 0.0)

    @in_turn
    async def create_index(self, collection: CollectionInfo, settings: IndexSettings) -> None:
        await self.check(collection)
        await self.calls.index(self._name(collection.name), settings)

    @about
    async def optimize(self, place: Place) -> None:
        await self.calls.optimize(self._name(place.collection.name))

    @about
    async def flush(self, place: Place) -> None:
        await self.calls.flush(self._name(place.collection.name))

    async def check(self, collection: CollectionInfo) -> None:
        """Refuse a handle of a collection that was deleted, and perhaps made again."""
        if await self.calls.info(self._name(collection.name)) != collection:
            raise deleted(collection)

    async def _get(self, place: Place, ids: Sequence[str], wanted: Wanted) -> list[Document]:
        points = [point_id(id, place.namespace) for id in ids]
        return documents(await self.calls.retrieve(self._name(place.collection.name), points, wanted))

    async def _write(self, place: Place, rows: Sequence[Row], *, wait: bool) -> None:
        if rows:
            await self.calls.upsert(self._name(place.collection.name), points_of(place, rows), wait=wait)

    async def _delete(self, place: Place, ids: Sequence[str] | None, filter: Filter | None) -> int:
        await self.check(place.collection)
        name, condition = self._name(place.collection.name), matching(place, filter, ids)
        count = await self.calls.count(name, condition)
        if count:
            await self.calls.delete(name, condition)
        return count

    def _search(self, place: Place, request: Request) -> Search:
        vector = cast("npt.NDArray[np.float32]", request.vector)  # a vector search: no other is declared
        check_measurable(vector[None], None, place.collection.metric)
        native = None if request.native is None else own_filter(request.native)
        return Search(
            vector=unit(vector) if place.collection.metric is Metric.COSINE else vector,
            filter=matching(place, request.filter, request.ids, native, everywhere=self._is_plain(place)),
            limit=request.top_k,
            exact=request.exact,
            ef=request.ef_search,
            wanted=WITH_VECTOR if request.include_vectors else WITHOUT_VECTOR,
        )

    def _is_plain(self, place: Place) -> bool:
        """Whether all that a search finds may well be of this namespace without a condition that it is.

        It takes less to look than to let Qdrant compare, and most collections have the default namespace only.
        """
        return not place.namespace and self._name(place.collection.name) not in self._mixed

    def _name(self, name: str) -> str:
        return engine_name(name, self.calls.plain)


class EdgeAdapter(QdrantAdapter):
    """Qdrant's engine in this process, on a folder."""

    capabilities: ClassVar[Capabilities] = FOLDER


class MemoryAdapter(QdrantAdapter):
    """The collections that Qdrant's client keeps in memory, searched by NumPy; for trying things."""

    capabilities: ClassVar[Capabilities] = MEMORY
