"""What a SQLite file can have done to it, by `store.do(...)`."""

# ruff: noqa: SLF001 (the texts are made of constants and numbers; operations are a part of the adapter)

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import apsw

from onevec.adapter import Place
from onevec.adapters.sqlite import indexes, texts
from onevec.adapters.sqlite.collections import namespace_number
from onevec.adapters.sqlite.failures import mapped
from onevec.errors import ReadOnly
from onevec.operations import Operation, found

if TYPE_CHECKING:
    from pathlib import Path

    from onevec.adapters.sqlite import SqliteAdapter

__all__ = ["Rebuild", "SizeReport", "Sizes", "Vacuum"]


@dataclass(frozen=True, slots=True)
class SizeReport:
    """Where the bytes of a store are; all collections and namespaces together.

    Attributes:
        file: The file.
        free: What of it is free, and given back by `Vacuum`.
        log: The WAL beside the file.
        indexes: The saved indexes beside the file.
        vectors: The vectors, which are in the file, as are the next three.
        texts: The texts, in UTF-8.
        metadata: The metadata, as JSON.
        text_index: The full-text indexes.
    """

    file: int
    free: int
    log: int
    indexes: int
    vectors: int
    texts: int
    metadata: int
    text_index: int


@dataclass(frozen=True, slots=True)
class Sizes(Operation[SizeReport]):
    """Say where the bytes of the store are. It reads the lengths of all documents."""

    engine: ClassVar[str] = "sqlite"

    async def run(self, adapter: SqliteAdapter) -> SizeReport:
        return await adapter._read(_sizes, adapter._file.path)


@dataclass(frozen=True, slots=True)
class Vacuum(Operation[int]):
    """Write the file anew without its free pages, and empty the WAL; return how many bytes the disk got back.

    Reads go on meanwhile, writes wait. It takes as much free space as the file has.
    """

    engine: ClassVar[str] = "sqlite"

    async def run(self, adapter: SqliteAdapter) -> int:
        return await adapter._io.offload(_vacuum, adapter)


@dataclass(frozen=True, slots=True)
class Rebuild(Operation[None]):
    """Make the full-text index and the index of a namespace anew, from its documents.

    Attributes:
        collection: The collection.
        namespace: The namespace.
    """

    collection: str
    namespace: str = ""

    engine: ClassVar[str] = "sqlite"

    async def run(self, adapter: SqliteAdapter) -> None:
        place = Place(found(await adapter.collection(self.collection), self.collection), self.namespace)
        await adapter._write(_index_texts, place)
        await adapter._read(_forget_index, adapter, place)
        await adapter.optimize(place)


def _sizes(connection: apsw.Connection, path: Path) -> SizeReport:
    free = int(str(connection.pragma("freelist_count"))) * int(str(connection.pragma("page_size")))
    vectors, contents, metadata = connection.execute(
        "SELECT coalesce(sum(length(vector)), 0), coalesce(sum(octet_length(text)), 0), "
        "coalesce(sum(octet_length(metadata)), 0) FROM documents"
    ).get
    indexes = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'texts_[0-9]*_data'"
    ).fetchall()
    return SizeReport(
        file=path.stat().st_size,
        free=free,
        log=_size(path.with_name(f"{path.name}-wal")),
        indexes=sum(_size(one) for one in path.parent.glob(f"{path.name}-index-*")),
        vectors=vectors,
        texts=contents,
        metadata=metadata,
        text_index=sum(
            connection.execute(f"SELECT coalesce(sum(length(block)), 0) FROM {name}").get for (name,) in indexes
        ),
    )


def _vacuum(adapter: SqliteAdapter) -> int:
    file = adapter._file
    if file.read_only:
        raise ReadOnly(f"{file.path} was opened with read_only=True; open it again without")
    before = file.bytes_on_disk()
    with mapped(file.path), file._writes:
        file.client.execute("VACUUM")
    file.checkpoint()
    return max(0, before - file.bytes_on_disk())


def _index_texts(connection: apsw.Connection, place: Place) -> None:
    number = namespace_number(connection, place)
    if number is not None:
        texts.catch_up(connection, number, anew=True)


def _forget_index(connection: apsw.Connection, adapter: SqliteAdapter, place: Place) -> None:
    number = adapter._spaces.number(connection, place)
    if number is not None:
        adapter._spaces.forget(number)
        indexes.path_of(adapter._file.path, number).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
