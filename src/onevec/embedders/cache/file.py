"""The file of a cache: a SQLite database of vectors by key, which is never more than a help.

What goes wrong with it while it is in use costs a vector that is made again, and never an error or another vector.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from threading import RLock
from typing import NamedTuple, TypeVar

import apsw

from onevec.errors import ConfigError
from onevec.validate import checked_count

T = TypeVar("T")

MAX_BYTES = 1 << 30
APPLICATION_ID = 0x6F6E6563  # "onec"
VERSION = 1
_LEAST_BYTES = 1 << 16
_PAGE = 4096
_BUSY_MILLISECONDS = 10_000
_CHECK = 8  # bytes
_TABLES = """
CREATE TABLE entries (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, used INTEGER NOT NULL);
CREATE INDEX entries_used ON entries (used);
CREATE TABLE vectors (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
"""
_logger = logging.getLogger("onevec.embedders.cache")


class EmbeddingCache:
    """Vectors as bytes, by key. Safe to share between threads, and its file between processes.

    Args:
        path: The file, which is made if it isn't there.
        max_bytes: How large it may be, 64 KiB or more; the vectors used longest ago make room. What SQLite keeps beside
            it (`-wal`) comes on top: some megabytes.

    Raises:
        ConfigError: The file is of another program, or can't be opened.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> None:
        self.path = Path(path).expanduser()
        self._most_pages = checked_count(max_bytes, "max_bytes", least=_LEAST_BYTES) // _PAGE
        self._lock = RLock()
        self._connection: apsw.Connection | None = None
        _check_is_cache(self.path)
        try:
            self._connection = self._opened()
        except (apsw.CorruptError, apsw.NotADBError) as error:
            self._start_anew(error)
        except apsw.Error as error:
            raise ConfigError(f"the embedding cache {self.path} can't be opened: {error}") from error

    def get(self, keys: Sequence[bytes], size: int) -> dict[bytes, bytes]:
        """Return the vectors that are there, by key; those that aren't `size` bytes, or are damaged, aren't there."""
        found = self._tried(lambda connection: _read(connection, keys, size), _Found({}, [], []))
        if found.used or found.damaged:
            self._tried(lambda connection: _note(connection, found), None)
        return found.vectors

    def put(self, items: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep vectors, given with their keys."""
        if not items:
            return
        step = max(1, self._most_pages * _PAGE // 8 // (len(items[0][1]) + 100))
        for start in range(0, len(items), step):
            self._tried(lambda connection: self._put(connection, items[start : start + step]), None)  # noqa: B023 (called here)

    def clear(self) -> None:
        """Delete all vectors, and give the space back."""

        def cleared(connection: apsw.Connection) -> None:
            with _writing(connection):
                connection.execute("DELETE FROM entries; DELETE FROM vectors")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

        self._tried(cleared, None)

    def size(self) -> tuple[int, int]:
        """Return how many vectors there are, and how many bytes the file has."""
        entries = self._tried(lambda connection: int(connection.execute("SELECT count(*) FROM entries").get), 0)
        try:
            return entries, self.path.stat().st_size
        except OSError:
            return entries, 0

    def close(self) -> None:
        """Close the file. It is opened again when it is needed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _tried(self, call: Callable[[apsw.Connection], T], otherwise: T) -> T:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._opened()
                return call(self._connection)
            except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, apsw.MismatchError) as error:
                self._start_anew(error)
            except apsw.Error as error:
                _logger.warning("the embedding cache %s wasn't used: %s", self.path, error)
        return otherwise

    def _put(self, connection: apsw.Connection, items: Sequence[tuple[bytes, bytes]]) -> None:
        while True:
            try:
                with _writing(connection):
                    now = _newest(connection) + 1
                    for key, vector in items:
                        id = connection.execute(
                            "INSERT INTO entries (key, used) VALUES (?, ?) "
                            "ON CONFLICT (key) DO UPDATE SET used = excluded.used RETURNING id",
                            (key, now),
                        ).get
                        data = _check(key, vector) + vector
                        connection.execute("INSERT OR REPLACE INTO vectors (id, data) VALUES (?, ?)", (id, data))
                return
            except apsw.FullError:
                if not self._made_room(connection):
                    raise

    def _made_room(self, connection: apsw.Connection) -> bool:
        """Delete the eighth of the vectors that was used longest ago; False if it isn't the bound that was met."""
        used = int(connection.pragma("page_count")) - int(connection.pragma("freelist_count"))
        entries = int(connection.execute("SELECT count(*) FROM entries").get)
        if not entries or used < self._most_pages // 2:
            return False
        with _writing(connection):
            _delete_oldest(connection, max(1, entries // 8))
        return True

    def _opened(self) -> apsw.Connection:
        connection = apsw.Connection(os.fspath(self.path))
        try:
            connection.set_busy_timeout(_BUSY_MILLISECONDS)
            connection.execute(f"PRAGMA page_size = {_PAGE}")
            connection.execute("PRAGMA cell_size_check = ON")
            if connection.pragma("user_version") != VERSION:
                _make_tables(connection)
            _ = connection.execute("PRAGMA journal_mode = WAL").get
            connection.execute("PRAGMA synchronous = NORMAL")  # a lost vector is made again
            connection.execute("PRAGMA journal_size_limit = 4194304")
            if int(connection.pragma("page_count")) > self._most_pages:
                self._shrink(connection)
            connection.pragma("max_page_count", self._most_pages)
        except BaseException:
            connection.close()
            raise
        return connection

    def _shrink(self, connection: apsw.Connection) -> None:
        """Make a file smaller that was let grow larger."""
        while (
            int(connection.pragma("page_count")) - int(connection.pragma("freelist_count")) > self._most_pages * 7 // 8
        ):
            entries = int(connection.execute("SELECT count(*) FROM entries").get)
            if not entries:
                break
            with _writing(connection):
                _delete_oldest(connection, max(1, entries // 8))
        with suppress(apsw.BusyError):
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _start_anew(self, error: apsw.Error) -> None:
        """Throw a damaged file away."""
        _logger.warning("the embedding cache %s is damaged and begun anew: %s", self.path, error)
        with suppress(apsw.Error):
            self.close()
        self._connection = None
        for beside in ("", "-wal", "-shm"):
            with suppress(OSError):
                self.path.with_name(self.path.name + beside).unlink(missing_ok=True)


class _Found(NamedTuple):
    """What a look into the file found.

    Attributes:
        vectors: The vectors, by key.
        used: For rows that are not among those used last: when they are used now, and which.
        damaged: Rows whose checksum is wrong.
    """

    vectors: dict[bytes, bytes]
    used: list[tuple[int, int]]
    damaged: list[tuple[int]]


@contextmanager
def _writing(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it by itself on a full disk
            connection.execute("ROLLBACK")
        raise


def _make_tables(connection: apsw.Connection) -> None:
    connection.execute("BEGIN EXCLUSIVE")  # before WAL: so that the header of the file says whose it is
    try:
        if connection.pragma("user_version") != VERSION:
            for table in ("entries", "vectors"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(_TABLES)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _read(connection: apsw.Connection, keys: Sequence[bytes], size: int) -> _Found:
    found = _Found({}, [], [])
    with connection:
        newest = _newest(connection)
        for key in keys:
            row = connection.execute(
                "SELECT id, used, data FROM entries JOIN vectors USING (id) WHERE key = ?", (key,)
            ).fetchone()
            if row is None:
                continue
            id, used, data = row
            vector = _verified(key, data, size)
            if vector is None:
                found.damaged.append((id,))
                continue
            found.vectors[key] = vector
            if used != newest:
                found.used.append((newest + 1, id))
    return found


def _note(connection: apsw.Connection, found: _Found) -> None:
    with _writing(connection):
        connection.executemany("DELETE FROM entries WHERE id = ?", found.damaged)
        connection.executemany("DELETE FROM vectors WHERE id = ?", found.damaged)
        connection.executemany("UPDATE entries SET used = ? WHERE id = ?", found.used)


def _newest(connection: apsw.Connection) -> int:
    return int(connection.execute("SELECT max(used) FROM entries").get or 0)


def _delete_oldest(connection: apsw.Connection, count: int) -> None:
    oldest = connection.execute("SELECT id FROM entries ORDER BY used, id LIMIT ?", (count,)).fetchall()
    connection.executemany("DELETE FROM vectors WHERE id = ?", oldest)
    connection.executemany("DELETE FROM entries WHERE id = ?", oldest)


def _check(key: bytes, vector: bytes) -> bytes:
    return blake2b(key + vector, digest_size=_CHECK).digest()


def _verified(key: bytes, data: object, size: int) -> bytes | None:
    if not isinstance(data, bytes) or len(data) != size + _CHECK:
        return None
    vector = data[_CHECK:]
    return vector if _check(key, vector) == data[:_CHECK] else None


def _check_is_cache(path: Path) -> None:
    """Raise where the file is somebody else's, which would be lost."""
    if path.is_dir() or not path.parent.is_dir():
        raise ConfigError(f"the embedding cache {path} is a file, in a folder that is there")
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"the embedding cache {path} can't be opened: {error.strerror}") from error
    if head and not (head.startswith(b"SQLite format 3\0") and head[68:72] == APPLICATION_ID.to_bytes(4, "big")):
        raise ConfigError(f"{path} is no embedding cache of onevec; name another file, or delete it")
