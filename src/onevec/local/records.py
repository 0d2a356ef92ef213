"""The documents of one namespace, all of them in memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from onevec.adapter import Batch, Change, Found, Request
from onevec.documents import CollectionInfo, Document, Metadata, Stats
from onevec.errors import DocumentNotFound, OnevecError
from onevec.filters import Filter
from onevec.local.builder import Build
from onevec.local.space import SearchSpace
from onevec.local.text import TextIndex, match_expression
from onevec.local.upkeep import IndexPolicy
from onevec.local.vectors import Matrix, Rows
from onevec.patch import copied, merge_patch
from onevec.values import moment_at


class Record(NamedTuple):
    """A document without its vector."""

    id: str
    text: str | None
    metadata: Metadata
    created: datetime
    updated: datetime

    def document(self, vector: Matrix | None = None) -> Document:
        id, text, metadata, created, updated = self
        return Document(id, text=text, vector=vector, metadata=copied(metadata), created_at=created, updated_at=updated)


class Ranking(NamedTuple):
    """The best rows of a text search, and what the documents were in when they were ranked."""

    state: object
    scores: list[tuple[int, float]]


class Records:
    """The documents of one namespace.

    A change is made in two steps: `replacing`, `patched` and `existing` say what it comes to, without doing anything;
    `write` and `remove` do it. In between, an engine can put it where it lasts. Threads take turns, but for what
    `ranker` returns.

    Args:
        info: What the collection is.
        policy: When an index is built; None for never.
    """

    def __init__(self, info: CollectionInfo, policy: IndexPolicy | None = None) -> None:
        self._rows: dict[str, int] = {}
        self._by_row: dict[int, Record] = {}
        self._next_row = 0
        self._order: list[str] | None = None  # all ids, sorted; None after a write
        self._found = SearchSpace(info.dimension, info.metric, self._metadata, policy)
        self._dimension = info.dimension
        self._texts: TextIndex | None = None  # made by the first text search
        self._texts_from = 0  # rows from here on are not in it yet
        self._texts_gone: list[int] = []
        self._ranks = Lock()  # of the index of the texts
        self._state = object()  # another one after each change

    def __len__(self) -> int:
        return len(self._rows)

    def replacing(self, batch: Batch) -> list[Record]:
        """Return what an upsert of the batch comes to: its documents, with their times."""
        now = moment_at(batch.now)
        records = []
        for id, text, metadata, created in zip(batch.ids, batch.texts, batch.metadata, batch.created, strict=True):
            row = self._rows.get(id)
            since = moment_at(created) if created is not None else now if row is None else self._by_row[row].created
            records.append(Record(id, text, metadata, since, now))
        return records

    def patched(
        self, changes: Sequence[Change], now: int
    ) -> tuple[list[Record], Matrix, list[tuple[str, OnevecError]]]:
        """Return what an update comes to: the documents as they will be, their vectors, and who is missing."""
        missing: list[tuple[str, OnevecError]] = []
        changed: dict[str, tuple[Record, Matrix]] = {}
        moment = moment_at(now)
        for change in changes:
            row = self._rows.get(change.id)
            if row is None:
                missing.append((change.id, DocumentNotFound(f"there is no document {change.id!r} to update")))
                continue
            earlier = changed.get(change.id)
            old, vector = earlier or (self._by_row[row], self._found.table.vectors_of([row])[0])
            new = old._replace(
                text=old.text if change.text is None else change.text,
                metadata=merge_patch(old.metadata, change.patch),
                updated=moment,
            )
            changed[change.id] = new, vector if change.vector is None else change.vector
        vectors = np.empty((len(changed), self._dimension), np.float32)
        for index, (_, vector) in enumerate(changed.values()):
            vectors[index] = vector
        return [record for record, _ in changed.values()], vectors, missing

    def existing(self, ids: Sequence[str] | None, filter: Filter | None) -> list[str]:
        """Return those of the ids that exist, or the ids of what matches the filter."""
        if ids is None:
            return [self._by_row[row].id for row in self._found.matching(filter).tolist()]
        return [id for id in dict.fromkeys(ids) if id in self._rows]

    def write(self, records: Sequence[Record], vectors: Matrix) -> None:
        """Put the documents in the place of those with the same ids. No id is in it twice."""
        self._forget([self._rows[record.id] for record in records if record.id in self._rows])
        rows = range(self._next_row, self._next_row + len(records))
        self._found.append(rows, vectors)
        self._next_row = rows.stop
        for row, record in zip(rows, records, strict=True):
            self._rows[record.id] = row
            self._by_row[row] = record
        self._order = None
        self._state = object()

    def remove(self, ids: Iterable[str]) -> None:
        """Remove documents that exist."""
        self._forget([self._rows.pop(id) for id in ids])

    def get(self, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        return self._documents([self._rows[id] for id in ids if id in self._rows], include_vectors=include_vectors)

    def count(self, filter: Filter | None) -> int:
        return len(self) if filter is None else len(self._found.matching(filter))

    def page(
        self, filter: Filter | None, after: str | None, limit: int, *, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        order = self._ordered()
        matching = None if filter is None else set(self._found.matching(filter).tolist())
        start = 0 if after is None else bisect_right(order, after)
        rows: list[int] = []
        for id in order[start:]:
            row = self._rows[id]
            if matching is None or row in matching:
                if len(rows) == limit:
                    return self._documents(rows, include_vectors=include_vectors), self._by_row[rows[-1]].id
                rows.append(row)
        return self._documents(rows, include_vectors=include_vectors), None

    def is_brief(self, request: Request) -> bool:
        """Whether `search` is sure to take less than a millisecond."""
        return (
            request.vector is not None
            and request.ids is None
            and self._found.is_brief(request.top_k, request.filter, exact=request.exact, width=request.width)
        )

    def ranker(self, request: Request) -> Callable[[], Ranking]:
        """Return what ranks the texts, which takes long: vectors may be searched meanwhile, and documents written."""
        keep = self._found.keeper(request.filter, self._rows_among(request))
        index, state = self._text_index(), self._state

        def ranked() -> Ranking:
            with self._ranks:
                return Ranking(state, index.search(request.text or "", request.top_k, keep))

        return ranked

    def search(self, request: Request, ranking: Ranking | None = None) -> list[Found]:
        """Return the documents found; of texts by their ranking, if nothing was written since."""
        rows = self._rows_among(request)
        pairs: Iterable[tuple[int, float]]
        if request.vector is not None:
            nearest, distances = self._found.search(
                request.vector,
                request.top_k,
                request.filter,
                rows,
                exact=request.exact,
                width=request.width,
            )
            pairs = zip(nearest.tolist(), distances.tolist(), strict=True)
        elif ranking is not None and ranking.state is self._state:
            pairs = ranking.scores
        else:
            pairs = self.ranker(request)().scores
        by_row = self._by_row
        if request.include_vectors:
            vector_of = self._found.table.vectors_of
            return [(by_row[row].document(vector_of([row])[0]), value) for row, value in pairs]
        return [(by_row[row].document(), value) for row, value in pairs]

    def stats(self) -> Stats:
        return Stats(
            documents=len(self),
            dimension=self._dimension,
            memory_bytes=self._found.memory_bytes,
            updated_at=max((record.updated for record in self._by_row.values()), default=None),
        )

    def follow(self, policy: IndexPolicy | None) -> None:
        """Build indexes this way from now on; None for never."""
        self._found.follow(policy)

    def build(self) -> Build | None:
        """Start to bring the index up to date; return what to wait for, None if there is nothing to do."""
        return self._found.build()

    def close(self) -> None:
        """Stop what goes on in the background."""
        self._found.close()

    def in_order(self) -> Iterator[tuple[Record, Matrix]]:
        """Yield every document with its vector, in the order of their ids."""
        for row in map(self._rows.__getitem__, self._ordered()):
            yield self._by_row[row], self._found.table.vectors_of([row])[0]

    def _forget(self, rows: Sequence[int]) -> None:
        self._found.remove(rows)
        for row in rows:
            del self._by_row[row]
        self._texts_gone += (row for row in rows if row < self._texts_from)
        self._order = None
        self._state = object()

    def _rows_among(self, request: Request) -> list[int] | None:
        """The rows of the ids that a search is restricted to; None for all."""
        if request.ids is None:
            return None
        return [self._rows[id] for id in request.ids if id in self._rows]

    def _ordered(self) -> list[str]:
        if self._order is None:
            self._order = sorted(self._rows)
        return self._order

    def _metadata(self, rows: Rows) -> Iterator[tuple[int, Metadata]]:
        return ((row, self._by_row[row].metadata) for row in rows.tolist())

    def _documents(self, rows: list[int], *, include_vectors: bool) -> list[Document]:
        if not include_vectors:
            return [self._by_row[row].document() for row in rows]
        vectors = self._found.table.vectors_of(rows)
        return [self._by_row[row].document(vector) for row, vector in zip(rows, vectors, strict=True)]

    def _text_index(self) -> TextIndex:
        if self._texts is None:
            import apsw

            self._texts = TextIndex(apsw.Connection(":memory:"), "texts")
            self._texts.create()
        new = ((row, self._by_row[row]) for row in range(self._texts_from, self._next_row) if row in self._by_row)
        with self._ranks:
            self._texts.remove(self._texts_gone)
            self._texts.add((row, record.text) for row, record in new if record.text is not None)
        self._texts_from = self._next_row
        self._texts_gone.clear()
        return self._texts


def plan(info: CollectionInfo, request: Request) -> Mapping[str, Any]:  # Any: JSON values
    """Return how `Records` runs a search."""
    if request.text is not None:
        return {"plan": "fts5", "match": match_expression(request.text), "filter": "columns"}
    return {"plan": "exact", "filter": "columns", "metric": info.metric.value}
