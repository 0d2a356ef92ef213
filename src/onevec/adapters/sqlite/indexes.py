"""Indexes saved beside the file: a cache, checked before it is read, that can be deleted at any time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from glob import escape
from pathlib import Path
from typing import BinaryIO

import numpy as np
import orjson

from onevec.documents import CollectionInfo
from onevec.local.index import IndexMaker
from onevec.local.planner import Plan
from onevec.local.vectors import Rows

_MAGIC = b"onevec index 1\n"
_DIGEST = 32
_PIECE = 2**20


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


def save(path: Path, info: CollectionInfo, plan: Plan, rows: Rows) -> None:
    """Write an index; a reader sees the old file or the new one. On a full disk there is none."""
    header = orjson.dumps({**_identity(info, plan.index.settings), "plan": plan.measured(), "rows": len(rows)})
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    digest = hashlib.blake2b(digest_size=_DIGEST)
    try:
        with beside.open("wb") as file:

            def write(piece: bytes) -> None:
                digest.update(piece)
                file.write(piece)

            file.write(_MAGIC + bytes(_DIGEST))
            write(len(header).to_bytes(4, "little") + header)
            write(rows.astype("<i8").tobytes())
            plan.index.write(write)
            file.seek(len(_MAGIC))
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        for stray in path.parent.glob(f"{escape(path.name)}.*"):  # of a process that was killed while it saved
            stray.unlink(missing_ok=True)
    except OSError:
        beside.unlink(missing_ok=True)


def load(path: Path, info: CollectionInfo, settings: Sequence[IndexMaker]) -> tuple[Plan, Rows] | None:
    """Return an index that was saved and the rows of its slots; None if there is none, or none to be trusted.

    Args:
        path: Where.
        info: The collection.
        settings: It was made by one of these.
    """
    try:
        with path.open("rb") as file:
            # FAISS trusts what it reads: damaged bytes could make it write outside its memory.
            if file.read(len(_MAGIC)) != _MAGIC or file.read(_DIGEST) != _digest_of_rest(file):
                return None
            file.seek(len(_MAGIC) + _DIGEST)
            header = orjson.loads(file.read(int.from_bytes(file.read(4), "little")))
            made = next((one for one in settings if _identity(info, one).items() <= header.items()), None)
            if made is None:
                return None
            rows = np.frombuffer(file.read(8 * header["rows"]), "<i8")
            index = made.make(info.dimension, info.metric, header["rows"]).read(file.read)
    except OSError:
        return None
    measured = header["plan"]
    measured["widths"] = tuple(map(tuple, measured["widths"]))
    return Plan(index, **measured), rows


def last_rows(store: Path) -> dict[Path, int]:
    """Return the indexes that are saved, each with the highest row it has; of a damaged one anything."""
    found = {}
    for path, number in _saved(store):
        if not number.isdecimal():  # of a process that saves it now, or was killed while it did
            continue
        with suppress(OSError, ValueError, KeyError, TypeError), path.open("rb") as file:
            file.seek(len(_MAGIC) + _DIGEST)
            header = orjson.loads(file.read(int.from_bytes(file.read(4), "little")))
            file.seek(8 * (header["rows"] - 1), os.SEEK_CUR)
            found[path] = int.from_bytes(file.read(8), "little")
    return found


def _saved(store: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file of an index, and what its name ends with: a number, and more while it is written."""
    beginning = f"{store.name}-index-"
    for path in store.parent.glob(f"{escape(beginning)}*"):
        yield path, path.name.removeprefix(beginning)


def _digest_of_rest(file: BinaryIO) -> bytes:
    digest = hashlib.blake2b(digest_size=_DIGEST)
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.digest()


def _identity(info: CollectionInfo, settings: IndexMaker) -> dict[str, object]:
    """What an index must have been made for to be used."""
    import faiss

    return {
        "faiss": faiss.__version__,
        "created": info.created_at.isoformat(),
        "dimension": info.dimension,
        "metric": info.metric.value,
        "kind": type(settings).__name__,
        "settings": asdict(settings),
    }
