"""The sync API. Every method is one line over the pipeline, driven in place: no event loop, no thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from onevec.capabilities import Capabilities
from onevec.documents import (
    CollectionInfo,
    Document,
    Health,
    Metadata,
    Mode,
    Page,
    Progress,
    SearchQuery,
    SearchResult,
    Stats,
    Vector,
    WriteReport,
)
from onevec.filters import FilterLike
from onevec.pipeline.options import SearchOptions
from onevec.runtime import drained, run

if TYPE_CHECKING:
    from onevec.embedders import EmbedderLike
    from onevec.metrics import Metric
    from onevec.pipeline import CollectionPipeline, StorePipeline


class Store:
    """An open connection to one engine, made by `onevec.connect`.

    Safe to share between threads. Close it, or use `with`.
    """

    __slots__ = ("_core",)

    def __init__(self, core: StorePipeline) -> None:
        self._core = core

    def create_collection(
        self,
        name: str,
        *,
        dimension: int | None = None,
        metric: Metric | str = "cosine",
        embedder: EmbedderLike | None = None,
        if_exists: Literal["error", "open", "replace"] = "error",
    ) -> Collection:
        """Make a collection and return its handle.

        Args:
            name: 1 to 128 letters, digits, `.`, `_`, `-`.
            dimension: How many numbers each vector has. May be left out where an embedder says it.
            metric: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`.
            embedder: What makes vectors of texts: a name such as `"wordllama"`, a function, or an `Embedder`. Its name
                is recorded, and the collection refuses another one. Default: the store's embedder, if it has one.
            if_exists: `"open"` takes one that is there, if it has the same dimension, metric and embedder;
                `"replace"` deletes it first; `"error"` refuses.

        Raises:
            CollectionExists: It is there, or there with another dimension or metric.
            EmbedderMismatch: It is there with another embedder.
            InvalidName: The name is outside the contract.
        """
        return Collection(
            run(
                self._core.create_collection(
                    name, dimension=dimension, metric=metric, embedder=embedder, if_exists=if_exists
                )
            )
        )

    def collection(self, name: str, *, embedder: EmbedderLike | None = None) -> Collection:
        """Return the handle of a collection that exists.

        Args:
            name: The collection's name.
            embedder: Needed only where the recorded name can't be found by itself, as with a function.

        Raises:
            CollectionNotFound: There is none of that name.
            EmbedderMismatch: It was made with another embedder.
        """
        return Collection(run(self._core.collection(name, embedder=embedder)))

    def collections(self) -> list[CollectionInfo]:
        """Return what collections there are, by name."""
        return run(self._core.collections())

    def has_collection(self, name: str) -> bool:
        """Return whether there is a collection of that name."""
        return run(self._core.has_collection(name))

    def delete_collection(self, name: str) -> bool:
        """Delete a collection with all its namespaces; return whether it existed."""
        return run(self._core.delete_collection(name))

    def copy_collection(self, source: str, target: str, *, on_progress: Progress | None = None) -> int:
        """Copy a collection with all its namespaces to a new one; return how many documents it has.

        Raises:
            CollectionNotFound: There is no `source`.
            CollectionExists: There is a `target`.
        """
        return run(self._core.copy_collection(source, target, on_progress=on_progress))

    def health(self) -> Health:
        """Return how the store is. It doesn't raise for an engine that is ill: the status says so."""
        return run(self._core.health())

    @property
    def engine(self) -> str:
        """The engine's name."""
        return self._core.engine

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do."""
        return self._core.capabilities

    @property
    def client(self) -> object:
        """The engine library's own object."""
        return self._core.client

    def close(self) -> None:
        """Let go of everything. A second call does nothing; any other call then raises `StoreClosed`."""
        run(self._core.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self._core.engine}>"


class Collection:
    """A handle on one namespace of one collection. Safe to share between threads."""

    __slots__ = ("_core",)

    def __init__(self, core: CollectionPipeline) -> None:
        self._core = core

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._core.info.name

    @property
    def bound_namespace(self) -> str:
        """The namespace this handle reads and writes; `""` is the default one."""
        return self._core.namespace

    def upsert(
        self,
        documents: Document | Mapping[str, Any] | Iterable[Document | Mapping[str, Any]] | None = None,
        *,
        ids: Sequence[str] | None = None,
        vectors: Vector | Sequence[Vector] | None = None,
        texts: Sequence[str | None] | None = None,
        metadata: Sequence[Metadata] | None = None,
        wait: bool = True,
        on_failure: Literal["raise", "report"] = "raise",
        on_progress: Progress | None = None,
    ) -> WriteReport:
        """Write documents; one with an id that is there replaces the old one whole. The last of equal ids wins.

        Everything is checked before anything is written. A list is one transaction on the embedded engines; an
        iterator without a length is taken, checked and written some thousand at a time.

        Args:
            documents: Documents, dicts with their fields, or an iterable of either. Or leave it out and give columns:
            ids: The ids.
            vectors: A float32 matrix of shape (documents, dimension). May be left out where an embedder makes them.
            texts: The texts.
            metadata: The metadata.
            wait: False lets an engine return before the write is durable and visible; `flush()` restores it.
            on_failure: `"raise"` raises `PartialWrite` if the engine refused some; `"report"` only reports them.
            on_progress: Called as `on_progress(done, total)`; total is None where it isn't known.

        Raises:
            InvalidDocument: A document is outside the contract; nothing of the call (or of the part of an iterator
                at hand) is written.
            DimensionMismatch: A vector has another dimension than the collection.
            EmbeddingFailed: The embedder gave no usable vector for a text.
            PartialWrite: The engine refused some documents.
        """
        return run(
            self._core.upsert(
                documents,
                ids=ids,
                vectors=vectors,
                texts=texts,
                metadata=metadata,
                wait=wait,
                on_failure=on_failure,
                on_progress=on_progress,
            )
        )

    def update(
        self,
        documents: str | Document | Mapping[str, Any] | Iterable[Document | Mapping[str, Any]],
        *,
        text: str | None = None,
        vector: Vector | None = None,
        metadata: Metadata | None = None,
        on_failure: Literal["raise", "report"] = "raise",
    ) -> WriteReport:
        """Change parts of documents that exist: `update("7", metadata={"year": 1959})`.

        Args:
            documents: An id, with the parts as keywords; or Documents or dicts that carry the parts to change.
            text: The new text. With an embedder, the vector is made anew from it.
            vector: The new vector.
            metadata: A JSON merge patch (RFC 7396): a None removes the field, an object merges into the one there.
            on_failure: As in `upsert`.

        Raises:
            PartialWrite: Some ids don't exist (`DocumentNotFound`), or the engine refused some.
        """
        return run(self._core.update(documents, text=text, vector=vector, metadata=metadata, on_failure=on_failure))

    def get(self, id: str, *, include_vectors: bool = True) -> Document | None:
        """Return the document, or None."""
        return run(self._core.get(id, include_vectors=include_vectors))

    def get_many(self, ids: Iterable[str], *, include_vectors: bool = True) -> list[Document]:
        """Return those of the documents that exist, in the order asked."""
        return run(self._core.get_many(ids, include_vectors=include_vectors))

    def delete(self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None) -> int:
        """Delete documents by ids or by filter; return how many existed.

        Raises:
            InvalidQuery: Neither or both were given, or the filter is empty; `clear()` deletes all.
        """
        return run(self._core.delete(ids, filter=filter))

    def clear(self) -> int:
        """Delete every document of this namespace; return how many there were."""
        return run(self._core.clear())

    def count(self, filter: FilterLike | None = None) -> int:
        """Return how many documents match."""
        return run(self._core.count(filter))

    def scan(
        self, *, filter: FilterLike | None = None, limit: int | None = None, include_vectors: bool = True
    ) -> Iterator[Document]:
        """Yield every matching document once, in id order where the engine can."""
        pages = self._core.pages(filter=filter, limit=limit, include_vectors=include_vectors)
        return chain.from_iterable(drained(pages))

    def page(
        self,
        *,
        limit: int = 100,
        cursor: str | None = None,
        filter: FilterLike | None = None,
        include_vectors: bool = True,
    ) -> Page:
        """Return up to `limit` matching documents and the cursor to go on from.

        Raises:
            InvalidCursor: The cursor was not made by this collection and namespace.
        """
        return run(self._core.page(limit=limit, cursor=cursor, filter=filter, include_vectors=include_vectors))

    def search(
        self,
        query: str | Vector | SearchQuery,
        *,
        top_k: int = 10,
        filter: FilterLike | None = None,
        ids: Iterable[str] | None = None,
        min_score: float | None = None,
        mode: Mode = "vector",
        exact: bool = False,
        include_vectors: bool = False,
        on_unsupported: Literal["error", "scan"] = "error",
    ) -> SearchResult:
        """Return the best hits, by score, ties by id.

        Args:
            query: A text, a vector of `dimension` numbers, or a `SearchQuery`.
            top_k: How many hits at most; with a filter, that many if so many documents match.
            filter: Only documents that match; in any of the written forms.
            ids: Only these documents.
            min_score: Only hits with this score or a higher one.
            mode: `"vector"` by nearness of vectors (a text is embedded first), `"text"` by its words (BM25).
            exact: Don't use an approximate index.
            include_vectors: Whether hits carry their vectors.
            on_unsupported: `"scan"` runs what the engine can't filter in Python, exactly and with a warning.

        Raises:
            InvalidQuery, InvalidFilter, DimensionMismatch: An argument is outside the contract.
            UnsupportedFilter: The engine lacks an operator; the message names the way out.
        """
        options = SearchOptions(top_k, filter, ids, min_score, mode, exact, include_vectors, on_unsupported)
        return run(self._core.search(query, options))

    def search_batch(
        self,
        queries: Iterable[str | Vector | SearchQuery],
        *,
        top_k: int = 10,
        filter: FilterLike | None = None,
        ids: Iterable[str] | None = None,
        min_score: float | None = None,
        mode: Mode = "vector",
        exact: bool = False,
        include_vectors: bool = False,
        on_unsupported: Literal["error", "scan"] = "error",
    ) -> list[SearchResult]:
        """Run several searches, their texts embedded together; the arguments are those of `search`, for all of them."""
        options = SearchOptions(top_k, filter, ids, min_score, mode, exact, include_vectors, on_unsupported)
        return run(self._core.search_batch(queries, options))

    def explain(
        self,
        query: str | Vector | SearchQuery,
        *,
        top_k: int = 10,
        filter: FilterLike | None = None,
        ids: Iterable[str] | None = None,
        mode: Mode = "vector",
        exact: bool = False,
        on_unsupported: Literal["error", "scan"] = "error",
    ) -> dict[str, Any]:
        """Return the request the engine would get, and what would run in Python, without running it."""
        options = SearchOptions(top_k, filter, ids, None, mode, exact, False, on_unsupported)
        return run(self._core.explain(query, options))

    def namespace(self, name: str) -> Collection:
        """Return a handle bound to one namespace: no argument of it reaches another one.

        Raises:
            NamespaceDenied: This handle is bound already, to another namespace.
            InvalidName: The name is longer than 128 characters.
        """
        return Collection(self._core.in_namespace(name))

    def namespaces(self) -> list[str]:
        """Return the namespaces that hold documents; from a bound handle only its own."""
        return run(self._core.namespaces())

    def delete_namespace(self, name: str) -> int:
        """Delete every document of a namespace; return how many there were.

        Raises:
            NamespaceDenied: This handle is bound to another namespace.
        """
        return run(self._core.delete_namespace(name))

    def info(self) -> CollectionInfo:
        """Return what the collection is."""
        return self._core.info

    def stats(self) -> Stats:
        """Return how much is in this namespace."""
        return run(self._core.stats())

    def optimize(self) -> None:
        """Do now what makes later reads fast, such as writing the full-text index."""
        run(self._core.optimize())

    def flush(self) -> None:
        """Return when every write so far is durable and visible."""
        run(self._core.flush())

    def __repr__(self) -> str:
        return f"<Collection {self._core}>"
