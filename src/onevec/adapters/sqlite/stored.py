"""Vectors read from the file, for the rows whose vectors are not in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import numpy as np
import orjson

from onevec.adapters.sqlite import schema
from onevec.adapters.sqlite.checksums import verify_vectors
from onevec.adapters.sqlite.failures import Undecodable, mapped
from onevec.local.vectors import Matrix, Rows

# Rows whose checksums are read at once.
_PART = 8192


class StoredVectors:
    """Reads vectors by the rows they are in."""

    def __init__(self, path: Path, reader: apsw.Connection, dimension: int) -> None:
        self._path = path
        self._reader = reader
        self._dimension = dimension

    def in_transaction(self, rows: Rows) -> Matrix:
        """Return vectors in the transaction of the connection that reads; of rows that are not there, zeros."""
        return self._read(self._reader, rows)

    def by_itself(self, rows: Rows) -> Matrix:
        """Return vectors from another thread, whatever the connection that reads is doing."""
        with self._connection() as connection:
            return self._read(connection, rows)

    def checksums_by_itself(self, rows: Rows) -> Rows:
        """Return the checksums of the documents in ascending rows, from another thread; of those that are gone, 0."""
        checksums = np.zeros(len(rows), np.int64)
        with self._connection() as connection:
            for start in range(0, len(rows), _PART):
                part = rows[start : start + _PART]
                found = connection.execute(
                    "SELECT row, checksum FROM documents WHERE row IN (SELECT value FROM json_each(?))",
                    (orjson.dumps(part.tolist()).decode(),),
                ).fetchall()
                if found:
                    here, known = zip(*found, strict=True)
                    checksums[start + part.searchsorted(np.array(here, np.int64))] = known
        return checksums

    def _read(self, connection: apsw.Connection, rows: Rows) -> Matrix:
        wanted, places = np.unique(rows, return_inverse=True)
        found = connection.execute(
            "SELECT row, vector, vector_checksum FROM documents WHERE row IN (SELECT value FROM json_each(?))",
            (orjson.dumps(wanted.tolist()).decode(),),
        ).fetchall()
        vectors = np.zeros((len(wanted), self._dimension), np.float32)
        if found:
            here, blobs, checksums = zip(*found, strict=True)
            verify_vectors(here, blobs, checksums)
            if set(map(len, blobs)) != {self._dimension * 4}:
                raise Undecodable(f"a vector among rows {here[0]} to {here[-1]} has not {self._dimension} numbers")
            known = np.frombuffer(b"".join(blobs), "<f4").reshape(len(here), -1)
            vectors[wanted.searchsorted(np.array(here, np.int64))] = known
        return vectors[places]

    @contextmanager
    def _connection(self) -> Iterator[apsw.Connection]:
        with mapped(self._path), closing(schema.connect(self._path, read_only=True, busy_timeout=5.0)) as connection:
            yield connection
