"""What is the lancedb engine's own: tables as other tools see them, errors, folders, indexes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import lancedb
import numpy as np
import pyarrow as pa
import pytest
from blockbuster import blockbuster_ctx

import onevec
from onevec import Document, field
from onevec.adapters.lancedb.conditions import LanceCompiler
from onevec.adapters.lancedb.failures import as_onevec
from onevec.errors import (
    AuthenticationFailed,
    CollectionExists,
    CollectionNotFound,
    ConfigError,
    Corrupted,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    InvalidQuery,
    OnevecError,
    ReadOnly,
    StorageFull,
    StoreNotFound,
    Unsupported,
)
from onevec.filters import Filter
from onevec.matching import matches

AT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
S3 = {
    "endpoint": "http://127.0.0.1:9",
    "allow_http": "true",
    "region": "us-east-1",
    "aws_access_key_id": "the-key-itself",
    "aws_secret_access_key": "the-secret-itself",
    "client_max_retries": "0",
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of the test's own store."""
    return f"lancedb:///{tmp_path}/store"


@pytest.fixture
def native(tmp_path: Path) -> Any:
    """LanceDB's own sync client, as other software has it."""
    return lancedb.connect(tmp_path / "store")


def test_other_tools_see_natural_columns(url: str, native: Any) -> None:
    """A row has the document's id, text, vector and metadata in plain sight, and LanceDB's SQL can filter by them."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2, metric="euclidean")
        papers.namespace("acme").upsert(
            Document("a", text="wing", vector=[3, 4], metadata={"year": 1958, "o": {"tags": ["x"]}, "at": AT})
        )
    table = native.open_table("papers")
    assert table.count_rows("json_get_int(metadata, 'year') = 1958") == 1
    (row,) = table.search().select(["namespace", "id", "text", "vector", "metadata"]).to_list()
    assert (row["namespace"], row["id"], row["text"], list(row["vector"])) == ("acme", "a", "wing", [3.0, 4.0])
    shown = '{"at":{"$datetime":"2020-01-02T03:04:05.000000Z"},"o":{"tags":["x"]},"year":1958}'
    assert row["metadata"] == shown
    assert b'"metric":"euclidean"' in table.schema.metadata[b"onevec"]


def test_a_table_of_other_software_is_left_alone(url: str, native: Any) -> None:
    """It isn't listed, opened, replaced or deleted; its name is taken."""
    native.create_table("theirs", pa.table({"id": ["a"]}))
    with onevec.connect(url) as store:
        assert store.collections() == []
        assert not store.has_collection("theirs")
        assert not store.delete_collection("theirs")
        choices: list[Literal["error", "open", "replace"]] = ["error", "open", "replace"]
        for if_exists in choices:
            with pytest.raises(CollectionExists, match="another name"):
                store.create_collection("theirs", dimension=2, if_exists=if_exists)
    assert native.open_table("theirs").count_rows() == 1


def test_vectors_come_back_to_the_bit_under_cosine(url: str, native: Any) -> None:
    """Whatever their length; those of length one are stored once, as they are."""
    vectors = np.random.default_rng(1).standard_normal((50, 33), np.float32)
    vectors[:25] /= np.linalg.norm(vectors[:25], axis=1, keepdims=True)
    ids = [f"{number:02}" for number in range(50)]
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=33)
        papers.upsert(ids=ids, vectors=vectors)
        found = papers.get_many(ids)
        np.testing.assert_array_equal(np.stack([np.asarray(one.vector) for one in found]), vectors)
        hits = papers.search(vectors[7] * 1000, top_k=1, include_vectors=True)
        assert hits.scores == pytest.approx([1.0], abs=1e-6)
        np.testing.assert_array_equal(np.asarray(hits[0].vector), vectors[7])
    assert native.open_table("papers").count_rows("given IS NULL") == 25


def test_no_call_blocks_the_loop(url: str) -> None:
    """The library loads and files are looked at in other threads, and the client is awaited."""

    async def verbs() -> None:
        async with onevec.connect_async(url) as store:
            papers = await store.create_collection("papers", dimension=2)
            await papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]], metadata=[{"n": 1}, {"n": 2}])
            await papers.update("a", text="x")
            assert (await papers.search([1, 0], filter={"n": {"$lt": 2}})).ids == ["a"]
            assert len([document async for document in papers.scan()]) == 2
            await papers.create_index("hnsw")
            assert (await store.health()).status == "healthy"
            assert await papers.delete("a") == 1
            assert await store.delete_collection("papers")

    with blockbuster_ctx("onevec"):
        asyncio.run(verbs())


def test_stores_that_write_one_document_at_once_make_one(url: str) -> None:
    """A new id that several stores write at the same moment is there once, as one of them wrote it."""
    stores = [onevec.connect(url) for _ in range(4)]
    stores[0].create_collection("papers", dimension=2)
    together = threading.Barrier(len(stores), timeout=30)

    def write(number: int) -> int:
        together.wait()
        return stores[number].collection("papers").upsert({"id": "a", "vector": [1, number]}).written

    with ThreadPoolExecutor(len(stores)) as threads:
        assert list(threads.map(write, range(len(stores)))) == [1] * len(stores)
    papers = stores[0].collection("papers")
    assert papers.count() == 1
    assert len(papers.search([1, 1])) == 1
    for store in stores:
        store.close()


def test_stores_that_make_one_collection_at_once_make_one(url: str) -> None:
    """Of several stores that make a collection at the same moment, one does, and what it writes stays."""
    for number in range(5):
        stores = [onevec.connect(url) for _ in range(3)]
        together = threading.Barrier(len(stores), timeout=30)

        def make(store: onevec.Store, together: threading.Barrier = together, name: str = f"papers{number}") -> bool:
            together.wait()
            try:
                papers = store.create_collection(name, dimension=2)
            except CollectionExists:
                return False
            return papers.upsert({"id": "a", "vector": [1, 2]}).written == 1

        with ThreadPoolExecutor(len(stores)) as threads:
            assert sorted(threads.map(make, stores)) == [False, False, True]
        assert stores[0].collection(f"papers{number}").count() == 1
        for store in stores:
            store.close()


def test_a_collection_made_again_elsewhere_is_another_one(url: str) -> None:
    """A handle of a collection that another store deleted and made again reads and writes nothing of the new one."""
    with onevec.connect(url) as ours, onevec.connect(url) as theirs:
        papers = ours.create_collection("papers", dimension=2)
        papers.upsert({"id": "a", "vector": [1, 2]})
        theirs.create_collection("papers", dimension=2, if_exists="replace").upsert({"id": "b", "vector": [1, 2]})
        calls: tuple[Callable[[], object], ...] = (
            papers.count,
            lambda: papers.get("b"),
            lambda: papers.search([1, 2]),
            lambda: papers.upsert({"id": "c", "vector": [1, 2]}),
            papers.clear,
            papers.namespaces,
            papers.create_index,
        )
        for call in calls:
            with pytest.raises(CollectionNotFound, match="open or create it again"):
                call()
        assert [document.id for document in ours.collection("papers").scan()] == ["b"]


def test_a_table_that_stays_open_is_the_one_that_is_there(url: str) -> None:
    """What another store writes, deletes or makes again is seen by the next call, also with as many versions."""
    with onevec.connect(url) as ours, onevec.connect(url) as theirs:
        papers = ours.create_collection("papers", dimension=2)
        papers.upsert({"id": "a", "vector": [1, 0]})
        other = theirs.collection("papers")
        for number in range(3):
            other.upsert({"id": f"b{number}", "vector": [1, 0.1]})
            assert papers.count() == len(papers.search([1, 0])) == 2 + number
        assert other.delete("a") == 1
        assert papers.get("a") is None
        assert "a" not in papers.search([1, 0]).ids
        for _ in range(3):
            theirs.create_collection("papers", dimension=2, if_exists="replace")
            with pytest.raises(CollectionNotFound):
                papers.search([1, 0])
            papers = ours.collection("papers")
            assert papers.search([1, 0]).ids == []
        theirs.delete_collection("papers")
        calls: tuple[Callable[[], object], ...] = (
            papers.count,
            lambda: papers.search([1, 0]),
            lambda: papers.upsert({"id": "c", "vector": [1, 0]}),
        )
        for call in calls:
            with pytest.raises(CollectionNotFound):
                call()
        assert not ours.has_collection("papers")


def test_a_search_without_a_condition_finds_nobody_elses(url: str) -> None:
    """Other namespaces' documents are no hits of the default one, and take no places, whenever they come."""
    with onevec.connect(url) as ours, onevec.connect(url) as theirs:
        papers = ours.create_collection("papers", dimension=2)
        papers.upsert(ids=["a", "b"], vectors=[[1, 0.5], [1, 0.6]], metadata=[{"n": 1}, {"n": 1}])
        assert papers.explain([1, 0])["native"]["where"] is None
        assert papers.search([1, 0], top_k=2).ids == ["a", "b"]
        acme = theirs.collection("papers").namespace("acme")
        acme.upsert(ids=list("abcd"), vectors=[[1, 0]] * 4, metadata=[{"n": 1}] * 4)
        assert papers.search([1, 0], top_k=2).ids == ["a", "b"]
        assert papers.search([1, 0], top_k=2, filter=field("n") == 1, include_vectors=True).ids == ["a", "b"]
        assert papers.explain([1, 0])["native"]["where"] == "namespace = ''"
        assert acme.search([1, 0]).ids == list("abcd")


def test_small_files_are_merged(url: str, tmp_path: Path, native: Any) -> None:
    """Many small writes don't leave as many files for each read to open."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        for number in range(70):
            papers.upsert({"id": str(number), "vector": [1, number]})
        assert papers.count() == 70
    assert native.open_table("papers").stats()["fragment_stats"]["num_fragments"] < 35


def test_an_index_is_lancedbs_own(url: str, native: Any) -> None:
    """`create_index` makes the kind that was asked for, one at a time; what LanceDB lacks is refused."""
    vectors = np.random.default_rng(2).standard_normal((300, 16), np.float32)
    kinds: dict[str, Callable[[Any], None]] = {
        "IvfHnswFlat": lambda papers: papers.create_index("hnsw", m=8, ef_construction=50),
        "IvfHnswSq": lambda papers: papers.create_index("hnsw", quantization="int8"),
        "IvfFlat": lambda papers: papers.create_index("ivf_flat", lists=1),
        "IvfSq": lambda papers: papers.create_index("ivf_flat", lists=1, quantization="int8"),
        "IvfPq": lambda papers: papers.create_index("ivf_pq", lists=1, subvectors=4, bits=4),
        "none": lambda papers: papers.create_index("flat"),
    }
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=16, metric="euclidean")
        papers.upsert(ids=[f"{number:03}" for number in range(300)], vectors=vectors)
        exact = papers.search(vectors[3], top_k=10, exact=True)
        for kind, make in kinds.items():
            make(papers)
            indexes = {index.name: index.index_type for index in native.open_table("papers").list_indices()}
            assert indexes.pop("vector_idx", "none") == kind
            assert indexes == {"id_idx": "BTree", "namespace_idx": "Bitmap", "facets_idx": "LabelList"}
            hits = papers.search(vectors[3], top_k=10, ef_search=20, nprobe=1)
            assert hits.ids[0] == "003"
            assert hits.scores == pytest.approx([papers.search(vectors[3], ids=[id]).scores[0] for id in hits.ids])
            assert len(set(hits.ids) & set(exact.ids)) >= 8
        with pytest.raises(Unsupported, match="float16"):
            papers.create_index("hnsw", quantization="float16")
        with pytest.raises(Unsupported, match="4 or 8 bits"):
            papers.create_index("ivf_pq", bits=5)
        with pytest.raises(InvalidQuery, match="divide"):
            papers.create_index("ivf_pq", subvectors=5)


def test_filters_mean_the_same_by_index(url: str) -> None:
    """After `optimize`, which makes the indexes of filters, and for what is written later, answers are the same."""
    filters: list[Filter] = [
        field("n") == 3,
        field("n") != 3,
        field("n").is_in([3, 4, 5]),
        field("n").not_in([3, 4]),
        field("tags").contains_any(["t1", "t2"]),
        field("tags").contains_all(["t1", "x"]),
        ~field("tags").contains("t1"),
        field("n").exists(),
        field("n").is_null(),
    ]
    documents = [
        Document(f"{n:03}", vector=[1, n], metadata={"n": n % 10, "tags": [f"t{n % 4}", "x"]} if n % 3 else {})
        for n in range(90)
    ]
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(documents[:60])
        papers.optimize()
        papers.upsert(documents[60:])
        papers.upsert(Document("001", vector=[1, 1], metadata={"n": 77}))
        papers.delete(["002", "061"])
        documents[1] = Document("001", vector=[1, 1], metadata={"n": 77})
        left = [document for document in documents if document.id not in ("002", "061")]
        for filter in filters:
            expected = [document.id for document in left if matches(filter, document.metadata)]
            assert [document.id for document in papers.scan(filter=filter)] == expected, filter


def test_filters_can_be_deep_on_every_side(url: str) -> None:
    """A filter as deep as the contract has it is parsed, wherever its branches are."""
    even, odd = field("n") == 0, field("m").starts_with("x")
    chain: Filter = even
    for depth in range(60):
        chain = (odd | chain) if depth % 2 else (even & chain)
    bushy: Filter = even
    for depth in range(7):
        bushy = (bushy | ~(bushy & odd)) if depth % 2 else (bushy & (bushy | odd))
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]], metadata=[{"n": 0}, {"n": 1}])
        assert papers.count(chain) == 1
        assert papers.count(bushy) == sum(matches(bushy, {"n": n}) for n in (0, 1))
    assert LanceCompiler().compile(chain).depth < 50


def test_a_killed_process_loses_nothing(url: str) -> None:
    """What was written is there after the process ended without a word."""
    code = f"""
import os, onevec
papers = onevec.connect({url!r}).create_collection("papers", dimension=2)
for number in range(20):
    papers.upsert({{"id": str(number), "vector": [1, number], "metadata": {{"n": number}}}})
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 9
    with onevec.connect(url) as store:
        papers = store.collection("papers")
        assert papers.count({"n": {"$gte": 0}}) == 20
        assert len(papers.search([1, 3], top_k=20)) == 20


@pytest.mark.parametrize("damage", ["data", "manifest", "empty", "lost"])
def test_damage_is_told(url: str, tmp_path: Path, damage: str) -> None:
    """A file that was cut or lost is an error that says so, with the store's place, and not an empty collection."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]])
    folder = tmp_path / "store" / "papers.lance"
    (data,) = folder.glob("data/*")
    manifest = min(folder.glob("_versions/*.manifest"))  # they count down
    match damage:
        case "data":
            data.write_bytes(data.read_bytes()[:10])
        case "manifest":
            manifest.write_bytes(manifest.read_bytes()[:10])
        case "empty":
            manifest.write_bytes(b"")
        case _:
            data.unlink()
    with onevec.connect(url) as store, pytest.raises(Corrupted, match="backup") as told:
        store.collection("papers").get("a")
    assert str(tmp_path) in str(told.value)
    assert ".rs:" not in str(told.value)


FAILURES: list[tuple[Exception, type[OnevecError], bool]] = [
    (
        RuntimeError("lance error: LanceError(IO): No space left on device (os error 28), /a/b.rs:1:2"),
        StorageFull,
        False,
    ),
    (OSError("Permission denied (os error 13)"), ReadOnly, False),
    (RuntimeError("lance error: Retryable commit conflict for version 2: This Update was preempted"), EngineBusy, True),
    (RuntimeError("Too many concurrent writers"), EngineBusy, True),
    (RuntimeError('Generic { store: "S3", source: "status: 403 Forbidden" }'), AuthenticationFailed, False),
    (RuntimeError("Generic S3 error: HTTP status server error (503 Service Unavailable)"), EngineUnavailable, True),
    (RuntimeError("Generic S3 error: operation timed out"), EngineTimeout, True),
    (RuntimeError("lance error: something else, /build/a.rs:1:2"), EngineError, False),
]


@pytest.mark.parametrize(("raised", "kind", "retryable"), FAILURES, ids=lambda value: getattr(value, "__name__", None))
def test_a_failure_is_an_error_of_the_tree(raised: Exception, kind: type[OnevecError], retryable: bool) -> None:
    """It says whether a retry can help and where the store is; where in LanceDB's code it was made is left out."""
    error = as_onevec(raised, "/papers")
    assert type(error) is kind
    assert isinstance(error, OnevecError)
    assert error.retryable is retryable
    assert str(error).startswith("LanceDB at /papers: ")
    assert ".rs:" not in str(error)


def test_an_object_store_that_is_not_there_is_named() -> None:
    """Connecting says where nothing answers, that trying later can help, and shows no key."""
    with pytest.raises(EngineUnavailable, match=r"127\.0\.0\.1:9") as away:
        onevec.connect("lancedb://", uri="s3://bucket/papers", storage_options=S3, max_retries=0)
    assert away.value.retryable
    assert "itself" not in f"{away.value!r} {away.value.__cause__!r}"


def test_where_a_store_can_be(tmp_path: Path) -> None:
    """A missing folder is made, in a folder that exists, unless `create` is off; a file is refused."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        onevec.connect(f"lancedb:///{tmp_path}/file")
    with pytest.raises(ConfigError, match="mkdir"):
        onevec.connect(f"lancedb:///{tmp_path}/none/store")
    with pytest.raises(StoreNotFound):
        onevec.connect(f"lancedb:///{tmp_path}/store", create=False)
    with pytest.raises(ConfigError, match="lancedb:///papers"):
        onevec.connect("lancedb://")
    with pytest.raises(ConfigError, match="one of them"):
        onevec.connect(f"lancedb:///{tmp_path}/store", uri="s3://bucket/papers")
    for uri in ("db://papers", "memory://", "papers"):
        with pytest.raises(ConfigError, match="object store"):
            onevec.connect("lancedb://", uri=uri)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_library_is_loaded_when_a_store_is_opened() -> None:
    """Neither the engine's name nor its capabilities need it."""
    code = (
        "import sys, onevec; from onevec.registry import adapter_class;"
        "adapter_class('lancedb').capabilities; onevec.engines();"
        "print([name for name in sys.modules if name.split('.')[0] in ('lancedb', 'pyarrow', 'pandas')])"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert child.stdout.strip() == "[]"
