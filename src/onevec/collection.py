"""A collection of the sync API. Every method is one line over the pipeline, driven in place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from onevec.documents import (
    CollectionInfo,
    Document,
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
from onevec.pipeline.options import FusionOptions, NativeFilter, RerankOptions, SearchOptions
from onevec.rerank import RerankerLike
from onevec.runtime import drained, run

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from onevec.pipeline import CollectionPipeline


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

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the vectors that the collection's embedder makes of texts, as rows; nothing is written.

        Raises:
            EmbeddingFailed: The embedder failed, or can't embed a text; `position` says which.
            InvalidDocument: The collection has no embedder.
        """
        return run(self._core.embed(texts))

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
        """Return the best hits, by score, ties by id; with `rerank` by its scores, with `mmr` as that orders them.

        Args:
            query: A text, a vector of `dimension` numbers, or a `SearchQuery`.
            top_k: How many hits at most; with a filter, that many if so many documents match.
            filter: Only documents that match; in any of the written forms.
            ids: Only these documents.
            min_score: Only hits with this score or a higher one.
            mode: `"vector"` by nearness of vectors (a text is embedded first), `"text"` by its words (BM25), `"hybrid"`
                by both, each with the same filter, fused into one ranking.
            exact: Don't use an approximate index.
            include_vectors: Whether hits carry their vectors.
            on_unsupported: `"scan"` runs what the engine can't filter in Python, exactly and with a warning.
            ef_search: How many candidates an HNSW graph keeps: more take longer and miss less. Default: the engine's
                choice.
            nprobe: How many lists of an inverted file (IVF) are read, likewise.
            fusion: In hybrid mode, `"rrf"` fuses ranks (reciprocal rank fusion, k=60; the default), `"weighted"` fuses
                scores, scaled to 0 to 1 on each side.
            vector_weight: In hybrid mode, what the vector side counts, from 0 to 1. Default: 0.5.
            depth: In hybrid mode, how many hits of each side are fused. Default: 100, or `top_k` if that is more.
            rerank: What scores the hits' texts anew: a name such as `"cross-encoder"`, a `Reranker`, or a function of
                the query and a list of texts. Hits keep their `score` and gain `rerank_score`, which orders them, ties
                by id; hits without a text come last. The query needs a text.
            rerank_depth: How many of the best hits are reranked or diversified. Default: 50, or `top_k` if more.
            min_rerank_score: Only hits with this score by the reranker or a higher one; `min_score` cuts before it.
            mmr: Leave out what repeats: each hit is the one that is most relevant and least like those before it
                (maximal marginal relevance), where relevance counts so much, from 0 to 1, and novelty the rest.
            native: A condition in the engine's own language, which must hold besides `filter`; it reaches no other
                namespace. The engine's page says what it takes.

        Raises:
            InvalidQuery, InvalidFilter, DimensionMismatch: An argument is outside the contract.
            UnsupportedFilter: The engine lacks an operator; the message names the way out.
            Unsupported: The engine has no such mode or setting.
            UnknownReranker: There is no reranker of that name.
            RerankingFailed: The reranker gave no usable scores.
        """
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

    def create_index(
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
        """Index the collection's vectors this way from now on, and this namespace now.

        What is left out is the engine's choice. Hits are measured with the exact vectors whatever the index keeps.

        Args:
            kind: `"flat"` compares with every vector, `"hnsw"` walks a graph, `"ivf_flat"` reads some lists of an
                inverted file, `"ivf_pq"` one of compressed vectors, `"factory"` is what `factory` describes.
            m: Links of a vector in an HNSW graph.
            ef_construction: Candidates while a vector is linked into an HNSW graph.
            quantization: What the index keeps of each number: `"none"` (float32), `"float16"` or `"int8"`.
            lists: Lists of an inverted file.
            subvectors: Parts that product quantization encodes a vector in; a divisor of the dimension.
            bits: Bits of the code of each part.
            factory: FAISS's description of an index, such as `"IVF1024,PQ16"`.

        Raises:
            Unsupported: The engine makes no such index or hasn't that setting; the message names what it has.
            InvalidQuery: A setting is outside its range.
        """
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
        run(self._core.create_index(settings))

    def optimize(self) -> None:
        """Do now what makes later reads fast, such as building the index of the vectors and of the texts."""
        run(self._core.optimize())

    def flush(self) -> None:
        """Return when every write so far is durable and visible."""
        run(self._core.flush())

    def __repr__(self) -> str:
        return f"<Collection {self._core}>"
