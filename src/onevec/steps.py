"""Search and ingest as steps of an application's own pipeline: async callables with a config.

    retrieve = SearchStep(SearchConfig("sqlite:///papers.db", "papers", mode="hybrid", top_k=5))
    hits = await retrieve("wings in a slipstream")

A step opens its store when it is first called, and closes what it opened with `aclose()` or at the end of `async with`.
Several steps share one store that the program has opened: it is given in the place of the URL, and stays open.
"""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, overload

from onevec.aio import AsyncCollection, AsyncStore
from onevec.documents import Document, Mode, SearchQuery, SearchResult, Vector, WriteReport
from onevec.errors import ConfigError, StoreClosed
from onevec.opening import StoreTarget, connect_async

if TYPE_CHECKING:
    from onevec.embedders import EmbedderLike
    from onevec.filters import FilterLike
    from onevec.fusion import Method
    from onevec.ingest import IngestReport
    from onevec.metrics import Metric
    from onevec.rerank import RerankerLike

Path: TypeAlias = "str | os.PathLike[str]"
DocumentLike: TypeAlias = "Document | Mapping[str, Any]"  # Any: a document's fields


class _Step(ABC):
    """What has a namespace of a collection, opened by the first task that needs it, for all of them."""

    def __init__(self, target: StoreTarget | AsyncStore, namespace: str) -> None:
        if not isinstance(target, AsyncStore | str | Mapping | type):
            raise ConfigError(f"a step's store is a URL, a config mapping or an open AsyncStore, got {target!r}")
        self._target = target
        self._namespace = namespace
        self._lock = asyncio.Lock()
        self._own: AsyncStore | None = None
        self._collection: AsyncCollection | None = None
        self._closed = False

    async def aclose(self) -> None:
        """Close the store, if the step opened it; a second call does nothing."""
        async with self._lock:
            self._closed, self._collection = True, None
            own, self._own = self._own, None
            if own is not None:
                await own.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _opened(self) -> AsyncCollection:
        async with self._lock:
            if self._closed:
                raise StoreClosed("this step was closed; make another one")
            if self._collection is None:
                store = self._target if isinstance(self._target, AsyncStore) else await self._own_store(self._target)
                found = await self._found(store)
                self._collection = found.namespace(self._namespace) if self._namespace else found
            return self._collection

    async def _own_store(self, target: StoreTarget) -> AsyncStore:
        if self._own is None:  # it may be open, and the collection not be there yet
            self._own = await connect_async(target)
        return self._own

    @abstractmethod
    async def _found(self, store: AsyncStore) -> AsyncCollection:
        """Return the collection."""


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """What a `SearchStep` searches, and how. The keywords are those of `Collection.search`.

    Attributes:
        store: What `onevec.connect_async` takes, or an open `AsyncStore`.
        collection: The collection's name.
        namespace: The namespace.
        embedder: Needed only where the collection's own can't be found by its name, as with a function.
    """

    store: StoreTarget | AsyncStore
    collection: str
    _: KW_ONLY
    namespace: str = ""
    embedder: EmbedderLike | None = None
    mode: Mode = "vector"
    top_k: int = 10
    filter: FilterLike | None = None
    min_score: float | None = None
    exact: bool = False
    include_vectors: bool = False
    fusion: Method | None = None
    vector_weight: float | None = None
    depth: int | None = None
    rerank: RerankerLike | None = None
    rerank_depth: int | None = None
    min_rerank_score: float | None = None
    mmr: float | None = None


class SearchStep(_Step):
    """A retriever: a query in, hits out. Safe to share between tasks of one event loop."""

    def __init__(self, config: SearchConfig) -> None:
        super().__init__(config.store, config.namespace)
        self.config = config

    async def __call__(self, query: str | Vector | SearchQuery) -> SearchResult:
        """Return the hits; the arguments and errors are those of `Collection.search`.

        Raises:
            CollectionNotFound: The store has no such collection.
            StoreClosed: The step was closed.
        """
        config = self.config
        collection = await self._opened()
        return await collection.search(
            query,
            top_k=config.top_k,
            filter=config.filter,
            min_score=config.min_score,
            mode=config.mode,
            exact=config.exact,
            include_vectors=config.include_vectors,
            fusion=config.fusion,
            vector_weight=config.vector_weight,
            depth=config.depth,
            rerank=config.rerank,
            rerank_depth=config.rerank_depth,
            min_rerank_score=config.min_rerank_score,
            mmr=config.mmr,
        )

    async def _found(self, store: AsyncStore) -> AsyncCollection:
        return await store.collection(self.config.collection, embedder=self.config.embedder)


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """Where an `IngestStep` writes, and how it reads files. The last ones are the keywords of `onevec.ingest.ingest`.

    Attributes:
        store: What `onevec.connect_async` takes, or an open `AsyncStore`.
        collection: The collection's name. It is made if it isn't there.
        namespace: The namespace.
        embedder: What makes vectors of texts; of a collection that is there, the one it was made with.
        dimension: Of a new collection without an embedder.
        metric: Of a new collection.
    """

    store: StoreTarget | AsyncStore
    collection: str
    _: KW_ONLY
    namespace: str = ""
    embedder: EmbedderLike | None = None
    dimension: int | None = None
    metric: Metric | str = "cosine"
    chunk_tokens: int = 256
    overlap_tokens: int = 0
    id_field: str | None = None
    text_field: str | Sequence[str] | None = None
    vector_field: str | None = "vector"
    metadata_fields: Sequence[str] | None = None


class IngestStep(_Step):
    """Documents or files in, a report out. Safe to share between tasks of one event loop."""

    def __init__(self, config: IngestConfig) -> None:
        super().__init__(config.store, config.namespace)
        self.config = config

    # A dict is also an iterable of strings; it is taken for a document.
    @overload
    async def __call__(self, items: DocumentLike | Iterable[DocumentLike]) -> WriteReport: ...  # type: ignore[overload-overlap]
    @overload
    async def __call__(self, items: Path | Iterable[Path]) -> IngestReport: ...
    async def __call__(
        self, items: Path | DocumentLike | Iterable[Path] | Iterable[DocumentLike]
    ) -> IngestReport | WriteReport:
        """Write documents as `Collection.upsert` does, or files and folders as `onevec.ingest.ingest` does.

        Args:
            items: Documents, dicts with their fields, or paths; or an iterable of one of these kinds.

        Raises:
            CollectionExists: The collection is there with another dimension or metric.
            StoreClosed: The step was closed.
        """
        paths, documents = _sorted_out(items)
        collection = await self._opened()
        if paths is None:
            return await collection.upsert(documents)
        from onevec.ingest import ingest_async

        config = self.config
        return await ingest_async(
            collection,
            paths,
            chunk_tokens=config.chunk_tokens,
            overlap_tokens=config.overlap_tokens,
            id_field=config.id_field,
            text_field=config.text_field,
            vector_field=config.vector_field,
            metadata_fields=config.metadata_fields,
        )

    async def _found(self, store: AsyncStore) -> AsyncCollection:
        config = self.config
        if config.embedder is None and config.dimension is None and await store.has_collection(config.collection):
            return await store.collection(config.collection)
        return await store.create_collection(
            config.collection,
            dimension=config.dimension,
            metric=config.metric,
            embedder=config.embedder,
            if_exists="open",
        )


def _sorted_out(items: Any) -> tuple[Iterable[Path] | None, Any]:  # Any: checked by those who take them
    """The paths, or None and the documents; what an iterable holds is told by its first item."""
    if isinstance(items, str | os.PathLike):
        return [items], None
    if isinstance(items, Document | Mapping) or not isinstance(items, Iterable):
        return None, items
    rest = iter(items)
    for first in rest:
        whole = chain([first], rest) if rest is items else items
        return (whole, None) if isinstance(first, str | os.PathLike) else (None, whole)
    return None, []
