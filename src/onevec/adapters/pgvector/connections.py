"""psycopg's connections and pools, in both colours, as a store has them."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.adapt import AdaptersMap, Dumper, PyFormat
from psycopg.pq import Format
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from onevec.adapters.pgvector.failures import Late
from onevec.adapters.pgvector.values import Value
from onevec.deadline import seconds_left
from onevec.runtime import drained

Row = tuple[Any, ...]  # Any: what the columns are


class _ValueDumper(Dumper):
    """Sends a `Value` as it is."""

    format = Format.BINARY

    def dump(self, obj: Value) -> bytes:
        return obj.data

    def get_key(self, obj: Value, format: PyFormat) -> Any:  # noqa: ARG002 (Any: psycopg's type knows no numbers)
        return (self.cls, obj.oid)

    def upgrade(self, obj: Value, format: PyFormat) -> _ValueDumper:  # noqa: ARG002 (psycopg's signature)
        dumper = _ValueDumper(self.cls)
        dumper.oid = obj.oid
        return dumper


class Connection(psycopg.Connection[Any]):
    """A connection that waits for an answer no longer than the call may last; then it is of no use any more.

    Results come in PostgreSQL's binary form.
    """

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> Any:  # Any: psycopg's generators
        return _ending(super()._connect_gen(conninfo))

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # Any: psycopg's generators
        limit = _limit(timeout)
        try:
            return super().wait(gen, interval, limit)
        except psycopg.errors._WaitTimeout as late:  # noqa: SLF001 (what psycopg's own wait raises)
            if limit == timeout:
                raise
            self.pgconn.finish()
            raise Late("no answer within the call's timeout") from late

    def rows(self, statement: str, values: Sequence[object]) -> list[Row]:
        """Return the rows of a statement."""
        return self.execute(statement, values, binary=True).fetchall()

    def load(self, statement: str, blocks: AsyncIterator[bytes]) -> None:
        """Run a COPY of what comes, block by block."""
        with self.cursor() as cursor, cursor.copy(statement) as copy:
            for block in drained(blocks):
                copy.write(block)


class AsyncConnection(psycopg.AsyncConnection[Any]):
    """The same, for asyncio, where the runtime ends what takes too long to connect."""

    async def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ASYNC109 (psycopg's)
        limit = _limit(timeout)
        try:
            return await super().wait(gen, interval, limit)
        except psycopg.errors._WaitTimeout as late:  # noqa: SLF001 (as above)
            if limit == timeout:
                raise
            self.pgconn.finish()
            raise Late("no answer within the call's timeout") from late

    async def rows(self, statement: str, values: Sequence[object]) -> list[Row]:
        return await (await self.execute(statement, values, binary=True)).fetchall()

    async def load(self, statement: str, blocks: AsyncIterator[bytes]) -> None:
        async with self.cursor() as cursor, cursor.copy(statement) as copy:
            async for block in blocks:
                await copy.write(block)


class Pool(ConnectionPool[Connection]):
    """A pool that looks at its other connections where one turned out to be broken: the server was restarted."""

    def rows(self, timeout: float, statement: str, values: Sequence[object]) -> list[Row]:
        """Return the rows of a statement, which is a transaction of its own.

        Args:
            timeout: Seconds to wait for a connection.
            statement: SQL.
            values: Those of its `%s`.
        """
        connection = self.getconn(timeout)
        try:
            return connection.rows(statement, values)
        finally:
            self.give_back(connection)

    def give_back(self, connection: Connection) -> None:
        """Return a connection to the pool."""
        is_broken = connection.broken
        self.putconn(connection)
        if is_broken:
            with suppress(psycopg.Error):
                self.check()


class AsyncPool(AsyncConnectionPool[AsyncConnection]):
    """The same, for asyncio."""

    async def rows(self, timeout: float, statement: str, values: Sequence[object]) -> list[Row]:  # noqa: ASYNC109 (psycopg's)
        connection = await self.getconn(timeout)
        try:
            return await connection.rows(statement, values)
        finally:
            await self.give_back(connection)

    async def give_back(self, connection: AsyncConnection) -> None:
        is_broken = connection.broken
        await self.putconn(connection)
        if is_broken:
            with suppress(psycopg.Error):
                await self.check()


def _ending(steps: Any) -> Any:  # Any: psycopg's generators
    """The steps of connecting, as long as the call may last: `connect_timeout` has at least two seconds."""
    try:
        awaited = next(steps)
        while True:
            ready = yield awaited
            if seconds_left() == 0:
                raise Late("no connection within the call's timeout")
            awaited = steps.send(ready)
    except StopIteration as done:
        return done.value


def _limit(timeout: float | None) -> float | None:
    left = seconds_left(timeout)
    return None if left == math.inf else left


ADAPTERS = AdaptersMap(psycopg.adapters)
ADAPTERS.register_dumper(Value, _ValueDumper)
