"""The writes of a collection, and what several of them come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from onevec.documents import CollectionInfo
from onevec.local.records import Record, Records
from onevec.local.vectors import Matrix


class Upserted(NamedTuple):
    """Documents were written. An update is this, too, with the documents as they are after it."""

    namespace: str
    records: Sequence[Record]
    vectors: Matrix


class Deleted(NamedTuple):
    """Documents were removed."""

    namespace: str
    ids: Sequence[str]


class Cleared(NamedTuple):
    """All documents of a namespace were removed."""

    namespace: str


Entry: TypeAlias = Upserted | Deleted | Cleared
Spaces: TypeAlias = dict[str, Records]


def apply(entry: Entry, spaces: Spaces, info: CollectionInfo) -> None:
    """Do a write to the namespaces of a collection."""
    match entry:
        case Upserted(namespace, records, vectors):
            if namespace not in spaces:
                spaces[namespace] = Records(info)
            spaces[namespace].write(records, vectors)
        case Deleted(namespace, ids):
            if space := spaces.get(namespace):
                space.remove(space.existing(ids, None))
        case Cleared(namespace):
            spaces.pop(namespace, None)


def weight(entry: Entry) -> int:
    """Return how many documents a write names."""
    match entry:
        case Upserted(_, records):
            return len(records)
        case Deleted(_, ids):
            return len(ids)
        case Cleared():
            return 1


def snapshot(spaces: Spaces) -> Iterator[Entry]:
    """Yield what makes these namespaces out of nothing: a write for each document, in the order of their ids."""
    for namespace in sorted(spaces):
        for record, vector in spaces[namespace].in_order():
            yield Upserted(namespace, [record], vector[np.newaxis])


class Changes:
    """What some writes, one after another, come to."""

    def __init__(self) -> None:
        self._cleared: set[str] = set()
        self._documents: dict[str, dict[str, tuple[Record, Matrix] | None]] = {}

    def add(self, entry: Entry) -> None:
        """Add the next write."""
        documents = self._documents.setdefault(entry.namespace, {})
        match entry:
            case Upserted(_, records, vectors):
                documents.update((record.id, (record, vector)) for record, vector in zip(records, vectors, strict=True))
            case Deleted(_, ids):
                documents.update(dict.fromkeys(ids))
            case Cleared(namespace):
                documents.clear()
                self._cleared.add(namespace)

    def entries(self) -> Iterator[Entry]:
        """Yield writes that come to the same, at most three for each namespace."""
        for namespace, documents in self._documents.items():
            if namespace in self._cleared:
                yield Cleared(namespace)
            yield Deleted(namespace, [id for id, document in documents.items() if document is None])
            kept = [document for document in documents.values() if document is not None]
            if kept:
                yield Upserted(namespace, [record for record, _ in kept], np.stack([vector for _, vector in kept]))
