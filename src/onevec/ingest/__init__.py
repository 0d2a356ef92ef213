"""Files and folders into a collection: read, cut into chunks, embedded, and kept up to date.

    report = ingest(collection, ["docs", "papers.jsonl"])
    print(report)

Each chunk's metadata says where it is from: `path`, `start_line`, `end_line`, `file_hash`, `chunk_hash`.
"""

from __future__ import annotations

import os
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from onevec.ahead import Ahead, InThread
from onevec.documents import CollectionInfo, Document, Page, WriteReport
from onevec.filters import FilterLike
from onevec.ingest.contents import Contents
from onevec.ingest.files import find_files
from onevec.ingest.pieces import IngestOptions
from onevec.ingest.reconciliation import reconcile
from onevec.ingest.report import IngestReport, SkippedRow
from onevec.runtime import AsyncRuntime, BlockingRuntime, run

if TYPE_CHECKING:
    from onevec.aio import AsyncCollection
    from onevec.batches import Matrix
    from onevec.collection import Collection
    from onevec.documents import Progress

__all__ = ["IngestReport", "SkippedRow", "ingest", "ingest_async"]

T = TypeVar("T")
Paths: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]"


def ingest(
    collection: Collection,
    paths: Paths,
    *,
    chunk_tokens: int = 256,
    overlap_tokens: int = 0,
    id_field: str | None = None,
    text_field: str | Sequence[str] | None = None,
    vector_field: str | None = "vector",
    metadata_fields: Iterable[str] | None = None,
    on_progress: Progress | None = None,
) -> IngestReport:
    """Write files as documents; again, write only what changed.

    Text, Markdown, HTML and source code are cut into chunks; `.jsonl`, `.ndjson`, `.csv`, `.tsv` and `.json` that is an
    array of objects give a document a row. Folders are walked, hidden and vendor folders left out. A file named by
    itself may have any suffix. Files of any size take the same memory, but for a single row of up to 64 MB.

    A document's id is `{path}#{n}`, n from 0, or the row's own; one of over 512 bytes is replaced by its hash. `path`
    is relative to the working directory for files inside it, so ingest again from the same one. A file whose bytes are
    as they were is passed by, even if the options below are others. Files gone from a folder are removed. An ingest
    that was interrupted is finished by the next one. Documents that don't come from files are left alone. While some
    documents are written, the next ones are embedded in a worker thread.

    Args:
        collection: Where to. It needs an embedder, except for rows that bring their vectors.
        paths: Files and folders.
        chunk_tokens: The most tokens in a chunk; four bytes of UTF-8 count as one.
        overlap_tokens: How much of a chunk the next one may repeat.
        id_field: The column with a row's id. Default: `id` or `_id`, if there is one.
        text_field: The column with a row's text, or several, which become a line each. Default: `text`, `content`,
            `body` or `abstract`, else all columns of text as `name: value` lines.
        vector_field: The column with a row's vector, where it is a list. None to make all vectors anew.
        metadata_fields: The columns to keep as metadata. Default: those left, with an object in the column `metadata`
            merged in. In CSV, what is written as a number becomes one.
        on_progress: Called as `on_progress(done, total)`, in bytes.

    Returns:
        What was done, with the files that could not be read and the rows that were skipped: they stop nothing.

    Raises:
        InvalidInput: A path doesn't exist, or texts would need an embedder. Nothing was written.
        EngineNotInstalled: A library for splitting texts is missing. Nothing was written.
        EmbeddingFailed: The embedder broke. Call again to go on.
    """
    options = _options(
        chunk_tokens=chunk_tokens,
        overlap_tokens=overlap_tokens,
        id_field=id_field,
        text_field=text_field,
        vector_field=vector_field,
        metadata_fields=metadata_fields,
    )
    with ThreadPoolExecutor(1, thread_name_prefix="onevec-ingest") as thread:
        io = _WithThread(thread)
        return run(reconcile(_InPlace(collection), find_files(paths), Contents(options), io, on_progress))


async def ingest_async(
    collection: AsyncCollection,
    paths: Paths,
    *,
    chunk_tokens: int = 256,
    overlap_tokens: int = 0,
    id_field: str | None = None,
    text_field: str | Sequence[str] | None = None,
    vector_field: str | None = "vector",
    metadata_fields: Iterable[str] | None = None,
    on_progress: Progress | None = None,
) -> IngestReport:
    """Do what `ingest` does, without holding up the event loop: files are read and cut in a worker thread."""
    options = _options(
        chunk_tokens=chunk_tokens,
        overlap_tokens=overlap_tokens,
        id_field=id_field,
        text_field=text_field,
        vector_field=vector_field,
        metadata_fields=metadata_fields,
    )
    io = AsyncRuntime()
    try:
        listing = await io.offload(find_files, paths)
        return await reconcile(collection, listing, Contents(options), io, on_progress)
    finally:
        await io.close()


def _options(
    *,
    chunk_tokens: int,
    overlap_tokens: int,
    id_field: str | None,
    text_field: str | Sequence[str] | None,
    vector_field: str | None,
    metadata_fields: Iterable[str] | None,
) -> IngestOptions:
    return IngestOptions(
        chunk_tokens=chunk_tokens,
        overlap_tokens=overlap_tokens,
        id_field=id_field,
        text_field=(text_field,) if isinstance(text_field, str) else tuple(text_field or ()),
        vector_field=vector_field,
        metadata_fields=None if metadata_fields is None else frozenset(metadata_fields),
    )


class _WithThread(BlockingRuntime):
    """Runs everything in place, but for what is begun ahead."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread

    def begin(
        self, work: Coroutine[Any, Any, T]
    ) -> Ahead[T]:  # Any: what a coroutine yields and is sent; nothing, here
        return InThread(self._thread, run, work)


class _InPlace:
    """A sync collection under the calls that ingest awaits; none of them suspends."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def info(self) -> CollectionInfo:
        return self._collection.info()

    async def embed(self, texts: Sequence[str], /) -> Matrix:
        return self._collection.embed(texts)

    async def upsert(self, documents: Sequence[Document], /, *, on_failure: Literal["raise", "report"]) -> WriteReport:
        return self._collection.upsert(documents, on_failure=on_failure)

    async def update(self, documents: Sequence[dict[str, Any]], /) -> WriteReport:  # Any: a document's fields
        return self._collection.update(documents)

    async def get_many(self, ids: Iterable[str], /, *, include_vectors: bool) -> list[Document]:
        return self._collection.get_many(ids, include_vectors=include_vectors)

    async def delete(self, *, filter: FilterLike) -> int:
        return self._collection.delete(filter=filter)

    async def count(self, filter: FilterLike, /) -> int:
        return self._collection.count(filter)

    async def page(self, *, limit: int, cursor: str | None, filter: FilterLike, include_vectors: bool) -> Page:
        return self._collection.page(limit=limit, cursor=cursor, filter=filter, include_vectors=include_vectors)
