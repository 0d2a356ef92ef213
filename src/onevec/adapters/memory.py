"""`memory`: documents in this process, gone with it. The reference for what the contract means."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, IndexSettings, Stats
from onevec.errors import CollectionNotFound, OnevecError
from onevec.filters import Filter, Op
from onevec.local.choice import KINDS, SETTINGS, chosen
from onevec.local.records import Records, plan
from onevec.local.upkeep import IndexPolicy
from onevec.metrics import Metric
from onevec.runtime import Rest, Runtime

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MemoryOptions:
    """`memory://` has no options."""


class MemoryAdapter(Adapter[MemoryOptions]):
    """A dict of documents for each namespace, searched by the code that the sqlite engine shares."""

    name = "memory"
    options = MemoryOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        metrics=frozenset(Metric),
        operators=frozenset(Op),
        text_search=True,
        native_async=False,
        persistent=False,
        shared=False,
        atomic_batches=True,
        ordered_scan=True,
        index_kinds=KINDS,
        index_settings=SETTINGS,
        search_settings=frozenset({"ef_search", "nprobe"}),
        durability="Nothing outlives the process.",
        consistency="The next read of this store sees every write that has returned.",
    )

    def __init__(self, io: Runtime) -> None:
        self._io = io
        self._lock = threading.RLock()
        self._collections: dict[str, _Collection] = {}

    @classmethod
    async def open(cls, io: Runtime, options: MemoryOptions) -> Self:  # noqa: ARG003 (it has none)
        return cls(io)

    async def close(self) -> None:
        for name in list(self._collections):
            await self.delete_collection(name)

    async def collections(self) -> list[CollectionInfo]:
        return [self._collections[name].info for name in sorted(self._collections)]

    async def collection(self, name: str) -> CollectionInfo | None:
        kept = self._collections.get(name)
        return kept.info if kept else None

    async def create_collection(self, info: CollectionInfo) -> bool:
        return self._collections.setdefault(info.name, made := _Collection(info)) is made

    async def delete_collection(self, name: str) -> bool:
        kept = self._collections.pop(name, None)
        for space in kept.spaces.values() if kept else ():
            await self._io.offload(space.close)
        return kept is not None

    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        spaces = self._kept(collection).spaces
        return sorted(name for name, space in spaces.items() if len(space))

    async def clear(self, place: Place) -> int:
        spaces = self._kept(place.collection).spaces
        with self._lock:
            removed = spaces.pop(place.namespace, None)
        if removed is None:
            return 0
        await self._io.offload(removed.close)
        return len(removed)

    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        return await self._run(place, _upsert, batch)

    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        return await self._run(place, _update, changes, now)

    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        return await self._run(place, Records.get, ids, include_vectors=include_vectors)

    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        return await self._run(place, _delete, ids, filter)

    async def count(self, place: Place, filter: Filter | None) -> int:
        return await self._run(place, Records.count, filter)

    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        return await self._run(place, Records.page, filter, after, limit, include_vectors=include_vectors)

    async def search(self, place: Place, request: Request) -> list[Found]:
        space = self._space(place)
        if request.text is not None:
            ranking = await self._io.offload(await self._run(place, Records.ranker, request))
            return await self._run(place, Records.search, request, ranking)

        def whole() -> list[Found]:
            with self._lock:
                return space.search(request)

        def brief() -> list[Found] | Rest[list[Found]]:
            if not self._lock.acquire(blocking=False):
                return Rest(whole)
            try:
                return space.search(request) if space.is_brief(request) else Rest(whole)
            finally:
                self._lock.release()

        return await self._io.briefly(brief, whole)

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        return plan(place.collection, request)

    async def stats(self, place: Place) -> Stats:
        return await self._run(place, Records.stats)

    async def health(self) -> Health:
        return Health("healthy", self.name, None, 0.0)

    async def create_index(self, collection: CollectionInfo, settings: IndexSettings) -> None:
        kept = self._kept(collection)
        makers = chosen(settings, collection.dimension)
        kept.policy = IndexPolicy(settings=makers) if makers else None

        def follow() -> None:
            with self._lock:
                for space in kept.spaces.values():
                    space.follow(kept.policy)

        await self._io.offload(follow)

    async def optimize(self, place: Place) -> None:
        build = await self._run(place, Records.build)
        if build is not None:
            await self._io.offload(build.finish, "the index could not be built")

    async def _run(
        self,
        place: Place,
        function: Callable[Concatenate[Records, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        space = self._space(place)

        def locked() -> T:
            with self._lock:
                return function(space, *args, **kwargs)

        return await self._io.offload(locked)

    def _space(self, place: Place) -> Records:
        kept = self._kept(place.collection)
        space = kept.spaces.get(place.namespace)
        if space is None:
            space = kept.spaces.setdefault(place.namespace, Records(place.collection, kept.policy))
        return space

    def _kept(self, collection: CollectionInfo) -> _Collection:
        kept = self._collections.get(collection.name)
        if kept is None or kept.info is not collection:
            raise CollectionNotFound(f"collection {collection.name!r} was deleted; open or create it again")
        return kept


@dataclass(slots=True)
class _Collection:
    info: CollectionInfo
    spaces: dict[str, Records] = field(default_factory=dict)
    policy: IndexPolicy | None = field(default_factory=IndexPolicy)


def _upsert(records: Records, batch: Batch) -> list[tuple[str, OnevecError]]:
    records.write(records.replacing(batch), batch.vectors)
    return []


def _update(records: Records, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
    changed, vectors, missing = records.patched(changes, now)
    records.write(changed, vectors)
    return missing


def _delete(records: Records, ids: Sequence[str] | None, filter: Filter | None) -> int:
    gone = records.existing(ids, filter)
    records.remove(gone)
    return len(gone)
