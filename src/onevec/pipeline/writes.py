"""Writing: documents in, a report out."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence, Sized
from functools import partial
from typing import Literal

import numpy as np
import orjson

from onevec.adapter import Batch, Change
from onevec.ahead import Ahead
from onevec.batches import (
    DocumentLike,
    Matrix,
    Rows,
    as_matrix,
    change_of,
    in_pieces,
    parts_of,
    rows_of_columns,
    rows_of_documents,
)
from onevec.documents import Document, Metadata, Progress, Vector, WriteReport
from onevec.errors import InvalidDocument, InvalidQuery, OnevecError, PartialWrite, StoreClosed
from onevec.filters import FilterLike
from onevec.pipeline.target import Target
from onevec.pipeline.verbs import named, verb
from onevec.validate import checked_ids

Failures = list[tuple[str, OnevecError]]

_LONGEST_CHARACTER = 4  # bytes of UTF-8


class Writes(Target):
    """The verbs that write."""

    @verb
    async def upsert(
        self,
        documents: DocumentLike | Iterable[DocumentLike] | None,
        *,
        ids: Sequence[str] | None,
        vectors: Vector | Sequence[Vector] | None,
        texts: Sequence[str | None] | None,
        metadata: Sequence[Metadata] | None,
        wait: bool,
        on_failure: Literal["raise", "report"],
        on_progress: Progress | None,
    ) -> WriteReport:
        raises = _raises(on_failure)
        columns = (ids, vectors, texts, metadata)
        parts: Iterator[Rows]
        total: int | None = None
        if documents is None:
            rows = rows_of_columns(*columns)
            parts, total = iter([rows]), len(rows)
        elif any(column is not None for column in columns):
            raise InvalidDocument("upsert takes documents or columns (ids=, vectors=, texts=, metadata=), not both")
        else:
            parts = map(rows_of_documents, parts_of(documents))
            total = _length(documents)
        written = done = 0
        failed: Failures = []
        ahead: Ahead[tuple[Rows, Matrix] | None] | None = None
        try:
            part = await self._with_vectors(parts)
            while part is not None:
                if total is None:  # a stream: its next part is taken, and its vectors are made, while this is written
                    ahead = self.store.io.begin(self._with_vectors(parts))
                rows, matrix = part
                failures = await self._write(rows, matrix, wait=wait)
                written += len(rows) - len(failures)
                failed += failures
                done += len(rows)
                if on_progress is not None:
                    on_progress(done, total)
                part = None if ahead is None else await ahead.result()
        except BaseException as error:
            if ahead is not None:
                await ahead.cancel()
            if written and isinstance(error, OnevecError):
                error.add_note(f"{written} documents that came before in the iterator were written")
            raise
        return self._report("upsert", written, failed, raises=raises)

    @verb
    async def update(
        self,
        documents: str | DocumentLike | Iterable[DocumentLike],
        *,
        text: str | None,
        vector: Vector | None,
        metadata: Metadata | None,
        on_failure: Literal["raise", "report"],
    ) -> WriteReport:
        raises = _raises(on_failure)
        keywords = {"text": text, "vector": vector, "metadata": metadata}
        if isinstance(documents, str):
            documents = [{"id": documents, **{name: value for name, value in keywords.items() if value is not None}}]
        elif any(value is not None for value in keywords.values()):
            raise InvalidDocument("update takes an id with keywords, or documents that carry their parts, not both")
        changes = [
            change_of(item, index, self.info.metric, self.info.dimension)
            for part in parts_of(documents)
            for index, item in enumerate(part)
        ]
        changes = await self._with_new_vectors(changes)
        failed = dict(await self._change(changes))
        written = {change.id for change in changes} - failed.keys()
        return self._report("update", len(written), list(failed.items()), raises=raises)

    @verb
    async def delete(self, ids: str | Iterable[str] | None, *, filter: FilterLike | None) -> int:
        if (ids is None) == (filter is None):
            raise InvalidQuery("delete takes ids or filter=, one of them; clear() deletes all documents")
        if ids is not None:
            checked = list(dict.fromkeys(checked_ids(ids)))
            pieces = in_pieces(checked, self.store.capabilities.max_batch)
            return sum(
                [
                    await self.call("delete", self.adapter.delete, self._place, ids=piece, filter=None)
                    for piece in pieces
                ]
            )
        tree = self.native(filter)
        if tree is None:
            raise InvalidQuery("the filter is true of every document; clear() deletes all documents")
        return await self.call("delete", self.adapter.delete, self._place, ids=None, filter=tree)

    @verb
    async def clear(self) -> int:
        return await self.call("clear", self.adapter.clear, self._place)

    async def _with_vectors(self, parts: Iterator[Rows]) -> tuple[Rows, Matrix] | None:
        """The next part, and its vectors."""
        rows = next(parts, None)
        return None if rows is None else (rows, await self._matrix(rows))

    async def _write(self, rows: Rows, matrix: Matrix, *, wait: bool) -> Failures:
        if not len(rows):
            return []
        batch = Batch(rows.ids, matrix, rows.texts, rows.metadata, rows.created, now=_now(), wait=wait)
        limits = self.store.capabilities
        pieces = list(_pieces(batch, limits.max_batch, limits.max_batch_bytes))
        if len(pieces) == 1:
            return await self.call("upsert", self.adapter.upsert, self._place, batch)

        calls = [
            partial(self._piece, piece.ids, partial(self.call, "upsert", self.adapter.upsert, self._place, piece))
            for piece in pieces
        ]
        failures = await self.store.io.gather(calls, self.store.max_concurrency)
        return [failure for some in failures for failure in some]

    async def _change(self, changes: list[Change]) -> Failures:
        pieces = list(in_pieces(changes, self.store.capabilities.max_batch))
        now = _now()
        if len(pieces) == 1:
            return await self.call("update", self.adapter.update, self._place, changes, now)
        failed: Failures = []
        for piece in pieces:  # one after another: a document can be changed by several
            ids = [change.id for change in piece]
            failed += await self._piece(ids, partial(self.call, "update", self.adapter.update, self._place, piece, now))
        return failed

    async def _piece(self, ids: Iterable[str], write: Callable[[], Awaitable[Failures]]) -> Failures:
        """Write a piece of what was given; where that fails, the others are still written."""
        try:
            return await write()
        except StoreClosed:
            raise
        except OnevecError as error:
            return [(id, error) for id in ids]

    async def _matrix(self, rows: Rows) -> Matrix:
        """The vectors as one matrix; those that weren't given are made from the texts."""
        metric, dimension = self.info.metric, self.info.dimension
        if isinstance(rows.vectors, np.ndarray):
            return as_matrix(rows.vectors, rows.ids, metric, dimension)
        lacking = [index for index, vector in enumerate(rows.vectors) if vector is None]
        if not lacking:
            return as_matrix(rows.vectors, rows.ids, metric, dimension)
        given = [index for index, vector in enumerate(rows.vectors) if vector is not None]
        matrix = np.empty((len(rows), dimension), np.float32)
        matrix[given] = as_matrix(
            [rows.vectors[index] for index in given], [rows.ids[index] for index in given], metric, dimension
        )
        texts, owners = [], []
        for index in lacking:
            text = rows.texts[index]
            if text is None:
                raise InvalidDocument(f"document {rows.ids[index]!r} has neither a vector nor a text to make one from")
            texts.append(text)
            owners.append(f"document {rows.ids[index]!r}")
        matrix[lacking] = await self.embedded(texts, owners)
        return matrix

    async def _with_new_vectors(self, changes: list[Change]) -> list[Change]:
        """With an embedder, a new text without a vector gets a new vector, too."""
        if self.info.embedder is None:
            return changes
        texts = {index: c.text for index, c in enumerate(changes) if c.text is not None and c.vector is None}
        if not texts:
            return changes
        matrix = await self.embedded(list(texts.values()), [f"document {changes[index].id!r}" for index in texts])
        vectors = dict(zip(texts, matrix, strict=True))
        return [Change(c.id, c.text, vectors.get(index, c.vector), c.patch) for index, c in enumerate(changes)]

    def _report(self, operation: str, written: int, failed: Failures, *, raises: bool) -> WriteReport:
        for _, error in failed:
            named(error, self.engine, operation)
        report = WriteReport(written, tuple(failed))
        if failed and raises:
            id, error = failed[0]
            raise PartialWrite(
                f"{written} written, {len(failed)} failed; the first: {id!r}: {error}",
                report=report,
            ) from error
        return report


def _raises(on_failure: str) -> bool:
    if on_failure not in ("raise", "report"):
        raise InvalidQuery(f"on_failure is 'raise' or 'report', got {on_failure!r}")
    return on_failure == "raise"


def _length(documents: object) -> int | None:
    if isinstance(documents, Document | Mapping):
        return 1
    return len(documents) if isinstance(documents, Sized) else None


def _now() -> int:
    return time.time_ns() // 1000


def _pieces(batch: Batch, max_count: int | None, max_bytes: int | None) -> Iterator[Batch]:
    """The batch in pieces within an engine's limits; whole where it has none."""
    if (max_count is None or len(batch) <= max_count) and (max_bytes is None or _bytes_of_all(batch) <= max_bytes):
        yield batch
        return
    start = size = 0
    row_bytes = batch.vectors.shape[1] * 4
    for index in range(len(batch)):
        row = row_bytes if max_bytes is None else row_bytes + _bytes(batch.texts[index], batch.metadata[index])
        full = (max_count is not None and index - start >= max_count) or (
            max_bytes is not None and size + row > max_bytes
        )
        if full and index > start:
            yield batch.piece(start, index)
            start, size = index, 0
        size += row
    yield batch.piece(start, len(batch)) if start else batch


def _bytes_of_all(batch: Batch) -> int:
    """About how many bytes the documents take together, at most: in less time than one by one."""
    texts = sum(len(text) for text in batch.texts if text is not None)
    return batch.vectors.nbytes + 64 * len(batch) + _LONGEST_CHARACTER * texts + _bytes_of(batch.metadata)


def _bytes(text: str | None, metadata: Metadata) -> int:
    """About how many bytes a document takes in a JSON request, beside its vector."""
    return 64 + len((text or "").encode()) + _bytes_of(metadata)


def _bytes_of(metadata: Metadata | list[Metadata]) -> int:
    fields = orjson.dumps(metadata, default=str)
    # What engines keep beside a field, such as its facets, is reckoned with by the commas between them.
    return len(fields) + 24 * fields.count(b",")
