"""What is the elasticsearch engine's own: documents as other tools see them, errors, indices, settings."""

from __future__ import annotations

import asyncio
import base64
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

import numpy as np
import pytest
from blockbuster import blockbuster_ctx
from elasticsearch import Elasticsearch
from tests.servers.elasticsearch import MARKS, ElasticsearchServer
from tests.servers.elasticsearch_front import Answer, Front

import onevec
from onevec import Document, field
from onevec.adapters.elasticsearch.native import own_query
from onevec.adapters.elasticsearch.queries import ElasticsearchCompiler
from onevec.adapters.elasticsearch.sources import number_key, ordered
from onevec.errors import (
    AuthenticationFailed,
    CollectionExists,
    CollectionNotFound,
    ConfigError,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    InvalidDocument,
    InvalidFilter,
    OnevecError,
    RateLimited,
    ReadOnly,
    StorageFull,
    Unsupported,
    UnsupportedVersion,
)

pytestmark = MARKS

AT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def prefix() -> str:
    """What the indices of the test's store begin with."""
    return f"own{uuid4().hex[:12]}-"


@pytest.fixture
def native(elasticsearch: ElasticsearchServer, prefix: str) -> Iterator[Elasticsearch]:
    """Elasticsearch's own client, as other software has it; at the end the test's indices are gone."""
    with Elasticsearch(f"http://127.0.0.1:{elasticsearch.port}") as client:
        yield client
        client.indices.delete(index=f"{prefix}*")


@pytest.fixture
def front(elasticsearch: ElasticsearchServer, native: Elasticsearch) -> Iterator[Front]:
    """The server, behind what answers as it is told."""
    with Front(elasticsearch.port) as front:
        yield front


@pytest.fixture
def url(elasticsearch: ElasticsearchServer, native: Elasticsearch, prefix: str) -> str:
    """The URL of the test's store, empty at first."""
    return f"elasticsearch://127.0.0.1:{elasticsearch.port}?prefix={prefix}&replicas=0"


def test_other_tools_see_natural_fields(url: str, native: Elasticsearch, prefix: str) -> None:
    """A document has its id, text and metadata in plain sight, and can be found by Elasticsearch's own queries."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2, metric="euclidean")
        metadata = {"year": 1958, "o": {"tags": ["x", "y"]}, "at": AT}
        papers.namespace("acme").upsert(Document("a", text="The wing", vector=[3, 4], metadata=metadata))
    index = f"{prefix}papers"
    queries: list[dict[str, Any]] = [
        {"match": {"text": "wing"}},
        {"term": {"metadata.o.tags": "x"}},
        {"term": {"metadata.year": "1958"}},
    ]
    for query in queries:
        (hit,) = native.search(index=index, query=query, fields=[{"field": "vector"}])["hits"]["hits"]
    shown = {name: value for name, value in hit["_source"].items() if name not in ("onevec", "vector")}
    assert shown == {
        "id": "a",
        "namespace": "acme",
        "text": "The wing",
        "metadata": {"year": 1958, "o.tags": ["x", "y"], "at": "2020-01-02T03:04:05.000000Z"},
    }
    assert hit["fields"]["vector"] == [3.0, 4.0]
    (mapping,) = native.indices.get_mapping(index=index).values()
    assert mapping["mappings"]["_meta"]["onevec"]["metric"] == "euclidean"


def test_an_index_of_other_software_is_left_alone(url: str, native: Elasticsearch, prefix: str) -> None:
    """It isn't listed, opened, replaced or deleted; its name is taken, and so is that of an alias."""
    native.indices.create(index=f"{prefix}theirs", aliases={f"{prefix}called": {}})
    with onevec.connect(url) as store:
        assert store.collections() == []
        choices: list[Literal["error", "open", "replace"]] = ["error", "open", "replace"]
        for name in ("theirs", "called"):
            assert not store.has_collection(name)
            assert not store.delete_collection(name)
            for if_exists in choices:
                with pytest.raises(CollectionExists, match="another name"):
                    store.create_collection(name, dimension=2, if_exists=if_exists)
    assert list(native.indices.get(index=f"{prefix}*")) == [f"{prefix}theirs"]


def test_stores_of_two_prefixes_are_apart(url: str, prefix: str) -> None:
    """Also where one prefix begins with the other, and the names put together are one."""
    longer = url.replace(prefix, f"{prefix}a-")
    with onevec.connect(url) as store, onevec.connect(longer) as other:
        other.create_collection("papers", dimension=2)
        assert store.collections() == []
        assert not store.has_collection("a-papers")
        with pytest.raises(CollectionExists, match="another name"):
            store.create_collection("a-papers", dimension=2)
        assert [info.name for info in other.collections()] == ["papers"]


def test_a_write_makes_no_index(url: str, native: Elasticsearch, prefix: str) -> None:
    """A handle whose collection is gone, or is another one by now, writes nothing, though the server would let it."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        store.delete_collection("papers")
        with pytest.raises(CollectionNotFound):
            papers.upsert(Document("a", vector=[1, 2], created_at=AT))
        assert not native.indices.exists(index=f"{prefix}papers")
        again = store.create_collection("papers", dimension=2)
        with pytest.raises(CollectionNotFound):
            papers.upsert(Document("a", vector=[1, 2], created_at=AT))
        assert again.count() == 0


def test_vectors_come_back_to_the_bit_under_cosine(url: str) -> None:
    """Whatever their length; those of length one are stored once, as they are."""
    normal = np.random.default_rng(1).standard_normal((50, 33), np.float32)
    unit: Any = np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True), np.float32)
    both: list[Any] = [normal, unit]
    for vectors in both:
        with onevec.connect(url) as store:
            papers = store.create_collection("papers", dimension=33, if_exists="replace")
            ids = list(map(str, range(50)))
            papers.upsert(ids=ids, vectors=vectors)
            found = papers.get_many(ids)
            np.testing.assert_array_equal(np.stack([np.asarray(one.vector) for one in found]), vectors)
            hits = papers.search(normal[7] * 1000, top_k=1, include_vectors=True)
            assert hits.scores == pytest.approx([1.0], abs=1e-12)
            np.testing.assert_array_equal(np.asarray(hits[0].vector), vectors[7])


def test_a_vector_is_read_from_its_bytes(url: str, native: Elasticsearch, prefix: str) -> None:
    """They stand in the document beside the vector: Elasticsearch takes milliseconds to give out the vector itself."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=["unit", "long"], vectors=[[0.6, 0.8], [3.0, 4.0]])
    found = native.search(index=f"{prefix}papers")["hits"]["hits"]
    kept = {one["_source"]["id"]: base64.b64decode(one["_source"]["onevec"]["vector"]) for one in found}
    assert {id: np.frombuffer(vector, "<f4").tolist() for id, vector in kept.items()} == {
        "unit": pytest.approx([0.6, 0.8]),
        "long": [3.0, 4.0],
    }


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("metric", "step", "apart"), [("euclidean", 1e-6, [0, 1e-6, 2e-6]), ("cosine", 1e-5, [0, 5e-11, 2e-10])]
)
def test_near_documents_are_told_apart(url: str, metric: str, step: float, apart: list[float], *, exact: bool) -> None:
    """Distances that Elasticsearch's own scores round to one are measured, and ordered, in float64."""
    with onevec.connect(url) as store:
        points = store.create_collection("points", dimension=2, metric=metric)
        points.upsert(ids=[f"{n:02}" for n in range(40)], vectors=[[1.0, (39 - n) * step] for n in range(40)])
        hits = points.search([1, 0], top_k=3, exact=exact)
        assert hits.ids == ["39", "38", "37"]
        assert [hit.distance for hit in hits] == pytest.approx(apart, abs=1e-14)


def test_vectors_are_asked_for_where_they_are_needed(front: Front, prefix: str) -> None:
    """Under cosine a search that finds documents well apart takes their scores, and no second request."""
    vectors = [[1.0, n / 7] for n in range(7)]
    with onevec.connect(front.url(prefix)) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=list("abcdefg"), vectors=vectors)
        for exact in (False, True):
            front.requests.clear()
            hits = papers.search([1, 0], top_k=5, exact=exact)
            assert front.requests == ["POST _search"]
            assert [hit.distance for hit in hits] == pytest.approx(
                [1 - 1 / math.hypot(*v) for v in vectors[:5]], abs=1e-6
            )
            assert [hit.vector for hit in hits] == [None] * 5
        papers.upsert(ids=["h"], vectors=[[2.0, 2 / 7 + 1e-6]])
        front.requests.clear()
        assert papers.search([1, 0], top_k=5).ids == ["a", "b", "h", "c", "d"]
        assert front.requests == ["POST _search"] * 2


def test_texts_may_be_long(url: str) -> None:
    """Longer than what Elasticsearch takes as a term, in the text as in the metadata."""
    long = "a wing \U0001f6e9 " * 20_000
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(Document("a", text=long, vector=[1, 0], metadata={"abstract": long, "at": AT}))
        (hit,) = papers.search([1, 0])
        assert (hit.text, hit.metadata) == (long, {"abstract": long, "at": AT})


def test_documents_may_have_any_number_of_fields(url: str) -> None:
    """More than the thousand fields that an index may have, of names as long as they like, filtered by their order."""
    long = "n" * 40_000
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        rows = [{f"f{row}_{name}": row + name for name in range(50)} | {long: row} for row in range(40)]
        papers.upsert(ids=list(map(str, range(40))), vectors=[[1, 1]] * 40, metadata=rows)
        assert papers.count(field("f39_49") >= 88) == 1
        assert papers.count(field("f39_49") > 88) == 0
        assert papers.count(field(long) < 10) == 10


@pytest.mark.parametrize("numbers", [[-1e300, -2.5, -1.0, -1e-300, 0.0, 5e-324, 0.1, 1.0, 2.0**53, 1.8e308 / 2]])
def test_the_order_of_texts_is_that_of_numbers(numbers: list[float]) -> None:
    """As far as float64 goes, and both zeros are one."""
    texts = list(map(ordered, numbers))
    assert texts == sorted(texts)
    assert len(set(texts)) == len(texts)
    assert ordered(-0.0) == ordered(0.0)
    assert len(number_key("x" * 300)) < 64


def test_many_values_go_into_several_queries() -> None:
    """Elasticsearch takes 65,536 terms in one."""
    compiled = ElasticsearchCompiler().compile(field("n").is_in(list(range(70_000))))
    assert [len(part["terms"]["onevec.facets"]) for part in compiled["bool"]["should"]] == [65_536, 4_464]


def test_a_call_is_few_requests(front: Front, prefix: str) -> None:
    """Reads take one request; a write of undated documents also asks when those that are there were made."""
    with onevec.connect(front.url(prefix)) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]])
        asked: dict[str, list[str]] = {}
        calls: dict[str, Callable[[], object]] = {
            "search": lambda: papers.search([1, 0], top_k=1, filter=field("n").is_null()),
            "get": lambda: papers.get("a"),
            "count": papers.count,
            "upsert": lambda: papers.upsert({"id": "c", "vector": [1, 1]}),
            "dated": lambda: papers.upsert(Document("d", vector=[1, 1], created_at=AT)),
            "delete": lambda: papers.delete("d"),
            "clear": papers.clear,
        }
        for name, call in calls.items():
            front.requests.clear()
            call()
            asked[name] = list(front.requests)
    assert asked == {
        "search": ["POST _search"],
        "get": ["POST _search"],
        "count": ["POST _search"],
        "upsert": ["POST _mget", "PUT _bulk"],
        "dated": ["PUT _bulk"],
        "delete": ["PUT _bulk"],
        "clear": ["POST _search", "PUT _bulk"],
    }


def test_what_is_not_seen_yet_keeps_its_time(url: str) -> None:
    """A document that was written with `wait=False` and is replaced at once is as old as it was."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(Document("a", vector=[1, 2], created_at=AT), wait=False)
        papers.upsert({"id": "a", "vector": [2, 1]})
        (document,) = papers.scan()
        assert document.created_at == AT


def test_what_changes_meanwhile_is_not_deleted(front: Front, url: str, prefix: str) -> None:
    """A delete by filter leaves, and doesn't count, a document that was replaced after it had matched."""
    with onevec.connect(front.url(prefix)) as store, onevec.connect(url) as other:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]], metadata=[{"n": 1}, {"n": 1}])
        theirs = other.collection("papers")
        front.meanwhile["PUT _bulk"] = lambda: theirs.update("a", metadata={"n": 2})
        assert papers.delete(filter=field("n") == 1) == 1
        assert [document.id for document in papers.scan()] == ["a"]


def test_no_call_blocks_the_loop(url: str) -> None:
    """The library loads in another thread, and its client awaits the server."""

    async def verbs() -> None:
        async with onevec.connect_async(url) as store:
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


BLOCKED = "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark]"
FAILURES: list[tuple[Answer, type[OnevecError], bool]] = [
    (Answer(400), EngineError, False),
    (Answer(400, "media_type_header_exception"), UnsupportedVersion, False),
    (Answer(401), AuthenticationFailed, False),
    (Answer(403), AuthenticationFailed, False),
    (Answer(403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/8/index write (api)]"), ReadOnly, False),
    (Answer(404, "index_not_found_exception"), CollectionNotFound, False),
    (Answer(429, "es_rejected_execution_exception", headers=(("Retry-After", "7"),)), RateLimited, True),
    (Answer(429, "circuit_breaking_exception"), RateLimited, True),
    (Answer(429, "cluster_block_exception", BLOCKED), StorageFull, False),
    (Answer(500), EngineError, True),
    (Answer(503, "cluster_block_exception", headers=(("Retry-After", "7"),)), EngineUnavailable, True),
    (Answer(504), EngineTimeout, True),
]


@pytest.mark.parametrize(("answer", "kind", "retryable"), FAILURES, ids=lambda value: getattr(value, "type", None))
def test_a_refusal_is_an_error_of_the_tree(
    front: Front, prefix: str, answer: Answer, kind: type[OnevecError], retryable: bool
) -> None:
    """By the sync client as by the async one, it says whether a retry can help, where, and why; it is asked once."""
    with onevec.connect(front.url(prefix), max_retries=0) as store:
        papers = store.create_collection("papers", dimension=2)
        for search in (lambda: papers.search([1, 0]), lambda: asyncio.run(_searched(front, prefix, answer))):
            front.requests.clear()
            front.answers.append(answer)
            with pytest.raises(kind) as refused:
                search()
            assert type(refused.value) is kind
            assert refused.value.retryable is retryable
            assert refused.value.retry_after == (7 if answer.headers else None)
            assert front.requests.count("POST _search") == 1
            if kind is not CollectionNotFound:
                assert refused.value.__cause__ is not None
                assert str(front.port) in str(refused.value)
                assert answer.reason in str(refused.value)


async def _searched(front: Front, prefix: str, answer: Answer) -> None:
    front.answers.clear()
    async with onevec.connect_async(front.url(prefix), max_retries=0) as store:
        papers = await store.collection("papers")
        front.answers.append(answer)
        await papers.search([1, 0])


def test_a_blocked_index_is_read_only(url: str, native: Elasticsearch, prefix: str) -> None:
    """Each document that is refused is told by its id, and the same call works when the block is gone."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        native.indices.put_settings(index=f"{prefix}papers", settings={"index.blocks.write": True})
        report = papers.upsert(ids=["a", "b"], vectors=[[1, 2], [1, 3]], on_failure="report")
        assert [(id, type(error)) for id, error in report.failed] == [("a", ReadOnly), ("b", ReadOnly)]
        assert papers.count() == 0
        native.indices.put_settings(index=f"{prefix}papers", settings={"index.blocks.write": False})
        assert papers.upsert(ids=["a", "b"], vectors=[[1, 2], [1, 3]]).written == 2


def test_the_core_tries_again(front: Front, prefix: str) -> None:
    """A server that is away for a moment is asked again, and the call succeeds."""
    with onevec.connect(front.url(prefix)) as store:
        papers = store.create_collection("papers", dimension=2)
        front.answers += [Answer(503), Answer(500)]
        assert papers.upsert({"id": "a", "vector": [1, 2]}).written == 1
        front.answers += [Answer(429, headers=(("Retry-After", "0"),))]
        assert papers.count() == 1


def test_an_answer_that_does_not_come_is_a_timeout(front: Front, prefix: str) -> None:
    """`request_timeout` is how long an answer may take, on the sync client as on the async one."""

    async def count() -> None:
        async with onevec.connect_async(front.url(prefix), request_timeout=0.5, max_retries=0) as store:
            papers = await store.collection("papers")
            front.answers.append(Answer(503, delay=2.0))
            await papers.count()

    with onevec.connect(front.url(prefix), request_timeout=0.5, max_retries=0) as store:
        papers = store.create_collection("papers", dimension=2)
        front.answers.append(Answer(503, delay=2.0))
        with pytest.raises(EngineTimeout, match="request_timeout") as late:
            papers.count()
        assert late.value.retryable
    with pytest.raises(EngineTimeout, match="request_timeout"):
        asyncio.run(count())


def test_a_pool_can_be_too_small(front: Front, prefix: str) -> None:
    """`pool_timeout` is how long a call waits for one of `pool_size` connections, which then takes its time."""

    async def searches() -> None:
        url = front.url(prefix)
        async with onevec.connect_async(url, pool_size=1, pool_timeout=0.1, max_retries=0) as store:
            papers = await store.create_collection("papers", dimension=2)
            front.answers.append(Answer(500, delay=1.0))
            slow = asyncio.create_task(papers.count())
            await asyncio.sleep(0.3)
            with pytest.raises(EngineTimeout):
                await papers.count()
            with pytest.raises(EngineError, match="500"):
                await slow
            assert await papers.count() == 0

    asyncio.run(searches())


def test_a_server_that_is_not_there_is_named() -> None:
    """Connecting says at once where nothing answers, and that trying later can help."""
    with pytest.raises(EngineUnavailable, match=r"127\.0\.0\.1:9") as away:
        onevec.connect("elasticsearch://127.0.0.1:9", max_retries=0)
    assert away.value.retryable
    assert away.value.operation == "connect"


def test_what_is_not_elasticsearch_is_refused(front: Front, prefix: str) -> None:
    """A server that answers, but doesn't say that it is Elasticsearch, such as OpenSearch."""
    front.answers.append(Answer(200, product="OpenSearch"))
    with pytest.raises(EngineError, match="isn't Elasticsearch"):
        onevec.connect(front.url(prefix))


def test_credentials_are_sent_and_never_shown(front: Front, prefix: str) -> None:
    """A user with a password, or a key; with others, the message says what to check and shows none."""
    secret = "hunter2-hunter2"
    basic = base64.b64encode(f"elastic:{secret}".encode()).decode()
    ways: list[tuple[str, str, dict[str, Any]]] = [
        (f"Basic {basic}", f"elastic:{secret}@", {}),
        (f"ApiKey {secret}", "", {"api_key": secret}),
    ]
    for authorization, user, options in ways:
        front.authorization = authorization
        target = front.url(prefix, user=user)
        with onevec.connect(target, tls=False, **options) as store:
            assert store.collections() == []
            assert secret not in repr(store) + repr(store.client) + repr(store.health())
        front.authorization = "another"
        with pytest.raises(AuthenticationFailed, match="check the key") as refused:
            onevec.connect(target, tls=False, **options)
        assert secret not in f"{refused.value!r} {refused.value.__cause__!r}"


def test_credentials_go_over_tls_unless_told_otherwise(front: Front, prefix: str) -> None:
    """With a key and no word about TLS, a server without it can't be reached, rather than be sent the key."""
    with pytest.raises(EngineUnavailable, match="tls") as refused:
        onevec.connect(front.url(prefix), api_key="the-key-itself")
    assert not refused.value.retryable
    assert front.requests == []


@pytest.mark.parametrize(
    "options",
    [{"username": "u"}, {"password": "p"}, {"username": "u", "password": "p", "api_key": "k"}, {"prefix": "A."}],
    ids=["no password", "no user", "both", "prefix"],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigError):
        onevec.connect("elasticsearch://127.0.0.1:9", **options)


def test_an_index_is_set_up_in_elasticsearch(url: str, native: Elasticsearch, prefix: str) -> None:
    """`create_index` makes a graph of what was searched one by one; what Elasticsearch lacks is refused."""

    def options() -> Any:
        (mapping,) = native.indices.get_mapping(index=f"{prefix}papers").values()
        return mapping["mappings"]["properties"]["vector"]["index_options"]

    vectors = np.random.default_rng(2).standard_normal((300, 16), np.float32)
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=16)
        papers.upsert(ids=[f"{n:03}" for n in range(150)], vectors=vectors[:150])
        papers.upsert(ids=[f"{n:03}" for n in range(150, 300)], vectors=vectors[150:])
        assert options()["type"] == "flat"
        before = papers.search(vectors[3], top_k=20)
        papers.create_index("hnsw", m=8, ef_construction=50)
        assert (options()["type"], options()["m"], options()["ef_construction"]) == ("hnsw", 8, 50)
        for search in ({"exact": True}, {"ef_search": 300}):
            hits = papers.search(vectors[3], top_k=20, **search)
            assert hits.ids == before.ids
            assert hits.scores == pytest.approx(before.scores, abs=1e-6)
        papers.create_index("hnsw", m=24, quantization="int8")
        assert (options()["type"], options()["m"]) == ("int8_hnsw", 24)
        hits = papers.search(vectors[3], top_k=20, ef_search=300)
        assert len(set(hits.ids) & set(before.ids)) >= 18
        directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        assert hits.scores == pytest.approx([float(directions[3] @ directions[int(id)]) for id in hits.ids], abs=1e-6)
        with pytest.raises(Unsupported, match="fewer connections"):
            papers.create_index("flat")
        with pytest.raises(Unsupported, match="int8"):
            papers.create_index("hnsw", quantization="float16")
        sums = store.create_collection("sums", dimension=2, metric="manhattan")
        with pytest.raises(Unsupported, match="manhattan"):
            sums.create_index("hnsw")


def test_shards_can_be_chosen(url: str, native: Elasticsearch, prefix: str) -> None:
    """`shards` and `replicas` are those of the indices that are made; searches see all of them."""
    with onevec.connect(url, shards=3) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=[f"{n:02}" for n in range(60)], vectors=[[1.0, float(n)] for n in range(60)])
        (settings,) = native.indices.get_settings(index=f"{prefix}papers").values()
        assert settings["settings"]["index"]["number_of_shards"] == "3"
        assert papers.search([1, 59], top_k=60).ids == [f"{n:02}" for n in reversed(range(60))]
        assert [document.id for document in papers.scan()] == [f"{n:02}" for n in range(60)]
        assert papers.delete(filter=field("n").is_null()) == 60


def test_vectors_too_long_for_float32_are_refused(url: str) -> None:
    """By the id of the document, and before anything is sent."""
    with onevec.connect(url) as store:
        for metric in ("dot", "euclidean", "manhattan"):
            papers = store.create_collection(metric, dimension=2, metric=metric)
            with pytest.raises(InvalidDocument, match="'long'"):
                papers.upsert(ids=["a", "long"], vectors=[[1.0, 2.0], [1e20, 0.0]])
            assert papers.count() == 0


def test_the_library_is_loaded_when_a_store_is_opened() -> None:
    """Neither the engine's name nor its capabilities need it."""
    code = (
        "import sys, onevec; from onevec.registry import adapter_class;"
        "adapter_class('elasticsearch').capabilities; onevec.engines();"
        "theirs = ('elasticsearch', 'elastic_transport', 'aiohttp');"
        "print([name for name in sys.modules if name.split('.')[0] in theirs])"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert child.stdout.strip() == "[]"


def test_health_tells_disk_and_memory(url: str) -> None:
    """As far as the nodes tell; a key that may not ask them leaves it open."""
    with onevec.connect(url) as store:
        details = store.health().details
        assert 0 < details["disk_free_bytes"] <= details["disk_total_bytes"]
        assert 0 < details["memory_used_bytes"] <= details["memory_total_bytes"]
        assert details["nodes"] == 1


def test_health_is_known_where_the_nodes_are_not(url: str, front: Front, prefix: str) -> None:
    """What can't be asked for isn't there, and nothing is made up."""
    with onevec.connect(front.url(prefix)) as store:
        front.meanwhile["GET fs,jvm"] = lambda: front.answers.append(Answer(403))
        health = store.health()
        assert health.status == "healthy"
        assert health.details.keys() == {"cluster", "status"}


@pytest.mark.parametrize(
    "native",
    [
        {"terms": {"id": {"index": "others", "id": "secret", "path": "id"}}},
        {"bool": {"must_not": [{"more_like_this": {"like": [{"_id": "secret"}]}}]}},
        {"bool": {"filter": {"knn": {"field": "vector", "query_vector": [1, 0], "k": 1}}}},
        {"geo_shape": {"place": {"indexed_shape": {"id": "secret"}}}},
        {"percolate": {"field": "query", "id": "secret"}},
        {"wrapper": {"query": "e30="}},
    ],
    ids=lambda native: next(iter(native)),
)
def test_a_query_that_reads_other_documents_is_refused(native: dict[str, Any]) -> None:
    """Wherever in a query it is: whether it is true would tell of documents of others."""
    with pytest.raises(InvalidFilter, match="other documents"):
        own_query(native)


def test_a_wrong_query_is_an_error_with_the_servers_reason(url: str) -> None:
    """The store goes on working, and a right one is put beside the filter."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert([Document("a", text="the wing", vector=[1, 0]), Document("b", text="a slab", vector=[0, 1])])
        with pytest.raises(EngineError, match="unknown query") as refused:
            papers.search([1, 0], native={"nothing": {"text": "wing"}})
        assert refused.value.__cause__ is not None
        assert papers.search([0, 1], native={"match": {"text": "wing"}}, exact=True).ids == ["a"]
        native = papers.explain([0, 1], native={"match": {"text": "wing"}})["native"]
        assert native["query"]["knn"]["filter"]["bool"]["filter"] == [
            {"term": {"namespace": ""}},
            {"match": {"text": "wing"}},
        ]
