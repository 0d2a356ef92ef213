"""What the collection holds already: which files, whether wholly, and the vectors that can be used again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal, Protocol

from onevec.batches import Matrix
from onevec.documents import CollectionInfo, Document, Page, Vector, WriteReport
from onevec.errors import UnsupportedFilter
from onevec.filters import Filter, FilterLike, all_of, any_of
from onevec.filters import field as metadata_field
from onevec.ingest.pieces import chunk_id

LOOK_AHEAD = 1000
_PAGE = 1000
_IDS_AT_ONCE = 500
_PATHS_IN_FILTER = 100


class Target(Protocol):
    """The calls of a collection that ingest makes."""

    async def info(self) -> CollectionInfo: ...

    async def embed(self, texts: Sequence[str], /) -> Matrix: ...

    async def upsert(
        self, documents: Sequence[Document], /, *, on_failure: Literal["raise", "report"]
    ) -> WriteReport: ...

    async def update(self, documents: Sequence[dict[str, Any]], /) -> WriteReport: ...  # Any: a document's fields

    async def get_many(self, ids: Iterable[str], /, *, include_vectors: bool) -> list[Document]: ...

    async def delete(self, *, filter: FilterLike) -> int: ...

    async def count(self, filter: FilterLike, /) -> int: ...

    async def page(self, *, limit: int, cursor: str | None, filter: FilterLike, include_vectors: bool) -> Page: ...


@dataclass(slots=True)
class StoredFile:
    """What the collection holds of one file.

    Attributes:
        hashes: The versions that its documents are of; several after an ingest that was interrupted.
        chunks: How many documents it has.
        expected: How many its commit mark says it has, or None without a mark.
    """

    hashes: set[str] = field(default_factory=set)
    chunks: int = 0
    expected: int | None = None

    def is_whole(self, file_hash: str) -> bool:
        """Return whether all of this version is there, and nothing of another one."""
        return self.hashes == {file_hash} and self.expected == self.chunks


def of_file(path: str, *more: Filter) -> Filter:
    """Return the filter for the documents that ingest made of a file; a program's own may have a `path`, too."""
    return all_of(metadata_field("path") == path, metadata_field("file_hash").exists(), *more)


def of_files(paths: Sequence[str]) -> Filter:
    """Return the filter for the documents that ingest made of these files."""
    return metadata_field("path").is_in(paths) & metadata_field("file_hash").exists()


async def stored_files(target: Target, *, files: Sequence[str], folders: Sequence[str]) -> dict[str, StoredFile]:
    """Return what the collection holds of these files and of all files in these folders, by path."""
    by_place = _places(files, folders)
    try:
        return await _scanned(target, by_place, folders, frozenset(files))
    except UnsupportedFilter:  # not every engine has starts_with
        return await _scanned(target, metadata_field("path").exists(), folders, frozenset(files))


class OldVectors:
    """The vectors of a file's old version, by the hash of their text.

    They are read some way ahead of where new chunks are written, and kept for a while: a paragraph put in at the top of
    a file moves all its chunks by some places, and none has to be embedded again.
    """

    def __init__(self, target: Target, path: str) -> None:
        self._target = target
        self._path = path
        self._next = 0
        self._ended = False
        self._vectors: OrderedDict[str, Vector] = OrderedDict()

    async def read_to(self, number: int) -> None:
        """Have the vectors of the chunks around this place."""
        while not self._ended and self._next < number + LOOK_AHEAD:
            ids = [chunk_id(self._path, next) for next in range(self._next, self._next + _IDS_AT_ONCE)]
            found = await self._target.get_many(ids, include_vectors=True)
            self.keep(document for document in found if document.metadata.get("path") == self._path)
            self._next += _IDS_AT_ONCE
            self._ended = not found

    def keep(self, documents: Iterable[Document]) -> None:
        """Remember the vectors of documents that are about to be replaced."""
        for document in documents:
            hash = document.metadata.get("chunk_hash")
            if isinstance(hash, str) and document.vector is not None:
                self._vectors[hash] = document.vector
                self._vectors.move_to_end(hash)
        while len(self._vectors) > 4 * LOOK_AHEAD:
            self._vectors.popitem(last=False)

    def get(self, hash: str) -> Vector | None:
        """Return the vector of the text with this hash, or None."""
        return self._vectors.get(hash)


def _places(files: Sequence[str], folders: Sequence[str]) -> Filter:
    path = metadata_field("path")
    prefixes = [_prefix(folder) for folder in folders]
    if len(files) > _PATHS_IN_FILTER or "" in prefixes:
        return path.exists()
    within = [path.starts_with(prefix) for prefix in prefixes]
    return any_of(path.is_in(files), *within) if files else any_of(*within)


async def _scanned(
    target: Target, places: Filter, folders: Sequence[str], files: frozenset[str]
) -> dict[str, StoredFile]:
    found: dict[str, StoredFile] = {}
    prefixes = tuple(map(_prefix, folders))
    filter = places & metadata_field("file_hash").exists()
    cursor: str | None = None
    while True:
        page = await target.page(limit=_PAGE, cursor=cursor, filter=filter, include_vectors=False)
        for document in page:
            metadata = document.metadata
            path, hash, expected = metadata.get("path"), metadata.get("file_hash"), metadata.get("file_chunks")
            if isinstance(path, str) and isinstance(hash, str) and (path in files or _is_within(path, prefixes)):
                stored = found.setdefault(path, StoredFile())
                stored.hashes.add(hash)
                stored.chunks += 1
                stored.expected = expected if isinstance(expected, int) else stored.expected
        cursor = page.cursor
        if cursor is None:
            return found


def _is_within(path: str, prefixes: tuple[str, ...]) -> bool:
    return path.startswith(tuple(filter(None, prefixes))) or ("" in prefixes and not PurePath(path).is_absolute())


def _prefix(folder: str) -> str:
    """What the paths of files in a folder start with; the working directory's are relative."""
    return "" if folder == "." else f"{folder.rstrip('/')}/"
