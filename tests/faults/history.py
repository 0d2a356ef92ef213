"""The files of a store at some moments of its life, to be damaged, or mixed with those of another moment."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import apsw

import onevec
from onevec import Store

from .questions import SIZES, at, documents
from .soundness import FILE, url

Files: TypeAlias = Mapping[str, bytes]

WAL = f"{FILE}-wal"
SHM = f"{FILE}-shm"


@dataclass(frozen=True, slots=True)
class History:
    """What a folder held: after closing, and at acknowledged commits while the store was open.

    Attributes:
        closed: One file, and those of indexes.
        killed: The file, its WAL and its SHM; the first WAL frames come in all of those that follow.
        backfilled: The same, after a part of the WAL was copied into the file.
    """

    closed: list[Files]
    killed: list[Files]
    backfilled: list[Files]


def lived(folder: Path) -> History:
    """Write, delete, search, build indexes, close and open, and keep copies."""
    closed, killed, backfilled = [], [], []
    with opened(folder) as store:
        for name, metric in (("papers", "cosine"), ("wide", "dot")):
            store.create_collection(name, dimension=SIZES[name, ""][0], metric=metric)
        for place, (_, count) in SIZES.items():
            at(store, place).upsert(documents(place, range(count), 0))
            at(store, place).search("wing", mode="text")
            at(store, place).optimize()
    closed.append(files(folder))
    with opened(folder) as store:
        for place, (_, count) in SIZES.items():
            papers = at(store, place)
            papers.upsert(documents(place, range(count // 2), 1))
            papers.search("flap", mode="text")
            papers.delete(filter=f"n >= {count * 3 // 4}")
            papers.optimize()
    closed.append(files(folder))
    with opened(folder) as store:
        for version in (2, 3, 4):
            for place, (_, count) in SIZES.items():
                papers = at(store, place)
                papers.upsert(documents(place, range(version, count, 7), version))
                killed.append(files(folder))
            at(store, ("papers", "")).search("gust", mode="text")
            at(store, ("papers", "")).delete(filter=f"n = {version}")
            killed.append(files(folder))
    closed.append(files(folder))
    with opened(folder) as store, closing(apsw.Connection(str(folder / FILE))) as reader:
        papers = at(store, ("papers", ""))
        papers.upsert(documents(("papers", ""), range(20), 5))
        reader.execute("BEGIN; SELECT count(*) FROM seal").fetchall()  # keeps what follows from being copied
        for version in (6, 7):
            papers.upsert(documents(("papers", ""), range(version, 40), version))
            at(store, ("papers", "acme")).upsert(documents(("papers", "acme"), range(9), version))
            assert isinstance(store.client, apsw.Connection)
            store.client.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            backfilled.append(files(folder))
        reader.execute("COMMIT")
        assert isinstance(store.client, apsw.Connection)
        store.client.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        backfilled.append(files(folder))
        papers.upsert(documents(("papers", ""), range(30, 33), 8))
        backfilled.append(files(folder))
    closed.append(files(folder))
    return History(closed, killed, backfilled)


def opened(folder: Path) -> Store:
    return onevec.connect(url(folder), index_from=1)


def files(folder: Path) -> Files:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def put(folder: Path, held: Files) -> Path:
    """Make a folder that holds these files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in held.items():
        (folder / name).write_bytes(content)
    return folder


def pages(held: Files, folder: Path) -> dict[str, list[int]]:
    """The pages of a closed file by what they are: `documents leaf`, `texts internal`, `free`, ..."""
    connection = apsw.Connection(str(put(folder, held) / FILE))
    kinds: dict[str, list[int]] = {}
    rows: Any = connection.execute("SELECT pageno, name, pagetype FROM dbstat").fetchall()
    names = {number: f"{'texts' if name.startswith('texts_') else name} {kind}" for number, name, kind in rows}
    names[1] = "header"
    for number in range(1, int(str(connection.pragma("page_count"))) + 1):
        kinds.setdefault(names.get(number, "free"), []).append(number)
    connection.close()
    shutil.rmtree(folder)
    return kinds
