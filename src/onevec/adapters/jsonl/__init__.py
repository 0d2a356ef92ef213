"""`jsonl`: a file of lines for each collection, which a person can read, searched in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.adapters.jsonl.entries import Cleared, Deleted, Entry, Upserted
from onevec.adapters.jsonl.files import Files
from onevec.adapters.jsonl.folder import Folder, TornLineWarning
from onevec.adapters.jsonl.lines import VERSION
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, Stats
from onevec.errors import OnevecError, Unsupported
from onevec.filters import Filter, Op
from onevec.local.records import Records, plan
from onevec.metrics import Metric
from onevec.runtime import Runtime

__all__ = ["JsonlAdapter", "JsonlOptions", "TornLineWarning"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JsonlOptions:
    """What `jsonl:///papers?option=value` can set.

    Attributes:
        path: The folder. `jsonl:///papers` is in the current folder, `jsonl:////data/papers` is absolute.
        create: Whether to make the folder if it isn't there.
        read_only: Whether to refuse every write.
        lock_timeout: Seconds to wait for another process's write before the call is tried again.
    """

    path: Path
    create: bool = True
    read_only: bool = False
    lock_timeout: float = 5.0


class JsonlAdapter(Adapter[JsonlOptions]):
    """One file for each collection, one line for each write; all documents are held in this process's memory."""

    name = "jsonl"
    options = JsonlOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        metrics=frozenset(Metric),
        operators=frozenset(Op),
        text_search=True,
        native_async=False,
        persistent=True,
        shared=True,
        atomic_batches=True,
        ordered_scan=True,
        durability="A batch is one line with a checksum, synced to the disk before the call returns.",
        consistency="The next read sees every write that has returned, of this process and of others.",
    )
    files: ClassVar[Files] = Files()

    def __init__(self, io: Runtime, folder: Folder) -> None:
        self._io = io
        self._folder = folder

    @classmethod
    async def open(cls, io: Runtime, options: JsonlOptions) -> Self:
        if sys.platform == "win32":
            raise Unsupported("jsonl needs the file locks of Linux and macOS; use sqlite here: sqlite:///store.db")
        folder = await io.acquire(
            Folder,
            options.path,
            create=options.create,
            read_only=options.read_only,
            lock_timeout=options.lock_timeout,
            files=cls.files,
        )
        return cls(io, folder)

    async def close(self) -> None:
        await self._io.offload(self._folder.close)

    @property
    def client(self) -> Path:
        """The folder."""
        return self._folder.path

    async def collections(self) -> list[CollectionInfo]:
        return await self._io.offload(self._folder.infos)

    async def collection(self, name: str) -> CollectionInfo | None:
        return await self._io.offload(self._folder.info, name)

    async def create_collection(self, info: CollectionInfo) -> bool:
        return await self._io.offload(self._folder.create, info)

    async def delete_collection(self, name: str) -> bool:
        return await self._io.offload(self._folder.delete, name)

    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        return await self._io.offload(self._folder.read, collection, lambda contents: contents.namespaces)

    async def clear(self, place: Place) -> int:
        def made(records: Records) -> tuple[Entry | None, int]:
            return Cleared(place.namespace) if len(records) else None, len(records)

        return await self._write(place, made)

    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        def made(records: Records) -> tuple[Entry, list[tuple[str, OnevecError]]]:
            return Upserted(place.namespace, records.replacing(batch), batch.vectors), []

        return await self._write(place, made)

    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        def made(records: Records) -> tuple[Entry | None, list[tuple[str, OnevecError]]]:
            changed, vectors, missing = records.patched(changes, now)
            return Upserted(place.namespace, changed, vectors) if changed else None, missing

        return await self._write(place, made)

    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        return await self._read(place, lambda records: records.get(ids, include_vectors=include_vectors))

    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        def made(records: Records) -> tuple[Entry | None, int]:
            gone = records.existing(ids, filter)
            return Deleted(place.namespace, gone) if gone else None, len(gone)

        return await self._write(place, made)

    async def count(self, place: Place, filter: Filter | None) -> int:
        return await self._read(place, lambda records: records.count(filter))

    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        return await self._read(
            place, lambda records: records.page(filter, after, limit, include_vectors=include_vectors)
        )

    async def search(self, place: Place, request: Request) -> list[Found]:
        ranking = None
        if request.text is not None:
            ranking = await self._io.offload(await self._read(place, lambda records: records.ranker(request)))
        return await self._read(place, lambda records: records.search(request, ranking))

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        return plan(place.collection, request)

    async def stats(self, place: Place) -> Stats:
        stats = await self._read(place, Records.stats)
        return replace(stats, storage_bytes=await self._io.offload(self._folder.bytes_on_disk))

    async def health(self) -> Health:
        issues, remarks = await self._io.offload(self._folder.examine)
        size = await self._io.offload(self._folder.bytes_on_disk)
        return Health(
            "unhealthy" if issues else "degraded" if remarks else "healthy",
            self.name,
            None,
            0.0,
            issues=tuple(issues),
            warnings=tuple(remarks),
            details={"path": str(self._folder.path), "format": VERSION, "bytes": size},
        )

    async def optimize(self, place: Place) -> None:
        await self._io.offload(self._folder.compact, place.collection)

    async def _read(self, place: Place, function: Callable[[Records], T]) -> T:
        return await self._io.offload(
            self._folder.read, place.collection, lambda contents: function(contents.space(place.namespace))
        )

    async def _write(self, place: Place, made: Callable[[Records], tuple[Entry | None, T]]) -> T:
        return await self._io.offload(self._folder.write, place.collection, place.namespace, made)
