"""`memory`: documents in this process, gone with it. The reference for what the contract means."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Concatenate, NamedTuple, ParamSpec, Self, TypeVar

import numpy as np

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, Metadata, Stats
from onevec.errors import CollectionNotFound, DocumentNotFound, OnevecError
from onevec.filters import Filter, Op
from onevec.local.space import GraphPolicy, SearchSpace
from onevec.local.table import Matrix, Rows
from onevec.local.text import TextIndex, match_expression
from onevec.metrics import Metric
from onevec.patch import copied, merge_patch
from onevec.runtime import Runtime
from onevec.values import moment_at

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
        self._collections.clear()

    async def collections(self) -> list[CollectionInfo]:
        return [self._collections[name].info for name in sorted(self._collections)]

    async def collection(self, name: str) -> CollectionInfo | None:
        kept = self._collections.get(name)
        return kept.info if kept else None

    async def create_collection(self, info: CollectionInfo) -> bool:
        return self._collections.setdefault(info.name, made := _Collection(info)) is made

    async def delete_collection(self, name: str) -> bool:
        return self._collections.pop(name, None) is not None

    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        spaces = self._kept(collection).spaces
        return sorted(name for name, space in spaces.items() if space.records)

    async def clear(self, place: Place) -> int:
        spaces = self._kept(place.collection).spaces
        with self._lock:
            removed = spaces.pop(place.namespace, None)
        return len(removed.records) if removed else 0

    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        await self._run(place, _Space.upsert, batch)
        return []

    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        return await self._run(place, _Space.update, changes, now)

    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        return await self._run(place, _Space.get, ids, include_vectors=include_vectors)

    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        return await self._run(place, _Space.delete, ids, filter)

    async def count(self, place: Place, filter: Filter | None) -> int:
        return await self._run(place, _Space.count, filter)

    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        return await self._run(place, _Space.page, filter, after, limit, include_vectors=include_vectors)

    async def search(self, place: Place, request: Request) -> list[Found]:
        return await self._run(place, _Space.search, request)

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        if request.text is not None:
            return {"plan": "fts5", "match": match_expression(request.text), "filter": "columns"}
        return {"plan": "exact", "filter": "columns", "metric": place.collection.metric.value}

    async def stats(self, place: Place) -> Stats:
        return await self._run(place, _Space.stats)

    async def health(self) -> Health:
        return Health("healthy", self.name, None, 0.0)

    async def _run(
        self,
        place: Place,
        function: Callable[Concatenate[_Space, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        space = self._space(place)

        def locked() -> T:
            with self._lock:
                return function(space, *args, **kwargs)

        return await self._io.offload(locked)

    def _space(self, place: Place) -> _Space:
        spaces = self._kept(place.collection).spaces
        space = spaces.get(place.namespace)
        return space if space is not None else spaces.setdefault(place.namespace, _Space(place.collection))

    def _kept(self, collection: CollectionInfo) -> _Collection:
        kept = self._collections.get(collection.name)
        if kept is None or kept.info is not collection:
            raise CollectionNotFound(f"collection {collection.name!r} was deleted; open or create it again")
        return kept


@dataclass(slots=True)
class _Collection:
    info: CollectionInfo
    spaces: dict[str, _Space] = field(default_factory=dict)


class _Record(NamedTuple):
    """A document without its vector."""

    id: str
    row: int
    text: str | None
    metadata: Metadata
    created: datetime
    updated: datetime

    def document(self, vector: Matrix | None = None) -> Document:
        return Document(
            self.id,
            text=self.text,
            vector=vector,
            metadata=copied(self.metadata),
            created_at=self.created,
            updated_at=self.updated,
        )


class _Space:
    """The documents of one namespace."""

    def __init__(self, info: CollectionInfo) -> None:
        self.records: dict[str, _Record] = {}
        self._by_row: dict[int, _Record] = {}
        self._next_row = 0
        self._order: list[str] | None = None  # all ids, sorted; None after a write
        self._found = SearchSpace(info.dimension, info.metric, self._metadata, GraphPolicy())
        self._dimension = info.dimension
        self._texts: TextIndex | None = None  # made by the first text search
        self._texts_from = 0  # rows from here on are not in it yet
        self._texts_gone: list[int] = []

    def upsert(self, batch: Batch) -> None:
        now = moment_at(batch.now)
        records = []
        for row, (id, text, metadata, created) in enumerate(
            zip(batch.ids, batch.texts, batch.metadata, batch.created, strict=True), self._next_row
        ):
            old = self.records.get(id)
            since = moment_at(created) if created is not None else old.created if old else now
            records.append(_Record(id, row, text, metadata, since, now))
        self._write(records, batch.vectors)

    def update(self, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        missing: list[tuple[str, OnevecError]] = []
        for change in changes:
            old = self.records.get(change.id)
            if old is None:
                missing.append((change.id, DocumentNotFound(f"there is no document {change.id!r} to update")))
                continue
            vector = self._found.table.vectors_of([old.row])[0] if change.vector is None else change.vector
            new = old._replace(
                row=self._next_row,
                text=old.text if change.text is None else change.text,
                metadata=merge_patch(old.metadata, change.patch),
                updated=moment_at(now),
            )
            self._write([new], vector[np.newaxis])
        return missing

    def get(self, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        return self._documents([self.records[id] for id in ids if id in self.records], include_vectors=include_vectors)

    def delete(self, ids: Sequence[str] | None, filter: Filter | None) -> int:
        if ids is None:
            ids = [self._by_row[row].id for row in self._found.matching(filter).tolist()]
        gone = [self.records.pop(id).row for id in dict.fromkeys(ids) if id in self.records]
        self._forget(gone)
        return len(gone)

    def count(self, filter: Filter | None) -> int:
        return len(self.records) if filter is None else len(self._found.matching(filter))

    def page(
        self, filter: Filter | None, after: str | None, limit: int, *, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        if self._order is None:
            self._order = sorted(self.records)
        rows = None if filter is None else set(self._found.matching(filter).tolist())
        start = 0 if after is None else bisect_right(self._order, after)
        records: list[_Record] = []
        for id in self._order[start:]:
            record = self.records[id]
            if rows is None or record.row in rows:
                if len(records) == limit:
                    return self._documents(records, include_vectors=include_vectors), records[-1].id
                records.append(record)
        return self._documents(records, include_vectors=include_vectors), None

    def search(self, request: Request) -> list[Found]:
        rows: list[int] | None = None
        if request.ids is not None:
            rows = [self.records[id].row for id in request.ids if id in self.records]
        pairs: Iterable[tuple[int, float]]
        if request.vector is not None:
            nearest, distances = self._found.search(
                request.vector, request.top_k, request.filter, rows, exact=request.exact
            )
            pairs = zip(nearest.tolist(), distances.tolist(), strict=True)
        else:
            keep = self._found.keeper(request.filter, rows)
            pairs = self._text_index().search(request.text or "", request.top_k, keep)
        vector_of = self._found.table.vectors_of
        return [
            Found(self._by_row[row].document(vector_of([row])[0] if request.include_vectors else None), value)
            for row, value in pairs
        ]

    def stats(self) -> Stats:
        return Stats(
            documents=len(self.records),
            dimension=self._dimension,
            memory_bytes=self._found.memory_bytes,
            updated_at=max((record.updated for record in self.records.values()), default=None),
        )

    def _write(self, records: list[_Record], vectors: Matrix) -> None:
        self._forget([self.records[record.id].row for record in records if record.id in self.records])
        rows = range(self._next_row, self._next_row + len(records))
        self._found.append(rows, vectors)
        self._next_row = rows.stop
        for record in records:
            self.records[record.id] = record
            self._by_row[record.row] = record
        self._order = None

    def _forget(self, rows: Sequence[int]) -> None:
        self._found.remove(rows)
        for row in rows:
            del self._by_row[row]
        self._texts_gone += (row for row in rows if row < self._texts_from)
        self._order = None

    def _metadata(self, rows: Rows) -> Iterator[tuple[int, Metadata]]:
        return ((row, self._by_row[row].metadata) for row in rows.tolist())

    def _documents(self, records: list[_Record], *, include_vectors: bool) -> list[Document]:
        if not include_vectors:
            return [record.document() for record in records]
        vectors = self._found.table.vectors_of([record.row for record in records])
        return [record.document(vector) for record, vector in zip(records, vectors, strict=True)]

    def _text_index(self) -> TextIndex:
        if self._texts is None:
            import apsw

            self._texts = TextIndex(apsw.Connection(":memory:"), "texts")
            self._texts.create()
        new = (self._by_row[row] for row in range(self._texts_from, self._next_row) if row in self._by_row)
        self._texts.remove(self._texts_gone)
        self._texts.add((record.row, record.text) for record in new if record.text)
        self._texts_from = self._next_row
        self._texts_gone.clear()
        return self._texts
