"""One store file: connections that read, write and search texts, and transactions on each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from onevec.adapters.sqlite import checksums, indexes, schema, seal
from onevec.adapters.sqlite.failures import Undecodable, mapped
from onevec.compile import FUNCTIONS
from onevec.errors import Corrupted, ReadOnly


class StoreFile:
    """An open file. Readers don't wait for the writer; threads take turns on each connection."""

    def __init__(self, path: Path, *, create: bool, read_only: bool, busy_timeout: float) -> None:
        self.path = schema.checked_path(path, create=create and not read_only)
        self.read_only = read_only
        self._busy_timeout = busy_timeout
        self._reads = threading.RLock()
        self._writes = threading.RLock()
        self._ranks = threading.RLock()
        self._ranker: apsw.Connection | None = None
        connections: list[apsw.Connection] = []
        with mapped(self.path):
            try:
                for _ in range(2):
                    connection = schema.connect(self.path, read_only=read_only, busy_timeout=busy_timeout)
                    connections.append(connection)
                    for name, function in FUNCTIONS.items():
                        connection.create_scalar_function(name, function, deterministic=True)
            except BaseException:
                for connection in connections:
                    connection.close()
                raise
        self._reader, self._writer = connections
        self._free_pages_checked = False
        try:
            saved = {} if read_only else indexes.last_rows(self.path)
            with self.reading() as connection:
                seal.verify_seal(connection)
                given = connection.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'documents'").get or 0
                kept = {number for (number,) in connection.execute("SELECT number FROM namespaces")}
            for index, last in saved.items():
                if last > given:  # the file is an older copy, and will give the index's rows to other documents
                    index.unlink(missing_ok=True)
            if saved:
                indexes.drop(self.path, kept)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """One read transaction: everything read in it is of one commit."""
        with mapped(self.path), self._reads:
            self._reader.execute("BEGIN")
            try:
                yield self._reader
            finally:
                self._reader.execute("COMMIT")

    @contextmanager
    def ranking(self) -> Iterator[apsw.Connection]:
        """One read transaction on a connection for full-text search, which takes long: other reads don't wait for it.

        It may be of another commit than a transaction of `reading` that begins later.
        """
        with mapped(self.path), self._ranks:
            if self._ranker is None:
                self._ranker = schema.connect(self.path, read_only=True, busy_timeout=self._busy_timeout)
            self._ranker.execute("BEGIN")
            try:
                yield self._ranker
            finally:
                self._ranker.execute("COMMIT")

    @contextmanager
    def glancing(self) -> Iterator[apsw.Connection | None]:
        """Do what `reading` does without waiting for anyone: None while another thread reads.

        Raises:
            EngineBusy: Another process holds what a read needs, as while it recovers the file.
        """
        if not self._reads.acquire(blocking=False):
            yield None
            return
        try:
            self._reader.set_busy_timeout(0)
            with self.reading() as connection:
                yield connection
        finally:
            self._reader.set_busy_timeout(int(self._busy_timeout * 1000))
            self._reads.release()

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """One write transaction: all of it or nothing, synced when this returns.

        Raises:
            ReadOnly: The store was opened read-only.
            EngineBusy: Another process held the lock for longer than the busy timeout.
        """
        if self.read_only:
            raise ReadOnly(f"{self.path} was opened with read_only=True; open it again without")
        with mapped(self.path), self._writes:
            self._check_free_pages()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                seal.seal(self._writer)
                self._writer.execute("COMMIT")
            except BaseException as error:
                if self._writer.in_transaction:  # SQLite ends it by itself on a full disk
                    self._writer.execute("ROLLBACK")
                if isinstance(error, apsw.FullError):
                    self._reuse_log()
                raise

    @property
    def client(self) -> apsw.Connection:
        """The connection that writes."""
        return self._writer

    def checkpoint(self) -> None:
        """Move what is in the WAL into the file and refresh SQLite's own statistics."""
        if self.read_only:
            return
        with mapped(self.path), self._writes:
            self._writer.execute("PRAGMA optimize").fetchall()
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _reuse_log(self) -> None:
        """Let the next write begin the WAL anew: a delete then fits into what it takes on a full disk already."""
        with suppress(apsw.Error):
            _ = self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").get

    def bytes_on_disk(self) -> int:
        """Bytes of the file and of the WAL beside it."""
        beside = self.path.with_name(self.path.name + "-wal")
        return sum(path.stat().st_size for path in (self.path, beside) if path.exists())

    def pragma(self, name: str) -> object:
        """The value of one of SQLite's pragmas."""
        with mapped(self.path), self._reads:
            return self._reader.pragma(name)

    def integrity(self) -> str:
        """Read the file through; return `"ok"`, or the first thing that is wrong."""
        try:
            with self.reading() as connection:
                found = str(connection.execute("PRAGMA integrity_check(1)").get)
                if found == "ok":
                    seal.verify_seal(connection)
                    for (number,) in connection.execute("SELECT number FROM namespaces"):
                        checksums.verify_everything(connection, number)
        except Corrupted as damage:
            return str(damage)
        return found

    def _check_free_pages(self) -> None:
        """Make sure before the first write that no page in the list of free ones is in use: it would be overwritten."""
        if self._free_pages_checked:
            return
        if self._writer.pragma("freelist_count") and self.bytes_on_disk() <= checksums.CHECKED_BYTES:
            found = self._writer.execute("PRAGMA quick_check(1)").get
            if found != "ok":
                raise Undecodable(found)
        self._free_pages_checked = True

    def close(self) -> None:
        """Close all connections; the last process to do so leaves no WAL behind."""
        with mapped(self.path), self._ranks, self._reads, self._writes:
            if self._ranker is not None:
                self._ranker.close()
            self._reader.close()
            self._writer.close()
