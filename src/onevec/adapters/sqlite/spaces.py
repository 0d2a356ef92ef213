"""The namespaces that this process has searched, in memory, and how they catch up with the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import apsw
import numpy as np
import orjson

from onevec import codec
from onevec.adapter import Place
from onevec.adapters.sqlite import graphs
from onevec.adapters.sqlite.failures import Undecodable
from onevec.documents import CollectionInfo, Metadata
from onevec.errors import CollectionNotFound
from onevec.local.space import GraphPolicy, SearchSpace
from onevec.local.table import Rows
from onevec.local.text import TextIndex
from onevec.values import microseconds

# Rows read and appended at once while loading: keeps the copy that passes through small beside the matrix itself.
_LOAD = 8192


@dataclass(slots=True)
class _Loaded:
    space: SearchSpace
    version: int = -1  # the file's data version that the space is at
    last_row: int = 0
    last_gone: int = 0


class Spaces:
    """What is loaded, by namespace number. All calls are made inside one read transaction, by one thread at a time."""

    def __init__(self, file: Path, *, read_only: bool, policy: GraphPolicy | None) -> None:
        self._file = file
        self._read_only = read_only
        self._policy = policy
        self._loaded: dict[int, _Loaded] = {}
        self._numbers: dict[tuple[str, int, str], int | None] = {}
        self._version = -1
        self._texts: dict[int, tuple[int, TextIndex]] = {}

    def number(self, connection: apsw.Connection, place: Place) -> int | None:
        """Return the number of a namespace, None if nothing was written to it yet.

        Raises:
            CollectionNotFound: The collection was deleted, or deleted and made again.
        """
        self._see(connection)
        key = (place.collection.name, microseconds(place.collection.created_at), place.namespace)
        if key not in self._numbers:
            self._numbers[key] = namespace_number(connection, place)
        return self._numbers[key]

    def space(self, connection: apsw.Connection, place: Place, number: int) -> SearchSpace:
        """Return the namespace's search space, at the commit that the connection's transaction sees."""
        version = self._see(connection)
        loaded = self._loaded.get(number)
        if loaded is None:
            loaded = self._loaded[number] = self._new(connection, place.collection, number)
        if loaded.version != version:
            self._catch_up(connection, number, loaded)
            loaded.version = version
        return loaded.space

    def texts(self, connection: apsw.Connection, number: int) -> TextIndex:
        """Return an index of the texts in memory, for a file whose own can't be brought up to date."""
        version, index = self._texts.get(number, (-1, None))
        if index is None or version != self._see(connection):
            index = TextIndex(apsw.Connection(":memory:"), "texts")
            index.create()
            found = connection.execute(
                "SELECT row, text FROM documents WHERE namespace = ? AND text IS NOT NULL", (number,)
            )
            index.add((row, text) for row, text in found)
            self._texts[number] = (self._version, index)
        return index

    def drop_deleted(self, connection: apsw.Connection) -> None:
        """Let go of the namespaces that the file no longer has."""
        kept = {number for (number,) in connection.execute("SELECT number FROM namespaces")}
        for number in self._loaded.keys() - kept:
            self._loaded.pop(number).space.close()
            if not self._read_only:
                graphs.path_of(self._file, number).unlink(missing_ok=True)

    def memory_bytes(self, number: int | None) -> int:
        """Bytes that one namespace takes; 0 if it isn't loaded."""
        loaded = None if number is None else self._loaded.get(number)
        return loaded.space.memory_bytes if loaded else 0

    def close(self) -> None:
        """Stop what goes on in the background."""
        for loaded in self._loaded.values():
            loaded.space.close()

    def _new(self, connection: apsw.Connection, info: CollectionInfo, number: int) -> _Loaded:
        read = partial(_metadata, connection)
        if self._policy is None:
            return _Loaded(SearchSpace(info.dimension, info.metric, read))
        path, settings = graphs.path_of(self._file, number), self._policy.settings
        save = None if self._read_only else partial(graphs.save, path, info, settings)
        space = SearchSpace(info.dimension, info.metric, read, self._policy, save)
        saved = graphs.load(path, info, settings) if path.exists() and space.has_graphs else None
        if saved is not None:
            space.restore(*saved)
        return _Loaded(space)

    def _see(self, connection: apsw.Connection) -> int:
        """The version of the file's content; what was remembered of another one is forgotten."""
        version: int = connection.pragma("data_version")
        if version != self._version:
            self._version = version
            self._numbers.clear()
        return version

    def _catch_up(self, connection: apsw.Connection, number: int, loaded: _Loaded) -> None:
        space = loaded.space
        newest, cut = connection.execute("SELECT (SELECT max(seq) FROM gone), (SELECT seq FROM cut)").get
        if loaded.last_row and loaded.last_gone < cut:
            here = {row for (row,) in connection.execute("SELECT row FROM documents WHERE namespace = ?", (number,))}
            space.remove([row for row in space.matching(None).tolist() if row not in here])
        elif loaded.last_row:
            removed = connection.execute(
                "SELECT row FROM gone WHERE seq > ? AND namespace = ?", (loaded.last_gone, number)
            )
            space.remove([row for (row,) in removed])
        loaded.last_gone = max(newest or 0, cut)
        new = connection.execute(
            "SELECT row, vector FROM documents WHERE namespace = ? AND row > ? ORDER BY row", (number, loaded.last_row)
        )
        for rows, vectors in _parts(new):
            if set(map(len, vectors)) != {space.table.dimension * 4}:
                raise Undecodable(
                    f"a vector among rows {rows[0]} to {rows[-1]} has not {space.table.dimension} numbers"
                )
            space.read(rows, np.frombuffer(b"".join(vectors), "<f4").reshape(len(rows), -1))
            loaded.last_row = rows[-1]


def namespace_number(connection: apsw.Connection, place: Place) -> int | None:
    """Return the number of a namespace in the file, None if there is none.

    Raises:
        CollectionNotFound: The collection was deleted, or deleted and made again.
    """
    collection = collection_number(connection, place.collection)
    found = connection.execute(
        "SELECT number FROM namespaces WHERE collection = ? AND name = ?", (collection, place.namespace)
    ).fetchone()
    return found[0] if found else None


def collection_number(connection: apsw.Connection, info: CollectionInfo) -> int:
    """Return the number of a collection in the file.

    Raises:
        CollectionNotFound: It was deleted, or deleted and made again.
    """
    found = connection.execute(
        "SELECT number FROM collections WHERE name = ? AND created = ?", (info.name, microseconds(info.created_at))
    ).fetchone()
    if not found:
        raise CollectionNotFound(f"collection {info.name!r} was deleted; open or create it again")
    number: int = found[0]
    return number


def _parts(new: apsw.Cursor) -> Iterator[tuple[list[int], list[bytes]]]:
    rows: list[int] = []
    vectors: list[bytes] = []
    for row, vector in new:
        rows.append(row)
        vectors.append(vector)
        if len(rows) == _LOAD:
            yield rows, vectors
            rows, vectors = [], []
    if rows:
        yield rows, vectors


def _metadata(connection: apsw.Connection, rows: Rows | Sequence[int]) -> Iterator[tuple[int, Metadata]]:
    wanted = orjson.dumps(np.asarray(rows).tolist()).decode()
    found = connection.execute(
        "SELECT row, metadata FROM documents WHERE row IN (SELECT value FROM json_each(?))", (wanted,)
    )
    return ((row, codec.decode(text)) for row, text in found)
