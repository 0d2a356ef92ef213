"""`chroma`: a Chroma server, or Chroma's engine in this process on a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self, cast

import numpy as np

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.adapters.chroma.abilities import FOLDER, SERVER
from onevec.adapters.chroma.calls import Calls, Where
from onevec.adapters.chroma.conditions import ChromaCompiler
from onevec.adapters.chroma.native import own_where
from onevec.adapters.chroma.opening import ChromaOptions, folder_calls, server_calls
from onevec.adapters.chroma.reading import Reading
from onevec.adapters.chroma.records import TEXTS, VECTORS, documents_of, records_of
from onevec.adapters.chroma.shapes import Kinds, Shapes
from onevec.adapters.chroma.spaces import Spaces, chroma_name
from onevec.adapters.chroma.uris import read
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, Stats
from onevec.errors import OnevecError
from onevec.filters import Filter
from onevec.metrics import Metric
from onevec.remote import (
    Missing,
    Row,
    Turns,
    about,
    check_measurable,
    deleted,
    in_turn,
    nearest,
    patched,
    rows_of,
    unit,
)
from onevec.runtime import Runtime

__all__ = ["ChromaAdapter", "ChromaOptions", "FolderAdapter"]


class ChromaAdapter(Adapter[ChromaOptions]):
    """A Chroma server, by HTTP. A namespace is a Chroma collection of its own."""

    name = "chroma"
    requires = ("chromadb", "aiohttp")
    options = ChromaOptions
    capabilities: ClassVar[Capabilities] = SERVER

    def __init__(self, calls: Calls, turns: Turns | None = None) -> None:
        self._calls = calls
        self._spaces = Spaces(calls)
        self._reading = Reading(calls)
        self._shapes = Shapes(calls, alone=turns is not None)
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
            old = await self._calls.call(space.get, ids=batch.ids, include=["metadatas", "uris"])
            created = {id: kept["created"] for id, kept in zip(old["ids"], read(old["uris"]), strict=True)}
            await self._write(place, space, rows_of(batch, created), old)

        await self._spaces.within(place, write, otherwise=None, create=True)
        return []

    @about
    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        for change in changes:
            if change.vector is not None:
                check_measurable(change.vector[None], [change.id], place.collection.metric)
        ids = list(dict.fromkeys(change.id for change in changes))

        async def write(space: Any) -> list[tuple[str, OnevecError]]:
            old = await self._calls.call(space.get, ids=ids, include=[*TEXTS, *VECTORS])
            rows, missing = patched(changes, documents_of(old), now)
            if rows:
                await self._write(place, space, rows, old)
            return missing

        return await self._spaces.within(place, write, otherwise=patched(changes, (), now)[1])

    @about
    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        read = partial(self._reading.documents, ids=ids, include_vectors=include_vectors)
        return await self._spaces.within(place, read, otherwise=[])

    @about
    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        async def delete(space: Any) -> int:
            return await self._reading.delete(space, ids=ids, where=await self._where(space, filter))

        return await self._spaces.within(place, delete, otherwise=0)

    @about
    async def count(self, place: Place, filter: Filter | None) -> int:
        async def count(space: Any) -> int:
            return await self._reading.count(space, where=await self._where(space, filter))

        return await self._spaces.within(place, count, otherwise=0)

    @about
    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        read = partial(self._reading.page, after=after, limit=limit, include_vectors=include_vectors)

        async def page(space: Any) -> tuple[list[Document], str | None]:
            return await read(space, where=await self._where(space, filter))

        return await self._spaces.within(place, page, otherwise=([], None))

    @about
    async def search(self, place: Place, request: Request) -> list[Found]:
        metric = place.collection.metric
        query = np.asarray(request.vector)
        if metric is Metric.COSINE:
            query = unit(query)
        else:
            check_measurable(query[None], None, metric)
        search = partial(self._reading.search, metric=metric, query=query, request=request)

        async def find(space: Any) -> list[Found]:
            among = request.exact or request.ids is not None
            where = await self._where(space, request.filter, request.native)
            return await nearest(partial(search, space, where=where), request.top_k, exact=among)

        return await self._spaces.within(place, find, otherwise=[])

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        space = self._spaces.known(place)
        where, _ = _compiled({} if space is None else self._shapes.known(space), request.filter, request.native)
        return {
            "collection": chroma_name(place.collection.name),
            "namespace": place.namespace,
            "n_results": request.top_k + 1,
            "where": where,
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

    async def _write(self, place: Place, space: Any, rows: Sequence[Row], old: Mapping[str, Any]) -> None:
        """Write documents over what Chroma's `get` found of them."""
        there = dict(zip(old["ids"], old["metadatas"], strict=True))
        shapes = await self._shapes.for_writing(space)
        await self._calls.write(space, records_of(rows, place.collection.metric, there, shapes))
        self._reading.forget(space)

    async def _where(self, space: Any, filter: Filter | None, native: object = None) -> Where:
        """The conditions for a filter; where they depend on the shapes of records, on all that there are."""
        where, asked = _compiled(self._shapes.known(space), filter, native)
        return _compiled(await self._shapes.for_reading(space), filter, native)[0] if asked else where


class FolderAdapter(ChromaAdapter):
    """Chroma's engine in this process, on a folder."""

    capabilities: ClassVar[Capabilities] = FOLDER


def _compiled(shapes: Mapping[str, Kinds], filter: Filter | None, native: object) -> tuple[Where, bool]:
    """The conditions for a filter and a caller's own, and whether they depend on the shapes."""
    if filter is None and native is None:
        return None, False
    compiler = ChromaCompiler(shapes)
    parts = [] if filter is None else [compiler.compile(filter)]
    if native is not None:
        parts.append(own_where(native))
    return compiler.all_of(parts), compiler.asked
