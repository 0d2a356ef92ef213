"""Documents in batches that span files, and the commit marks of the files that are through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onevec.documents import Document
from onevec.errors import EmbeddingFailed, OnevecError
from onevec.filters import field
from onevec.ingest.report import Tally
from onevec.ingest.stored import Target, of_file

BATCH = 512


@dataclass(slots=True)
class FileInWork:
    """A file that is being written.

    Attributes:
        path: Its recorded path.
        hash: Its version.
        is_stored: Whether the collection holds documents of it, of this version or another one.
        has_own_ids: Whether rows of it bring their ids.
        chunks: How many of its documents have been written.
        first_id: The first of them, which gets the mark.
        failure: Why it can't be marked.
    """

    path: str
    hash: str
    is_stored: bool
    has_own_ids: bool = False
    chunks: int = 0
    first_id: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """A document that waits to be written, the line it stands at, and whether its vector is an old one."""

    file: FileInWork
    document: Document
    line: int
    is_reused: bool


class Writer:
    """Writes a collection's documents, then ends the files whose last document has been written."""

    def __init__(self, target: Target, tally: Tally) -> None:
        self._target = target
        self._tally = tally
        self._pending: dict[str, Pending] = {}
        self._ended: list[FileInWork] = []

    def pending(self, id: str) -> Pending | None:
        """Return the document of that id that waits to be written."""
        return self._pending.get(id)

    async def add(self, item: Pending) -> None:
        self._pending[item.document.id] = item
        if len(self._pending) >= BATCH:
            await self.flush()

    def end(self, file: FileInWork) -> None:
        """Have the file marked as soon as its documents are written."""
        self._ended.append(file)

    async def flush(self) -> None:
        """Write what waits, delete what is left of the old versions of the files ended, and mark them."""
        pending, self._pending = self._pending, {}
        ended, self._ended = self._ended, []
        if pending:
            refused = dict(await self._written([item.document for item in pending.values()]))
            for id, item in pending.items():
                self._count(item, refused.get(id))
        marks = []
        for file in ended:
            if file.failure:
                self._tally.failed.append((file.path, file.failure))
                continue
            version = field("file_hash")
            if file.is_stored:
                self._tally.chunks_removed += await self._target.delete(filter=of_file(file.path, version != file.hash))
            if file.has_own_ids:  # an id may have come twice
                file.chunks = await self._target.count(of_file(file.path, version == file.hash))
            if file.chunks:
                marks.append({"id": file.first_id, "metadata": {"file_chunks": file.chunks}})
            if file.is_stored:
                self._tally.changed += 1
            elif file.chunks:
                self._tally.added += 1
            else:
                self._tally.unchanged += 1
        if marks:
            await self._target.update(marks)

    async def _written(self, documents: Sequence[Document]) -> list[tuple[str, OnevecError]]:
        """Write, and return what was refused. A text without a usable vector is one refused document, not the batch."""
        try:
            return list((await self._target.upsert(documents, on_failure="report")).failed)
        except EmbeddingFailed as error:
            if error.__cause__ is not None:  # the embedder broke: nothing to do with this text
                raise
            if len(documents) == 1:
                return [(documents[0].id, error)]
            half = len(documents) // 2
            refused = await self._written(documents[:half]) + await self._written(documents[half:])
            if len(refused) == len(documents):
                raise
            return refused

    def _count(self, item: Pending, refusal: OnevecError | None) -> None:
        file = item.file
        match refusal:
            case None:
                file.chunks += 1
                file.first_id = file.first_id or item.document.id
                if item.is_reused:
                    self._tally.chunks_reused += 1
                else:
                    self._tally.chunks_written += 1
            case EmbeddingFailed():
                self._tally.skip(file.path, item.line, str(refusal))
            case _:
                file.failure = f"the engine refused {item.document.id!r}: {refusal}"
