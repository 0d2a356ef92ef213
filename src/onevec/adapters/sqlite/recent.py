"""The documents that searches found lately: one that is found again is not read from the file again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from onevec import codec
from onevec.adapter import Found
from onevec.documents import Document

# Of each half. The hits of a few thousand different searches.
_BYTES = 8 * 2**20

# What a kept document takes beside its text and metadata, about.
_OBJECTS = 500


class _Kept(NamedTuple):
    id: str
    text: str | None
    metadata: str  # as JSON, since every hit gets metadata of its own
    created_at: datetime | None
    updated_at: datetime | None


class RecentDocuments:
    """Documents by row, without their vectors.

    None of them gets old: a document that is replaced or updated gets a new row, and no row is given twice.

    There are two halves. What is found goes to the young one; when that is full it becomes the old one, whose documents
    are forgotten but for those found meanwhile. Threads take turns: the caller holds the lock of the reads.
    """

    def __init__(self, half_bytes: int = _BYTES) -> None:
        self._half_bytes = half_bytes
        self._young: dict[int, _Kept] = {}
        self._old: dict[int, _Kept] = {}
        self._young_bytes = 0

    def find(self, row: int) -> Document | None:
        """Return the document of a row, None if it isn't here."""
        kept = self._young.get(row)
        if kept is None:
            kept = self._old.pop(row, None)
            if kept is None:
                return None
            self._keep(row, kept)
        id, text, metadata, created_at, updated_at = kept
        return Document(id, text=text, metadata=codec.decode(metadata), created_at=created_at, updated_at=updated_at)

    def found(self, values: Mapping[int, float]) -> list[Found] | None:
        """Return the documents of rows, each with its distance or score; None if one of them isn't here."""
        some = []
        for row, value in values.items():
            document = self.find(row)
            if document is None:
                return None
            some.append((document, value))
        return some

    def keep(self, row: int, document: Document, metadata: str) -> None:
        """Keep a document that was read from the file and verified.

        Args:
            row: Its row.
            document: The document.
            metadata: Its metadata as the file has it.
        """
        self._keep(row, _Kept(document.id, document.text, metadata, document.created_at, document.updated_at))

    def _keep(self, row: int, kept: _Kept) -> None:
        if self._young_bytes > self._half_bytes:
            self._young, self._old, self._young_bytes = {}, self._young, 0
        self._young[row] = kept
        self._young_bytes += _OBJECTS + len(kept.metadata) + (0 if kept.text is None else len(kept.text))
