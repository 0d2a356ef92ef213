"""Documents on their way into an engine and out of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha1
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from onevec.adapter import Batch, Change
from onevec.codec import decode
from onevec.documents import Document, Metadata
from onevec.errors import DocumentNotFound, OnevecError
from onevec.patch import merge_patch
from onevec.values import EPOCH, microseconds, moment_at

if TYPE_CHECKING:
    import numpy.typing as npt

_POINTS = uuid.UUID("6c1c3c5a-7f0b-5d0e-9a54-2b1c8b1f6b1d").bytes  # every stored id depends on it


class Row(NamedTuple):
    """A whole document to write; times are microseconds since 1970, the vector float32 of shape (dimension,)."""

    id: str
    text: str | None
    vector: npt.NDArray[np.float32]
    metadata: Metadata
    created: int
    updated: int


def undated(batch: Batch) -> list[str]:
    """Return the ids of the batch whose `created` is to stay what it was, if they are there already."""
    return [id for id, created in zip(batch.ids, batch.created, strict=True) if created is None]


def rows_of(batch: Batch, created: Mapping[str, int]) -> list[Row]:
    """Return the batch as rows.

    Args:
        batch: What is to be written.
        created: When those of the `undated` documents that are there were made, in microseconds since 1970.
    """
    columns = zip(batch.ids, batch.texts, batch.vectors, batch.metadata, batch.created, strict=True)
    return [
        Row(id, text, vector, metadata, created.get(id, batch.now) if since is None else since, batch.now)
        for id, text, vector, metadata, since in columns
    ]


def batch_of(rows: Sequence[Row], now: int) -> Batch:
    """Return rows, which are to be written now, as a batch."""
    return Batch(
        [row.id for row in rows],
        np.stack([row.vector for row in rows]),
        [row.text for row in rows],
        [row.metadata for row in rows],
        [row.created for row in rows],
        now,
    )


def patched(
    changes: Sequence[Change], documents: Iterable[Document], now: int
) -> tuple[list[Row], list[tuple[str, OnevecError]]]:
    """Return what changes come to, applied one after another: the rows to write, and the ids that aren't there.

    Args:
        changes: What `update` was asked for.
        documents: Those of the changed documents that are there, with their vectors.
        now: Microseconds since 1970.
    """
    rows = {document.id: _row(document) for document in documents}
    changed: dict[str, Row] = {}
    missing: list[tuple[str, OnevecError]] = []
    for change in changes:
        old = rows.get(change.id)
        if old is None:
            missing.append((change.id, DocumentNotFound(f"there is no document {change.id!r} to update")))
            continue
        rows[change.id] = changed[change.id] = old._replace(
            text=old.text if change.text is None else change.text,
            vector=old.vector if change.vector is None else change.vector,
            metadata=merge_patch(old.metadata, change.patch),
            updated=now,
        )
    return list(changed.values()), missing


def document_of(
    id: str,
    *,
    text: str | None,
    metadata: str,
    created: int,
    updated: int,
    vector: npt.NDArray[np.float32] | None,
) -> Document:
    """Return a document from what was stored of it; the metadata is the text that `onevec.codec.encode` made."""
    return Document(
        id,
        text=text,
        vector=vector,
        metadata=decode(metadata),
        created_at=moment_at(created),
        updated_at=moment_at(updated),
    )


def point_id(id: str, namespace: str) -> str:
    """Return a UUID for a document, for engines whose ids are UUIDs: another one for every id and namespace."""
    # As `uuid.uuid5`, in a quarter of its time. No id has a NUL.
    digits = sha1(_POINTS + f"{id}\0{namespace}".encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def _row(document: Document) -> Row:
    vector = np.asarray(document.vector, np.float32)
    times = [microseconds(moment or EPOCH) for moment in (document.created_at, document.updated_at)]
    return Row(document.id, document.text, vector, document.metadata, *times)
