"""The table of collections: what each is, and which table and index its documents have."""

# ruff: noqa: S608 (the texts are made of constants, checked names and numbers; values are bound)

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import orjson

from onevec.adapters.pgvector import schema
from onevec.adapters.pgvector.indexes import VectorIndex, chosen, creation
from onevec.compile.jsonb import coded, decoded
from onevec.documents import CollectionInfo, IndexSettings
from onevec.errors import CollectionNotFound
from onevec.metrics import Metric
from onevec.values import microseconds, moment_at

if TYPE_CHECKING:
    from onevec.adapters.pgvector.connections import Row
    from onevec.adapters.pgvector.link import Link

# Seconds until an index that another process made is used. What was known before is right until then, and slower.
_FRESH = 5.0

_COLUMNS = "name, dimension, metric, embedder, created"


class Table(NamedTuple):
    """Where a collection's documents are.

    Attributes:
        info: The collection.
        number: Its number in the table of collections.
        name: Its table, as SQL.
        vectors: The index of its vectors, if it has one.
        seen: When this was read, by the monotonic clock.
    """

    info: CollectionInfo
    number: int
    name: str
    vectors: VectorIndex | None
    seen: float


class Collections:
    """The collections of one schema."""

    def __init__(self, link: Link, schema: str) -> None:
        self._link = link
        self._schema = schema
        self._table = f'"{schema}".collections'
        self._known: dict[tuple[str, int], Table] = {}

    async def all(self) -> list[CollectionInfo]:
        """Return all collections, by name."""
        return [_info(row) for row in await self._link.fetch(f"SELECT {_COLUMNS} FROM {self._table} ORDER BY name")]

    async def one(self, name: str) -> CollectionInfo | None:
        """Return one collection, or None."""
        rows = await self._link.fetch(f"SELECT {_COLUMNS} FROM {self._table} WHERE name = %s", (name,))
        return _info(rows[0]) if rows else None

    async def create(self, info: CollectionInfo) -> bool:
        """Make a collection and its table; False if there is one of that name."""
        values = (info.name, info.dimension, info.metric.value, _coded(info.embedder), microseconds(info.created_at))
        async with self._link.transaction() as transaction:
            made = await transaction.fetch(
                f"INSERT INTO {self._table} ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s) "
                "ON CONFLICT (name) DO NOTHING RETURNING number",
                values,
            )
            for (number,) in made:
                await transaction.run(schema.documents(self._schema, number, info.dimension))
        return bool(made)

    async def delete(self, name: str) -> bool:
        """Remove a collection and its table; False if there is none."""
        async with self._link.transaction() as transaction:
            gone = await transaction.fetch(f"DELETE FROM {self._table} WHERE name = %s RETURNING number", (name,))
            for (number,) in gone:
                await transaction.run(f"DROP TABLE {schema.table(self._schema, number)}")
        return bool(gone)

    async def table(self, info: CollectionInfo) -> Table:
        """Return where the documents of a collection are.

        Raises:
            CollectionNotFound: It was deleted, or deleted and made again.
        """
        known = self._known.get(_key(info))
        if known is None or time.monotonic() - known.seen > _FRESH:
            known = await self._read(info)
        return known

    def last_seen(self, info: CollectionInfo) -> Table:
        """Return what is known of a collection's table without asking for it."""
        return self._known.get(_key(info)) or Table(info, 0, "documents", None, 0.0)

    async def create_index(self, info: CollectionInfo, settings: IndexSettings) -> None:
        """Give a collection the index, in place of the one it has; searches go on meanwhile, writes wait."""
        table = await self._read(info)
        name = f"documents_{table.number:d}_vector"
        async with self._link.transaction("statement_timeout = 0") as transaction:
            await transaction.fetch(f"SELECT number FROM {self._table} WHERE number = %s FOR UPDATE", (table.number,))
            count = 0
            if settings.kind == "ivf_flat":
                ((count,),) = await transaction.fetch(f"SELECT count(*) FROM {table.name}")
            index = chosen(info, settings, count)
            if index is not None:
                await transaction.run(creation(info, index, settings, table=table.name, name=f"{name}_new"))
            # Only now: it makes searches wait until the transaction ends.
            await transaction.run(f'DROP INDEX IF EXISTS "{self._schema}".{name}')
            if index is not None:
                await transaction.run(f'ALTER INDEX "{self._schema}".{name}_new RENAME TO {name}')
            remembered = None if index is None else orjson.dumps(index._asdict()).decode()
            await transaction.run(
                f"UPDATE {self._table} SET index = %s::jsonb WHERE number = %s", (remembered, table.number)
            )
        self._known[_key(info)] = table._replace(vectors=index)

    async def _read(self, info: CollectionInfo) -> Table:
        rows = await self._link.fetch(
            f"SELECT number, index::text FROM {self._table} WHERE name = %s AND created = %s", _key(info)
        )
        if not rows:
            self._known.pop(_key(info), None)
            raise CollectionNotFound(f"collection {info.name!r} was deleted; open or create it again")
        number, index = rows[0]
        table = Table(
            info,
            number,
            schema.table(self._schema, number),
            None if index is None else VectorIndex(**orjson.loads(index)),
            time.monotonic(),
        )
        self._known[_key(info)] = table
        return table


def _key(info: CollectionInfo) -> tuple[str, int]:
    return info.name, microseconds(info.created_at)


def _coded(name: str | None) -> str | None:
    return None if name is None else coded(name)


def _info(row: Row) -> CollectionInfo:
    name, dimension, metric, embedder, created = row
    return CollectionInfo(
        name, dimension, Metric(metric), None if embedder is None else decoded(embedder), moment_at(created)
    )
