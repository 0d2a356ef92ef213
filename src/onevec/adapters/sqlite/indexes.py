"""Indexes saved beside the file, with the vectors they cover: a cache, checked before it is read.

Vectors are read from here sooner than row by row. What comes before them has one digest, as FAISS trusts what it reads:
damaged bytes could make it write outside its memory. The vectors have a checksum for each piece, which takes much less
time than a digest. That rows and vectors are those of the store is known by the checksums of its documents: see
`Saved.fits`. The file can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from glob import escape
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zlib import crc32

import apsw
import numpy as np
import orjson

from onevec.adapters.sqlite.checksums import sums_of
from onevec.documents import CollectionInfo
from onevec.errors import OnevecError
from onevec.local.index import IndexMaker
from onevec.local.planner import Plan
from onevec.local.table import VectorTable
from onevec.local.vectors import Matrix, Rows

_MAGIC = b"onevec index 1\n"
_DIGEST = 32
_LENGTH = 8
_PIECE = 2**20

# What comes before the header: magic bytes, digest, and how much the digest is of, including the header's own length.
_BEFORE = len(_MAGIC) + _DIGEST + _LENGTH


class Saved(NamedTuple):
    """An index as it was saved.

    Attributes:
        plan: The index, and what was measured of it.
        rows: The rows of its slots, ascending.
        checksums: Of each row its document's, 0 of one that was gone.
        vectors: The vectors of the rows; None where they are to stay out of memory.
    """

    plan: Plan
    rows: Rows
    checksums: Rows
    vectors: Matrix | None

    def fits(self, connection: apsw.Connection, namespace: int, here: Rows) -> bool:
        """Whether it is of these documents: it has all that the namespace has up to its last row, with their checksums.

        Args:
            connection: In a transaction.
            namespace: Its number.
            here: The namespace's rows up to the last of the index, ascending.
        """
        slots = np.searchsorted(self.rows, here)
        slots[slots == len(self.rows)] = 0
        if len(here) and not np.array_equal(self.rows[slots], here):
            return False
        count, contents = connection.execute(
            "SELECT count(*), coalesce(sum(checksum), 0) FROM documents WHERE namespace = ? AND row > ?",
            (namespace, int(self.rows[-1])),
        ).get
        count, contents = len(here) + count, int(self.checksums[slots].sum()) + contents
        expected = sums_of(connection, namespace)
        return (count, contents) == (expected.documents, expected.contents)


def path_of(store: Path, number: int) -> Path:
    """Return where the index of a namespace is saved."""
    return store.with_name(f"{store.name}-index-{number}")


def bytes_of(path: Path) -> int | None:
    """Return how large a saved index is; None if there is none."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return None


def drop(store: Path, kept: set[int]) -> None:
    """Remove the indexes of namespaces that are gone."""
    for path, number in _saved(store):
        if number.partition(".")[0] not in map(str, kept):
            path.unlink(missing_ok=True)


def save(
    path: Path,
    info: CollectionInfo,
    checksums: Callable[[Rows], Rows],
    plan: Plan,
    table: VectorTable,
    *,
    lean: bool,
) -> None:
    """Write an index; a reader sees the old file or the new one. If that fails, as on a full disk, there is none.

    Args:
        path: Where.
        info: The collection.
        checksums: Gives the checksums of the documents in rows, 0 of those that are gone.
        plan: The index.
        table: What it was built over.
        lean: Whether the vectors that it stands for stay out of memory.
    """
    header = {**_identity(info, plan.index.settings, lean=lean), "plan": plan.measured(), "rows": table.size}
    vectors = table.vectors_between(0, 0 if lean and plan.widths else table.size)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    digest = hashlib.blake2b(digest_size=_DIGEST)
    try:
        with beside.open("wb") as file:

            def write(piece: bytes) -> None:
                digest.update(piece)
                file.write(piece)

            file.write(bytes(_BEFORE))
            dumped = orjson.dumps({**header, "vectors": [crc32(piece) for piece in _pieces(vectors)]})
            write(len(dumped).to_bytes(4, "little") + dumped)
            write(table.rows.astype("<i8").tobytes())
            write(checksums(table.rows).astype("<i8").tobytes())
            plan.index.write(write)
            length = file.tell() - _BEFORE
            for piece in _pieces(vectors):
                file.write(piece)
            file.seek(0)
            file.write(_MAGIC + digest.digest() + length.to_bytes(_LENGTH, "little"))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        for stray in path.parent.glob(f"{escape(path.name)}.*"):  # of a process that was killed while it saved
            stray.unlink(missing_ok=True)
    except (OSError, OnevecError):
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def load(path: Path, info: CollectionInfo, settings: Sequence[IndexMaker], *, lean: bool) -> Saved | None:
    """Return what was saved; None if there is nothing, or nothing to be trusted.

    Args:
        path: Where.
        info: The collection.
        settings: It was made by one of these.
        lean: As it was saved.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC or file.read(_DIGEST) != _digest(file):
                return None
            file.seek(_BEFORE)
            header = orjson.loads(file.read(int.from_bytes(file.read(4), "little")))
            made = next((one for one in settings if _identity(info, one, lean=lean).items() <= header.items()), None)
            if made is None:
                return None
            count = header["rows"]
            rows, checksums = (np.frombuffer(file.read(8 * count), "<i8") for _ in range(2))
            index = made.make(info.dimension, info.metric, count).read(file.read)
            vectors = None
            if header["vectors"]:
                vectors = _vectors(file, (count, info.dimension), header["vectors"])
                if vectors is None:
                    return None
    except OSError:
        return None
    measured = header["plan"]
    index.spare = measured.pop("spare")
    measured["widths"] = tuple(map(tuple, measured["widths"]))
    return Saved(Plan(index, **measured), rows, checksums, vectors)


def last_rows(store: Path) -> dict[Path, int]:
    """Return the indexes that are saved, each with the highest row it has; of a damaged one anything."""
    found = {}
    for path, number in _saved(store):
        if not number.isdecimal():  # of a process that saves it now, or was killed while it did
            continue
        with suppress(OSError, ValueError, KeyError, TypeError), path.open("rb") as file:
            file.seek(_BEFORE)
            header = orjson.loads(file.read(int.from_bytes(file.read(4), "little")))
            file.seek(8 * (header["rows"] - 1), os.SEEK_CUR)
            found[path] = int.from_bytes(file.read(8), "little")
    return found


def _saved(store: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file of an index, and what its name ends with: a number, and more while it is written."""
    beginning = f"{store.name}-index-"
    for path in store.parent.glob(f"{escape(beginning)}*"):
        yield path, path.name.removeprefix(beginning)


def _pieces(vectors: Matrix) -> Iterator[memoryview]:
    """The bytes of vectors, some at a time."""
    if vectors.size:
        whole = vectors.data.cast("B")
        for start in range(0, len(whole), _PIECE):
            yield whole[start : start + _PIECE]


def _vectors(file: BinaryIO, shape: tuple[int, int], checksums: list[int]) -> Matrix | None:
    """Read vectors; None if they are not all there, or are not what was written."""
    vectors = np.empty(shape, np.float32)
    for piece, checksum in zip(_pieces(vectors), checksums, strict=True):
        if file.readinto(piece) != len(piece) or crc32(piece) != checksum:  # type: ignore[attr-defined]
            return None
    return vectors


def _digest(file: BinaryIO) -> bytes:
    """The digest of as much of what follows as the file says."""
    left = int.from_bytes(file.read(_LENGTH), "little")
    digest = hashlib.blake2b(digest_size=_DIGEST)
    while left and (piece := file.read(min(left, _PIECE))):
        digest.update(piece)
        left -= len(piece)
    return digest.digest()


def _identity(info: CollectionInfo, settings: IndexMaker, *, lean: bool) -> dict[str, Any]:  # Any: JSON values
    """What an index must have been made for to be used."""
    import faiss

    return {
        "faiss": faiss.__version__,
        "created": info.created_at.isoformat(),
        "dimension": info.dimension,
        "metric": info.metric.value,
        "kind": type(settings).__name__,
        "settings": asdict(settings),
        "lean": lean,
    }
