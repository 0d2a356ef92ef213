"""Collections as indices: what they are called, made and remembered."""

from __future__ import annotations

import re
from typing import Any

from onevec.adapters.elasticsearch.link import Link
from onevec.adapters.elasticsearch.sources import SIMILARITIES, Json, mappings_of
from onevec.documents import CollectionInfo, IndexSettings
from onevec.errors import CollectionExists, EngineError, Unsupported
from onevec.remote import Missing, engine_name, info_from
from onevec.values import microseconds

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
_CODES = {None: "", "none": "", "int8": "int8_"}  # what stands before the kind of index
_RESCORED = {"oversample": 2.0}  # so many times the hits are found by codes, and measured by their vectors


class Indices:
    """The indices of one store.

    Every collection is an index with an alias of its own, which has the moment of its making in its name. A handle
    speaks to the alias, so one of a collection that was deleted, and perhaps made again, finds nothing to speak to.
    """

    def __init__(self, link: Link, prefix: str, settings: Json) -> None:
        self._link = link
        self._api: Any = link.client.indices  # Any: of one of two classes
        self._prefix = prefix
        self._settings = settings

    def name(self, name: str) -> str:
        """Return what a collection's index is called."""
        return self._prefix + engine_name(name, _PLAIN)

    def alias(self, info: CollectionInfo) -> str:
        """Return what a collection is called as long as it is this one; no index has a dot in its name."""
        return f"{self.name(info.name)}.{microseconds(info.created_at)}"

    async def all(self) -> list[CollectionInfo]:
        found = await self._described(f"{self._prefix}*")
        infos = [info for index, info in found.items() if info is not None and self.name(info.name) == index]
        return sorted(infos, key=lambda info: info.name)

    async def one(self, name: str) -> CollectionInfo | None:
        """Return what a collection is; None if there is none, or it is somebody else's index, or another prefix's."""
        index = self.name(name)
        try:
            info = (await self._described(index)).get(index)
        except Missing:
            return None
        return info if info is not None and info.name == name else None

    async def create(self, info: CollectionInfo) -> bool:
        """Make a collection's index; False if there is one."""
        index = self.name(info.name)
        try:
            await self._link.call(
                self._api.create,
                index=index,
                mappings=mappings_of(info),
                aliases={self.alias(info): {}},
                settings=self._settings,
            )
        except EngineError as error:
            if "already exists" not in str(error):
                raise
            if await self.one(info.name) is None:
                raise CollectionExists(
                    f"Elasticsearch has an index {index!r} that isn't this store's; choose another name"
                ) from None
            return False
        return True

    async def drop(self, name: str) -> bool:
        if await self.one(name) is None:
            return False
        try:
            await self._link.call(self._api.delete, index=self.name(name))
        except Missing:
            return False
        return True

    async def index(self, collection: CollectionInfo, settings: IndexSettings) -> None:
        """Have the vectors indexed so from now on; those that are there already, when they are merged."""
        if settings.quantization not in _CODES:
            raise Unsupported(f"elasticsearch keeps codes of int8 or none, not {settings.quantization}")
        if collection.metric not in SIMILARITIES:
            raise Unsupported(
                f"elasticsearch has no index for the metric {collection.metric}, which it searches exactly"
            )
        codes = _CODES[settings.quantization]
        options = {"m": settings.m, "ef_construction": settings.ef_construction, "rescore_vector": codes and _RESCORED}
        vector = mappings_of(collection)["properties"]["vector"]
        vector["index_options"] = {
            "type": f"{codes}{settings.kind}",
            **{name: value for name, value in options.items() if value},
        }
        try:
            await self._link.call(self._api.put_mapping, index=self.alias(collection), properties={"vector": vector})
        except EngineError as error:
            if "Cannot update parameter" not in str(error):
                raise
            raise Unsupported(
                f"elasticsearch doesn't change an index into one of fewer connections, other codes or none ({error}); "
                "make another collection, and give that its index before the documents"
            ) from error

    async def refresh(self, info: CollectionInfo) -> None:
        """Let searches see every write that has returned."""
        await self._link.call(self._api.refresh, index=self.alias(info))

    async def merge(self, info: CollectionInfo) -> None:
        """Make one segment of each shard, with one graph."""
        await self._link.call(self._api.forcemerge, index=self.alias(info), max_num_segments=1)

    async def _described(self, index: str) -> dict[str, CollectionInfo | None]:
        answer = await self._link.call(self._api.get_mapping, index=index, filter_path="*.mappings._meta.onevec")
        return {name: info_from(one["mappings"]["_meta"]["onevec"]) for name, one in answer.items()}
