"""`pgvector`: PostgreSQL with its extension vector, a table for each collection."""

# ruff: noqa: S608 (the texts are made of constants, checked names and numbers; values are bound)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.adapters.pgvector import documents, searches, writes
from onevec.adapters.pgvector.collections import Collections
from onevec.adapters.pgvector.health import health
from onevec.adapters.pgvector.schema import checked_schema
from onevec.adapters.pgvector.values import VectorTypes
from onevec.capabilities import Capabilities
from onevec.compile.jsonb import coded, decoded
from onevec.compile.postgres import PostgresCompiler
from onevec.documents import CollectionInfo, Document, Health, IndexSettings, Stats
from onevec.errors import OnevecError
from onevec.filters import Filter
from onevec.metrics import Metric
from onevec.runtime import Runtime
from onevec.secret import Secret
from onevec.values import moment_at

if TYPE_CHECKING:
    from onevec.adapters.pgvector.link import Link


@dataclass(frozen=True, slots=True)
class PgvectorOptions:
    """What `postgresql://user:password@host:5432/database?option=value` can set.

    What is left out is taken from libpq's environment variables, such as `PGHOST`, and from `~/.pgpass`.

    Attributes:
        host: A name, an address, or the folder of a Unix socket.
        port: 5432, if neither is set.
        username: The role.
        password: Its password.
        path: The database.
        schema: The schema that the store's tables are in. Stores of several schemas know nothing of each other.
        create: Whether to make the extension, the schema and the tables that aren't there.
        pool_size: How many connections at most.
        pool_timeout: Seconds to wait for one of them to come free.
        connect_timeout: Seconds to wait for a connection to be made.
        statement_timeout: Seconds after which the server ends a statement; None for the server's own setting.
        prepare: Whether statements are prepared. Not behind a pooler that can't keep them.
        sslmode: As libpq has it.
        sslrootcert: The file of the certificates to trust.
        channel_binding: As libpq has it.
        options: More of libpq's `options`, such as `-c work_mem=64MB`.
    """

    host: str = ""
    port: int | None = None
    username: str | None = None
    password: Secret | None = None
    path: str = ""
    schema: str = "onevec"
    create: bool = True
    pool_size: int = 8
    pool_timeout: float = 10.0
    connect_timeout: float = 10.0
    statement_timeout: float | None = None
    prepare: bool = True
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = None
    sslrootcert: Path | None = None
    channel_binding: Literal["disable", "prefer", "require"] | None = None
    options: str | None = None


class PgvectorAdapter(Adapter[PgvectorOptions]):
    """A schema of a PostgreSQL database; vectors are searched in the server."""

    name = "pgvector"
    requires = ("psycopg", "psycopg_pool")
    options = PgvectorOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        metrics=frozenset(Metric),
        operators=PostgresCompiler.operators,
        text_search=False,
        native_async=True,
        persistent=True,
        shared=True,
        atomic_batches=True,
        ordered_scan=True,
        max_batch=5_000,
        max_batch_bytes=128 * 2**20,
        max_dimension=16_000,
        index_kinds=frozenset({"flat", "hnsw", "ivf_flat"}),
        index_settings=frozenset({"m", "ef_construction", "lists", "quantization"}),
        search_settings=frozenset({"ef_search", "nprobe"}),
        native_filter="a condition in SQL, or (condition, values)",
        durability="A batch is one transaction, in the server's write-ahead log and synced before the call returns.",
        consistency="The next read sees every write that has returned, of this process and of others.",
    )

    def __init__(self, link: Link, schema: str, types: VectorTypes) -> None:
        self.link = link
        self.schema = schema
        self._types = types
        self.tables = Collections(link, schema)

    @classmethod
    async def open(cls, io: Runtime, options: PgvectorOptions) -> Self:
        schema = checked_schema(options.schema)
        module = await io.offload(import_module, "onevec.adapters.pgvector.link")
        link, found = await module.Link.open(io, options)
        return cls(link, schema, VectorTypes(found.vector, found.vectors))

    async def close(self) -> None:
        await self.link.close()

    @property
    def client(self) -> object:
        """psycopg's `ConnectionPool`, or `AsyncConnectionPool`."""
        return self.link.pool

    async def collections(self) -> list[CollectionInfo]:
        return await self.tables.all()

    async def collection(self, name: str) -> CollectionInfo | None:
        return await self.tables.one(name)

    async def create_collection(self, info: CollectionInfo) -> bool:
        return await self.tables.create(info)

    async def delete_collection(self, name: str) -> bool:
        return await self.tables.delete(name)

    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        table = await self.tables.table(collection)
        rows = await self.link.fetch(documents.NAMESPACES.format(table=table.name))
        return sorted(decoded(name) for (name,) in rows)

    async def clear(self, place: Place) -> int:
        return await self.delete(place, ids=None, filter=None)

    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        table = await self.tables.table(place.collection)
        await writes.upsert(self.link, self._types, table, place.namespace, batch)
        return []

    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        table = await self.tables.table(place.collection)
        async with self.link.transaction() as transaction:
            return await writes.update(transaction, self._types, table, place.namespace, changes, now=now)

    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        table = await self.tables.table(place.collection)
        matching, values = documents.where(place.namespace, ids=ids)
        columns = documents.columns(include_vectors=include_vectors)
        rows = await self.link.fetch(f"SELECT {columns} FROM {table.name} WHERE {matching}", values)
        return list(map(documents.document_of, rows))

    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        table = await self.tables.table(place.collection)
        matching, values = documents.where(place.namespace, filter, ids)
        return await self.link.run(f"DELETE FROM {table.name} WHERE {matching}", values)

    async def count(self, place: Place, filter: Filter | None) -> int:
        table = await self.tables.table(place.collection)
        matching, values = documents.where(place.namespace, filter)
        ((count,),) = await self.link.fetch(f"SELECT count(*) FROM {table.name} WHERE {matching}", values)
        return int(count)

    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        table = await self.tables.table(place.collection)
        matching, values = documents.where(place.namespace, filter)
        columns = documents.columns(include_vectors=include_vectors)
        rows = await self.link.fetch(
            f"SELECT {columns} FROM {table.name} WHERE {matching} AND id > %s ORDER BY id LIMIT %s",
            (*values, after or "", min(limit, searches.MOST) + 1),
        )
        some = list(map(documents.document_of, rows[:limit]))
        return some, some[-1].id if len(rows) > limit else None

    async def search(self, place: Place, request: Request) -> list[Found]:
        table = await self.tables.table(place.collection)
        if request.native is None:
            return await searches.search(self.link, self._types, table, place.namespace, request)
        with self.link.own_condition():
            return await searches.search(self.link, self._types, table, place.namespace, request)

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        table = self.tables.last_seen(place.collection)
        return searches.shown(self._types, table, place.namespace, request)

    async def stats(self, place: Place) -> Stats:
        table = await self.tables.table(place.collection)
        ((count, newest, size, of_index),) = await self.link.fetch(
            documents.EXTENT.format(table=table.name), (self.schema, table.name, coded(place.namespace))
        )
        return Stats(
            documents=count,
            dimension=place.collection.dimension,
            storage_bytes=size,
            index_bytes=of_index,
            updated_at=None if newest is None else moment_at(newest),
        )

    async def health(self) -> Health:
        return await health(self.link, self.name, self.schema)

    async def create_index(self, collection: CollectionInfo, settings: IndexSettings) -> None:
        await self.tables.create_index(collection, settings)

    async def optimize(self, place: Place) -> None:
        table = await self.tables.table(place.collection)
        await self.link.run(f"VACUUM (ANALYZE) {table.name}")

    async def flush(self, place: Place) -> None:  # noqa: ARG002 (the log is the server's, of all its tables)
        # A commit that waits for the log to be synced waits for all that is before it in the log.
        await self.link.run("SELECT pg_logical_emit_message(true, 'onevec', '')")
