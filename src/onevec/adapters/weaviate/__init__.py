"""`weaviate`: a Weaviate server, or Weaviate Cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Self

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.adapters.weaviate import schema, searches
from onevec.adapters.weaviate.abilities import ABILITIES
from onevec.adapters.weaviate.filters import EVERY
from onevec.adapters.weaviate.native import message_of, own_filter
from onevec.adapters.weaviate.objects import (
    CREATED,
    ID,
    NAMESPACE,
    WITH_VECTOR,
    WITHOUT_VECTOR,
    document,
    matching,
    objects_of,
)
from onevec.adapters.weaviate.options import WeaviateOptions, address_of
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, IndexSettings, Stats
from onevec.errors import AuthenticationFailed, CollectionExists, EngineError, OnevecError, UnsupportedVersion
from onevec.filters import Filter
from onevec.remote import (
    Missing,
    Row,
    Turns,
    about,
    check_measurable,
    deleted,
    patched,
    rows_of,
    undated,
)
from onevec.runtime import Runtime

if TYPE_CHECKING:
    from onevec.adapters.weaviate.link import Link

__all__ = ["WeaviateAdapter", "WeaviateOptions"]

_OLDEST = (1, 33)  # the first that has ContainsNone
_AT_ONCE = 8


class WeaviateAdapter(Adapter[WeaviateOptions]):
    """A collection is a class with tenants, a namespace one of these. Objects go by gRPC, all else by REST."""

    name = "weaviate"
    requires = ("weaviate",)
    options = WeaviateOptions
    capabilities: ClassVar[Capabilities] = ABILITIES
    turns: Turns | None = None

    def __init__(self, io: Runtime, link: Link, options: WeaviateOptions) -> None:
        self._io = io
        self.link = link
        self._options = options

    @classmethod
    async def open(cls, io: Runtime, options: WeaviateOptions) -> Self:
        address = address_of(options)
        module = await io.offload(import_module, "onevec.adapters.weaviate.link")
        link = await module.Link.open(io, options, address)
        try:
            _check_version(await link.rest("GET", "meta"), str(address))
            await link.check_objects()
        except BaseException:
            await link.close()
            raise
        return cls(io, link, options)

    async def close(self) -> None:
        await self.link.close()

    @property
    def client(self) -> object:
        """A new `WeaviateClient`, or `WeaviateAsyncClient`, of the same server: connect it by `with`."""
        return self.link.client()

    async def collections(self) -> list[CollectionInfo]:
        made = (await self.link.rest("GET", "schema"))["classes"]
        infos = [schema.info_of(one, self._options.prefix) for one in made]
        return sorted((info for info in infos if info is not None), key=lambda info: info.name)

    async def collection(self, name: str) -> CollectionInfo | None:
        try:
            made = await self.link.rest("GET", "schema", self.class_name(name))
        except Missing:
            return None
        return schema.info_of(made, self._options.prefix)

    async def create_collection(self, info: CollectionInfo) -> bool:
        options = self._options
        body = schema.class_of(info, options.prefix, m=options.m, ef_construction=options.ef_construction)
        try:
            await self.link.rest("POST", "schema", body=body)
        except EngineError as error:
            if "already exists" not in str(error):
                raise
        else:
            return True
        there = await self.collection(info.name)
        if there is None:
            name = body["class"]
            raise CollectionExists(f"Weaviate has a class {name!r} that this store didn't make; choose another name")
        return there == info  # this one was made by an attempt whose answer was lost

    async def delete_collection(self, name: str) -> bool:
        if await self.collection(name) is None:
            return False
        await self.link.rest("DELETE", "schema", self.class_name(name))
        return True

    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        name = self.class_name(collection.name)
        try:
            tenants = await self.link.rest("GET", "schema", name, "tenants")
        except Missing:
            raise deleted(collection) from None
        reads = [partial(self.link.read, name, one["name"], limit=1, wanted=[NAMESPACE]) for one in tenants]
        found = await self._io.gather(reads, _AT_ONCE)
        return sorted(read.properties[NAMESPACE] for some in found for read in some)

    @about
    async def clear(self, place: Place) -> int:
        await self.check(place.collection)
        count = await self._count(place, None)
        if count:
            name, tenant = self._target(place)
            await self.link.rest("DELETE", "schema", name, "tenants", body=[tenant])
        return count

    @about
    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        check_measurable(batch.vectors, batch.ids, place.collection.metric)
        await self.check(place.collection)
        ids = undated(batch)
        old = await self._read(place, ids, (ID, CREATED)) if ids else []
        created = {read.properties[ID]: int(read.properties[CREATED]) for read in old}
        return await self._write(place, rows_of(batch, created))

    @about
    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        for change in changes:
            if change.vector is not None:
                check_measurable(change.vector[None], [change.id], place.collection.metric)
        await self.check(place.collection)
        ids = list(dict.fromkeys(change.id for change in changes))
        rows, missing = patched(changes, map(document, await self._read(place, ids, WITH_VECTOR)), now)
        return missing + await self._write(place, rows)

    @about
    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        return list(map(document, await self._read(place, ids, WITH_VECTOR if include_vectors else WITHOUT_VECTOR)))

    @about
    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        await self.check(place.collection)
        return await self.link.delete(*self._target(place), matching(place, filter, ids) or EVERY)

    @about
    async def count(self, place: Place, filter: Filter | None) -> int:
        return await self._count(place, filter)

    @about
    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        reads, after = await searches.page(
            self.link,
            *self._target(place),
            matching(place, filter),
            after=after,
            limit=limit,
            wanted=WITH_VECTOR if include_vectors else WITHOUT_VECTOR,
        )
        return list(map(document, reads)), after

    @about
    async def search(self, place: Place, request: Request) -> list[Found]:
        return await searches.search(self.link, *self._target(place), place, request)

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        where = matching(place, request.filter, request.ids)
        native = None if request.native is None else str(message_of(own_filter(request.native)))
        return {
            "tenant": schema.tenant_name(place.namespace),
            "limit": request.top_k,
            "where": (where or EVERY) if request.exact else where,
            "native": native,
            "properties": list(WITH_VECTOR if request.include_vectors else WITHOUT_VECTOR),
        }

    @about
    async def stats(self, place: Place) -> Stats:
        return Stats(documents=await self._count(place, None), dimension=place.collection.dimension)

    async def health(self) -> Health:
        version = (await self.link.rest("GET", "meta"))["version"]
        nodes: dict[str, str] = {}
        with suppress(AuthenticationFailed):  # a key may be for the data only
            nodes = {one["name"]: one["status"] for one in (await self.link.rest("GET", "nodes"))["nodes"]}
        warnings = tuple(f"node {name} is {status}" for name, status in nodes.items() if status != "HEALTHY")
        return Health(
            "degraded" if warnings else "healthy",
            self.name,
            version,
            0.0,
            warnings=warnings,
            details={"nodes": nodes},
        )

    async def create_index(self, collection: CollectionInfo, settings: IndexSettings) -> None:
        await self.check(collection)
        made = await self.link.rest("GET", "schema", self.class_name(collection.name))
        made["vectorIndexConfig"] |= schema.quantization_of(settings)
        await self.link.rest("PUT", "schema", self.class_name(collection.name), body=made)

    async def check(self, collection: CollectionInfo) -> None:
        """Refuse a handle of a collection that was deleted, and perhaps made again."""
        if await self.collection(collection.name) != collection:
            raise deleted(collection)

    def class_name(self, name: str) -> str:
        return schema.class_name(name, self._options.prefix)

    def _target(self, place: Place) -> tuple[str, str]:
        return self.class_name(place.collection.name), schema.tenant_name(place.namespace)

    async def _count(self, place: Place, filter: Filter | None) -> int:
        return await self.link.count(*self._target(place), matching(place, filter))

    async def _read(self, place: Place, ids: Sequence[str], wanted: Sequence[str]) -> list[Any]:
        condition = matching(place, ids=ids)
        return await self.link.read(*self._target(place), limit=len(ids), wanted=wanted, condition=condition)

    async def _write(self, place: Place, rows: Sequence[Row]) -> list[tuple[str, OnevecError]]:
        if not rows:
            return []
        made = await self._io.offload(lambda: list(objects_of(place, rows)))
        errors = await self.link.write(*self._target(place), made)
        failed = [(row.id, error) for row, error in zip(rows, errors, strict=True) if error is not None]
        if len(failed) == len(rows):
            raise failed[0][1]
        return failed


def _check_version(meta: Any, where: str) -> None:  # Any: JSON values
    """Refuse a server that is too old, or no Weaviate."""
    version = meta.get("version") if isinstance(meta, dict) else None
    numbers = re.match(r"(\d+)\.(\d+)", str(version))
    if numbers is None:
        raise EngineError(f"at {where} something answers that isn't Weaviate; check the URL")
    if tuple(map(int, numbers.groups())) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise UnsupportedVersion(f"the Weaviate at {where} is {version}; onevec needs {oldest} or newer")
