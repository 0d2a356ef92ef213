"""Calls of pymilvus's client, whichever its colour, and what they give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import orjson

from onevec.adapters.milvus.entities import schema_of
from onevec.adapters.milvus.failures import as_onevec
from onevec.adapters.milvus.indexes import Index, exact_index
from onevec.adapters.milvus.opening import LEAST, Client
from onevec.deadline import seconds_left
from onevec.documents import CollectionInfo
from onevec.errors import EngineError
from onevec.remote import Missing, info_from, info_to_keep
from onevec.runtime import Runtime

Entity: TypeAlias = dict[str, Any]  # Any: JSON values and vectors

MOST = 16_384  # rows of one answer
_INFO = "onevec"


class Link:
    """One open client. Where a collection is missing, every call raises `onevec.remote.Missing`."""

    def __init__(self, io: Runtime, client: Client) -> None:
        self._io = io
        self.client = client
        self._milvus: Any = client.milvus  # Any: one of two classes, whose methods differ in their colour only
        self._loaded: set[str] = set()

    async def close(self) -> None:
        if self.client.lite is not None:
            self.client.close()
        else:
            await self._io.call(self._milvus.close)

    async def version(self) -> str:
        return str(await self.call(self._milvus.get_server_version))

    async def names(self) -> list[str]:
        """Return the names of all collections, also those of other software."""
        return list(await self.call(self._milvus.list_collections))

    async def info(self, name: str) -> CollectionInfo | None:
        """Return what a collection is; None if there is none, or onevec didn't make it."""
        try:
            found = await self.call(self._milvus.describe_collection, name)
        except Missing:
            return None
        kept = found.get("properties", {}).get(_INFO)
        return None if kept is None else info_from(orjson.loads(kept))

    async def create(self, name: str, info: CollectionInfo) -> bool:
        """Make a collection; False if there is one."""
        kept = orjson.dumps(info_to_keep(info)).decode()
        try:
            await self.write(
                self._milvus.create_collection,
                name,
                schema=schema_of(info),
                properties={_INFO: kept},
                consistency_level="Strong",
            )
        except EngineError as error:
            if "already exist" in str(error) or "duplicate" in str(error):
                return False
            raise
        # Nothing is to be indexed yet; waiting for it would take half a second.
        await self.write(self._milvus.create_index, name, self._params(exact_index(info)), sync=False)
        await self.write(self._milvus.load_collection, name)
        self._loaded.add(name)
        return True

    async def drop(self, name: str) -> None:
        self._loaded.discard(name)
        await self.write(self._milvus.drop_collection, name)

    async def upsert(self, name: str, entities: Sequence[Entity]) -> None:
        await self.write(self._milvus.upsert, name, list(entities))

    async def delete(self, name: str, expression: str) -> None:
        await self.write(self._milvus.delete, name, filter=expression)

    async def query(
        self, name: str, expression: str, fields: Sequence[str], *, limit: int | None = None
    ) -> list[Entity]:
        """Return the entities that match; with a limit, those with the lowest keys."""
        paged: dict[str, Any] = {}  # Any: what an iterator of pymilvus asks for, so that pages are in order
        if limit is not None:
            paged = {"limit": limit, "iterator": "True", "reduce_stop_for_best": "True"}
        await self.load(name)
        return list(await self.call(self._milvus.query, name, filter=expression, output_fields=list(fields), **paged))

    async def every(self, name: str, expression: str, fields: Sequence[str]) -> list[Entity]:
        """Return the entities that match, however many, page by page."""
        found: list[Entity] = []
        after = expression
        while True:
            page = await self.query(name, after, ["key", *fields], limit=MOST)
            found += page
            if len(page) < MOST:
                return found
            after = f'{expression} and key > "{page[-1]["key"]}"'

    async def count(self, name: str, expression: str) -> int:
        await self.load(name)
        (row,) = await self.call(self._milvus.query, name, filter=expression, output_fields=["count(*)"])
        return int(row["count(*)"])

    async def search(
        self, name: str, vector: Any, expression: str, fields: Sequence[str], *, limit: int, params: Entity
    ) -> list[Entity]:
        """Return the nearest entities."""
        await self.load(name)
        (found,) = await self.call(
            self._milvus.search,
            name,
            data=[vector],
            anns_field="vector",
            filter=expression,
            limit=limit,
            output_fields=list(fields),
            search_params={"params": params},
        )
        return [hit["entity"] for hit in found]

    async def index(self, name: str, index: Index) -> None:
        """Give the vectors this index, in place of the one they have; no searches go on meanwhile."""
        self._loaded.discard(name)
        await self.write(self._milvus.release_collection, name)
        await self.write(self._milvus.drop_index, name, "vector")
        # Milvus Lite has built it when it answers.
        await self.write(self._milvus.create_index, name, self._params(index), sync=self.client.lite is None)
        await self.load(name)

    async def release(self, name: str) -> None:
        """Let a collection out of memory, until the next read."""
        self._loaded.discard(name)
        await self.write(self._milvus.release_collection, name)

    async def compact(self, name: str) -> None:
        """Have segments merged."""
        await self.write(self._milvus.compact, name)

    async def row_count(self, name: str) -> int:
        """Return what Milvus's statistics say."""
        return int((await self.call(self._milvus.get_collection_stats, name))["row_count"])

    async def flush(self, name: str) -> None:
        """Write what is in memory to the files, which makes searches fast, too. A server does it by itself."""
        if self.client.lite is not None:
            await self.call(self._milvus.flush, name)

    async def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # Any: the client's own
        """Call a method of the client, and return what comes of it."""
        try:
            left = seconds_left(self.client.timeout, least=LEAST)
            return await self._io.call(method, *args, **kwargs, timeout=left, retry_on_rate_limit=False)
        except Exception as error:
            mapped = as_onevec(error, self.client.where)
            if mapped is error:
                raise
            raise mapped from error

    async def write(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # Any: the client's own
        """Call a method that writes; if the caller is cancelled, it has ended before anything else begins."""
        return await self._io.finish(self.call(method, *args, **kwargs))

    async def load(self, name: str, *, again: bool = False) -> None:
        """Let Milvus have a collection ready for reading; it stays so until it is released, by anybody, or dropped."""
        if again or name not in self._loaded:
            await self.call(self._milvus.load_collection, name)
            self._loaded.add(name)

    def _params(self, index: Index) -> Any:  # Any: pymilvus's IndexParams
        params = self._milvus.prepare_index_params()
        params.add_index("vector", index_name="vector", **index._asdict())
        return params
