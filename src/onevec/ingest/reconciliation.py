"""Brings a collection to what the files say, and writes only what changed.

A file whose version the collection holds wholly is skipped. Of another one all chunks are written, with the vectors of
the old version where a text is the same; then what is left of the old version is deleted; then its first document gets
the commit mark: `file_chunks`, the number of the file's documents. Whenever an ingest is interrupted, the next one
finds no mark, another count or two versions, and does the file again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from onevec.batches import as_vector
from onevec.documents import CollectionInfo, Document, Progress
from onevec.errors import InvalidDocument, InvalidInput
from onevec.ingest.contents import Contents
from onevec.ingest.files import Kind, Listing, SourceFile, are_gone
from onevec.ingest.pieces import Piece, Skipped, chunk_hash, chunk_id
from onevec.ingest.reading import Source, Unreadable, open_source
from onevec.ingest.report import IngestReport, Tally
from onevec.ingest.stored import OldVectors, StoredFile, Target, of_files, stored_files
from onevec.ingest.writing import FileInWork, Pending, Writer
from onevec.runtime import Runtime
from onevec.validate import checked_text, clean_metadata

_PIECES_AT_ONCE = 256
_PATHS_AT_ONCE = 100


async def reconcile(
    target: Target, listing: Listing, contents: Contents, io: Runtime, on_progress: Progress | None
) -> IngestReport:
    """Make the collection hold the files listed, and no longer those that are gone from the folders listed.

    Args:
        target: The collection.
        listing: The files.
        contents: How they are read.
        io: Where reading them may block.
        on_progress: Called with the bytes done and the bytes in all.

    Raises:
        InvalidInput: There are texts to embed, and the collection has no embedder.
    """
    info = await target.info()
    for file in listing.files.values():
        if info.embedder is None and file.kind in (Kind.TEXT, Kind.MARKDOWN, Kind.PYTHON, Kind.HTML):
            raise InvalidInput(
                f"collection {info.name!r} has no embedder to make vectors of {file.path!r}; make it with "
                'embedder="wordllama" or another one, or ingest rows that bring their vectors'
            )
    await io.offload(contents.prepare, listing.files.values())
    stored = await stored_files(target, files=list(listing.files), folders=listing.folders)
    gone = await io.offload(are_gone, [path for path in stored if path not in listing.files])
    run = _Reconciliation(
        target, listing, info=info, contents=contents, io=io, on_progress=on_progress, stored=stored, gone=gone
    )
    try:
        return await run.finish()
    finally:
        await run.close()


class _Reconciliation:
    def __init__(
        self,
        target: Target,
        listing: Listing,
        *,
        info: CollectionInfo,
        contents: Contents,
        io: Runtime,
        on_progress: Progress | None,
        stored: dict[str, StoredFile],
        gone: list[str],
    ) -> None:
        self._target = target
        self._info = info
        self._files = listing.files
        self._contents = contents
        self._io = io
        self._on_progress = on_progress
        self._stored = stored
        self._gone = gone
        self._tally = Tally(listing.ignored, list(listing.failed))
        self._writer = Writer(target, self._tally, io)
        # Another file may take over, by its id, a row of a file still to come, of one gone, and of an old version.
        self._yielding = {*listing.files, *gone}
        self._versions: dict[str, str] = {}
        self._done = 0
        self._total = sum(file.size for file in listing.files.values())

    async def finish(self) -> IngestReport:
        for file in self._files.values():
            self._yielding.discard(file.path)
            try:
                source = await self._io.acquire(open_source, file)
                try:
                    await self._ingest(file, source)
                finally:
                    await self._io.finish(self._io.offload(source.close))
            except Unreadable as error:
                self._tally.failed.append((file.path, str(error)))
            self._done += file.size
            self._progress(0)
        await self._writer.flush()
        for start in range(0, len(self._gone), _PATHS_AT_ONCE):
            paths = self._gone[start : start + _PATHS_AT_ONCE]
            self._tally.chunks_removed += await self._target.delete(filter=of_files(paths))
            self._tally.removed += len(paths)
        return self._tally.report()

    async def close(self) -> None:
        """End what is still under way."""
        await self._writer.close()

    async def _ingest(self, file: SourceFile, source: Source) -> None:
        self._versions[file.path] = source.hash
        stored = self._stored.get(file.path)
        if stored is not None and stored.is_whole(source.hash):
            self._tally.unchanged += 1
            return
        work = FileInWork(file.path, source.hash, is_stored=stored is not None)
        old = OldVectors(self._target, file.path)
        pieces = self._contents.pieces(source)
        while some := await self._io.offload(_next, pieces):
            for pending in await self._pending(work, some, old):
                await self._writer.add(pending)
            self._progress(min(source.position(), file.size))
        await self._io.offload(source.check_unchanged)
        self._writer.end(work)

    async def _pending(self, work: FileInWork, some: list[Piece | Skipped], old: OldVectors) -> list[Pending]:
        """The documents of these pieces; the rows that can't be any are counted."""
        pieces = [piece for piece in some if isinstance(piece, Piece)]
        own_ids = [piece.id for piece in pieces if piece.id is not None]
        existing: dict[str, Document] = {}
        if own_ids:
            work.has_own_ids = True
            found = await self._target.get_many(own_ids, include_vectors=work.is_stored)
            existing = {document.id: document for document in found}
            old.keep(found)
        if work.is_stored and len(own_ids) < len(pieces):
            await old.read_to(pieces[-1].number)
        ready: dict[str, Pending] = {}
        for piece in some:
            try:
                if isinstance(piece, Skipped):
                    raise InvalidDocument(piece.reason)
                new = self._document(work, piece, old)
                id = new.document.id
                self._check_claim(new, ready.get(id) or self._writer.pending(id), existing.get(id))
            except InvalidDocument as error:
                line = piece.line if isinstance(piece, Skipped) else piece.start_line
                self._tally.skip(work.path, line, str(error))
            else:
                ready[id] = new
        return list(ready.values())

    def _document(self, work: FileInWork, piece: Piece, old: OldVectors) -> Pending:
        id = chunk_id(work.path, piece.number) if piece.id is None else piece.id
        owner = f"document {id!r}"
        hash = chunk_hash(checked_text(piece.text, owner))
        vector = old.get(hash) if piece.vector is None else piece.vector
        if vector is None and self._info.embedder is None:
            raise InvalidDocument(f"{owner} brings no vector, and the collection has no embedder")
        if vector is not None:
            vector = as_vector(vector, owner, self._info.metric, self._info.dimension)
        metadata = {
            **clean_metadata(piece.metadata, owner),
            "path": work.path,
            "start_line": piece.start_line,
            "end_line": piece.end_line,
            "file_hash": work.hash,
            "chunk_hash": hash,
        }
        document = Document(id, text=piece.text, vector=vector, metadata=metadata)
        return Pending(work, document, piece.start_line, is_reused=piece.vector is None and vector is not None)

    def _check_claim(self, new: Pending, waiting: Pending | None, existing: Document | None) -> None:
        """Raise `InvalidDocument` if the row's id is another row's: within a run the first one has it, and keeps it."""
        id, work = new.document.id, new.file
        if waiting is not None:
            raise InvalidDocument(f"its id {id!r} is that of {waiting.file.path}:{waiting.line}")
        metadata = {} if existing is None else existing.metadata
        owner, version, line = metadata.get("path"), metadata.get("file_hash"), metadata.get("start_line")
        if not isinstance(owner, str) or not isinstance(version, str):
            return
        is_old = owner in self._yielding or self._versions.get(owner, version) != version
        if not is_old and (owner, line) != (work.path, new.line):
            raise InvalidDocument(f"its id {id!r} is that of {owner}:{line}")
        if owner != work.path and owner in self._stored:
            self._stored[owner].chunks -= 1  # no longer whole: its turn will tell whether it has the id, too

    def _progress(self, position: int) -> None:
        if self._on_progress is not None:
            self._on_progress(min(self._done + position, self._total), self._total)


def _next(pieces: Iterator[Piece | Skipped]) -> list[Piece | Skipped]:
    try:
        return list(islice(pieces, _PIECES_AT_ONCE))
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise Unreadable("it was written to while it was read; ingest it again") from error
