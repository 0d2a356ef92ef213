"""The namespaces that this process has searched, in memory, and how they catch up with the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

import apsw
import numpy as np
import orjson

from onevec import codec
from onevec.adapter import Place
from onevec.adapters.sqlite import indexes
from onevec.adapters.sqlite.checksums import HEAD, sum_of, sums_of, verify, verify_all, verify_ids, verify_vectors
from onevec.adapters.sqlite.collections import index_settings, namespace_number
from onevec.adapters.sqlite.failures import Undecodable
from onevec.adapters.sqlite.stored import StoredVectors
from onevec.adapters.sqlite.texts import stored_texts
from onevec.documents import CollectionInfo, Metadata
from onevec.local.choice import chosen
from onevec.local.space import SearchSpace
from onevec.local.text import TextIndex
from onevec.local.upkeep import IndexPolicy
from onevec.local.vectors import Elsewhere, Rows

# Rows that pass through at once while loading: few enough for the processor's cache.
_LOAD = 1024


@dataclass(slots=True)
class _Loaded:
    space: SearchSpace
    restored: Rows | None = None  # those that a saved index covers and are here
    version: int = -1  # the file's data version that the space is at
    last_row: int = 0
    last_gone: int = 0


class Spaces:
    """What is loaded, by namespace number. All calls are made inside one read transaction, by one thread at a time."""

    def __init__(self, file: Path, *, read_only: bool, policy: IndexPolicy | None) -> None:
        self._file = file
        self._read_only = read_only
        self._policy = policy
        self._loaded: dict[int, _Loaded] = {}
        self._numbers: dict[tuple[str, datetime, str], int | None] = {}
        self._version = -1
        self._texts: dict[int, tuple[int, TextIndex]] = {}

    def number(self, connection: apsw.Connection, place: Place) -> int | None:
        """Return the number of a namespace, None if nothing was written to it yet.

        Raises:
            CollectionNotFound: The collection was deleted, or deleted and made again.
        """
        self._see(connection)
        key = _key(place)
        if key not in self._numbers:
            self._numbers[key] = namespace_number(connection, place)
        return self._numbers[key]

    def space(self, connection: apsw.Connection, place: Place, number: int) -> SearchSpace:
        """Return the search space of a namespace whose `number` was asked for in the same transaction, as of that."""
        loaded = self._loaded.get(number)
        if loaded is None:
            loaded = self._loaded[number] = self._new(connection, place.collection, number)
        if loaded.version != self._version:
            loaded.space.follow(self._policy_of(connection, place.collection))
            try:
                self._catch_up(connection, number, loaded)
            except BaseException:
                self._loaded.pop(number).space.close()
                raise
            loaded.version = self._version
        return loaded.space

    def current(self, connection: apsw.Connection, place: Place) -> SearchSpace | None:
        """Return the search space of a namespace if it is loaded and has nothing to catch up with."""
        self._see(connection)
        number = self._numbers.get(_key(place))
        loaded = None if number is None else self._loaded.get(number)
        return loaded.space if loaded is not None and loaded.version == self._version else None

    @property
    def version(self) -> int:
        """The version of the file's content that was seen last."""
        return self._version

    def is_at(self, connection: apsw.Connection, version: int) -> bool:
        """Whether the file's content has this version."""
        self._see(connection)
        return self._version == version

    def texts(self, connection: apsw.Connection, number: int) -> TextIndex:
        """Return an index of the texts in memory, for a file whose own can't be brought up to date."""
        version, index = self._texts.get(number, (-1, None))
        if index is None or version != self._version:
            index = TextIndex(apsw.Connection(":memory:"), "texts")
            index.create()
            index.add(stored_texts(connection, number))
            self._texts[number] = (self._version, index)
        return index

    def drop_deleted(self, connection: apsw.Connection) -> None:
        """Let go of the namespaces that the file no longer has."""
        kept = {number for (number,) in connection.execute("SELECT number FROM namespaces")}
        for number in self._loaded.keys() - kept:
            self._loaded.pop(number).space.close()
        if not self._read_only:
            indexes.drop(self._file, kept)

    def forget(self, number: int) -> None:
        """Let go of what one namespace has in memory; the next search reads it anew."""
        loaded = self._loaded.pop(number, None)
        if loaded is not None:
            loaded.space.close()

    def memory_bytes(self, number: int | None) -> int:
        """Bytes that one namespace takes; 0 if it isn't loaded."""
        loaded = None if number is None else self._loaded.get(number)
        return loaded.space.memory_bytes if loaded else 0

    def close(self) -> None:
        """Stop what goes on in the background."""
        for loaded in self._loaded.values():
            loaded.space.close()

    def _new(self, connection: apsw.Connection, info: CollectionInfo, number: int) -> _Loaded:
        policy, path = self._policy_of(connection, info), indexes.path_of(self._file, number)
        stored = StoredVectors(self._file, connection, info.dimension)
        save = partial(indexes.save, path, info, stored.checksums_by_itself)
        space = SearchSpace(
            info.dimension,
            info.metric,
            partial(_metadata, connection),
            policy,
            on_built=None if self._read_only else save,
            elsewhere=Elsewhere(stored.in_transaction, stored.by_itself),
        )
        loaded = _Loaded(space)
        if policy is not None and space.has_indexes and path.exists():
            saved = indexes.load(path, info, policy.settings, lean=policy.lean)
            if saved is not None:
                here = rows_to(connection, number, saved.rows)
                if saved.fits(connection, number, here):
                    space.restore(saved.plan, saved.rows, saved.vectors)
                    loaded.restored = here
        return loaded

    def _policy_of(self, connection: apsw.Connection, info: CollectionInfo) -> IndexPolicy | None:
        """When and how the indexes of a collection are built, by what `create_index` recorded; None for never."""
        settings = index_settings(connection, info.name)
        if settings is None or self._policy is None:
            return self._policy
        # Asked for by name, bytes are to save memory, too.
        lean = settings.quantization == "int8"
        makers = chosen(settings, info.dimension)
        return replace(self._policy, settings=makers, lean=lean) if makers else None

    def _see(self, connection: apsw.Connection) -> None:
        """Note the version of the file's content; what was remembered of another one is forgotten."""
        version: int = connection.pragma("data_version")
        if version != self._version:
            self._version = version
            self._numbers.clear()

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
        everything = loaded.last_row == 0
        if everything and loaded.restored is not None:
            space.revive(loaded.restored)
            loaded.last_row, loaded.restored = int(space.table.rows[-1]), None
            everything = False
        if everything:
            space.table.expect(sums_of(connection, number).documents)
        new = connection.execute(
            "SELECT row, vector, vector_checksum, checksum FROM documents WHERE namespace = ? AND row > ? ORDER BY row",
            (number, loaded.last_row),
        )
        count = contents = 0
        while part := list(islice(new, _LOAD)):
            rows, vectors, vector_checksums, checksums = zip(*part, strict=True)
            verify_vectors(rows, vectors, vector_checksums)
            if list(rows) != sorted(rows) or rows[0] <= loaded.last_row:
                raise Undecodable(f"rows {rows[0]} to {rows[-1]} of documents are out of order")
            if set(map(len, vectors)) != {space.table.dimension * 4}:
                raise Undecodable(
                    f"a vector among rows {rows[0]} to {rows[-1]} has not {space.table.dimension} numbers"
                )
            space.read(rows, np.frombuffer(b"".join(vectors), "<f4").reshape(len(rows), -1))
            loaded.last_row = rows[-1]
            count += len(rows)
            contents += sum_of(checksums)
        if everything:
            verify_all(connection, number, count, contents)


def _key(place: Place) -> tuple[str, datetime, str]:
    return place.collection.name, place.collection.created_at, place.namespace


def rows_to(connection: apsw.Connection, number: int, rows: Rows) -> Rows:
    """Return the rows of a namespace up to the last of these, ascending.

    Raises:
        Undecodable: The ids that the namespace has are not those that were written.
    """
    here = verify_ids(connection, number)
    return here[: here.searchsorted(rows[-1], side="right")]


def _metadata(connection: apsw.Connection, rows: Rows | Sequence[int]) -> Iterator[tuple[int, Metadata]]:
    wanted = orjson.dumps(np.asarray(rows).tolist()).decode()
    found = 0
    for head in connection.execute(
        f"SELECT {HEAD} FROM documents WHERE row IN (SELECT value FROM json_each(?))", (wanted,)
    ):
        verify(head)
        found += 1
        yield head[0], codec.decode(head[-1])
    if found != len(rows):
        raise Undecodable(f"{len(rows) - found} of {len(rows)} rows of documents are missing")
