"""The tables of a store's file, and how a file is opened, recognised and refused."""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from onevec.errors import ConfigError, Corrupted, StoreNotFound, UnsupportedVersion

APPLICATION_ID = 0x6F6E6576  # "onev"
VERSION = 1

# A row's content never changes: a replaced document gets a new row, above all others, and its old row is listed in
# `gone`. So a process that has seen everything up to a row and a `gone` entry catches up by reading what is above.
# `gone` is cut from time to time; who has seen less than `cut` compares all rows instead.
TABLES = """
CREATE TABLE collections (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    dimension INTEGER NOT NULL,
    metric TEXT NOT NULL,
    embedder TEXT,
    created INTEGER NOT NULL           -- microseconds since 1970, like all times here
);
CREATE TABLE namespaces (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collections(number),
    name TEXT NOT NULL,
    indexed_row INTEGER,               -- texts_<number> has the texts up to this row; NULL: there is no such table
    indexed_gone INTEGER,              -- and lacks those that `gone` lists up to here
    UNIQUE (collection, name)
);
CREATE TABLE documents (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace INTEGER NOT NULL REFERENCES namespaces(number),
    id TEXT NOT NULL,
    text TEXT,
    metadata TEXT NOT NULL,            -- JSON; a datetime is {"$datetime": "2020-01-01T00:00:00.000000Z"}
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    vector BLOB NOT NULL,              -- float32, little-endian
    UNIQUE (namespace, id)
);
CREATE INDEX documents_namespace ON documents (namespace);
CREATE TABLE gone (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace INTEGER NOT NULL,
    row INTEGER NOT NULL
);
CREATE TABLE cut (seq INTEGER NOT NULL);
INSERT INTO cut VALUES (0);
"""


def checked_path(path: Path, *, create: bool) -> Path:
    """Return the path if a store can be there.

    Raises:
        ConfigError: It is a folder, or its folder doesn't exist.
        StoreNotFound: There is no file, and `create` is False.
    """
    if str(path) == ":memory:":
        raise ConfigError("a store in memory is memory://; sqlite needs a file, such as sqlite:///papers.db")
    path = path.expanduser()
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file in it, such as sqlite:///{path.as_posix()}/store.db")
    if path.exists():
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
        UnsupportedVersion: It was made by a newer onevec.
    """
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(os.fspath(path), flags=flags)
    try:
        connection.set_busy_timeout(int(busy_timeout * 1000))
        if not _is_empty(connection) or read_only:
            _recognise(connection, path)
        if not read_only:
            # `get` runs it to its end, which commits: a disk that fails there would else go unnoticed.
            _ = connection.execute("PRAGMA journal_mode = WAL").get
            _make_tables(connection)
            _recognise(connection, path)
        # FULL: with NORMAL a power loss can take back commits that were acknowledged.
        connection.execute("PRAGMA synchronous = FULL")
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
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _recognise(connection: apsw.Connection, path: Path) -> None:
    if connection.pragma("application_id") != APPLICATION_ID:
        raise Corrupted(f"{path} is a SQLite database, but not a store of onevec; choose another file")
    version = connection.pragma("user_version")
    if version != VERSION:
        raise UnsupportedVersion(
            f"{path} has schema {version}, this onevec knows {VERSION}; upgrade: pip install --upgrade onevec"
        )


def _is_empty(connection: apsw.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_schema").get == 0)
