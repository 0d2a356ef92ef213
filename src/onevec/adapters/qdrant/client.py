"""Qdrant by its own client: a server, or the client's collections in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ParamSpec

from onevec.adapters.qdrant.calls import DISTANCES, Json, Point, Record, Search, Wanted, new_numbers
from onevec.adapters.qdrant.failures import as_onevec
from onevec.documents import CollectionInfo, IndexSettings
from onevec.errors import EngineError, Unsupported
from onevec.remote import Missing, info_from, info_to_keep
from onevec.runtime import Runtime

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient, QdrantClient

P = ParamSpec("P")
_MOST = 1_000_000  # namespaces of a collection that are told; documents that the client keeps in memory
_NOBODY = "00000000-0000-0000-0000-000000000000"


class ClientCalls:
    """Each call is one or two requests; filters become the client's models, which check them."""

    plain = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", re.ASCII)

    def __init__(self, io: Runtime, client: QdrantClient | AsyncQdrantClient, where: str) -> None:
        from qdrant_client import models

        self.client: Any = client  # Any: one of two classes, whose methods differ in their colour only
        self._io = io
        self._where = where
        self._models = models
        self._indexed: dict[str, set[str]] = {}  # what each collection has an index of, as far as known
        self._rescored = models.QuantizationSearchParams(rescore=True)
        self._checked: tuple[Json, Any] = ({}, models.Filter())  # the last filter: checking one takes 24 us

    async def close(self) -> None:
        await self._call(self.client.close)

    async def version(self) -> str:
        return str((await self._call(self.client.info)).version)

    async def names(self) -> list[str]:
        return [one.name for one in (await self._call(self.client.get_collections)).collections]

    async def info(self, name: str) -> CollectionInfo | None:
        try:
            found = await self._call(self.client.get_collection, name)
        except Missing:
            return None
        self._indexed[name] = set(found.payload_schema)
        return info_from((found.config.metadata or {}).get("onevec"))

    async def create(self, name: str, info: CollectionInfo) -> bool:
        models = self._models
        vectors = models.VectorParams(size=info.dimension, distance=models.Distance(DISTANCES[info.metric]))
        try:
            await self._call(
                self.client.create_collection,
                name,
                vectors_config=vectors,
                metadata={"onevec": info_to_keep(info)},
            )
        except EngineError as error:
            if "already exists" not in str(error):
                raise
            there = await self.info(name)
            if there is None:
                return False
            await self._index_payload(name)  # whoever made it may have been cut off before
            return there == info  # this one was made by an attempt whose answer was lost
        await self._index_payload(name)
        return True

    async def drop(self, name: str) -> None:
        await self._call(self.client.delete_collection, name)

    async def upsert(self, name: str, points: Sequence[Point], *, wait: bool) -> None:
        await self._index_numbers(name, points)
        struct = self._models.PointStruct
        structs = [struct(id=id, vector=vector.tolist(), payload=payload) for id, vector, payload in points]
        await self._call(self.client.upsert, name, structs, wait=wait)

    async def retrieve(self, name: str, ids: Sequence[str], wanted: Wanted) -> list[Record]:
        found = await self._call(
            self.client.retrieve, name, ids, with_payload=list(wanted.payload), with_vectors=wanted.vector
        )
        return [Record(one.payload or {}, one.vector) for one in found]

    async def scroll(
        self, name: str, filter: Json, *, offset: str | None, limit: int, wanted: Wanted
    ) -> tuple[list[Record], str | None]:
        found, after = await self._call(
            self.client.scroll,
            name,
            scroll_filter=self._filter(filter),
            offset=offset,
            limit=limit,
            with_payload=list(wanted.payload),
            with_vectors=wanted.vector,
        )
        return [Record(one.payload or {}, one.vector) for one in found], after

    async def count(self, name: str, filter: Json) -> int:
        return int((await self._call(self.client.count, name, self._filter(filter), exact=True)).count)

    async def namespaces(self, name: str) -> list[str]:
        try:
            found = await self._call(self.client.facet, name, "namespace", limit=_MOST, exact=True)
        except EngineError as error:
            if "No appropriate index" not in str(error):
                raise
            await self._index_payload(name)  # whoever made the collection was cut off before
            found = await self._call(self.client.facet, name, "namespace", limit=_MOST, exact=True)
        return [hit.value for hit in found.hits if hit.count]

    async def delete(self, name: str, filter: Json) -> None:
        selector = self._models.FilterSelector(filter=self._filter(filter))
        await self._call(self.client.delete, name, selector, wait=True)

    async def search(self, name: str, search: Search) -> list[Record]:
        found = await self._call(
            self.client.query_points,
            name,
            query=search.vector.tolist(),
            query_filter=self._filter(search.filter),
            search_params=self._params(search),
            limit=search.limit,
            with_payload=list(search.wanted.payload),
            with_vectors=search.wanted.vector,
        )
        return [Record(one.payload or {}, one.vector, one.score) for one in found.points]

    async def index(self, name: str, settings: IndexSettings) -> None:
        models = self._models
        int8 = models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8))
        codes = {None: None, "none": models.Disabled.DISABLED, "int8": int8}
        if settings.quantization not in codes:
            raise Unsupported(f"qdrant keeps codes of int8 or none, not {settings.quantization}")
        await self._call(
            self.client.update_collection,
            name,
            hnsw_config=models.HnswConfigDiff(m=settings.m, ef_construct=settings.ef_construction),
            quantization_config=codes[settings.quantization],
        )

    async def index_field(self, name: str, path: str, kind: str) -> None:
        await self._call(self.client.create_payload_index, name, path, self._models.PayloadSchemaType(kind))

    async def field_indexes(self, name: str) -> dict[str, str]:
        found = (await self._call(self.client.get_collection, name)).payload_schema
        return {path: str(index.data_type) for path, index in found.items()}

    async def optimize(self, name: str) -> None:
        """A server does it by itself."""

    async def flush(self, name: str) -> None:
        """Writes are applied in order, so one that is waited for, of nothing, waits for all before it."""
        await self._call(self.client.delete, name, [_NOBODY], wait=True)

    async def _index_payload(self, name: str) -> None:
        models = self._models
        tenants = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        await self._call(self.client.create_payload_index, name, "namespace", tenants)
        await self._call(self.client.create_payload_index, name, "facets", models.PayloadSchemaType.KEYWORD)

    async def _index_numbers(self, name: str, points: Sequence[Point]) -> None:
        indexed = self._indexed.setdefault(name, set())
        for path in new_numbers(points, indexed):
            await self._call(self.client.create_payload_index, name, path, self._models.PayloadSchemaType.FLOAT)
            indexed.add(path)

    def _params(self, search: Search) -> Any:  # Any: the client's model
        return self._models.SearchParams(exact=search.exact, hnsw_ef=search.ef, quantization=self._rescored)

    def _filter(self, filter: Json) -> Any:  # Any: the client's model
        known, made = self._checked
        if filter != known:
            made = self._models.Filter.model_validate(filter)
            self._checked = (filter, made)
        return made

    async def _call(self, method: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:  # Any: the client's
        try:
            return await self._io.call(method, *args, **kwargs)
        except Exception as error:
            mapped = as_onevec(error, self._where)
            if mapped is error:
                raise
            raise mapped from error


class MemoryCalls(ClientCalls):
    """The client's own collections, in this process's memory: it has no indexes, and warns of what asks for them."""

    async def version(self) -> str:
        return f"client {version('qdrant-client')}"

    async def namespaces(self, name: str) -> list[str]:
        # Its facets would show a namespace that reads like a UUID in the UUID's usual form.
        records, _ = await self.scroll(name, {}, offset=None, limit=_MOST, wanted=Wanted(["namespace"]))
        return list({record.payload["namespace"] for record in records})

    async def index_field(self, name: str, path: str, kind: str) -> None:  # noqa: ARG002 (there is no other answer)
        raise Unsupported("qdrant in memory has no indexes of the payload; a folder and a server have")

    async def _index_payload(self, name: str) -> None:
        pass

    async def _index_numbers(self, name: str, points: Sequence[Point]) -> None:
        pass

    def _params(self, search: Search) -> None:
        pass
