"""The async API: the sync one, awaited. Every method is one line over the same pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from onevec.capabilities import Capabilities
from onevec.documents import (
    CollectionInfo,
    Document,
    Health,
    IndexKind,
    IndexSettings,
    Metadata,
    Mode,
    Page,
    Progress,
    Quantization,
    SearchQuery,
    SearchResult,
    Stats,
    Vector,
    WriteReport,
)
from onevec.filters import FilterLike
from onevec.fusion import Method
from onevec.operations import Operation, done
from onevec.pipeline.options import FusionOptions, NativeFilter, RerankOptions, SearchOptions
from onevec.rerank import RerankerLike

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from onevec.choosing import Candidate
    from onevec.embedders import EmbedderLike
    from onevec.metrics import Metric
    from onevec.pipeline import CollectionPipeline, StorePipeline

T = TypeVar("T")


class AsyncStore:
    """An open connection to one engine. Made by `onevec.connect_async`; safe to share between tasks; close it, or use
    `async with`. The arguments and errors of each method are those of `onevec.Store`.
    """

    __slots__ = ("_core",)

    def __init__(self, core: StorePipeline) -> None:
        self._core = core

    async def create_collection(
        self,
        name: str,
        *,
        dimension: int | None = None,
        metric: Metric | str = "cosine",
        embedder: EmbedderLike | None = None,
        if_exists: Literal["error", "open", "replace"] = "error",
    ) -> AsyncCollection:
        """Make a collection and return its handle."""
        return AsyncCollection(
            await self._core.create_collection(
                name, dimension=dimension, metric=metric, embedder=embedder, if_exists=if_exists
            )
        )

    async def collection(self, name: str, *, embedder: EmbedderLike | None = None) -> AsyncCollection:
        """Return the handle of a collection that exists."""
        return AsyncCollection(await self._core.collection(name, embedder=embedder))

    async def collections(self) -> list[CollectionInfo]:
        """Return what collections there are, by name."""
        return await self._core.collections()

    async def has_collection(self, name: str) -> bool:
        """Return whether there is a collection of that name."""
        return await self._core.has_collection(name)

    async def delete_collection(self, name: str) -> bool:
        """Delete a collection with all its namespaces; return whether it existed."""
        return await self._core.delete_collection(name)

    async def copy_collection(self, source: str, target: str, *, on_progress: Progress | None = None) -> int:
        """Copy a collection with all its namespaces to a new one; return how many documents it has."""
        return await self._core.copy_collection(source, target, on_progress=on_progress)

    async def health(self) -> Health:
        """Return how the store is. It doesn't raise for an engine that is ill: the status says so."""
        return await self._core.health()

    async def do(self, operation: Operation[T]) -> T:
        """Let the engine do something of its own, and return what comes of it; its page lists what there is."""
        return await done(self._core, operation)

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

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """How the stores were that `create_production_store` asked; empty for a store of `connect`."""
        return self._core.candidates

    async def close(self) -> None:
        """Let go of everything. A second call does nothing; any other call then raises `StoreClosed`."""
        await self._core.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncStore {self._core.engine}>"


class AsyncCollection:
    """A handle on one namespace of one collection. Safe to share between tasks.

    The arguments and errors of each method are those of `onevec.Collection`.
    """

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

    async def upsert(
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
        """Write documents; one with an id that is there replaces the old one whole. The last of equal ids wins."""
        return await self._core.upsert(
            documents,
            ids=ids,
            vectors=vectors,
            texts=texts,
            metadata=metadata,
            wait=wait,
            on_failure=on_failure,
            on_progress=on_progress,
        )

    async def update(
        self,
        documents: str | Document | Mapping[str, Any] | Iterable[Document | Mapping[str, Any]],
        *,
        text: str | None = None,
        vector: Vector | None = None,
        metadata: Metadata | None = None,
        on_failure: Literal["raise", "report"] = "raise",
    ) -> WriteReport:
        """Change parts of documents that exist: `update("7", metadata={"year": 1959})`."""
        return await self._core.update(documents, text=text, vector=vector, metadata=metadata, on_failure=on_failure)

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the vectors that the collection's embedder makes of texts, as rows; nothing is written."""
        return await self._core.embed(texts)

    async def get(self, id: str, *, include_vectors: bool = True) -> Document | None:
        """Return the document, or None."""
        return await self._core.get(id, include_vectors=include_vectors)

    async def get_many(self, ids: Iterable[str], *, include_vectors: bool = True) -> list[Document]:
        """Return those of the documents that exist, in the order asked."""
        return await self._core.get_many(ids, include_vectors=include_vectors)

    async def delete(self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None) -> int:
        """Delete documents by ids or by filter; return how many existed."""
        return await self._core.delete(ids, filter=filter)

    async def clear(self) -> int:
        """Delete every document of this namespace; return how many there were."""
        return await self._core.clear()

    async def count(self, filter: FilterLike | None = None) -> int:
        """Return how many documents match."""
        return await self._core.count(filter)

    def scan(
        self, *, filter: FilterLike | None = None, limit: int | None = None, include_vectors: bool = True
    ) -> AsyncIterator[Document]:
        """Yield every matching document once, in id order where the engine can."""
        pages = self._core.pages(filter=filter, limit=limit, include_vectors=include_vectors)
        return _flattened(pages)

    async def page(
        self,
        *,
        limit: int = 100,
        cursor: str | None = None,
        filter: FilterLike | None = None,
        include_vectors: bool = True,
    ) -> Page:
        """Return up to `limit` matching documents and the cursor to go on from."""
        return await self._core.page(limit=limit, cursor=cursor, filter=filter, include_vectors=include_vectors)

    async def search(
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
        ef_search: int | None = None,
        nprobe: int | None = None,
        fusion: Method | None = None,
        vector_weight: float | None = None,
        depth: int | None = None,
        rerank: RerankerLike | None = None,
        rerank_depth: int | None = None,
        min_rerank_score: float | None = None,
        mmr: float | None = None,
        native: NativeFilter | None = None,
    ) -> SearchResult:
        """Return the best hits, by score, ties by id."""
        options = SearchOptions(
            top_k,
            filter,
            ids,
            min_score,
            mode,
            exact,
            include_vectors,
            on_unsupported,
            ef_search,
            nprobe,
            FusionOptions(fusion, vector_weight, depth),
            RerankOptions(rerank, rerank_depth, min_rerank_score, mmr),
            native,
        )
        return await self._core.search(query, options)

    async def search_batch(
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
        ef_search: int | None = None,
        nprobe: int | None = None,
        fusion: Method | None = None,
        vector_weight: float | None = None,
        depth: int | None = None,
        rerank: RerankerLike | None = None,
        rerank_depth: int | None = None,
        min_rerank_score: float | None = None,
        mmr: float | None = None,
        native: NativeFilter | None = None,
    ) -> list[SearchResult]:
        """Run several searches, their texts embedded together; the arguments are those of `search`, for all of them."""
        options = SearchOptions(
            top_k,
            filter,
            ids,
            min_score,
            mode,
            exact,
            include_vectors,
            on_unsupported,
            ef_search,
            nprobe,
            FusionOptions(fusion, vector_weight, depth),
            RerankOptions(rerank, rerank_depth, min_rerank_score, mmr),
            native,
        )
        return await self._core.search_batch(queries, options)

    async def explain(
        self,
        query: str | Vector | SearchQuery,
        *,
        top_k: int = 10,
        filter: FilterLike | None = None,
        ids: Iterable[str] | None = None,
        mode: Mode = "vector",
        exact: bool = False,
        on_unsupported: Literal["error", "scan"] = "error",
        ef_search: int | None = None,
        nprobe: int | None = None,
        fusion: Method | None = None,
        vector_weight: float | None = None,
        depth: int | None = None,
        native: NativeFilter | None = None,
    ) -> dict[str, Any]:
        """Return the request the engine would get, and what would run in Python, without running it."""
        options = SearchOptions(
            top_k,
            filter,
            ids,
            None,
            mode,
            exact,
            False,
            on_unsupported,
            ef_search,
            nprobe,
            FusionOptions(fusion, vector_weight, depth),
            native=native,
        )
        return await self._core.explain(query, options)

    def namespace(self, name: str) -> AsyncCollection:
        """Return a handle bound to one namespace: no argument of it reaches another one."""
        return AsyncCollection(self._core.in_namespace(name))

    async def namespaces(self) -> list[str]:
        """Return the namespaces that hold documents; from a bound handle only its own."""
        return await self._core.namespaces()

    async def delete_namespace(self, name: str) -> int:
        """Delete every document of a namespace; return how many there were."""
        return await self._core.delete_namespace(name)

    async def info(self) -> CollectionInfo:
        """Return what the collection is."""
        return self._core.info

    async def stats(self) -> Stats:
        """Return how much is in this namespace."""
        return await self._core.stats()

    async def create_index(
        self,
        kind: IndexKind = "hnsw",
        *,
        m: int | None = None,
        ef_construction: int | None = None,
        quantization: Quantization | None = None,
        lists: int | None = None,
        subvectors: int | None = None,
        bits: int | None = None,
        factory: str | None = None,
    ) -> None:
        """Index the collection's vectors this way from now on, and this namespace now; see the sync `Collection`."""
        settings = IndexSettings(
            kind=kind,
            m=m,
            ef_construction=ef_construction,
            quantization=quantization,
            lists=lists,
            subvectors=subvectors,
            bits=bits,
            factory=factory,
        )
        await self._core.create_index(settings)

    async def optimize(self) -> None:
        """Do now what makes later reads fast, such as building the index of the vectors and of the texts."""
        await self._core.optimize()

    async def flush(self) -> None:
        """Return when every write so far is durable and visible."""
        await self._core.flush()

    def __repr__(self) -> str:
        return f"<AsyncCollection {self._core}>"


async def _flattened(pages: AsyncIterator[Page]) -> AsyncIterator[Document]:
    async for page in pages:
        for document in page:
            yield document
