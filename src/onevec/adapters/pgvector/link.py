"""The connections to a server: a pool of psycopg's, and transactions on what it lends."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import psycopg

from onevec.adapters.pgvector.connections import ADAPTERS, AsyncConnection, AsyncPool, Connection, Pool, Row
from onevec.adapters.pgvector.failures import as_onevec, of_own_condition
from onevec.adapters.pgvector.schema import Found, prepared
from onevec.deadline import seconds_left
from onevec.errors import OnevecError
from onevec.runtime import AsyncRuntime, Runtime

if TYPE_CHECKING:
    from onevec.adapters.pgvector import PgvectorOptions


class Session:
    """One connection, lent or in a transaction."""

    def __init__(self, io: Runtime, connection: Any) -> None:  # Any: a Connection or an AsyncConnection
        self._io = io
        self._connection = connection

    async def fetch(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a statement."""
        rows: list[Row] = await self._io.call(self._connection.rows, statement, values)
        return rows

    async def run(self, statement: str, values: Sequence[object] | None = None) -> int:
        """Return how many rows a statement was about; several statements, without values, are run one after another."""
        cursor = await self._io.call(self._connection.execute, statement, values)
        count: int = cursor.rowcount
        return count

    async def load(self, statement: str, blocks: AsyncIterator[bytes]) -> None:
        """Run a COPY of what comes, block by block."""
        await self._io.call(self._connection.load, statement, blocks)

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
        io: The runtime.
        pool: psycopg's ConnectionPool or AsyncConnectionPool.
        server: Where it leads, without credentials.
    """

    def __init__(self, io: Runtime, pool: Any, server: str) -> None:  # Any: of either colour
        self.io = io
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
        is_async = isinstance(io, AsyncRuntime)
        kind: Any = AsyncPool if is_async else Pool
        pool = kind(
            kwargs=lambda: _parameters(options, settings),
            connection_class=AsyncConnection if is_async else Connection,
            min_size=1,
            max_size=options.pool_size,
            timeout=options.pool_timeout,
            open=False,
        )
        link = cls(io, pool, _shown(options))
        try:
            # A call that came before the first connection is there would have a second one made, to take turns with.
            await io.call(pool.open, wait=True, timeout=options.connect_timeout)
        except BaseException as error:
            await io.finish(link.close())
            if isinstance(error, psycopg.Error):
                raise as_onevec(error, link.server) from error.with_traceback(None)
            raise
        return link, found

    async def close(self) -> None:
        await self.io.call(self.pool.close)

    async def fetch(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a statement, which is a transaction of its own."""
        try:
            rows: list[Row] = await self.io.call(self.pool.rows, seconds_left(self._pool_timeout), statement, values)
        except psycopg.Error as error:
            raise as_onevec(error, self.server) from error
        return rows

    async def run(self, statement: str, values: Sequence[object] | None = None) -> int:
        """Return how many rows a statement was about, which is a transaction of its own."""
        async with self.session() as session:
            return await session.run(statement, values)

    async def load(self, statement: str, blocks: AsyncIterator[bytes], *settings: str) -> bool:
        """Run a COPY, all of it or nothing; return False if a row of the same key was there.

        Args:
            statement: The COPY.
            blocks: What it copies, in its binary format.
            settings: As `transaction` takes them.
        """
        async with self.session() as session:
            try:
                if not settings:  # it is a transaction of its own
                    await session.load(statement, blocks)
                    return True
                async with session.transaction(*settings):
                    await session.load(statement, blocks)
            except psycopg.errors.UniqueViolation:
                return False
        return True

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
        try:
            connection = await self.io.call(self.pool.getconn, seconds_left(self._pool_timeout))
            try:
                yield Session(self.io, connection)
            finally:
                await self.io.call(self.pool.give_back, connection)
        except psycopg.Error as error:
            raise as_onevec(error, self.server) from error


@asynccontextmanager
async def _alone(io: Runtime, options: PgvectorOptions) -> AsyncIterator[Session]:
    """A connection outside of any pool: it says at once why it can't be made."""
    kind: Any = AsyncConnection if isinstance(io, AsyncRuntime) else Connection
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
        "context": ADAPTERS,
    }


def _settings(options: PgvectorOptions, extension_schema: str) -> str:
    """What every connection of the pool is set to, as libpq's `options`."""
    schemas = ",".join(psycopg.sql.Identifier(name).as_string() for name in (options.schema, extension_schema))
    settings = [
        # Unlike in strict order, no hit is dropped because one that is a bit nearer came after it.
        "hnsw.iterative_scan=relaxed_order",
        "ivfflat.iterative_scan=relaxed_order",
        "jit=off",  # compiling a statement takes longer than running most of ours
        "search_path=" + schemas.replace("\\", "\\\\").replace(" ", "\\ "),
    ]
    if options.statement_timeout is not None:
        settings.append(f"statement_timeout={max(1, round(options.statement_timeout * 1000)):d}")
    return " ".join(f"-c {setting}" for setting in settings)


def _shown(options: PgvectorOptions) -> str:
    """Where the options lead, without credentials."""
    return f"postgresql://{options.host or 'localhost'}:{options.port or 5432}/{options.path}"
