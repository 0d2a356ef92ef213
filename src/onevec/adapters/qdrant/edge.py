"""Qdrant's engine inside this process, on a folder: a shard for each collection."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import orjson

from onevec.adapters.qdrant.calls import DISTANCES, Json, Point, Record, Search, Wanted, new_numbers
from onevec.adapters.qdrant.edge_filters import edge_filter
from onevec.adapters.qdrant.failures import as_onevec_from_edge
from onevec.documents import CollectionInfo, IndexSettings
from onevec.errors import Corrupted, EngineNotInstalled, InvalidFilter, OnevecError
from onevec.registry import install_command
from onevec.remote import Missing, info_from, info_to_keep, locked, store_folder

T = TypeVar("T")
_INFO = "onevec.json"
_SHARD = "shard"


class EdgeCalls:
    """The calls for a folder, which is this process's alone while it is open.

    A collection is a subfolder with `onevec.json`, which says what it is, and the shard. One without `onevec.json` is
    what a crash left of making or dropping a collection: it counts as none.

    Args:
        path: The folder.
        create: Whether to make it.
        sync: Whether a write is on the disk before its call returns.
    """

    # The same name on file systems that ignore case, and none that Windows keeps for itself.
    plain = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)$)[a-z0-9][a-z0-9_-]*", re.ASCII)

    def __init__(self, path: Path, *, create: bool, sync: bool) -> None:
        try:
            import portalocker  # noqa: F401 (what `locked` needs, before a folder is made)
            import qdrant_edge
        except ImportError as error:
            raise EngineNotInstalled(f"qdrant on a folder needs {error.name}: {install_command('qdrant')}") from error

        self._edge: Any = qdrant_edge  # Any: a vendor's module
        self._path = store_folder(path, create=create, example="qdrant:///papers")
        self._sync = sync
        self._shards: dict[str, Any] = {}  # Any: EdgeShards
        self._lock = locked(self._path, server="a Qdrant server")
        try:
            self._infos = {file.parent.name: _info(file) for file in self._path.glob(f"*/{_INFO}")}
        except BaseException:
            self._lock.close()
            raise

    @property
    def client(self) -> dict[str, Any]:  # Any: EdgeShards
        """The open shards, by the name of their subfolder."""
        return self._shards

    async def close(self) -> None:
        for name in list(self._shards):
            self._shards.pop(name).close()
        self._lock.close()

    async def version(self) -> str:
        return f"edge {version('qdrant-edge-py')}"

    async def names(self) -> list[str]:
        return list(self._infos)

    async def info(self, name: str) -> CollectionInfo | None:
        return self._infos.get(name)

    async def create(self, name: str, info: CollectionInfo) -> bool:
        folder, edge = self._path / name, self._edge
        if name in self._infos:
            return False
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        config = edge.EdgeConfig(vectors=self._vectors(info))
        self._shards[name] = shard = self._made(edge.EdgeShard.create, str(folder / _SHARD), config)
        for key, tenant in (("namespace", True), ("facets", None)):
            keywords = edge.KeywordIndexParams(is_tenant=tenant)
            self._made(shard.update, edge.UpdateOperation.create_field_index(key, keywords))
        self._made(shard.flush)
        _write(folder / _INFO, orjson.dumps(info_to_keep(info)))
        self._infos[name] = info
        return True

    async def drop(self, name: str) -> None:
        folder = self._path / name
        (folder / _INFO).unlink()
        del self._infos[name]
        if shard := self._shards.pop(name, None):
            self._made(shard.close)
        shutil.rmtree(folder)

    async def upsert(self, name: str, points: Sequence[Point], *, wait: bool) -> None:
        point, shard = self._edge.Point, self._shard(name)
        for path in new_numbers(points, self._made(shard.info).payload_schema):
            self._made(shard.update, self._edge.UpdateOperation.create_field_index(path, self._edge.FloatIndexParams()))
        self._update(
            name, "upsert_points", [point(id, vector.tolist(), payload) for id, vector, payload in points], sync=wait
        )

    async def retrieve(self, name: str, ids: Sequence[str], wanted: Wanted) -> list[Record]:
        found = self._made(self._shard(name).retrieve, list(ids), list(wanted.payload), wanted.vector)
        return [Record(one.payload, one.vector) for one in found]

    async def scroll(
        self, name: str, filter: Json, *, offset: str | None, limit: int, wanted: Wanted
    ) -> tuple[list[Record], str | None]:
        request = self._edge.ScrollRequest(
            offset=offset,
            limit=limit,
            filter=self._filter(filter),
            with_payload=list(wanted.payload),
            with_vector=wanted.vector,
        )
        found, after = self._made(self._shard(name).scroll, request)
        return [Record(one.payload, one.vector) for one in found], None if after is None else str(after)

    async def count(self, name: str, filter: Json) -> int:
        return int(self._made(self._shard(name).count, self._edge.CountRequest(filter=self._filter(filter))))

    async def namespaces(self, name: str) -> list[str]:
        shard = self._shard(name)
        most = max(1, self._made(shard.info).points_count)
        hits = self._made(shard.facet, self._edge.FacetRequest(key="namespace", limit=most, exact=True))
        return [hit.value for hit in hits if hit.count]

    async def delete(self, name: str, filter: Json) -> None:
        self._update(name, "delete_points_by_filter", self._filter(filter), sync=True)

    async def search(self, name: str, search: Search) -> list[Record]:
        edge = self._edge
        request = edge.QueryRequest(
            limit=search.limit,
            query=edge.Query.Nearest(search.vector.tolist()),
            filter=self._filter(search.filter),
            params=edge.SearchParams(
                hnsw_ef=search.ef, exact=search.exact, quantization=edge.QuantizationSearchParams(rescore=True)
            ),
            with_payload=search.wanted.payload,
            with_vector=search.wanted.vector,
        )
        return [Record(one.payload, one.vector, one.score) for one in self._made(self._shard(name).query, request)]

    async def index(self, name: str, settings: IndexSettings) -> None:
        """Close the shard and load it with another configuration, which is kept with it."""
        graph = self._edge.HnswIndexConfig(
            m=settings.m or _M, ef_construct=settings.ef_construction or _EF, full_scan_threshold=_FULL_SCAN_KB
        )
        config = self._edge.EdgeConfig(vectors=self._vectors(self._infos[name]), hnsw_config=graph)
        self._made(self._shard(name).close)
        del self._shards[name]
        self._shards[name] = self._made(self._edge.EdgeShard.load, str(self._path / name / _SHARD), config)

    async def index_field(self, name: str, path: str, kind: str) -> None:
        params = getattr(self._edge, f"{kind.capitalize()}IndexParams")()
        self._made(self._shard(name).update, self._edge.UpdateOperation.create_field_index(path, params))
        self._made(self._shard(name).flush)

    async def field_indexes(self, name: str) -> dict[str, str]:
        found = self._made(self._shard(name).info).payload_schema
        return {path: str(index.data_type).rpartition(".")[2].lower() for path, index in found.items()}

    async def optimize(self, name: str) -> None:
        self._made(self._shard(name).optimize)

    async def flush(self, name: str) -> None:
        self._made(self._shard(name).flush)

    def _shard(self, name: str) -> Any:  # Any: an EdgeShard
        shard = self._shards.get(name)
        if shard is None:
            if name not in self._infos:
                raise Missing
            shard = self._shards[name] = self._made(self._edge.EdgeShard.load, str(self._path / name / _SHARD))
        return shard

    def _update(self, name: str, operation: str, *args: Any, sync: bool) -> None:  # Any: the operation's
        shard = self._shard(name)
        self._made(shard.update, self._made(getattr(self._edge.UpdateOperation, operation), *args))
        if sync and self._sync:
            self._made(shard.flush)

    def _vectors(self, info: CollectionInfo) -> Any:  # Any: an EdgeVectorParams
        distance = getattr(self._edge.Distance, DISTANCES[info.metric])
        return self._edge.EdgeVectorParams(size=info.dimension, distance=distance)

    def _filter(self, filter: Json) -> Any:  # Any: a Filter
        try:
            return edge_filter(self._edge, filter)
        except OnevecError:
            raise
        except Exception as error:  # of a caller's own condition: onevec's are well made
            raise InvalidFilter(f"native=: Qdrant refuses a value in it ({error})") from error

    def _made(self, method: Callable[..., T], *args: Any) -> T:  # Any: a vendor's method
        try:
            return method(*args)
        except Exception as error:
            raise as_onevec_from_edge(error, str(self._path)) from error


# Qdrant's own defaults, which its class for them asks for.
_M = 16
_EF = 100
_FULL_SCAN_KB = 10_000


def _info(file: Path) -> CollectionInfo:
    try:
        info = info_from(orjson.loads(file.read_bytes()))
    except (ValueError, KeyError) as error:
        raise Corrupted(f"{file} is damaged ({error}); restore it from a backup") from error
    if info is None:
        raise Corrupted(f"{file} doesn't say what its collection is; restore it from a backup")
    return info


def _write(path: Path, content: bytes) -> None:
    """Write a file so that after a crash it is there as a whole or not at all."""
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
