"""What is the qdrant engine's own: points as other tools see them, errors, folders, settings."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import httpx
import numpy as np
import pytest
from blockbuster import blockbuster_ctx
from qdrant_client import QdrantClient, models
from tests.servers.qdrant import Answer, QdrantServer

import onevec
from onevec import Document, field
from onevec.errors import (
    AuthenticationFailed,
    CollectionExists,
    ConfigError,
    Corrupted,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    InvalidFilter,
    OnevecError,
    RateLimited,
    StorageFull,
    StoreNotFound,
    Unsupported,
)

MEMORY = "qdrant:///:memory:"
AT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def server(qdrant: QdrantServer) -> Iterator[QdrantServer]:
    """The server, as it was before when the test ends."""
    qdrant.requests.clear()
    yield qdrant
    qdrant.api_key = None
    qdrant.answers.clear()


@pytest.fixture
def native(server: QdrantServer, tmp_path: Path) -> Iterator[QdrantClient]:
    """Qdrant's client at the store of the test's folder, as other software has it."""
    prefix = server.url(tmp_path).rpartition("/")[2]
    client = QdrantClient(host="127.0.0.1", port=server.port, prefix=prefix, check_compatibility=False)
    yield client
    client.close()


def test_other_tools_see_natural_fields(server: QdrantServer, native: QdrantClient, tmp_path: Path) -> None:
    """A point has the document's id, text and metadata in plain sight, and can be found by Qdrant's own filters."""
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2, metric="euclidean")
        papers.namespace("acme").upsert(
            Document("a", text="wing", vector=[3, 4], metadata={"year": 1958, "o": {"tags": ["x"]}, "at": AT})
        )
    (point,), _ = native.scroll("papers", with_vectors=True)
    assert point.vector == [3.0, 4.0]
    assert point.payload is not None
    shown = {name: value for name, value in point.payload.items() if name not in ("facets", "numbers", "onevec")}
    assert shown == {
        "id": "a",
        "namespace": "acme",
        "text": "wing",
        "metadata": {"year": 1958, "o": {"tags": ["x"]}, "at": "2020-01-02T03:04:05.000000Z"},
    }
    tagged = models.FieldCondition(key="metadata.o.tags", match=models.MatchValue(value="x"))
    assert native.count("papers", models.Filter(must=[tagged])).count == 1
    info = native.get_collection("papers")
    assert info.config.metadata is not None
    assert info.config.metadata["onevec"]["metric"] == "euclidean"


def test_a_collection_of_other_software_is_left_alone(
    server: QdrantServer, native: QdrantClient, tmp_path: Path
) -> None:
    """It isn't listed, opened, replaced or deleted; its name is taken."""
    native.create_collection("theirs", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT))
    with onevec.connect(server.url(tmp_path)) as store:
        assert store.collections() == []
        assert not store.has_collection("theirs")
        assert not store.delete_collection("theirs")
        choices: list[Literal["error", "open", "replace"]] = ["error", "open", "replace"]
        for if_exists in choices:
            with pytest.raises(CollectionExists, match="another name"):
                store.create_collection("theirs", dimension=2, if_exists=if_exists)
    assert [one.name for one in native.get_collections().collections] == ["theirs"]


@pytest.mark.parametrize("url", ["server", "folder", MEMORY])
def test_vectors_come_back_to_the_bit_under_cosine(server: QdrantServer, tmp_path: Path, url: str) -> None:
    """Whatever their length; those of length one are stored once, as they are."""
    where = {"server": server.url(tmp_path), "folder": f"qdrant:///{tmp_path}/store"}.get(url, url)
    normal = np.random.default_rng(1).standard_normal((50, 33), np.float32)
    unit: Any = np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True), np.float32)
    both: list[Any] = [normal, unit]
    for vectors in both:
        with onevec.connect(where) as store:
            papers = store.create_collection("papers", dimension=33, if_exists="replace")
            ids = list(map(str, range(50)))
            papers.upsert(ids=ids, vectors=vectors)
            found = papers.get_many(ids)
            np.testing.assert_array_equal(np.stack([np.asarray(one.vector) for one in found]), vectors)
            hits = papers.search(normal[7] * 1000, top_k=1, include_vectors=True)
            assert hits.scores == pytest.approx([1.0], abs=1e-6)
            np.testing.assert_array_equal(np.asarray(hits[0].vector), vectors[7])


def test_every_float32_comes_back(server: QdrantServer, tmp_path: Path) -> None:
    """Numbers go to a server as short decimals; also the one that is no float32's is what it was, and the extremes."""
    alone = float(np.uint32(0x15AE43FD).view(np.float32))
    numbers = [alone, -alone, 1e-45, 1.1754944e-38, 0.1, 16777217.0, 1 / 3, 8.589973e9, -0.0]
    drawn = np.random.default_rng(3).standard_normal((200, len(numbers)), np.float32)
    vectors = np.concatenate([np.array([numbers], np.float32), drawn])
    ids = list(map(str, range(len(vectors))))
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=len(numbers), metric="dot")
        papers.upsert(ids=ids, vectors=vectors)
        found = papers.get_many(ids)
    assert np.stack([np.asarray(one.vector) for one in found]).tobytes() == vectors.tobytes()


@pytest.mark.parametrize("url", ["server", "folder", MEMORY])
def test_a_search_without_a_condition_finds_nobody_elses(server: QdrantServer, tmp_path: Path, url: str) -> None:
    """Other namespaces' documents are no hits of the default one, and take no places, whenever they come."""
    where = {"server": server.url(tmp_path), "folder": f"qdrant:///{tmp_path}/store"}.get(url, url)
    with onevec.connect(where) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=["a", "b"], vectors=[[1, 0.5], [1, 0.6]], metadata=[{"n": 1}, {"n": 1}])
        assert papers.explain([1, 0])["native"]["filter"] is None
        assert papers.search([1, 0], top_k=2).ids == ["a", "b"]
        acme = papers.namespace("acme")
        acme.upsert(ids=list("abcd"), vectors=[[1, 0]] * 4, metadata=[{"n": 1}] * 4)
        assert papers.search([1, 0], top_k=2).ids == ["a", "b"]
        assert papers.search([1, 0], top_k=2, filter=field("n") == 1).ids == ["a", "b"]
        assert "namespace" in str(papers.explain([1, 0])["native"]["filter"])
        assert sorted(acme.search([1, 0]).ids) == list("abcd")


def test_a_search_reads_two_values_of_a_point(server: QdrantServer, native: QdrantClient, tmp_path: Path) -> None:
    """Qdrant takes its time for each; of what filters ask for, what follows from the rest isn't stored."""
    metadata = {"year": 1958, "tags": ["x"], "at": AT, "o": {"flag": True, "name": "Zoë"}}
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(Document("a", text="wing", vector=[1, 0], metadata=metadata))
        assert papers.explain([1, 0])["native"]["with_payload"] == ["text", "onevec"]
        for name in ("year", "tags", "at", "o", "o.flag", "o.name"):
            assert papers.search([1, 0], filter=field(name).exists()).ids == ["a"]
            assert papers.search([1, 0], filter=field(name).is_null()).ids == []
    (point,), _ = native.scroll("papers")
    assert point.payload is not None
    assert sorted(facet for facet in point.payload["facets"] if facet[0] in "?*") == [
        *("?at:d", "?at:t", "?o", "?o.flag", "?o.name", "?tags:l", "?year:n")
    ]


def test_only_vectors_of_other_lengths_are_kept_twice(
    server: QdrantServer, native: QdrantClient, tmp_path: Path
) -> None:
    """What embedding models give takes no more room than Qdrant itself takes for it."""
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=["unit", "long"], vectors=[[0.6, 0.8], [3.0, 4.0]])
    kept = {one.payload["id"]: "vector" in one.payload for one in native.scroll("papers")[0] if one.payload}
    assert kept == {"unit": False, "long": True}


def test_a_search_is_one_request(server: QdrantServer, tmp_path: Path) -> None:
    """Reads take one request; a write also asks what the collection is, and when its documents were made."""
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]])
        asked: dict[str, list[str]] = {}
        calls: dict[str, Callable[[], object]] = {
            "search": lambda: papers.search([1, 0], top_k=1, filter=field("n").is_null()),
            "get": lambda: papers.get("a"),
            "count": papers.count,
            "upsert": lambda: papers.upsert({"id": "c", "vector": [1, 1]}),
            "dated": lambda: papers.upsert(Document("d", vector=[1, 1], created_at=AT)),
        }
        for name, call in calls.items():
            server.requests.clear()
            call()
            asked[name] = list(server.requests)
    assert asked == {
        "search": ["POST /collections/papers/points/query"],
        "get": ["POST /collections/papers/points"],
        "count": ["POST /collections/papers/points/count"],
        "upsert": ["GET /collections/papers", "POST /collections/papers/points", "PUT /collections/papers/points"],
        "dated": ["GET /collections/papers", "PUT /collections/papers/points"],
    }


def test_a_clients_middleware_sees_every_request(server: QdrantServer, tmp_path: Path) -> None:
    """Also those that are made here: what a user adds to `store.client`, such as a header, holds for all."""
    seen: list[str] = []

    def watching(request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        seen.append(request.url.path.rpartition("/")[2])
        return send(request)

    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        client: Any = store.client
        client.http.client.add_middleware(watching)
        papers.upsert({"id": "a", "vector": [1, 0]})
        papers.search([1, 0], top_k=1)
    assert seen == ["papers", "points", "points", "query"]


@pytest.mark.parametrize("url", ["server", "folder", MEMORY])
def test_no_call_blocks_the_loop(server: QdrantServer, tmp_path: Path, url: str) -> None:
    """The libraries load, files are read and engines run in other threads, or the client awaits its server."""
    where = {"server": server.url(tmp_path), "folder": f"qdrant:///{tmp_path}/store"}.get(url, url)

    async def verbs() -> None:
        async with onevec.connect_async(where) as store:
            papers = await store.create_collection("papers", dimension=2)
            await papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]], metadata=[{"n": 1}, {"n": 2}])
            await papers.update("a", text="x")
            assert (await papers.search([1, 0], filter={"n": {"$lt": 2}})).ids == ["a"]
            assert len([document async for document in papers.scan()]) == 2
            await papers.flush()
            await papers.optimize()
            assert (await store.health()).status == "healthy"
            assert await papers.delete("a") == 1
            assert await store.delete_collection("papers")

    with blockbuster_ctx("onevec"):
        asyncio.run(verbs())


FAILURES: list[tuple[Answer, type[OnevecError], bool]] = [
    (Answer(400, "Wrong input: no"), EngineError, False),
    (Answer(403), AuthenticationFailed, False),
    (Answer(429, headers=(("Retry-After", "7"),)), RateLimited, True),
    (Answer(429), RateLimited, True),
    (Answer(500, "Service internal error"), EngineError, True),
    (Answer(503, headers=(("Retry-After", "7"),)), EngineUnavailable, True),
    (Answer(504), EngineTimeout, True),
    (Answer(507), StorageFull, False),
    (Answer(200), EngineError, False),
]


@pytest.mark.parametrize(("answer", "kind", "retryable"), FAILURES, ids=lambda value: getattr(value, "status", None))
def test_a_refusal_is_an_error_of_the_tree(
    server: QdrantServer, tmp_path: Path, answer: Answer, kind: type[OnevecError], retryable: bool
) -> None:
    """It says whether a retry can help, where the server is, and what it said; the adapter asks once."""
    with onevec.connect(server.url(tmp_path), max_retries=0) as store:
        papers = store.create_collection("papers", dimension=2)
        server.requests.clear()
        server.answers.append(answer)
        with pytest.raises(kind) as refused:
            papers.search([1, 0])
    assert type(refused.value) is kind
    assert refused.value.retryable is retryable
    assert refused.value.__cause__ is not None
    assert refused.value.retry_after == (7 if answer.headers else None)
    assert str(server.port) in str(refused.value)
    assert len([request for request in server.requests if request.endswith("/query")]) == 1


def test_the_core_tries_again(server: QdrantServer, tmp_path: Path) -> None:
    """A server that is away for a moment is asked again, and the call succeeds."""
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        server.answers += [Answer(503), Answer(500)]
        assert papers.upsert({"id": "a", "vector": [1, 2]}).written == 1
        server.answers += [Answer(429, headers=(("Retry-After", "0"),))]
        assert papers.count() == 1


def test_an_answer_that_does_not_come_is_a_timeout(server: QdrantServer, tmp_path: Path) -> None:
    """`request_timeout` is how long an answer may take, on the sync client as on the async one."""
    with onevec.connect(server.url(tmp_path), request_timeout=0.5, max_retries=0) as store:
        papers = store.create_collection("papers", dimension=2)
        server.answers.append(Answer(200, delay=2.0))
        with pytest.raises(EngineTimeout, match="request_timeout") as late:
            papers.count()
    assert late.value.retryable


def test_a_server_that_is_not_there_is_named() -> None:
    """Connecting says at once where nothing answers, and that trying later can help."""
    with pytest.raises(EngineUnavailable, match=r"127\.0\.0\.1:9") as away:
        onevec.connect("qdrant://127.0.0.1:9")
    assert away.value.retryable
    assert away.value.operation == "connect"


def test_a_key_is_sent_and_never_shown(server: QdrantServer, tmp_path: Path) -> None:
    """`api_key` opens the server; without it, or with another, the message says what to check and no key."""
    server.api_key = "the-key-itself"
    url = server.url(tmp_path)
    for key in (None, "another-key"):
        with pytest.raises(AuthenticationFailed, match="check the key") as refused:
            onevec.connect(url, tls=False, api_key=key)
        assert "another-key" not in f"{refused.value!r} {refused.value.__cause__!r}"
    with onevec.connect(url, tls=False, api_key=server.api_key) as store:
        assert store.collections() == []
        assert server.api_key not in repr(store)


def test_a_key_goes_over_tls_unless_told_otherwise(server: QdrantServer, tmp_path: Path) -> None:
    """With a key and no word about TLS, a server without it can't be reached, rather than be sent the key."""
    with pytest.raises(EngineUnavailable):
        onevec.connect(server.url(tmp_path), api_key="the-key-itself")
    assert server.requests == []


def test_an_index_is_set_up_in_qdrant(server: QdrantServer, native: QdrantClient, tmp_path: Path) -> None:
    """`create_index` changes the collection's HNSW settings and its quantization; what Qdrant lacks is refused."""
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.create_index("hnsw", m=24, ef_construction=200, quantization="int8")
        config = native.get_collection("papers").config
        assert (config.hnsw_config.m, config.hnsw_config.ef_construct) == (24, 200)
        assert config.quantization_config is not None
        papers.create_index("hnsw", quantization="none")
        assert native.get_collection("papers").config.quantization_config is None
        with pytest.raises(Unsupported, match="hnsw"):
            papers.create_index("ivf_flat")
        with pytest.raises(Unsupported, match="int8"):
            papers.create_index("hnsw", quantization="float16")


def test_a_collection_whose_making_was_cut_off_is_completed(
    server: QdrantServer, native: QdrantClient, tmp_path: Path
) -> None:
    """A collection without the index of its namespaces, as its maker was cut off, gets it when it is needed."""
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        kept = native.get_collection("papers").config
        native.delete_collection("papers")
        native.create_collection("papers", vectors_config=kept.params.vectors, metadata=kept.metadata)
        papers.namespace("acme").upsert(Document("1", vector=[1, 0]))
        assert "namespace" not in native.get_collection("papers").payload_schema
        assert papers.namespaces() == ["acme"]
        assert "namespace" in native.get_collection("papers").payload_schema


def test_a_folder_has_an_index_too(tmp_path: Path) -> None:
    """After `create_index` a shard is searched by its graph, or exactly, and gives the same documents."""
    vectors = np.random.default_rng(2).standard_normal((300, 16), np.float32)
    with onevec.connect(f"qdrant:///{tmp_path}/store") as store:
        papers = store.create_collection("papers", dimension=16)
        papers.upsert(ids=[f"{n:03}" for n in range(300)], vectors=vectors, metadata=[{"n": n} for n in range(300)])
        before = papers.search(vectors[3], top_k=20)
        papers.create_index("hnsw", m=8, ef_construction=50)
        assert papers.search(vectors[3], top_k=20, exact=True).ids == before.ids
        assert papers.search(vectors[3], top_k=20, ef_search=300).ids == before.ids
        assert papers.count({"n": {"$lt": 10}}) == 10
    assert '"m":8' in (tmp_path / "store" / "papers" / "shard" / "edge_config.json").read_text()
    with onevec.connect(f"qdrant:///{tmp_path}/store") as store:
        assert store.collection("papers").search(vectors[3], top_k=20, exact=True).ids == before.ids


class Watched:
    """A shard that counts how often it was synced."""

    def __init__(self, shard: Any) -> None:
        self._shard = shard
        self.flushes = 0

    def flush(self) -> None:
        self.flushes += 1
        self._shard.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shard, name)


@pytest.mark.parametrize("sync", [True, False])
def test_a_write_is_synced_before_it_returns(tmp_path: Path, sync: bool) -> None:
    """Each write syncs the folder's shard once, unless `sync` is off or the write isn't waited for."""
    with onevec.connect(f"qdrant:///{tmp_path}/store", sync=sync) as store:
        papers = store.create_collection("papers", dimension=2)
        shards: Any = store.client
        shard = shards["papers"] = Watched(shards["papers"])
        papers.upsert({"id": "a", "vector": [1, 2]})
        papers.update("a", text="x")
        papers.delete("a")
        assert shard.flushes == (3 if sync else 0)
        papers.upsert({"id": "a", "vector": [1, 2]}, wait=False)
        assert shard.flushes == (3 if sync else 0)
        papers.flush()
        assert shard.flushes == (4 if sync else 1)


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    """What was written is there after the process ended without a word, and the folder opens again."""
    code = f"""
import os, onevec
store = onevec.connect("qdrant:///{tmp_path}/store", sync=False)
papers = store.create_collection("papers", dimension=2)
for number in range(20):
    papers.upsert({{"id": str(number), "vector": [1, number], "metadata": {{"n": number}}}})
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 9
    with onevec.connect(f"qdrant:///{tmp_path}/store") as store:
        papers = store.collection("papers")
        assert papers.count({"n": {"$gte": 0}}) == 20
        assert len(papers.search([1, 3], top_k=20)) == 20


def test_a_folder_is_open_once(tmp_path: Path) -> None:
    """A second store on an open folder is refused, and told that it can be tried later."""
    with onevec.connect(f"qdrant:///{tmp_path}/store"):
        with pytest.raises(EngineBusy, match="open already") as busy:
            onevec.connect(f"qdrant:///{tmp_path}/store")
        assert busy.value.retryable
    onevec.connect(f"qdrant:///{tmp_path}/store").close()


def test_what_a_crash_left_of_a_collection_is_none(tmp_path: Path) -> None:
    """A subfolder without `onevec.json` isn't shown, and makes way for a new collection."""
    with onevec.connect(f"qdrant:///{tmp_path}/store") as store:
        store.create_collection("papers", dimension=2).upsert({"id": "old", "vector": [1, 2]})
    (tmp_path / "store" / "papers" / "onevec.json").unlink()
    with onevec.connect(f"qdrant:///{tmp_path}/store") as store:
        assert store.collections() == []
        assert store.create_collection("papers", dimension=3).count() == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"format": 1}', b"\xff"], ids=repr)
def test_a_damaged_description_is_corruption(tmp_path: Path, content: bytes) -> None:
    """A folder with an `onevec.json` that can't be read isn't opened, and the file is named."""
    with onevec.connect(f"qdrant:///{tmp_path}/store") as store:
        store.create_collection("papers", dimension=2)
    (tmp_path / "store" / "papers" / "onevec.json").write_bytes(content)
    with pytest.raises(Corrupted, match=r"papers/onevec\.json"):
        onevec.connect(f"qdrant:///{tmp_path}/store")
    (tmp_path / "store" / "papers" / "onevec.json").unlink()
    onevec.connect(f"qdrant:///{tmp_path}/store").close()


def test_where_a_folder_can_be(tmp_path: Path) -> None:
    """A missing folder is made, in a folder that exists, unless `create` is off; a file is refused."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        onevec.connect(f"qdrant:///{tmp_path}/file")
    with pytest.raises(ConfigError, match="mkdir"):
        onevec.connect(f"qdrant:///{tmp_path}/none/store")
    with pytest.raises(StoreNotFound):
        onevec.connect(f"qdrant:///{tmp_path}/store", create=False)
    with pytest.raises(ConfigError, match="localhost:6333"):
        onevec.connect("qdrant://")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_library_is_loaded_when_a_store_is_opened() -> None:
    """Neither the engine's name nor its capabilities need it."""
    code = (
        "import sys, onevec; from onevec.registry import adapter_class;"
        "adapter_class('qdrant').capabilities; onevec.engines();"
        "print([name for name in sys.modules if name.split('.')[0] in ('qdrant_client', 'qdrant_edge', 'httpx')])"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert child.stdout.strip() == "[]"


def test_a_folder_takes_most_of_qdrants_conditions(tmp_path: Path) -> None:
    """Those of values, ranges, times, texts, missing fields and nested objects; others are refused by name."""
    with onevec.connect(f"qdrant:///{tmp_path}/store") as store:
        papers = store.create_collection("papers", dimension=2)
        metadata = {"year": 1958, "at": AT, "tags": ["x"], "by": [{"name": "Zoë", "age": 30}]}
        papers.upsert([Document("a", text="the wing", vector=[1, 0], metadata=metadata), Document("b", vector=[1, 0])])
        year, at, tags = "metadata.year", "metadata.at", "metadata.tags"
        conditions: list[dict[str, Any]] = [
            {"must": [{"key": year, "match": {"value": 1958}}]},
            {"must": {"key": year, "match": {"any": [1958, 1960]}}},
            {"must": [{"key": tags, "match": {"except": ["y"]}}]},
            {"should": [{"key": year, "range": {"gte": 1958}}, {"key": year, "range": {"lt": 0}}]},
            {"must": [{"key": at, "range": {"gt": "2020-01-01T00:00:00Z", "lt": datetime(2021, 1, 1, tzinfo=UTC)}}]},
            {"must": [{"key": "text", "match": {"text": "wing"}}]},
            {"must_not": [{"is_empty": {"key": year}}, {"is_null": {"key": "text"}}]},
            {"must": [{"nested": {"key": "metadata.by", "filter": {"must": [{"key": "age", "range": {"gt": 20}}]}}}]},
            {"must": [{"must_not": [{"is_empty": {"key": tags}}]}]},
        ]
        for native in conditions:
            assert papers.search([1, 0], native=native).ids == ["a"], native
        for native in (
            {"must": [{"key": "place", "geo_radius": {"center": {"lon": 1, "lat": 1}, "radius": 5}}]},
            {"min_should": {"conditions": conditions[0]["must"], "min_count": 1}},
        ):
            with pytest.raises(InvalidFilter, match="a server does"):
                papers.search([1, 0], native=native)
        with pytest.raises(InvalidFilter, match="refuses a value"):
            papers.search([1, 0], native={"must": [{"has_id": ["no UUID"]}]})
        assert len(papers.search([1, 0])) == 2
