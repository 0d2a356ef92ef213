"""Checksums of what the file holds: made when it is written, compared when it is read.

SQLite has none, outside its WAL, so a page that is damaged, or is an older copy of itself, can read as other documents,
or as none. Here a document has a checksum, a namespace has sums over its documents, which show what is missing and
what is too much, and `seal` has a checksum over all namespaces (see seal.py), which shows a file put together from two
states. All are CRC-32, which misses one random change in 2**32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from struct import Struct
from struct import error as StructError  # noqa: N812 (a class)
from typing import Any
from zlib import crc32

import apsw
import numpy as np

from onevec.adapters.sqlite.failures import Undecodable
from onevec.local.vectors import Rows

# A document without its text and vector, in the order that `verify` takes.
HEAD = "row, namespace, checksum, text_checksum, vector_checksum, created, updated, id, metadata"

# Files up to this size are read through where that is the only way to find a damage; it takes some tenths of a second.
CHECKED_BYTES = 64 * 2**20

_PART = 8192
_NUMBERS = Struct("<7q").pack

# What comes of it if a damaged column is not even of the type that was written.
_OTHER_TYPES = (TypeError, AttributeError, StructError)


def of_text(text: str | None) -> int:
    """Return the checksum of a text, -1 for none."""
    return -1 if text is None else crc32(text.encode())


def of_vector(row: int, vector: bytes) -> int:
    """Return the checksum of a row's vector."""
    return crc32(vector, row)


def of_id(row: int, id: str) -> int:
    """Return the checksum of what an index entry says: which row has an id."""
    return crc32(id.encode(), row)


def of_document(head: tuple[Any, ...]) -> int:  # Any: the columns of HEAD
    """Return the checksum of a document: of the columns of HEAD but for the checksum, which may be anything."""
    row, namespace, _, text, vector, created, updated, id, metadata = head
    return crc32(metadata.encode(), crc32(_NUMBERS(row, namespace, text, vector, created, updated, of_id(row, id))))


def verify(head: tuple[Any, ...]) -> None:  # Any: as above
    """Compare the columns of HEAD with their checksum.

    Raises:
        Undecodable: They are not what was written.
    """
    try:
        if of_document(head) == head[2]:
            return
    except _OTHER_TYPES:
        pass
    raise Undecodable(f"row {head[0]} of documents is not what was written")


def verify_text(row: int, text: Any, checksum: int) -> None:  # Any: a text, or whatever is in a damaged file
    """Compare a text with its checksum.

    Raises:
        Undecodable: It is not what was written.
    """
    try:
        if of_text(text) == checksum:
            return
    except _OTHER_TYPES:
        pass
    raise Undecodable(f"the text in row {row} of documents is not what was written")


def verify_vector(row: int, vector: Any, checksum: int) -> None:  # Any: a vector, or whatever is in a damaged file
    """Compare a vector with its checksum.

    Raises:
        Undecodable: It is not what was written.
    """
    try:
        if of_vector(row, vector) == checksum:
            return
    except _OTHER_TYPES:
        pass
    raise Undecodable(f"the vector in row {row} of documents is not what was written")


def verify_vectors(rows: Sequence[int], vectors: Sequence[bytes], checksums: Sequence[int]) -> None:
    """Compare vectors with their checksums.

    Raises:
        Undecodable: One is not what was written.
    """
    try:
        made = tuple(map(crc32, vectors, rows))  # as `of_vector`; crc32 takes the low 32 bits of a row by itself
    except _OTHER_TYPES:
        made = ()
    if made != tuple(checksums):
        raise Undecodable(f"a vector in rows {rows[0]} to {rows[-1]} of documents is not what was written")


def sum_of(checksums: Sequence[Any]) -> int:  # Any: as above
    """Return the sum of checksums.

    Raises:
        Undecodable: One is not even a number.
    """
    if set(map(type, checksums)) - {int}:
        raise Undecodable("a checksum in documents is not a number")
    return sum(checksums)


@dataclass(slots=True)
class Sums:
    """Sums over the documents of a namespace.

    Attributes:
        documents: How many.
        ids: The sum of `of_id`.
        contents: The sum of `of_document`.
    """

    documents: int = 0
    ids: int = 0
    contents: int = 0

    def count(self, row: int, id: str, checksum: int, *, sign: int = 1) -> None:
        """Take a document in, or out again with the sign -1."""
        self.documents += sign
        self.ids += sign * of_id(row, id)
        self.contents += sign * checksum

    def add_to(self, connection: apsw.Connection, namespace: int) -> None:
        """Add these to what the namespace has, inside a write transaction."""
        connection.execute(
            "UPDATE namespaces SET documents = documents + ?, ids = ids + ?, contents = contents + ? WHERE number = ?",
            (self.documents, self.ids, self.contents, namespace),
        )


def sums_of(connection: apsw.Connection, namespace: int) -> Sums:
    """Return the sums that a namespace is said to have."""
    return Sums(
        *connection.execute("SELECT documents, ids, contents FROM namespaces WHERE number = ?", (namespace,)).get
    )


def verify_ids(connection: apsw.Connection, namespace: int) -> Rows:
    """Compare both indexes of a namespace's documents with its sums, and in small files the documents' checksums, too.

    That the indexes are what the sums say shows each damage of them. Only a file that was put together from two states
    can have the indexes and the sums of one, and the documents of another; to show that takes to read all of it.

    Returns:
        The namespace's rows, ascending.

    Raises:
        Undecodable: They have not the rows and ids that were written.
    """
    expected = sums_of(connection, namespace)
    found = Sums()
    here: list[Rows] = [np.empty(0, np.int64)]
    last = ""
    entries = connection.execute("SELECT row, id FROM documents WHERE namespace = ? ORDER BY id", (namespace,))
    while part := list(islice(entries, _PART)):
        rows, ids = zip(*part, strict=True)
        try:
            in_order = last <= ids[0] and list(ids) == sorted(ids)
            found.ids += sum(map(crc32, map(str.encode, ids), rows))  # as `of_id`
        except _OTHER_TYPES:
            in_order = False
        if not in_order:
            raise Undecodable("the ids in the index are not in order")
        last = ids[-1]
        found.documents += len(part)
        here.append(np.array(rows, np.int64))
    if (found.documents, found.ids) != (expected.documents, expected.ids):
        raise Undecodable(f"{expected.documents} ids were written, and the index has not those")
    _verify_index(connection, namespace)
    pages, size = connection.pragma("page_count"), connection.pragma("page_size")
    if int(str(pages)) * int(str(size)) <= CHECKED_BYTES:
        count, contents = connection.execute(
            "SELECT count(*), coalesce(sum(checksum), 0) FROM documents WHERE namespace = ?", (namespace,)
        ).get
        verify_all(connection, namespace, count, contents)
    return np.sort(np.concatenate(here))


def verify_contents(connection: apsw.Connection, namespace: int) -> None:
    """Read all documents of a namespace but for texts and vectors, and compare them with its sums.

    Raises:
        Undecodable: They are not those that were written.
    """
    count = contents = 0
    for head in connection.execute(f"SELECT {HEAD} FROM documents WHERE namespace = ?", (namespace,)):
        verify(head)
        count += 1
        contents += head[2]
    verify_all(connection, namespace, count, contents)


def verify_everything(connection: apsw.Connection, namespace: int) -> None:
    """Read all documents of a namespace and compare them, and its indexes, with its sums.

    Raises:
        Undecodable: They are not those that were written.
    """
    verify_ids(connection, namespace)
    verify_contents(connection, namespace)
    found = connection.execute(
        "SELECT row, text, vector, text_checksum, vector_checksum FROM documents WHERE namespace = ?", (namespace,)
    )
    for row, text, vector, text_checksum, vector_checksum in found:
        verify_text(row, text, text_checksum)
        verify_vector(row, vector, vector_checksum)


def verify_all(connection: apsw.Connection, namespace: int, count: int, contents: int) -> None:
    """Compare how many documents were read, and the sum of their checksums, with what the namespace is said to have.

    Raises:
        Undecodable: They are not all, or there are too many.
    """
    expected = sums_of(connection, namespace)
    if (count, contents) != (expected.documents, expected.contents):
        raise Undecodable(f"{expected.documents} documents were written, and the {count} found are not those")


def _verify_index(connection: apsw.Connection, namespace: int) -> None:
    """Compare the rows in the two indexes, which SQL can without Python: by a product that fits into 63 bits."""
    sums = "SELECT count(*), sum(row % 4294967291 * 2147483629 % 4294967291)"
    by_namespace = connection.execute(
        f"{sums} FROM documents INDEXED BY documents_namespace WHERE namespace = ?", (namespace,)
    ).get
    by_id = connection.execute(
        f"{sums} FROM (SELECT row FROM documents WHERE namespace = ? ORDER BY id LIMIT -1)", (namespace,)
    ).get
    if by_namespace != by_id:
        raise Undecodable("the index of rows by namespace has not the rows that were written")
