"""LanceDB's async client: awaited by the async API, and run on LanceDB's own event loop by the sync one."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

from onevec.adapters.lancedb.failures import as_onevec
from onevec.adapters.lancedb.locking import Locks
from onevec.adapters.lancedb.rows import info_of, schema_of
from onevec.documents import CollectionInfo
from onevec.errors import ConfigError
from onevec.remote import Missing, store_folder
from onevec.runtime import AsyncRuntime, Runtime

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb import AsyncConnection
    from lancedb.table import AsyncTable

_LOCK = "onevec.lock"  # in a folder


@dataclass(frozen=True, slots=True)
class LancedbOptions:
    """What `lancedb:///papers?option=value` can set.

    Attributes:
        path: The folder.
        create: Whether to make the folder if it isn't there.
        uri: In place of a folder, where LanceDB finds the store: `s3://bucket/papers`, `gs://...`, `az://...`.
        storage_options: What LanceDB needs to get there, such as keys, as its page on storage has it.
    """

    path: Path | None = None
    create: bool = True
    uri: str | None = None
    storage_options: Mapping[str, str] | None = field(default=None, repr=False)


class Link:
    """One open database. Tables stay open, and look for a newer version whenever they are asked for something.

    So each call sees what is there now, also where another process deleted a table and made it again: its schema, which
    comes with what is read of it, says then that it is another one.
    """

    def __init__(self, io: Runtime, where: str) -> None:
        self._io = io
        self._where = where
        self._is_async = isinstance(io, AsyncRuntime)
        self._making = threading.Lock()
        self._folder = _folder(where)
        self._locks = Locks(io, self._folder)
        self._connection: Any = None  # Any: an AsyncConnection, once open
        self._tables: dict[str, AsyncTable] = {}
        self._mixed: set[str] = set()

    @classmethod
    async def open(cls, io: Runtime, options: LancedbOptions) -> Self:
        """Connect; in a folder that exists, or can be made."""
        link = cls(io, await io.offload(_place, options))
        connect = await io.offload(_connect)
        link._connection = await link.call(
            connect,
            link._where,
            storage_options=None if options.uri is None else dict(options.storage_options or {}),
            read_consistency_interval=timedelta(0),
        )
        return link

    @property
    def connection(self) -> AsyncConnection:
        """LanceDB's own object."""
        connection: AsyncConnection = self._connection
        return connection

    def close(self) -> None:
        self._tables.clear()
        self._connection.close()

    async def names(self) -> list[str]:
        """Return the names of all tables, also those of other software."""
        names: list[str] = []
        token: str | None = None
        while True:
            page = await self.call(self._connection.list_tables, page_token=token)
            names += page.tables
            token = page.page_token
            if not token:
                return names

    async def table(self, name: str) -> AsyncTable:
        """Return a table, opened by the first call that needs it.

        Raises:
            Missing: There was none then.
        """
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = await self.call(self._connection.open_table, name)
        return table

    def is_plain(self, name: str, namespace: str) -> bool:
        """Whether all that a search finds may well be of this namespace without a condition that it is.

        It takes less to look than to let LanceDB compare, and most tables have the default namespace only.
        """
        return not namespace and name not in self._mixed

    def is_mixed(self, name: str) -> None:
        """Take note of a table in which documents of another namespace were found."""
        self._mixed.add(name)

    async def info(self, name: str) -> CollectionInfo | None:
        """Return what a collection is; None if there is none, or onevec didn't make it."""
        try:
            table = await self.table(name)
            return info_of(await self.call(table.schema))
        except Missing:
            return None

    async def create(self, name: str, info: CollectionInfo) -> bool:
        """Make the table of a collection; False if there is one."""
        with self._raised():
            return await self._io.offload(self._make, name, info)

    async def drop(self, name: str) -> None:
        async with self.alone(name):
            self._tables.pop(name, None)
            await self.write(self._connection.drop_table, name)

    async def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # Any: the client's own
        """Call a method of the async client, and return what comes of it."""
        with self._raised():
            return await self._io.call(method if self._is_async else partial(_driven, method), *args, **kwargs)

    async def write(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # Any: the client's own
        """Call a method that writes; if the caller is cancelled, it has ended before anything else begins."""
        return await self._io.finish(self.call(method, *args, **kwargs))

    async def add(self, table: AsyncTable, rows: pa.RecordBatchReader) -> Any:  # Any: an AddResult
        """Add rows to a table; it isn't cut off, as Lance might come to the end of it after all, some time later."""
        with self._raised():
            return await self._io.offload(_driven, table.add, rows)

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[bool]:
        """Whether nobody else upserts into a table or drops it during the block; in an object store somebody may."""
        with self._raised():
            async with self._locks.held(name) as is_alone:
                yield is_alone

    def _make(self, name: str, info: CollectionInfo) -> bool:
        """Make a table where there is none. LanceDB looks first, and then overwrites what was made meanwhile.

        In a folder one store at a time makes tables; in an object store one that came second puts back what was there.
        """
        with self._making, self._alone():
            try:
                table = _driven(self._connection.create_table, name, schema=schema_of(info))
            except ValueError as error:
                if "already exists" in str(error):
                    return False
                raise
            last: int = _driven(table.version)
            if last > 1:  # another process was first
                _driven(table.restore, last - 1)
            return last == 1

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else makes a table in the folder meanwhile."""
        if self._folder is None:
            yield
            return
        import portalocker

        with (self._folder / _LOCK).open("wb") as lock:
            portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE)
            yield

    @contextmanager
    def _raised(self) -> Iterator[None]:
        """Raise LanceDB's errors as onevec's."""
        try:
            yield
        except Exception as error:
            mapped = as_onevec(error, self._where)
            if mapped is error:
                raise
            raise mapped from error


def _driven(method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # Any: the client's own
    """Run a coroutine function to its end, on the loop that LanceDB has in a thread for its sync API."""
    from lancedb.background_loop import LOOP

    run: Callable[..., Any] = LOOP.run
    return run(method(*args, **kwargs))


def _connect() -> Callable[..., Any]:  # Any: the client's own
    import lancedb

    return lancedb.connect_async


def _folder(where: str) -> Path | None:
    """The folder that a store is in; None for an object store."""
    scheme, is_url, path = where.partition("://")
    if not is_url:
        return Path(where)
    return Path(unquote(path)) if scheme in ("file", "file-object-store") else None


def _place(options: LancedbOptions) -> str:
    if (options.path is None) == (options.uri is None):
        raise ConfigError("lancedb needs a folder, lancedb:///papers, or uri='s3://bucket/papers', one of them")
    if options.uri is not None:
        scheme, found, _ = options.uri.partition("://")
        if not found or scheme in ("db", "memory"):
            raise ConfigError(
                "uri= is the URL of an object store, such as s3://bucket/papers; a folder is lancedb:///papers"
            )
        return options.uri
    folder = store_folder(options.path or Path(), create=options.create, example="lancedb:///papers")
    return str(folder.absolute())
