"""What a type checker sees of the public API. mypy checks this file; it is never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import onevec
from onevec import (
    AsyncCollection,
    AsyncStore,
    Collection,
    CollectionInfo,
    Document,
    Filter,
    Health,
    Hit,
    IngestConfig,
    IngestStep,
    Metric,
    Page,
    PartialWrite,
    SearchConfig,
    SearchFilter,
    SearchQuery,
    SearchResult,
    SearchStep,
    Stats,
    Store,
    WriteReport,
    field,
)
from onevec.adapters.qdrant.operations import PayloadIndex
from onevec.adapters.sqlite.operations import SizeReport, Sizes, Vacuum
from onevec.capabilities import Capabilities
from onevec.filters import And, Condition, Or
from onevec.ingest import IngestReport
from onevec.registry import EngineInfo


def stores(store: Store) -> None:
    with onevec.connect("memory://") as opened:
        assert_type(opened, Store)
    assert_type(onevec.connect({"engine": "sqlite", "path": "papers.db"}, timeout=None, embedder="wordllama"), Store)
    assert_type(store.create_collection("papers", dimension=2, metric="dot", if_exists="open"), Collection)
    assert_type(store.create_collection("papers", embedder=letters, metric=Metric.DOT), Collection)
    assert_type(store.collection("papers"), Collection)
    assert_type(store.collections(), list[CollectionInfo])
    assert_type(store.has_collection("papers"), bool)
    assert_type(store.delete_collection("papers"), bool)
    assert_type(store.copy_collection("papers", "copy", on_progress=lambda done, total: None), int)
    assert_type(store.health(), Health)
    assert_type(store.capabilities, Capabilities)
    assert_type(onevec.engines(), list[EngineInfo])
    store.create_collection("papers", if_exists="maybe")  # type: ignore[arg-type]
    store.create_collection("papers", 2)  # type: ignore[call-arg]


async def operations(store: Store, elsewhere: AsyncStore, papers: Collection) -> None:
    assert_type(store.do(Sizes()), SizeReport)
    assert_type(await elsewhere.do(Vacuum()), int)
    assert_type(store.do(PayloadIndex("papers", "metadata.year", "integer")), None)
    PayloadIndex("papers", "metadata.year", "tree")  # type: ignore[arg-type]
    store.do("vacuum")  # type: ignore[arg-type]
    assert_type(papers.search([1, 0], native={"year": {"$gt": 1958}}), SearchResult)
    assert_type(papers.search([1, 0], native=("length(text) < ?", [5])), SearchResult)


def writes(papers: Collection, matrix: npt.NDArray[np.float32]) -> None:
    assert_type(papers.upsert(Document("1", text="wing")), WriteReport)
    assert_type(papers.upsert([Document("1", vector=[1, 0]), {"id": "2", "text": "slab"}]), WriteReport)
    assert_type(papers.upsert(Document(str(row), vector=matrix[row]) for row in range(3)), WriteReport)
    assert_type(papers.upsert(ids=["1"], vectors=matrix, texts=["wing"], metadata=[{"year": 1958}]), WriteReport)
    assert_type(papers.update("1", metadata={"year": None}, vector=matrix[0]), WriteReport)
    assert_type(papers.delete("1"), int)
    assert_type(papers.delete(["1", "2"]), int)
    assert_type(papers.delete(filter={"year": {"$lt": 1950}}), int)
    assert_type(papers.clear(), int)
    papers.upsert(["1"])  # type: ignore[list-item]
    papers.upsert(Document("1"), on_failure="ignore")  # type: ignore[arg-type]
    try:
        papers.upsert([])
    except PartialWrite as error:
        assert_type(error.report, WriteReport)
        assert_type(error.retryable, bool)


def reads(papers: Collection) -> None:
    assert_type(papers.get("1"), Document | None)
    assert_type(papers.get_many(["1"]), list[Document])
    assert_type(papers.scan(filter="year >= 1958"), Iterator[Document])
    page = papers.page(limit=10)
    assert_type(page, Page)
    assert_type(page.cursor, str | None)
    assert_type(papers.count(field("year") >= 1958), int)
    assert_type(papers.info(), CollectionInfo)
    assert_type(papers.stats(), Stats)
    assert_type(papers.namespace("acme"), Collection)
    assert_type(papers.namespaces(), list[str])
    for document in papers.scan():
        assert_type(document.id, str)
        assert_type(document.text, str | None)
        assert_type(document.metadata, dict[str, Any])
        assert_type(document.updated_at, datetime | None)


def searches(papers: Collection, vector: npt.NDArray[np.float32]) -> None:
    hits = papers.search("wings", top_k=5)
    assert_type(hits, SearchResult)
    assert_type(hits[0], Hit)
    assert_type(hits[:3], tuple[Hit, ...])
    assert_type(hits.ids, list[str])
    for hit in hits:
        assert_type(hit.score, float)
        assert_type(hit.distance, float | None)
        assert_type(hit.document, Document)
    papers.search(vector, filter=field("year") >= 1958, min_score=0.5, ids=["1"], exact=True)
    papers.search([1.0, 0.0], filter={"year": 1958}, mode="vector")
    papers.search(SearchQuery("wings", top_k=3), filter=[SearchFilter("year", "gte", 1958)])
    assert_type(papers.search_batch(["wings", vector, SearchQuery(vector=[1, 0])]), list[SearchResult])
    assert_type(papers.explain("wings"), dict[str, Any])
    reranked = papers.search("wings", rerank="cross-encoder", rerank_depth=20, mmr=0.5)
    assert_type(reranked[0].rerank_score, float | None)
    papers.search("wings", rerank=lambda query, texts: [float(query in text) for text in texts])
    papers.search("wings", rerank=5)  # type: ignore[arg-type]
    papers.search("wings", limit=5)  # type: ignore[call-arg]
    papers.search("wings", 5)  # type: ignore[call-arg]
    papers.search("wings", mode="fuzzy")  # type: ignore[arg-type]


def filters(condition: Filter, raw: Mapping[str, Any]) -> None:
    assert_type(field("year") >= 1958, Condition)
    assert_type(field("lang") == "en", Condition)
    assert_type((field("year") >= 1958) & (field("lang") == "en"), And)
    assert_type((field("year") >= 1958) | condition, Or)
    assert_type(~condition, Filter)
    assert_type(field("tags").contains("wing"), Condition)
    assert_type(onevec.parse_filter(raw), Filter | None)


async def awaited(store: AsyncStore, papers: AsyncCollection) -> None:
    async with onevec.connect_async("memory://") as opened:
        assert_type(opened, AsyncStore)
    assert_type(await store.create_collection("papers", dimension=2), AsyncCollection)
    assert_type(await store.collection("papers"), AsyncCollection)
    assert_type(await papers.upsert(Document("1", vector=[1, 0])), WriteReport)
    assert_type(await papers.get("1"), Document | None)
    assert_type(await papers.search("wings"), SearchResult)
    assert_type(await papers.search_batch(["wings"]), list[SearchResult])
    assert_type(papers.scan(), AsyncIterator[Document])
    assert_type(papers.namespace("acme"), AsyncCollection)
    assert_type(await papers.count(), int)


async def steps(store: AsyncStore) -> None:
    assert_type(await SearchStep(SearchConfig("memory://", "papers", top_k=5))("wings"), SearchResult)
    async with IngestStep(IngestConfig(store, "papers")) as write:
        assert_type(write, IngestStep)
        assert_type(await write([Document("1", text="wing")]), WriteReport)
        assert_type(await write({"id": "1", "text": "wing"}), WriteReport)
        assert_type(await write("notes"), IngestReport)
        assert_type(await write([Path("notes"), Path("papers.jsonl")]), IngestReport)
    SearchConfig("memory://", "papers", 5)  # type: ignore[call-arg, arg-type]


def letters(texts: Sequence[str]) -> list[list[float]]:
    return [[float(len(text))] for text in texts]
