"""What engines have of their own is done by `store.do(...)`, and the store is as it was for everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.servers.milvus import MilvusServer
from tests.servers.pinecone import PineconeServer
from tests.servers.postgres import PostgresServer, schema_of
from tests.servers.qdrant import QdrantServer
from tests.servers.weaviate import MARKS, WeaviateServer

import onevec
from onevec import Collection, Store
from onevec.adapters.lancedb.operations import CleanUp, Indexes, ScalarIndex, Versions
from onevec.adapters.milvus.operations import Compact, Load, Release, RowCount
from onevec.adapters.pgvector.operations import MetadataIndex, TextIndex
from onevec.adapters.pinecone.operations import Index, IndexStats
from onevec.adapters.pinecone.operations import Indexes as PineconeIndexes
from onevec.adapters.qdrant.operations import PayloadIndex, PayloadIndexes
from onevec.adapters.sqlite.operations import Rebuild, Sizes, Vacuum
from onevec.adapters.weaviate.operations import Activate, Tenant, Tenants
from onevec.errors import (
    CollectionNotFound,
    EngineError,
    InvalidFilter,
    InvalidName,
    InvalidQuery,
    ReadOnly,
    Unsupported,
)
from onevec.operations import Operation

pytestmark = MARKS

DIMENSION = 8
COUNT = 400


def filled(store: Store, name: str = "papers") -> Collection:
    """A collection with documents in two namespaces."""
    papers = store.create_collection(name, dimension=DIMENSION, metric="euclidean")
    vectors = np.random.default_rng(1).standard_normal((COUNT, DIMENSION), np.float32)
    ids = [f"{row:03}" for row in range(COUNT)]
    texts = [f"wing {id}" for id in ids]
    papers.upsert(ids=ids, vectors=vectors, texts=texts, metadata=[{"year": row} for row in range(COUNT)])
    papers.namespace("acme").upsert(ids=ids[:2], vectors=vectors[:2])
    return papers


def still_there(papers: Collection) -> bool:
    """Whether searches and counts are what they are in any store of the documents."""
    hit = papers.search(np.ones(DIMENSION), filter="year == 5", top_k=1)[0]
    return (hit.id, papers.count("year < 10"), papers.namespace("acme").count()) == ("005", 10, 2)


def of_nothing(store: Store, *operations: Operation[object]) -> None:
    """Each is about a collection that isn't there, or whose name can't be one."""
    for operation in operations:
        with pytest.raises((CollectionNotFound, InvalidName)):
            store.do(operation)


def test_sqlite_tells_sizes_and_gives_space_back(tmp_path: Path) -> None:
    """Every part is told; what was deleted is free, and after a vacuum the disk's."""
    with onevec.connect(f"sqlite:///{tmp_path}/store.db", index_from=1000) as store:
        papers = filled(store)
        papers.optimize()
        full = store.do(Sizes())
        assert full.vectors == (COUNT + 2) * DIMENSION * 4
        assert full.texts == COUNT * len("wing 000")
        assert min(full.metadata, full.text_index, full.indexes) > 0
        assert full.file == (tmp_path / "store.db").stat().st_size
        papers.delete(filter="year >= 20")
        freed = store.do(Vacuum())
        rest = store.do(Sizes())
        assert freed > 0
        assert rest.file < full.file
        assert (rest.free, rest.log, rest.vectors) == (0, 0, 22 * DIMENSION * 4)
        assert still_there(papers)
        assert store.health().status == "healthy"
    with onevec.connect(f"sqlite:///{tmp_path}/store.db", read_only=True) as store:
        assert store.do(Sizes()).vectors == rest.vectors
        with pytest.raises(ReadOnly):
            store.do(Vacuum())


def test_sqlite_makes_its_indexes_anew(tmp_path: Path) -> None:
    """The graph and the full-text index of a namespace, and finds the same by them."""
    with onevec.connect(f"sqlite:///{tmp_path}/store.db", index_from=1000) as store:
        papers = filled(store)
        papers.optimize()
        (graph,) = tmp_path.glob("*-index-*")
        before = graph.stat().st_mtime_ns
        by_words = papers.search("005", mode="text").ids
        store.do(Rebuild("papers"))
        assert graph.stat().st_mtime_ns > before
        assert papers.search("005", mode="text").ids == by_words == ["005"]
        assert still_there(papers)
        store.do(Rebuild("papers", "never written"))
        of_nothing(store, Rebuild("nothing"), Rebuild("../x"))


@pytest.fixture(params=["folder", "server"])
def qdrant_store(request: pytest.FixtureRequest, qdrant: QdrantServer, tmp_path: Path) -> Iterator[Store]:
    with onevec.connect(qdrant.url(tmp_path) if request.param == "server" else f"qdrant:///{tmp_path}/q") as store:
        yield store


def test_qdrant_indexes_its_payload(qdrant_store: Store) -> None:
    """By path and kind, beside the indexes that onevec makes."""
    papers = filled(qdrant_store)
    qdrant_store.do(PayloadIndex("papers", "metadata.year", "integer"))
    qdrant_store.do(PayloadIndex("papers", "text", "text"))
    indexes = qdrant_store.do(PayloadIndexes("papers"))
    assert (indexes["metadata.year"], indexes["text"], indexes["namespace"]) == ("integer", "text", "keyword")
    assert still_there(papers)
    unknown: Any = "b-tree"
    with pytest.raises(InvalidQuery, match="keyword, integer"):
        qdrant_store.do(PayloadIndex("papers", "text", unknown))
    of_nothing(qdrant_store, PayloadIndex("nothing", "text", "text"), PayloadIndexes("nothing"))


def test_qdrant_in_memory_has_no_indexes() -> None:
    """So it says."""
    with onevec.connect("qdrant:///:memory:") as store:
        filled(store)
        with pytest.raises(Unsupported, match="a folder and a server have"):
            store.do(PayloadIndex("papers", "text", "text"))
        assert store.do(PayloadIndexes("papers")) == {}


def test_lancedb_has_indexes_and_versions(tmp_path: Path) -> None:
    """Columns are indexed, versions listed, and those that are old enough removed."""
    with onevec.connect(f"lancedb:///{tmp_path}/store") as store:
        papers = filled(store)
        store.do(ScalarIndex("papers", "text", "fts"))
        store.do(ScalarIndex("papers", "created"))
        assert store.do(Indexes("papers")) == {"text_idx": "FTS", "created_idx": "BTree"}
        versions = store.do(Versions("papers"))
        assert [one.number for one in versions] == list(range(1, len(versions) + 1))
        assert all(datetime.now(UTC) - one.at < timedelta(minutes=5) for one in versions)
        assert store.do(CleanUp("papers")) == 0
        assert store.do(CleanUp("papers", timedelta(milliseconds=1))) > 0
        assert len(store.do(Versions("papers"))) == 1
        assert still_there(papers)
        unknown: Any = "gin"
        for wrong in (ScalarIndex("papers", "text", unknown), CleanUp("papers", timedelta(days=-1))):
            with pytest.raises(InvalidQuery):
                store.do(wrong)
        with pytest.raises(EngineError, match="nothing"):
            store.do(ScalarIndex("papers", "nothing"))
        of_nothing(store, Indexes("nothing"), Versions("nothing"), CleanUp("../x"))


def test_milvus_loads_releases_and_compacts(tmp_path: Path, milvus: MilvusServer) -> None:
    """A collection that was released is read again, by a folder and by a server."""
    for url in (f"milvus:///{tmp_path}/store.db", milvus.url(tmp_path)):
        with onevec.connect(url) as store:
            papers = filled(store)
            store.do(Release("papers"))
            assert still_there(papers)
            store.do(Release("papers"))
            store.do(Load("papers"))
            store.do(Compact("papers"))
            assert store.do(RowCount("papers")) == COUNT + 2
            assert still_there(papers)
            of_nothing(store, Load("nothing"), Release("nothing"), Compact("nothing"), RowCount("nothing"))


def test_pgvector_indexes_metadata_and_texts(postgres: PostgresServer, tmp_path: Path) -> None:
    """With the statements that its filters' conditions and a caller's own can go by; twice is once."""
    with onevec.connect(postgres.url(schema=schema_of(tmp_path))) as store:
        papers = filled(store)
        operations = (MetadataIndex("papers"), MetadataIndex("papers", "author.name"), TextIndex("papers", "simple"))
        names = [store.do(operation) for operation in (*operations, *operations)]
        assert len(set(names)) == 3
        assert names[:3] == names[3:]
        pool: Any = store.client
        with pool.connection() as connection:
            indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = %s AND indexname = ANY(%s)"
            found = connection.execute(indexes, (schema_of(tmp_path), names)).fetchall()
        made = sorted(definition.partition(" USING ")[2] for (definition,) in found)
        assert made == [
            "btree ((((metadata -> 'author'::text) -> 'name'::text)))",
            "gin (metadata jsonb_path_ops)",
            "gin (to_tsvector('simple'::regconfig, text))",
        ]
        words = ("to_tsvector('simple', text) @@ plainto_tsquery('simple', %s)", ["wing 005"])
        assert papers.search(np.ones(DIMENSION), native=words).ids == ["005"]
        assert still_there(papers)
        for field in ("a'b", "a); DROP TABLE x; --", ""):
            with pytest.raises(InvalidFilter):
                store.do(MetadataIndex("papers", field))
        for language in ("x'y", "", "klingon'); --"):
            with pytest.raises(InvalidQuery):
                store.do(TextIndex("papers", language))
        with pytest.raises(EngineError, match="klingon"):
            store.do(TextIndex("papers", "klingon"))
        of_nothing(store, MetadataIndex("nothing"), TextIndex("nothing"))

    async def main() -> str:
        async with onevec.connect_async(postgres.url(schema=schema_of(tmp_path))) as store:
            return await store.do(MetadataIndex("papers"))

    assert asyncio.run(main()) == names[0]


def test_pinecone_tells_its_indexes(pinecone: PineconeServer, tmp_path: Path) -> None:
    """Which there are, which of them are collections, and how many records each namespace has."""
    with onevec.connect(pinecone.url(tmp_path)) as store:
        papers = filled(store)
        (index,) = store.do(PineconeIndexes())
        assert index == Index("papers", index.host, "papers")
        counts = store.do(IndexStats("papers"))
        assert sorted(counts.values()) == [2, COUNT]
        assert counts["__default__"] == COUNT
        assert still_there(papers)
        of_nothing(store, IndexStats("nothing"))


def test_weaviate_tells_its_tenants(weaviate: WeaviateServer, tmp_path: Path) -> None:
    """Which there are, and which are in memory; one that is not comes back when it is searched."""
    with onevec.connect(weaviate.url(tmp_path)) as store:
        papers = filled(store)
        assert store.do(Tenants("papers")) == [Tenant("acme", "ACTIVE"), Tenant("onevec-default", "ACTIVE")]
        store.do(Activate("papers", ["acme"], "INACTIVE"))
        assert store.do(Tenants("papers"))[0] == Tenant("acme", "INACTIVE")
        assert still_there(papers)
        assert store.do(Tenants("papers"))[0] == Tenant("acme", "ACTIVE")
        wrong: Any = "FROZEN"
        for activity in (Activate("papers", ["acme"], wrong), Activate("papers", "acme")):
            with pytest.raises(InvalidQuery):
                store.do(activity)
        with pytest.raises(InvalidName):
            store.do(Activate("papers", ["x" * 129]))
        of_nothing(store, Tenants("nothing"), Activate("nothing", ["acme"]))
    weaviate.clear()
