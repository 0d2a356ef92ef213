"""The connections to a server: a pool of psycopg's, and transactions on what it lends."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.adapt import AdaptersMap, Dumper, PyFormat
from psycopg.pq import Format
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from onevec.adapters.pgvector.failures import Late, as_onevec, of_own_condition
from onevec.adapters.pgvector.schema import Found, prepared
from onevec.adapters.pgvector.values import Value
from onevec.deadline import seconds_left
from onevec.errors import OnevecError
from onevec.runtime import AsyncRuntime, Runtime

if TYPE_CHECKING:
    from onevec.adapters.pgvector import PgvectorOptions

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


class _Connection(psycopg.Connection[Any]):
    """A connection that waits for an answer no longer than the call may last; then it is of no use any more."""

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


class _AsyncConnection(psycopg.AsyncConnection[Any]):
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


_ADAPTERS = AdaptersMap(psycopg.adapters)
_ADAPTERS.register_dumper(Value, _ValueDumper)


class Session:
    """One connection, lent or in a transaction. Results come in PostgreSQL's binary form."""

    def __init__(self, io: Runtime, connection: Any) -> None:  # Any: a Connection or an AsyncConnection
        self._io = io
        self._connection = connection

    async def fetch(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a statement."""
        cursor = await self._io.call(self._connection.execute, statement, values, binary=True)
        rows: list[Row] = await self._io.call(cursor.fetchall)
        return rows

    async def run(self, statement: str, values: Sequence[object] | None = None) -> int:
        """Return how many rows a statement was about; several statements, without values, are run one after another."""
        cursor = await self._io.call(self._connection.execute, statement, values)
        count: int = cursor.rowcount
        return count

    @asynccontextmanager
    async def transaction(self, *settings: str) -> AsyncIterator[Self]:
        """All of the block or nothing.

        Args:
            settings: Settings that hold in it, such as `"hnsw.ef_search = 100"`.
        """
        try:
            await self.run("; ".join(("BEGIN", *(f"SET LOCAL {setting}" for setting in settings))))
            yield self
            await self.run("COMMIT")
        except BaseException:
            with suppress(psycopg.Error):  # of a connection that is gone
                await self.run("ROLLBACK")
            raise


class Link:
    """An open pool.

    Attributes:
        pool: psycopg's ConnectionPool or AsyncConnectionPool.
        server: Where it leads, without credentials.
    """

    def __init__(self, io: Runtime, pool: Any, server: str) -> None:  # Any: of either colour
        self._io = io
        self.pool = pool
        self.server = server
        self._pool_timeout: float = pool.timeout

    @classmethod
    async def open(cls, io: Runtime, options: PgvectorOptions) -> tuple[Self, Found]:
        """Return a pool, and what its database has; what a store needs is made, if it may be.

        Raises:
            OnevecError: The server can't be reached, or can't hold a store; see `schema.prepared`.
        """
        async with _alone(io, options) as session:
            found = await prepared(session, options.schema, create=options.create)
        settings = _settings(options, found.extension_schema)
        kind: Any = AsyncConnectionPool if isinstance(io, AsyncRuntime) else ConnectionPool
        pool = kind(
            kwargs=lambda: _parameters(options, settings),
            connection_class=_AsyncConnection if isinstance(io, AsyncRuntime) else _Connection,
            min_size=1,
            max_size=options.pool_size,
            timeout=options.pool_timeout,
            open=False,
        )
        await io.call(pool.open)
        return cls(io, pool, _shown(options)), found

    async def close(self) -> None:
        await self._io.call(self.pool.close)

    async def fetch(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a statement, which is a transaction of its own."""
        async with self.session() as session:
            return await session.fetch(statement, values)

    async def run(self, statement: str, values: Sequence[object] | None = None) -> int:
        """Return how many rows a statement was about, which is a transaction of its own."""
        async with self.session() as session:
            return await session.run(statement, values)

    @asynccontextmanager
    async def transaction(self, *settings: str) -> AsyncIterator[Session]:
        """All of the block or nothing."""
        async with self.session() as session, session.transaction(*settings):
            yield session

    @staticmethod
    @contextmanager
    def own_condition() -> Iterator[None]:
        """Statements with a condition of the caller's own: what it is to blame for is raised as `InvalidFilter`."""
        try:
            yield
        except OnevecError as error:
            mapped = of_own_condition(error)
            if mapped is error:
                raise
            raise mapped from error.__cause__

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A connection for the block. psycopg's errors in it are raised as onevec's."""
        broken = False
        try:
            connection = await self._io.call(self.pool.getconn, seconds_left(self._pool_timeout))
            try:
                yield Session(self._io, connection)
            finally:
                broken = connection.broken
                await self._io.call(self.pool.putconn, connection)
        except psycopg.Error as error:
            if broken:  # then the others in the pool may be, too: the server was restarted
                with suppress(psycopg.Error):
                    await self._io.call(self.pool.check)
            raise as_onevec(error, self.server) from error


@asynccontextmanager
async def _alone(io: Runtime, options: PgvectorOptions) -> AsyncIterator[Session]:
    """A connection outside of any pool: it says at once why it can't be made."""
    kind: Any = _AsyncConnection if isinstance(io, AsyncRuntime) else _Connection
    try:
        connection = await io.call(lambda: kind.connect(**_parameters(options)))
        try:
            yield Session(io, connection)
        finally:
            await io.call(connection.close)
    except psycopg.Error as error:
        # The frames of psycopg's have the password in their variables.
        raise as_onevec(error, _shown(options)) from error.with_traceback(None)


def _parameters(options: PgvectorOptions, settings: str = "") -> dict[str, Any]:  # Any: as psycopg takes them
    """What psycopg connects with; made anew each time, so that no password stays in a variable."""
    given = {
        "host": options.host,
        "port": options.port,
        "user": options.username,
        "password": options.password and options.password.reveal(),
        "dbname": options.path,
        "sslmode": options.sslmode,
        "sslrootcert": options.sslrootcert and os.fspath(options.sslrootcert),
        "channel_binding": options.channel_binding,
        "connect_timeout": max(1, round(options.connect_timeout)),
        "application_name": "onevec",
        "options": f"{options.options or ''} {settings}".strip(),
    }
    return {name: value for name, value in given.items() if value not in (None, "")} | {
        "autocommit": True,
        "prepare_threshold": 5 if options.prepare else None,
        "context": _ADAPTERS,
    }


def _settings(options: PgvectorOptions, extension_schema: str) -> str:
    """What every connection of the pool is set to, as libpq's `options`."""
    schemas = ",".join(psycopg.sql.Identifier(name).as_string() for name in (options.schema, extension_schema))
    settings = [
        # Unlike in strict order, no hit is dropped because one that is a bit nearer came after it.
        "hnsw.iterative_scan=relaxed_order",
        "ivfflat.iterative_scan=relaxed_order",
        "plan_cache_mode=force_custom_plan",  # one plan for every filter goes by the index where few documents match
        "jit=off",  # compiling a statement takes longer than running most of ours
        "search_path=" + schemas.replace("\\", "\\\\").replace(" ", "\\ "),
    ]
    if options.statement_timeout is not None:
        settings.append(f"statement_timeout={max(1, round(options.statement_timeout * 1000)):d}")
    return " ".join(f"-c {setting}" for setting in settings)


def _shown(options: PgvectorOptions) -> str:
    """Where the options lead, without credentials."""
    return f"postgresql://{options.host or 'localhost'}:{options.port or 5432}/{options.path}"
