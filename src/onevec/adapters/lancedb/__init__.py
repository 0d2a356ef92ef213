"""`lancedb`: a folder or object store of Lance tables, read and written by LanceDB in this process."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, Self

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.adapters.lancedb import indexes
from onevec.adapters.lancedb.conditions import LanceCompiler, condition
from onevec.adapters.lancedb.link import LancedbOptions, Link
from onevec.adapters.lancedb.rows import RECORD, VECTOR, documents_of, info_of, of_collection, reader_of
from onevec.adapters.lancedb.searches import search
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, IndexSettings, Stats
from onevec.errors import CollectionExists, OnevecError
from onevec.filters import Filter
from onevec.metrics import Metric
from onevec.remote import (
    Missing,
    Turns,
    about,
    batch_of,
    check_measurable,
    deleted,
    engine_name,
    patched,
    undated,
)
from onevec.runtime import Runtime
from onevec.values import moment_at

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb.table import AsyncTable

__all__ = ["LancedbAdapter", "LancedbOptions"]

# The same name on file systems that ignore case, and none that Windows keeps for itself.
_PLAIN = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)$)[a-z0-9][a-z0-9_-]*", re.ASCII)


class LancedbAdapter(Adapter[LancedbOptions]):
    """A table for each collection. A namespace is a column, and part of the key."""

    name = "lancedb"
    requires = ("lancedb",)
    options = LancedbOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        metrics=frozenset({Metric.COSINE, Metric.DOT, Metric.EUCLIDEAN}),
        operators=LanceCompiler.operators,
        text_search=False,
        native_async=True,
        persistent=True,
        shared=True,
        atomic_batches=True,
        ordered_scan=True,
        index_kinds=frozenset({"flat", "hnsw", "ivf_flat", "ivf_pq"}),
        index_settings=frozenset({"m", "ef_construction", "quantization", "lists", "subvectors", "bits"}),
        search_settings=frozenset({"ef_search", "nprobe"}),
        native_filter="a condition in SQL",
        durability=(
            "A batch is one commit, in the store's files before the call returns; LanceDB doesn't sync a folder's "
            "files to the disk, so a power loss can take back, or damage, what was written last."
        ),
        consistency="The next read sees every write that has returned, of this process and of others.",
    )
    turns: Turns | None = None  # Lance orders what is written

    def __init__(self, link: Link, io: Runtime) -> None:
        self.link = link
        self._io = io

    @classmethod
    async def open(cls, io: Runtime, options: LancedbOptions) -> Self:
        return cls(await Link.open(io, options), io)

    async def close(self) -> None:
        self.link.close()

    @property
    def client(self) -> object:
        """LanceDB's `AsyncConnection`."""
        return self.link.connection

    async def collections(self) -> list[CollectionInfo]:
        infos = [await self.link.info(name) for name in await self.link.names()]
        return sorted((info for info in infos if info is not None), key=lambda info: info.name)

    async def collection(self, name: str) -> CollectionInfo | None:
        return await self.link.info(_name(name))

    async def create_collection(self, info: CollectionInfo) -> bool:
        name = _name(info.name)
        if await self.link.create(name, info):
            return True
        if await self.link.info(name) is None:
            raise CollectionExists(f"LanceDB has a table {name!r} that onevec didn't make; choose another name")
        return False

    async def delete_collection(self, name: str) -> bool:
        name = _name(name)
        if await self.link.info(name) is None:
            return False
        await self.link.drop(name)
        return True

    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        table = await self.table(collection)
        found = await self.link.call(table.query().select(["namespace"]).to_arrow)
        return sorted(found.column("namespace").unique().to_pylist())

    @about
    async def clear(self, place: Place) -> int:
        return await self._delete(place, condition(place))

    @about
    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        check_measurable(batch.vectors, batch.ids, place.collection.metric)
        async with self.link.alone(_name(place.collection.name)) as is_alone:
            table = await self.table(place.collection)
            created = await self._created(table, place, batch.ids if is_alone else undated(batch))
            if is_alone and not created:  # a merge has to read all the keys of the table
                added = await self.link.add(table, reader_of(place.collection, place.namespace, batch, {}))
                version = added.version
            else:
                version = await self._merge(table, place, batch, created, insert=True)
        await indexes.tidy(self.link, table, version)
        return []

    @about
    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        for change in changes:
            if change.vector is not None:
                check_measurable(change.vector[None], [change.id], place.collection.metric)
        matching = condition(place, ids=dict.fromkeys(change.id for change in changes))
        old = await self._rows(place, matching, (RECORD, *VECTOR))
        rows, missing = patched(changes, documents_of(old, include_vectors=True), now)
        if rows:
            table = await self.link.table(_name(place.collection.name))
            version = await self._merge(table, place, batch_of(rows, now), {}, insert=False)
            await indexes.tidy(self.link, table, version)
        return missing

    @about
    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        found = await self._rows(place, condition(place, ids=ids), _columns(include_vectors=include_vectors))
        return documents_of(found, include_vectors=include_vectors)

    @about
    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        return await self._delete(place, condition(place, filter, ids))

    @about
    async def count(self, place: Place, filter: Filter | None) -> int:
        table = await self.table(place.collection)
        return int(await self.link.call(table.count_rows, condition(place, filter)))

    @about
    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        from lancedb.query import ColumnOrdering

        table = await self.link.table(_name(place.collection.name))
        query = table.query().where(condition(place, filter, after=after))
        query = query.order_by([ColumnOrdering(column_name="id")]).limit(limit + 1)
        # Without the column that orders them, LanceDB can't plan this where a filter goes by an index.
        query = query.select(["id", *_columns(include_vectors=include_vectors)])
        found = of_collection(await self.link.call(query.to_arrow), place.collection)
        some = documents_of(found.slice(0, limit), include_vectors=include_vectors)
        return some, some[-1].id if len(found) > limit else None

    @about
    async def search(self, place: Place, request: Request) -> list[Found]:
        return await search(self.link, _name(place.collection.name), place, request)

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        name = _name(place.collection.name)
        everywhere = self.link.is_plain(name, place.namespace)
        matching = condition(place, request.filter, request.ids, native=request.native, everywhere=everywhere)
        return {
            "table": name,
            "where": matching or None,
            "distance_type": indexes.DISTANCES[place.collection.metric],
            "limit": request.top_k,
            "bypass_vector_index": request.exact,
            "nprobes": request.nprobe,
            "ef": request.ef_search,
        }

    @about
    async def stats(self, place: Place) -> Stats:
        times = (await self._rows(place, condition(place), ("updated",))).column("updated").to_numpy()
        return Stats(
            documents=len(times),
            dimension=place.collection.dimension,
            updated_at=moment_at(int(times.max())) if len(times) else None,
        )

    async def health(self) -> Health:
        await self.link.names()
        return Health("healthy", self.name, await self._io.offload(version, "lancedb"), 0.0)

    async def create_index(self, collection: CollectionInfo, settings: IndexSettings) -> None:
        await indexes.create_index(self.link, await self.table(collection), collection, settings)

    @about
    async def optimize(self, place: Place) -> None:
        await indexes.optimize(self.link, await self.table(place.collection))

    async def check(self, collection: CollectionInfo) -> None:
        """Refuse a handle of a collection that was deleted, and perhaps made again."""
        await self.table(collection)

    async def table(self, collection: CollectionInfo) -> AsyncTable:
        """The collection's table, as it is now."""
        try:
            table = await self.link.table(_name(collection.name))
            if info_of(await self.link.call(table.schema)) == collection:
                return table
        except Missing:
            pass
        raise deleted(collection)

    async def _rows(self, place: Place, matching: str, columns: Sequence[str]) -> pa.Table:
        table = await self.link.table(_name(place.collection.name))
        found = await self.link.call(table.query().where(matching).select(list(columns)).to_arrow)
        return of_collection(found, place.collection)

    async def _created(self, table: AsyncTable, place: Place, ids: Sequence[str]) -> dict[str, int]:
        """When those of the documents that are there were made, in microseconds since 1970."""
        if not ids or not await self.link.call(table.count_rows):
            return {}
        old = await self._rows(place, condition(place, ids=ids), ("id", "created"))
        return dict(zip(old.column("id").to_pylist(), old.column("created").to_pylist(), strict=True))

    async def _merge(
        self, table: AsyncTable, place: Place, batch: Batch, created: Mapping[str, int], *, insert: bool
    ) -> int:
        """Replace rows with the same key; others are new, or left out as their documents were deleted meanwhile."""
        merge = table.merge_insert(["namespace", "id"]).when_matched_update_all()
        if insert:
            merge = merge.when_not_matched_insert_all()
        result = await self.link.write(merge.execute, reader_of(place.collection, place.namespace, batch, created))
        return int(result.version)

    async def _delete(self, place: Place, matching: str) -> int:
        table = await self.table(place.collection)
        result = await self.link.write(table.delete, matching)
        await indexes.tidy(self.link, table, result.version)
        return int(result.num_deleted_rows)


def _name(name: str) -> str:
    return engine_name(name, _PLAIN)


def _columns(*, include_vectors: bool) -> tuple[str, ...]:
    return (RECORD, *VECTOR) if include_vectors else (RECORD,)
