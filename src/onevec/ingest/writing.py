"""Documents in batches that span files, and the commit marks of the files that are through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from onevec.ahead import Ahead
from onevec.documents import Document, Vector
from onevec.errors import EmbeddingFailed, OnevecError
from onevec.filters import field
from onevec.ingest.report import Tally
from onevec.ingest.stored import Target, of_file
from onevec.runtime import Runtime

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


Vectors: TypeAlias = tuple[list[Document], dict[str, OnevecError]]


class _Batch(NamedTuple):
    """Documents on their way.

    Attributes:
        pending: The documents, by id.
        ended: The files whose last document is among them, or came before.
        vectors: Those documents with vectors, and why others have none.
    """

    pending: dict[str, Pending]
    ended: list[FileInWork]
    vectors: Ahead[Vectors]


class Writer:
    """Writes a collection's documents, then ends the files whose last document has been written.

    One batch is behind the others: while it is written, the vectors of the next one are made.
    """

    def __init__(self, target: Target, tally: Tally, io: Runtime) -> None:
        self._target = target
        self._tally = tally
        self._io = io
        self._pending: dict[str, Pending] = {}
        self._ended: list[FileInWork] = []
        self._batch: _Batch | None = None

    def pending(self, id: str) -> Pending | None:
        """Return the document of that id that waits to be written."""
        return self._pending.get(id) or (self._batch.pending.get(id) if self._batch is not None else None)

    async def add(self, item: Pending) -> None:
        self._pending[item.document.id] = item
        if len(self._pending) >= BATCH:
            await self._turn()

    def end(self, file: FileInWork) -> None:
        """Have the file marked as soon as its documents are written."""
        self._ended.append(file)

    async def flush(self) -> None:
        """Write all that waits, and end the files."""
        await self._turn()
        await self._turn()

    async def close(self) -> None:
        """End the making of vectors that nobody will write."""
        if self._batch is not None:
            await self._batch.vectors.cancel()

    async def _turn(self) -> None:
        """Begin with the vectors of the batch that is full, and write the one whose vectors are made."""
        before = self._batch
        made = None if before is None else await before.vectors.result()
        self._batch = None
        if self._pending or self._ended:
            documents = [item.document for item in self._pending.values()]
            self._batch = _Batch(self._pending, self._ended, self._io.begin(self._with_vectors(documents)))
            self._pending, self._ended = {}, []
        if before is not None and made is not None:
            documents, refused = made
            await self._write(before.pending, documents, refused)
            await self._mark(before.ended)

    async def _write(
        self, pending: dict[str, Pending], documents: list[Document], refused: dict[str, OnevecError]
    ) -> None:
        if documents:
            refused |= dict((await self._target.upsert(documents, on_failure="report")).failed)
        for id, item in pending.items():
            self._count(item, refused.get(id))

    async def _mark(self, ended: list[FileInWork]) -> None:
        """Delete what is left of the old versions of these files, and mark them as whole."""
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

    async def _with_vectors(self, documents: list[Document]) -> Vectors:
        """Those of the documents that have vectors or could be given one, and why the others could not."""
        lacking = [document for document in documents if document.vector is None]
        refused: dict[str, OnevecError] = {}
        vectors = await self._vectors(lacking, refused)
        if len(refused) == len(lacking) > 1:  # then it isn't about the texts
            raise next(iter(refused.values()))
        return [
            replace(document, vector=vectors[document.id]) if document.vector is None else document
            for document in documents
            if document.id not in refused
        ], refused

    async def _vectors(self, documents: list[Document], refused: dict[str, OnevecError]) -> dict[str, Vector]:
        """The vectors of documents, by id; a text without a usable one is one refused document, not the batch."""
        if not documents:
            return {}
        try:
            matrix = await self._target.embed([document.text or "" for document in documents])
        except EmbeddingFailed as error:
            if error.position is None:  # the embedder broke: nothing to do with one of these texts
                raise
            if len(documents) == 1:
                id = documents[0].id
                refused[id] = EmbeddingFailed(f"document {id!r}: {error}", position=0)
                return {}
            half = len(documents) // 2
            return await self._vectors(documents[:half], refused) | await self._vectors(documents[half:], refused)
        return {document.id: vector for document, vector in zip(documents, matrix, strict=True)}

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
