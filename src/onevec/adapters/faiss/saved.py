"""Indexes saved beside the store's file: a cache, that can be deleted at any time.

An index is a file in FAISS's own format. What makes it one to be trusted stands in the store's file, written in one
transaction after it: its BLAKE2b digest, and what it was made of. FAISS writes outside its memory when it reads a file
that is damaged or made up, so it is given none whose digest differs; and an index of another state of the store, as
after one of the two was restored from a backup, has another digest, too.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import apsw
import numpy as np
import orjson

from onevec.adapters.faiss.index import FaissIndex
from onevec.adapters.faiss.recipes import Recipe, library
from onevec.adapters.faiss.widths import Built
from onevec.adapters.sqlite.file import StoreFile
from onevec.errors import OnevecError
from onevec.local.vectors import Rows

_TABLE = """
CREATE TABLE IF NOT EXISTS faiss_indexes (
    namespace INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,              -- BLAKE2b of the file
    last_row INTEGER NOT NULL,         -- it has the documents up to this row
    made_of TEXT NOT NULL,             -- JSON: the version of FAISS, and the collection's settings
    measured TEXT NOT NULL             -- JSON: what else is known of it
)
"""
_BLOCK = 2**20


def path_of(folder: Path, number: int) -> Path:
    """Return where the index of a namespace is saved."""
    return folder / f"index-{number}.faiss"


def save(file: StoreFile, number: int, recipe: Recipe, built: Built, rows: Rows) -> None:
    """Write an index, and then that it is there. If either fails there is none, and it is made again when needed."""
    path = path_of(file.path.parent, number)
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with beside.open("wb") as target:
            digest = _written(built.index, rows, target)
        measured = orjson.dumps(built.facts).decode()
        with file.writing() as connection:
            connection.execute(_TABLE)
            if connection.execute("SELECT count(*) FROM namespaces WHERE number = ?", (number,)).get:
                beside.replace(path)
                _sync_folder(path.parent)
                connection.execute(
                    "INSERT OR REPLACE INTO faiss_indexes VALUES (?, ?, ?, ?, ?)",
                    (number, digest, int(rows[-1]), _made_of(recipe), measured),
                )
        strays = list(path.parent.glob(f"{path.name}.*"))  # of processes that were killed meanwhile
    except (OSError, OnevecError):
        strays = [beside]
    for stray in strays:
        with suppress(OSError):
            stray.unlink(missing_ok=True)


def load(connection: apsw.Connection, folder: Path, number: int, recipe: Recipe) -> tuple[Built, Rows] | None:
    """Return a saved index and the rows of its slots; None if there is none, or none to be trusted."""
    if not connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'faiss_indexes'").get:
        return None
    found = connection.execute(
        "SELECT digest, measured FROM faiss_indexes WHERE namespace = ? AND made_of = ?", (number, _made_of(recipe))
    ).fetchone()
    if not found:
        return None
    digest, measured = found
    try:
        with path_of(folder, number).open("rb") as source:
            if _digest(source) != digest:
                return None
            source.seek(0)
            index, rows = FaissIndex.load(source.read, recipe.metric)
    except OSError:
        return None
    return Built(index, **orjson.loads(measured)), rows


def drop(folder: Path, kept: set[int]) -> None:
    """Remove the files of namespaces that are gone."""
    for path in folder.glob("index-*.faiss*"):
        number = path.name.removeprefix("index-").partition(".")[0]
        if number.isdecimal() and int(number) not in kept:
            path.unlink(missing_ok=True)


def _made_of(recipe: Recipe) -> str:
    """What an index must have been made of to be used."""
    made_of = {
        "faiss": library().__version__,
        "dimension": recipe.dimension,
        "metric": recipe.metric,
        "settings": recipe.settings,
    }
    return orjson.dumps(made_of).decode()


def _written(index: FaissIndex, rows: Rows, target: BinaryIO) -> bytes:
    digest = blake2b(digest_size=32)

    def write(block: bytes) -> int:
        digest.update(block)
        return target.write(block)

    index.dump(np.ascontiguousarray(rows), write)
    target.flush()
    os.fsync(target.fileno())
    return digest.digest()


def _digest(source: BinaryIO) -> bytes:
    digest = blake2b(digest_size=32)
    while block := source.read(_BLOCK):
        digest.update(block)
    return digest.digest()


def _sync_folder(folder: Path) -> None:
    """Let the new name outlive a power loss, where a folder can be opened."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
