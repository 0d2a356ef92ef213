"""What is the pinecone engine's own: indexes as other tools see them, names, limits, and reads that lag."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from tests.servers.pinecone import PineconeServer

import onevec
from onevec import Document, field
from onevec.adapters.pinecone.names import index_name, namespace_name, namespace_of, record_id
from onevec.adapters.pinecone.opening import PineconeOptions, named
from onevec.errors import (
    CollectionExists,
    ConfigError,
    EngineTimeout,
    InvalidDocument,
    InvalidQuery,
    PartialWrite,
    Unsupported,
)

ANYWHERE = {"deployment_type": "managed", "cloud": "aws", "region": "us-east-1"}
AT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def server(pinecone: PineconeServer) -> Iterator[PineconeServer]:
    """The server, as it was before when the test ends."""
    pinecone.requests.clear()
    yield pinecone
    pinecone.refused.clear()
    pinecone.answers.clear()
    pinecone.lag = 0


@pytest.fixture
def store(server: PineconeServer, tmp_path: Path) -> Iterator[onevec.Store]:
    """An empty project."""
    with onevec.connect(server.url(tmp_path), max_retries=0) as opened:
        yield opened


@contextmanager
def native(store: onevec.Store, name: str) -> Iterator[Any]:
    """Pinecone's own client of an index, as other software has it."""
    client: Any = store.client
    host = client.indexes.describe(name).host.rpartition("://")[2]
    with client.index(host=f"http://{host}") as index:
        yield index


def test_other_tools_see_natural_fields(store: onevec.Store) -> None:
    """A record has the document's id, vector and fields in plain sight, and is found by Pinecone's own filters."""
    papers = store.create_collection("papers", dimension=2, metric="euclidean")
    metadata = {"year": 1958, "seen": True, "author": {"name": "Zoë"}, "tags": ["a", "b"], "at": AT, "mixed": [1, "x"]}
    papers.namespace("acme").upsert(Document("a", text="wing", vector=[3, 4], metadata=metadata))
    with native(store, "papers") as index:
        record = index.fetch(ids=["a"], namespace="acme").vectors["a"]
        wanted = {"tags": "b", "year": {"$gt": 1950}}
        tagged = index.query(vector=[3.0, 5.0], top_k=5, namespace="acme", filter=wanted)
    assert record.values == [3.0, 4.0]
    shown = {name: value for name, value in record.metadata.items() if ":" not in name}
    assert shown == {
        "year": 1958,
        "seen": True,
        "author.name": "Zoë",
        "tags": ["a", "b"],
        "at": "2020-01-02T03:04:05.000000Z",
    }
    assert [(match.id, match.score) for match in tagged.matches] == [("a", 1.0)]


def test_an_index_of_other_software_is_left_alone(store: onevec.Store) -> None:
    """It isn't listed, opened, replaced or deleted; its name is taken."""
    client: Any = store.client
    vectors = {"type": "dense_vector", "dimension": 2, "metric": "cosine"}
    client.indexes.create(name="theirs", schema={"fields": {"_values": vectors}}, deployment=ANYWHERE)
    assert store.collections() == []
    assert not store.has_collection("theirs")
    assert not store.delete_collection("theirs")
    choices: list[Literal["error", "open", "replace"]] = ["error", "open", "replace"]
    for if_exists in choices:
        with pytest.raises(CollectionExists, match="another name"):
            store.create_collection("theirs", dimension=2, if_exists=if_exists)
    assert [index.name for index in client.indexes.list()] == ["theirs"]


def test_a_collection_remembers_what_it_is_in_tags(store: onevec.Store, tmp_path: Path, server: PineconeServer) -> None:
    """Also a long name, and an embedder with one that no tag can hold in one piece."""

    class Long:
        name = "ö" * 300
        dimension = 4

        def embed(self, texts: Sequence[str]) -> Any:
            return np.ones((len(texts), 4), np.float32)

    name = "A" * 128
    made = store.create_collection(name, embedder=Long()).info()
    assert made.embedder == Long.name
    with onevec.connect(server.url(tmp_path)) as other:
        assert other.collections() == [made]
        assert other.collection(name).info() == made


def test_names_are_told_apart() -> None:
    """Whatever a name is, it becomes one that Pinecone has, another one for every name; a namespace comes back."""
    names = ["a", "A", "a-b", "a.b", "a_b", "-a", "a-", "x" * 45, "x" * 46, f"onevec-{'0' * 32}", "onevec-0"]
    found = {index_name(name) for name in names}
    assert len(found) == len(names)
    assert all(len(name) <= 45 and name.isascii() for name in found)
    ids = ["a", "~a", " a", "a b", "é", "\x7f", "\n", "x" * 512, "🔑" * 128]
    assert len({record_id(id) for id in ids}) == len(ids)
    assert all(record_id(id).isascii() and len(record_id(id)) <= 512 for id in ids)
    namespaces = ["", "__default__", "acme", "~", "é", "\0", "\0\0", "a b", "\U0010ffff" * 128, "x" * 128, "~YQ"]
    assert len({namespace_name(one) for one in namespaces}) == len(namespaces)
    for namespace in namespaces:
        name = namespace_name(namespace)
        assert namespace_of(name) == namespace
        assert name.isascii()
        assert 0 < len(name) <= 512
    assert namespace_of("theirs alone") is None


def test_a_large_document_is_packed(store: onevec.Store) -> None:
    """What has no room in 40 KB goes without its natural fields, then compressed; filters find it all the same."""
    papers = store.create_collection("papers", dimension=2)
    words = " ".join(f"word{number % 1000}" for number in range(10_000))
    for size, how in ((10_000, (True, False)), (30_000, (False, False)), (60_000, (False, True))):
        papers.upsert(Document("a", text="x", vector=[1, 2], metadata={"n": size, "words": words[:size]}))
        document = papers.get("a")
        assert document is not None
        assert document.metadata == {"n": size, "words": words[:size]}
        assert papers.count({"n": size}) == papers.count({"words": words[:size]}) == 1
        with native(store, "papers") as index:
            kept = index.fetch(ids=["a"]).vectors["a"].metadata
        assert ("words" in kept, "onevec:packed" in kept) == how


def test_a_document_that_is_too_large_is_named(store: onevec.Store) -> None:
    """It fails alone, before it is sent; the others of its batch are written."""
    papers = store.create_collection("papers", dimension=2)
    noise = np.random.default_rng(1).bytes(60_000).hex()
    documents = [Document("a", vector=[1, 2]), Document("b", text=noise, vector=[1, 2]), Document("c", vector=[1, 2])]
    with pytest.raises(PartialWrite) as partial:
        papers.upsert(documents)
    ((id, error),) = partial.value.report.failed
    assert (id, type(error), error.retryable) == ("b", InvalidDocument, False)
    assert "40960" in str(error)
    assert {document.id for document in papers.scan()} == {"a", "c"}
    with pytest.raises(PartialWrite):
        papers.update("a", text=noise)


def test_vectors_of_zeros_are_refused(store: onevec.Store, server: PineconeServer) -> None:
    """Pinecone takes none under any metric, which is said before anything is sent."""
    points = store.create_collection("points", dimension=2, metric="dot")
    server.requests.clear()
    with pytest.raises(InvalidDocument, match=r"'b'.*zeros"):
        points.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 0]])
    with pytest.raises(InvalidQuery, match="zeros"):
        points.search([0, 0])
    assert server.requests == []


def test_limits_of_requests_are_kept(store: onevec.Store, server: PineconeServer) -> None:
    """Large batches, many long ids and many hits go in requests and answers of the sizes that Pinecone has."""
    papers = store.create_collection("papers", dimension=512)
    vectors = np.random.default_rng(1).standard_normal((300, 512), np.float32)
    ids = [f"{number:03}{'é/' * 50}" for number in range(150)] + [f"{number:03}{'x?' * 200}" for number in range(150)]
    metadata = [{f"{'long' * 20}{key}": key for key in range(40)} for _ in ids]
    papers.upsert(ids=ids, vectors=vectors, metadata=metadata)
    found = papers.get_many(ids)
    assert [document.id for document in found] == ids
    np.testing.assert_array_equal(np.stack([np.asarray(document.vector) for document in found]), vectors)
    hits = papers.search(vectors[0], top_k=300, include_vectors=True)
    assert sorted(hits.ids) == sorted(ids)
    with pytest.raises(Unsupported, match="10000"):
        papers.search(vectors[0], top_k=10_001)
    assert papers.count(field("n").not_in(list(range(25_000)))) == 300


def test_more_is_counted_and_deleted_than_a_query_gives(store: onevec.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more match than one query gives, which is 10,000 and here 100, each is counted and deleted, once."""
    monkeypatch.setattr("onevec.adapters.pinecone.MOST", 100)
    papers = store.create_collection("papers", dimension=1)
    ids = [f"{number:05}" for number in range(250)]
    papers.upsert(ids=ids, vectors=np.ones((250, 1), np.float32), metadata=[{"n": number} for number in range(250)])
    assert papers.count(field("n") >= 1) == 249
    assert papers.delete(filter=field("n") >= 1) == 249
    assert papers.count() == 1


@pytest.mark.parametrize("write", ["upsert", "update", "delete", "delete by filter"])
def test_a_write_is_waited_for_until_it_is_seen(server: PineconeServer, tmp_path: Path, write: str) -> None:
    """Where reads lag behind writes, a write returns when searches have caught up with it."""
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(Document("a", vector=[1, 0], metadata={"n": 1}))
        server.lag = 4
        writes: dict[str, Callable[[], object]] = {
            "upsert": lambda: papers.upsert(Document("b", vector=[1, 0])),
            "update": lambda: papers.update("a", metadata={"n": 2}),
            "delete": lambda: papers.delete("a"),
            "delete by filter": lambda: papers.delete(filter={"n": 1}),
        }
        writes[write]()
        seen = {hit.id: hit.metadata for hit in papers.search([1, 0])}
        expected = {"upsert": {"a": {"n": 1}, "b": {}}, "update": {"a": {"n": 2}}}
        assert seen == expected.get(write, {})


def test_what_was_not_waited_for_is_there_after_flush(server: PineconeServer, tmp_path: Path) -> None:
    """With `wait=False` a write returns at once; `flush` waits for it, and no longer than `visible_timeout`."""
    with onevec.connect(server.url(tmp_path), visible_timeout=0.2, max_retries=0) as store:
        papers = store.create_collection("papers", dimension=2)
        server.lag = 3
        papers.upsert(Document("a", vector=[1, 0]), wait=False)
        assert papers.search([1, 0]).ids == []
        papers.flush()
        assert papers.search([1, 0]).ids == ["a"]
        server.lag = 10_000
        with pytest.raises(EngineTimeout, match="visible_timeout"):
            papers.upsert(Document("b", vector=[1, 0]))


def test_a_word_for_a_host_is_a_store_of_its_own_in_the_project(server: PineconeServer, tmp_path: Path) -> None:
    """Its indexes begin with the word; a store with another word, or none, neither lists nor opens them."""
    url = server.url(tmp_path)
    with (
        onevec.connect(url) as plain,
        onevec.connect(url, prefix="app-") as app,
        onevec.connect(url, prefix="other-") as other,
    ):
        app.create_collection("papers", dimension=2).upsert({"id": "a", "vector": [1, 0]})
        assert [one.name for one in app.collections()] == ["papers"]
        assert plain.collections() == other.collections() == []
        assert not plain.has_collection("app-papers")
        assert not plain.delete_collection("app-papers")
        with pytest.raises(CollectionExists, match="another name"):
            plain.create_collection("app-papers", dimension=2)
        assert plain.create_collection("papers", dimension=2).count() == 0
        assert app.collection("papers").count() == 1
    named_one = named(PineconeOptions(host="app"))
    assert (named_one.host, named_one.prefix) == (None, "app-")
    for host, port in (("localhost", None), ("127.0.0.1", 5080), ("pinecone.example", None), ("service", 5080)):
        assert named(PineconeOptions(host=host, port=port)).prefix == ""
    with pytest.raises(ConfigError, match="lower-case"):
        onevec.connect(url, prefix="App")
