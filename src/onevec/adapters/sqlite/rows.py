"""A document as a row: with its checksums when it is written, compared with them when it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, TypeAlias

import apsw
import numpy as np

from onevec import codec
from onevec.adapters.sqlite.checksums import (
    HEAD,
    Sums,
    of_document,
    of_id,
    of_text,
    of_vector,
    verify,
    verify_text,
    verify_vector,
)
from onevec.adapters.sqlite.failures import Undecodable
from onevec.documents import Document
from onevec.values import moment_at

# A document to be written: id, text, metadata, created, updated, vector. A plain tuple, as most of writing is Python.
New: TypeAlias = tuple[str, str | None, str, int, int, bytes]


def insert(connection: apsw.Connection, namespace: int, documents: Iterable[New]) -> None:
    """Write documents whose ids are not there, inside a write transaction."""
    sums = Sums()
    first: int = connection.execute(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'documents'), 0) + 1"
    ).get
    connection.executemany(
        f"INSERT INTO documents ({HEAD}, text, vector) VALUES ({'?, ' * 10}?)",
        with_checksums(namespace, zip(count(first), documents), sums),
    )
    sums.add_to(connection, namespace)


def with_checksums(namespace: int, documents: Iterable[tuple[int, New]], sums: Sums) -> Iterator[tuple[object, ...]]:
    """Yield what each document is as a row, and add them to the sums."""
    number = ids = contents = 0
    for row, (id, text, metadata, created, updated, vector) in documents:
        text_checksum, vector_checksum = of_text(text), of_vector(row, vector)
        checksum = of_document((row, namespace, None, text_checksum, vector_checksum, created, updated, id, metadata))
        number += 1
        ids += of_id(row, id)
        contents += checksum
        yield row, namespace, checksum, text_checksum, vector_checksum, created, updated, id, metadata, text, vector
    sums.documents += number
    sums.ids += ids
    sums.contents += contents


def columns(*, include_vectors: bool) -> str:
    """The columns that `document` takes."""
    return f"{HEAD}, text, {'vector' if include_vectors else 'NULL'}"


def metadata_of(row: tuple[Any, ...]) -> str:  # Any: the columns of `columns`
    """Return a document's metadata as JSON."""
    metadata: str = row[8]
    return metadata


def document(row: tuple[Any, ...], *, include_vectors: bool) -> Document:  # Any: the columns of `columns`
    """Return the document of a row.

    Raises:
        Undecodable: It is not what was written.
    """
    number, _, _, text_checksum, vector_checksum, created, updated, id, metadata, text, vector = row
    verify(row[:9])
    verify_text(number, text, text_checksum)
    if include_vectors:
        verify_vector(number, vector, vector_checksum)
    try:
        return Document(
            id,
            text=text,
            vector=np.frombuffer(vector, "<f4").copy() if include_vectors else None,
            metadata=codec.decode(metadata),
            created_at=moment_at(created),
            updated_at=moment_at(updated),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise Undecodable(f"document {id!r}: {error}") from error
