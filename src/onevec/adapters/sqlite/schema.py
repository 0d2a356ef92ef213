"""How a store's file is opened, recognised and refused."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import apsw

from onevec.adapters.sqlite import seal
from onevec.adapters.sqlite.failures import Undecodable
from onevec.adapters.sqlite.tables import TABLES
from onevec.adapters.sqlite.upgrade import upgrade
from onevec.errors import ConfigError, Corrupted, StoreNotFound, UnsupportedVersion

APPLICATION_ID = 0x6F6E6576  # "onev"
VERSION = 2

# No database is shorter; SQLite takes some files that are for empty ones, and begins anew.
_SHORTEST = 512


def checked_path(path: Path, *, create: bool) -> Path:
    """Return the path if a store can be there.

    Raises:
        ConfigError: It is a folder, or its folder doesn't exist.
        StoreNotFound: There is no file, and `create` is False.
        Corrupted: The file is gone or empty, and what is beside it or `create` says that it was not.
    """
    if str(path) == ":memory:":
        raise ConfigError("a store in memory is memory://; sqlite needs a file, such as sqlite:///papers.db")
    path = path.expanduser()
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file in it, such as sqlite:///{path.as_posix()}/store.db")
    log = path.with_name(f"{path.name}-wal")
    logged = _size(log)  # before the file's size: another process may be making both
    size = _size(path)
    if logged and not size:
        raise Corrupted(
            f"{path} is {'missing' if size is None else 'empty'}, but its WAL is there, which SQLite would delete now; "
            f"restore the file from a backup, or delete {log} to begin a new store"
        )
    if size is not None and 0 < size < _SHORTEST:
        raise Corrupted(f"{path} has been cut off: it has {size} bytes; restore it from a backup")
    if size == 0 and not create:
        raise Corrupted(f"{path} is empty; restore it from a backup, or open it with create=True for a new store")
    if size is not None:
        return path
    if not create:
        raise StoreNotFound(f"there is no store at {path}; make one by writing to it, or open it with create=True")
    if not path.parent.is_dir():
        raise ConfigError(f"the folder {path.parent} doesn't exist; make it first: mkdir -p {path.parent}")
    return path


def connect(path: Path, *, read_only: bool, busy_timeout: float) -> apsw.Connection:
    """Open one connection to the file, in WAL mode and with every commit synced; make the tables in an empty file.

    Raises:
        Corrupted: The file is a SQLite database of another program, which is left as it is.
        UnsupportedVersion: It was made by a newer onevec, or by an older one and is opened read-only.
        Undecodable: Its tables are not those of a store.
    """
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(os.fspath(path), flags=flags)
    try:
        connection.set_busy_timeout(int(busy_timeout * 1000))
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cell_size_check = ON")
        if not _is_empty(connection) or read_only:
            _recognise(connection, path, upgradable=not read_only)
        if not read_only:
            # `get` runs it to its end, which commits: a disk that fails there would else go unnoticed.
            _ = connection.execute("PRAGMA journal_mode = WAL").get
            _make_tables(connection)
            _recognise(connection, path, upgradable=True)
            upgrade(connection, VERSION)
            seal.watch(connection)
        _verify_tables(connection)
        # FULL: with NORMAL a power loss can take back commits that were acknowledged.
        connection.execute("PRAGMA synchronous = FULL")
        # 32 MiB: the rows of hits are read again and again, in pages here and there.
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: apsw.Connection) -> None:
    """Make the tables if there are none; of several processes that try at once, one does."""
    if not _is_empty(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    if _is_empty(connection):
        connection.execute(TABLES)
        seal.begin(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _recognise(connection: apsw.Connection, path: Path, *, upgradable: bool) -> None:
    if connection.pragma("application_id") != APPLICATION_ID:
        raise Corrupted(f"{path} is a SQLite database, but not a store of onevec; choose another file")
    version = connection.pragma("user_version")
    if version == VERSION or (version == 1 and upgradable):
        return
    if version == 1:
        raise UnsupportedVersion(f"{path} has schema 1; open it once without read_only, which brings it to {VERSION}")
    raise UnsupportedVersion(
        f"{path} has schema {version}, this onevec knows {VERSION}; upgrade: pip install --upgrade onevec"
    )


def _verify_tables(connection: apsw.Connection) -> None:
    """Compare the tables with those that a store has."""
    found = set(connection.execute(_SCHEMA))
    missing = sorted(str(name) for _, name, _, _ in _tables_of_a_store() - found)
    if missing:
        raise Undecodable(f"{', '.join(missing)} in its schema is not what a store has")
    roots, different = connection.execute(
        "SELECT count(rootpage), count(DISTINCT rootpage) FROM sqlite_schema WHERE rootpage > 0"
    ).get
    if roots != different:
        raise Undecodable("two tables in its schema are in one place")


_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema"


@cache
def _tables_of_a_store() -> frozenset[apsw.SQLiteValues]:
    connection = apsw.Connection(":memory:")
    connection.execute(TABLES)
    found = frozenset(connection.execute(_SCHEMA))
    connection.close()
    return found


def _is_empty(connection: apsw.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_schema").get == 0)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
