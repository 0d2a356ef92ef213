"""`chroma`: a Chroma server, or Chroma's engine in this process on a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self, cast

import numpy as np

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.adapters.chroma.abilities import FOLDER, SERVER
from onevec.adapters.chroma.calls import Calls
from onevec.adapters.chroma.native import own_where
from onevec.adapters.chroma.opening import ChromaOptions, folder_calls, server_calls
from onevec.adapters.chroma.reading import Reading
from onevec.adapters.chroma.records import ChromaCompiler, documents_of, measured, records_of
from onevec.adapters.chroma.spaces import Spaces, chroma_name
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, Stats
from onevec.errors import OnevecError
from onevec.filters import Filter
from onevec.remote import Missing, Turns, about, check_measurable, deleted, in_turn, nearest, patched, rows_of
from onevec.runtime import Runtime

__all__ = ["ChromaAdapter", "ChromaOptions", "FolderAdapter"]


class ChromaAdapter(Adapter[ChromaOptions]):
    """A Chroma server, by HTTP. A namespace is a Chroma collection of its own."""

    name = "chroma"
    requires = ("chromadb",)
    options = ChromaOptions
    capabilities: ClassVar[Capabilities] = SERVER

    def __init__(self, calls: Calls, turns: Turns | None = None) -> None:
        self._calls = calls
        self._spaces = Spaces(calls)
        self._reading = Reading(calls)
        self.turns = turns

    @classmethod
    async def open(cls, io: Runtime, options: ChromaOptions) -> Self:
        opened: ChromaAdapter
        if options.host is not None:
            opened = ChromaAdapter(await server_calls(io, options))
        else:
            opened = FolderAdapter(await folder_calls(io, options), Turns(io))
        return cast("Self", opened)  # one of this class and its child

    @in_turn
    async def close(self) -> None:
        await self._calls.close()

    @property
    def client(self) -> object:
        """Chroma's client: an `AsyncClient` for a server by the async API, else a `Client`."""
        return self._calls.client

    @in_turn
    async def collections(self) -> list[CollectionInfo]:
        return await self._spaces.infos()

    @in_turn
    async def collection(self, name: str) -> CollectionInfo | None:
        return await self._spaces.info(name)

    @in_turn
    async def create_collection(self, info: CollectionInfo) -> bool:
        return await self._spaces.create(info)

    @in_turn
    async def delete_collection(self, name: str) -> bool:
        return await self._spaces.delete(name)

    @in_turn
    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        try:
            return await self._spaces.namespaces(collection)
        except Missing:
            raise deleted(collection) from None

    @about
    async def clear(self, place: Place) -> int:
        if place.namespace:
            return await self._spaces.drop(place)
        return await self._spaces.within(place, self._reading.delete, otherwise=0)

    @about
    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        check_measurable(batch.vectors, batch.ids, place.collection.metric)

        async def write(space: Any) -> None:  # Any: Chroma's collection, as in all of these
            old = await self._calls.call(space.get, ids=batch.ids, include=["metadatas"])
            there = dict(zip(old["ids"], old["metadatas"], strict=True))
            created = {id: fields["onevec:created"] for id, fields in there.items()}
            records = records_of(rows_of(batch, created), place.collection.metric, there)
            await self._calls.call(space.upsert, **records)
            self._reading.forget(space)

        await self._spaces.within(place, write, otherwise=None, create=True)
        return []

    @about
    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        for change in changes:
            if change.vector is not None:
                check_measurable(change.vector[None], [change.id], place.collection.metric)
        ids = list(dict.fromkeys(change.id for change in changes))

        async def write(space: Any) -> list[tuple[str, OnevecError]]:
            answer = await self._calls.call(space.get, ids=ids, include=["metadatas", "documents", "embeddings"])
            there = dict(zip(answer["ids"], answer["metadatas"], strict=True))
            rows, missing = patched(changes, documents_of(answer), now)
            if rows:
                await self._calls.call(space.upsert, **records_of(rows, place.collection.metric, there))
                self._reading.forget(space)
            return missing

        return await self._spaces.within(place, write, otherwise=patched(changes, (), now)[1])

    @about
    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        read = partial(self._reading.documents, ids=ids, include_vectors=include_vectors)
        return await self._spaces.within(place, read, otherwise=[])

    @about
    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        delete = partial(self._reading.delete, ids=ids, where=_where(filter))
        return await self._spaces.within(place, delete, otherwise=0)

    @about
    async def count(self, place: Place, filter: Filter | None) -> int:
        return await self._spaces.within(place, partial(self._reading.count, where=_where(filter)), otherwise=0)

    @about
    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        read = partial(
            self._reading.page, where=_where(filter), after=after, limit=limit, include_vectors=include_vectors
        )
        return await self._spaces.within(place, read, otherwise=([], None))

    @about
    async def search(self, place: Place, request: Request) -> list[Found]:
        metric = place.collection.metric
        query = measured(metric, np.asarray(request.vector)[None])[0][0]
        check_measurable(query[None], None, metric)
        search = partial(
            self._reading.search,
            metric=metric,
            query=query,
            request=request,
            where=_where(request.filter, request.native),
        )

        async def find(space: Any) -> list[Found]:
            among = request.exact or request.ids is not None
            return await nearest(partial(search, space), request.top_k, exact=among)

        return await self._spaces.within(place, find, otherwise=[])

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        return {
            "collection": chroma_name(place.collection.name),
            "namespace": place.namespace,
            "n_results": request.top_k + 1,
            "where": _where(request.filter, request.native),
            "ids": None if request.ids is None else sorted(request.ids),
            "by": "HNSW" if request.ids is None and not request.exact else "reading the vectors",
        }

    @about
    async def stats(self, place: Place) -> Stats:
        documents = await self._spaces.within(place, self._reading.count, otherwise=0)
        return Stats(documents=documents, dimension=place.collection.dimension)

    @in_turn
    async def health(self) -> Health:
        await self._calls.call(self._calls.client.heartbeat)
        return Health("healthy", self.name, await self._calls.call(self._calls.client.get_version), 0.0)

    async def check(self, collection: CollectionInfo) -> None:
        """Refuse a handle of a collection that was deleted, and perhaps made again."""
        await self._spaces.check(collection)


class FolderAdapter(ChromaAdapter):
    """Chroma's engine in this process, on a folder."""

    capabilities: ClassVar[Capabilities] = FOLDER


def _where(filter: Filter | None, native: object = None) -> dict[str, Any] | None:  # Any: JSON values
    parts = [] if filter is None else [ChromaCompiler().compile(filter)]
    if native is not None:
        parts.append(own_where(native))
    return ChromaCompiler().all_of(parts) if parts else None
