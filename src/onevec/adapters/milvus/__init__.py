"""`milvus`: a Milvus server, or Milvus Lite in this process on a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.adapters.milvus.abilities import LITE, SERVER
from onevec.adapters.milvus.entities import PARTS, document, entity_of, measurable, padded
from onevec.adapters.milvus.expressions import among, matching
from onevec.adapters.milvus.indexes import index_of, search_params
from onevec.adapters.milvus.link import MOST, Link
from onevec.adapters.milvus.opening import Client, MilvusOptions
from onevec.capabilities import Capabilities
from onevec.compile.dialects import MILVUS
from onevec.compile.native import condition
from onevec.documents import CollectionInfo, Document, Health, IndexSettings, Stats
from onevec.errors import CollectionExists, InvalidDocument, OnevecError
from onevec.filters import Filter
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
    rows_of,
    undated,
)
from onevec.remote.distances import distances
from onevec.runtime import BlockingRuntime, Runtime
from onevec.values import moment_at

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["LiteAdapter", "MilvusAdapter", "MilvusOptions"]

# Milvus Lite keeps a collection in a folder of its name, which some file systems write in capitals, too.
_PLAIN = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)$)[a-z_][a-z0-9_]*", re.ASCII)


class MilvusAdapter(Adapter[MilvusOptions]):
    """A Milvus server, by gRPC. A namespace is a field."""

    name = "milvus"
    requires = ("pymilvus",)
    options = MilvusOptions
    capabilities: ClassVar[Capabilities] = SERVER
    plain = _PLAIN

    def __init__(self, link: Link, turns: Turns | None = None) -> None:
        self.link = link
        self.turns = turns

    @classmethod
    async def open(cls, io: Runtime, options: MilvusOptions) -> Self:
        opened: MilvusAdapter
        if options.host is not None:
            client = await Client.of_server(io, options)
            opened = MilvusAdapter(Link(io, client))
        else:
            # It is one process's, and one call's at a time: a client that blocks, in its turn.
            client = await io.acquire(Client.of_folder, options)
            opened = LiteAdapter(Link(BlockingRuntime(), client), Turns(io))
        try:
            await opened.health()
        except BaseException:
            await io.finish(opened.close())
            raise
        return cast("Self", opened)  # one of this class and its child

    @in_turn
    async def close(self) -> None:
        await self.link.close()

    @property
    def client(self) -> object:
        """pymilvus's `MilvusClient`, or `AsyncMilvusClient`."""
        return self.link.client.milvus

    @in_turn
    async def collections(self) -> list[CollectionInfo]:
        infos = [await self.link.info(name) for name in await self.link.names()]
        return sorted((info for info in infos if info is not None), key=lambda info: info.name)

    @in_turn
    async def collection(self, name: str) -> CollectionInfo | None:
        return await self.link.info(_name(name))

    @in_turn
    async def create_collection(self, info: CollectionInfo) -> bool:
        name = _name(info.name)
        if name not in await self.link.names() and await self.link.create(name, info):
            return True
        if await self.link.info(name) is None:
            raise CollectionExists(f"Milvus has a collection {name!r} that onevec didn't make; choose another name")
        return False

    @in_turn
    async def delete_collection(self, name: str) -> bool:
        name = _name(name)
        if await self.link.info(name) is None:
            return False
        await self.link.drop(name)
        return True

    @in_turn
    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        try:
            found = await self.link.every(_name(collection.name), 'key > ""', ["namespace"])
        except Missing:
            raise deleted(collection) from None
        return sorted({entity["namespace"] for entity in found})

    @about
    async def clear(self, place: Place) -> int:
        return await self._delete(place, matching(place))

    @about
    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        check_measurable(batch.vectors, batch.ids, place.collection.metric)
        await self.check(place.collection)
        created: dict[str, int] = {}
        if ids := undated(batch):
            old = await self.link.query(_name(place.collection.name), among(place, ids), ["id", "created"])
            created = {entity["id"]: entity["created"] for entity in old}
        return await self._write(place, rows_of(batch, created))

    @about
    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        for change in changes:
            if change.vector is not None:
                check_measurable(change.vector[None], [change.id], place.collection.metric)
        await self.check(place.collection)
        ids = list(dict.fromkeys(change.id for change in changes))
        rows, missing = patched(changes, await self._get(place, ids, include_vectors=True), now)
        return missing + await self._write(place, rows)

    @about
    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        return await self._get(place, ids, include_vectors=include_vectors)

    @about
    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        return await self._delete(place, matching(place, filter) if ids is None else among(place, ids))

    @about
    async def count(self, place: Place, filter: Filter | None) -> int:
        return await self.link.count(_name(place.collection.name), matching(place, filter))

    @about
    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        info = place.collection
        limit = min(limit, MOST - 1)
        fields = ("key", *_fields(include_vectors=include_vectors))
        found = await self.link.query(_name(info.name), matching(place, filter, after=after), fields, limit=limit + 1)
        some = [document(entity, info, include_vector=include_vectors) for entity in found[:limit]]
        return some, found[limit - 1]["key"] if len(found) > limit else None

    @about
    async def search(self, place: Place, request: Request) -> list[Found]:
        info, query = place.collection, _vector(request)
        check_measurable(query[None], None, info.metric)
        name, vector, expression = _name(info.name), padded(measurable(info.metric, query)), _expression(place, request)

        async def find(limit: int, *, exact: bool) -> list[Found]:
            params = search_params(limit, exact=exact, ef=request.ef_search, nprobe=request.nprobe)
            entities = await self.link.search(name, vector, expression, (*PARTS, "vector"), limit=limit, params=params)
            found = [document(entity, info, include_vector=True) for entity in entities]
            measured = distances(info.metric, query, [cast("npt.NDArray[np.float32]", one.vector) for one in found])
            if not request.include_vectors:
                found = [document(entity, info, include_vector=False) for entity in entities]
            return list(zip(found, measured, strict=True))

        return await nearest(find, request.top_k, exact=request.exact, most=MOST)

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        limit = min(request.top_k + 1, MOST)
        return {
            "collection_name": _name(place.collection.name),
            "anns_field": "vector",
            "filter": _expression(place, request),
            "limit": limit,
            "params": search_params(limit, exact=request.exact, ef=request.ef_search, nprobe=request.nprobe),
        }

    @about
    async def stats(self, place: Place) -> Stats:
        found = await self.link.every(_name(place.collection.name), matching(place), ["updated"])
        newest = max((entity["updated"] for entity in found), default=None)
        return Stats(
            documents=len(found),
            dimension=place.collection.dimension,
            updated_at=None if newest is None else moment_at(newest),
        )

    @in_turn
    async def health(self) -> Health:
        return Health("healthy", self.name, await self.link.version(), 0.0)

    @in_turn
    async def create_index(self, collection: CollectionInfo, settings: IndexSettings) -> None:
        await self.check(collection)
        await self.link.index(_name(collection.name), index_of(collection, settings))

    @about
    async def optimize(self, place: Place) -> None:
        await self.link.flush(_name(place.collection.name))

    @about
    async def flush(self, place: Place) -> None:
        await self.link.flush(_name(place.collection.name))

    async def check(self, collection: CollectionInfo) -> None:
        """Refuse a handle of a collection that was deleted, and perhaps made again."""
        if await self.link.info(_name(collection.name)) != collection:
            raise deleted(collection)

    async def _get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        info, fields = place.collection, _fields(include_vectors=include_vectors)
        found = await self.link.query(_name(info.name), among(place, ids), fields)
        return [document(entity, info, include_vector=include_vectors) for entity in found]

    async def _write(self, place: Place, rows: Sequence[Row]) -> list[tuple[str, OnevecError]]:
        entities: list[dict[str, Any]] = []  # Any: what pymilvus takes
        failed: list[tuple[str, OnevecError]] = []
        for row in rows:
            try:
                entities.append(entity_of(place.collection, place.namespace, row))
            except InvalidDocument as error:
                failed.append((row.id, error))
        if entities:
            await self.link.upsert(_name(place.collection.name), entities)
        return failed

    async def _delete(self, place: Place, expression: str) -> int:
        await self.check(place.collection)
        name = _name(place.collection.name)
        count = await self.link.count(name, expression)
        if count:
            await self.link.delete(name, expression)
        return count


class LiteAdapter(MilvusAdapter):
    """Milvus Lite in this process, on a folder."""

    capabilities: ClassVar[Capabilities] = LITE


def _name(name: str) -> str:
    return engine_name(name, _PLAIN)


def _fields(*, include_vectors: bool) -> tuple[str, ...]:
    return (*PARTS, "vector") if include_vectors else PARTS


def _vector(request: Request) -> npt.NDArray[np.float32]:
    return cast("npt.NDArray[np.float32]", request.vector)  # a vector search: no other is declared


def _expression(place: Place, request: Request) -> str:
    if request.ids is None:
        expression = matching(place, request.filter)
    else:
        expression = among(place, sorted(request.ids), request.filter)
    if request.native is None:
        return expression
    return f"{expression} and {condition(request.native, MILVUS).text}"
