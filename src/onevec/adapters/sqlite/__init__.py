"""`sqlite`: everything in one SQLite file, searched in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar

import apsw

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.adapters.sqlite import collections, documents, health, indexes, native, texts
from onevec.adapters.sqlite.collections import namespace_number
from onevec.adapters.sqlite.file import StoreFile
from onevec.adapters.sqlite.finding import Finder
from onevec.adapters.sqlite.spaces import Spaces
from onevec.adapters.sqlite.verified import Verified
from onevec.capabilities import Capabilities
from onevec.compile import SqliteCompiler
from onevec.documents import CollectionInfo, Document, Health, IndexSettings, Stats
from onevec.errors import OnevecError, ReadOnly
from onevec.filters import Filter
from onevec.local.builder import Build
from onevec.local.choice import KINDS, SETTINGS, chosen
from onevec.local.text import match_expression
from onevec.local.upkeep import INDEX_FROM, IndexPolicy
from onevec.metrics import Metric
from onevec.runtime import Runtime
from onevec.values import moment_at

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SqliteOptions:
    """What `sqlite:///papers.db?option=value` can set.

    Attributes:
        path: The file. `sqlite:///papers.db` is in the current folder, `sqlite:////data/papers.db` is absolute.
        create: Whether to make the file if it isn't there.
        read_only: Whether to refuse every write.
        busy_timeout: Seconds to wait for another process's write before the call is tried again.
        index_from: How many numbers (documents times dimension) a namespace must have for its searches to get an
            index, which is built in the background and saved beside the file; 0 for never. It needs faiss-cpu.
    """

    path: Path
    create: bool = True
    read_only: bool = False
    busy_timeout: float = 5.0
    index_from: int = INDEX_FROM


class SqliteAdapter(Adapter[SqliteOptions]):
    """Everything in one file; vectors are searched in this process's memory."""

    name = "sqlite"
    options = SqliteOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        metrics=frozenset(Metric),
        operators=SqliteCompiler.operators,
        text_search=True,
        native_async=False,
        persistent=True,
        shared=True,
        atomic_batches=True,
        ordered_scan=True,
        index_kinds=KINDS,
        index_settings=SETTINGS,
        search_settings=frozenset({"ef_search", "nprobe"}),
        native_filter="a condition in SQL, or (condition, values)",
        durability="A batch is one transaction, synced to the disk before the call returns (WAL, synchronous=FULL).",
        consistency="The next read sees every write that has returned, of this process and of others.",
    )

    _finds: ClassVar[type[Finder]] = Finder

    def __init__(self, io: Runtime, file: StoreFile, spaces: Spaces) -> None:
        self._io = io
        self._file = file
        self._spaces = spaces
        self._verified = Verified()
        self._finder = self._finds(file, spaces, self._verified)

    @classmethod
    async def open(cls, io: Runtime, options: SqliteOptions) -> Self:
        file = await io.acquire(
            StoreFile,
            options.path,
            create=options.create,
            read_only=options.read_only,
            busy_timeout=options.busy_timeout,
        )
        policy = IndexPolicy(from_numbers=options.index_from) if options.index_from > 0 else None
        return cls(io, file, Spaces(file.path, read_only=file.read_only, policy=policy))

    async def close(self) -> None:
        await self._io.offload(self._spaces.close)
        await self._io.offload(self._file.close)

    @property
    def client(self) -> apsw.Connection:
        return self._file.client

    async def collections(self) -> list[CollectionInfo]:
        return await self._read(collections.infos)

    async def collection(self, name: str) -> CollectionInfo | None:
        return await self._read(collections.info, name)

    async def create_collection(self, info: CollectionInfo) -> bool:
        return await self._write(collections.create, info)

    async def delete_collection(self, name: str) -> bool:
        return await self._remove(collections.delete, name)

    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        return await self._read(collections.namespaces, collection)

    async def clear(self, place: Place) -> int:
        return await self._remove(documents.clear, place)

    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        await self._write(documents.upsert, place, batch)
        return []

    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        return await self._write(self._update, place, changes, now)

    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        return await self._read(self._get, place, ids, include_vectors=include_vectors)

    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        return await self._write(self._delete, place, ids, filter)

    async def count(self, place: Place, filter: Filter | None) -> int:
        return await self._read(self._count, place, filter)

    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        return await self._read(self._page, place, filter, after, limit, include_vectors=include_vectors)

    async def search(self, place: Place, request: Request) -> list[Found]:
        finder = self._finder
        if request.text is None:
            return await self._io.briefly(partial(finder.brief, place, request), partial(finder.whole, place, request))
        kept = None
        if request.filter is not None or request.ids is not None or request.native is not None:
            kept = await self._io.offload(finder.kept, place, request)
            if kept is None:
                return []
        is_indexed, ranking = await self._io.offload(finder.rank, place, request, kept)
        if not is_indexed:
            with suppress(ReadOnly):  # then the texts are searched in an index in memory
                await self._write(self._index_texts, place)
        return await self._io.offload(finder.whole, place, request, ranking)

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        how = "exact or by index, whichever costs less"
        plan: dict[str, Any] = {"plan": how, "metric": place.collection.metric.value}
        if request.text is not None:
            plan = {"plan": "fts5", "match": match_expression(request.text)}
        if request.filter is not None:
            sql = SqliteCompiler().compile(request.filter)
            plan["columns"] = str(request.filter)
            plan["where"] = {"sql": sql.text, "values": list(sql.values)}
        if request.native is not None:
            plan["native"] = native.shown(request.native)
        return plan

    async def stats(self, place: Place) -> Stats:
        return await self._read(self._stats, place)

    async def health(self) -> Health:
        return await self._io.offload(self._health)

    async def create_index(self, collection: CollectionInfo, settings: IndexSettings) -> None:
        chosen(settings, collection.dimension)  # which refuses what doesn't fit
        await self._write(collections.set_index, collection, settings)

    async def optimize(self, place: Place) -> None:
        await self._write(self._index_texts, place)
        await self._io.offload(self._file.checkpoint)
        build = await self._read(self._build, place)
        if build is not None:
            await self._io.offload(build.finish, "the index could not be built")

    async def _read(
        self, function: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def inside() -> T:
            with self._file.reading() as connection:
                return function(connection, *args, **kwargs)

        return await self._io.offload(inside)

    async def _write(
        self, function: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def inside() -> T:
            with self._file.writing() as connection:
                return function(connection, *args, **kwargs)

        return await self._io.offload(inside)

    async def _remove(
        self, function: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def inside() -> T:
            with self._file.writing() as connection:
                removed = function(connection, *args, **kwargs)
            with self._file.reading() as connection:
                self._spaces.drop_deleted(connection)
            return removed

        return await self._io.offload(inside)

    def _get(
        self, connection: apsw.Connection, place: Place, ids: Sequence[str], *, include_vectors: bool
    ) -> list[Document]:
        number = self._spaces.number(connection, place)
        if number is None:
            return []
        self._verified.ids(connection, number)
        return documents.by_ids(connection, number, ids, include_vectors=include_vectors)

    def _update(
        self, connection: apsw.Connection, place: Place, changes: Sequence[Change], now: int
    ) -> list[tuple[str, OnevecError]]:
        number = namespace_number(connection, place)
        if number is not None:
            self._verified.ids(connection, number)
        return documents.update(connection, place, changes, now)

    def _delete(
        self, connection: apsw.Connection, place: Place, ids: Sequence[str] | None, filter: Filter | None
    ) -> int:
        number = namespace_number(connection, place)
        if number is None:
            return 0
        self._verified.what_finds(connection, number, filter)
        return documents.delete(connection, number, ids, filter)

    def _count(self, connection: apsw.Connection, place: Place, filter: Filter | None) -> int:
        number = self._spaces.number(connection, place)
        if number is None:
            return 0
        self._verified.what_finds(connection, number, filter)
        return documents.count(connection, number, filter)

    def _page(
        self,
        connection: apsw.Connection,
        place: Place,
        filter: Filter | None,
        after: str | None,
        limit: int,
        *,
        include_vectors: bool,
    ) -> tuple[list[Document], str | None]:
        number = self._spaces.number(connection, place)
        if number is None:
            return [], None
        self._verified.what_finds(connection, number, filter)
        return documents.page(connection, number, filter, after, limit, include_vectors=include_vectors)

    def _build(self, connection: apsw.Connection, place: Place) -> Build | None:
        number = self._spaces.number(connection, place)
        return None if number is None else self._spaces.space(connection, place, number).build()

    def _stats(self, connection: apsw.Connection, place: Place) -> Stats:
        number = self._spaces.number(connection, place)
        count, newest = 0, None
        if number is not None:
            self._verified.contents(connection, number)
            count, newest = documents.extent(connection, number)
        return Stats(
            documents=count,
            dimension=place.collection.dimension,
            storage_bytes=self._file.bytes_on_disk(),
            index_bytes=None if number is None else indexes.bytes_of(indexes.path_of(self._file.path, number)),
            memory_bytes=self._spaces.memory_bytes(number),
            updated_at=None if newest is None else moment_at(newest),
        )

    def _index_texts(self, connection: apsw.Connection, place: Place) -> None:
        number = namespace_number(connection, place)
        if number is not None:
            self._verified.ids(connection, number)
            texts.catch_up(connection, number, anew=not self._verified.texts(connection, number))

    def _health(self) -> Health:
        return health.of(self._file, self.name)
