"""What is the weaviate engine's own: classes and objects as other tools see them, names, exactness, errors."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockbuster import blockbuster_ctx
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.tcp_proxy import Fault, TcpProxy
from tests.servers.weaviate import MARKS, WeaviateServer
from weaviate.classes.query import Filter

import onevec
from onevec import Document, field
from onevec.adapters.weaviate import searches
from onevec.adapters.weaviate.filters import facet_term, number_terms
from onevec.adapters.weaviate.native import own_filter
from onevec.adapters.weaviate.shares import FIRST, share_after, shares
from onevec.errors import (
    AuthenticationFailed,
    InvalidCursor,
    InvalidFilter,
    StoreClosed,
    Unsupported,
)
from onevec.secret import Secret

pytestmark = MARKS

AT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def server(weaviate: WeaviateServer) -> Iterator[WeaviateServer]:
    """The server, empty again when the test ends."""
    yield weaviate
    weaviate.clear()


def test_other_tools_see_natural_fields(server: WeaviateServer, tmp_path: Path) -> None:
    """An object has the document's id, namespace, text and vector in plain sight, its class says what it is."""
    with onevec.connect(server.url(tmp_path), prefix="") as store:
        papers = store.create_collection("papers", dimension=2, metric="cosine")
        papers.namespace("acme").upsert(
            Document("a", text="wing", vector=[3, 4], metadata={"year": 1958, "o": {"tags": ["x"]}, "at": AT})
        )
        client: Any = store.client
        with client:
            collection = client.collections.use("Papers")
            (found,) = collection.with_tenant("acme").query.fetch_objects(include_vector=True).objects
            described = collection.config.get().description
    assert found.vector == {"default": [3.0, 4.0]}
    own = {name: value for name, value in found.properties.items() if not name.startswith("onevec_")}
    assert own == {
        "document_id": "a",
        "namespace": "acme",
        "text": "wing",
        "metadata": '{"year":1958,"o":{"tags":["x"]},"at":{"$datetime":"2020-01-02T03:04:05.000000Z"}}',
    }
    assert '"metric":"cosine"' in described


@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5).map(float), min_size=2))
def test_terms_of_numbers_have_their_order(numbers: list[float]) -> None:
    """A greater number has a greater last term, equal ones have the same, and each term begins the next."""
    numbers.sort()
    for low, high in pairwise(numbers):
        one, other = (number_terms({"n": number})[-1] for number in (low, high))
        assert one.ljust(18, "0") < other.ljust(18, "0") if low < high else one == other
    terms = number_terms({"n": numbers[0]})
    assert terms[0] == "n<"
    assert all(longer.startswith(shorter) for shorter, longer in pairwise(terms))


def test_a_facet_ends_in_no_blank(server: WeaviateServer, tmp_path: Path) -> None:
    """Weaviate cuts blanks off; texts that differ in these are told apart all the same."""
    texts = ["a", "a ", "a\t", "a\u00a0", "a\u3000", "a\n", "a|", "a||", "a |", " ", "", "\u200b", "é", "e\u0301"]
    assert len({facet_term(f"x=s:{text}").strip() for text in texts}) == len(texts)
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(
            ids=list(map(str, range(len(texts)))),
            vectors=np.ones((len(texts), 2), np.float32),
            metadata=[{"x": text} for text in texts],
        )
        for number, text in enumerate(texts):
            assert papers.search([1, 1], filter=field("x") == text).ids == [str(number)]


@pytest.fixture
def in_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Weaviate seem to measure no more than 100 documents at once, and to read no more than 400."""
    monkeypatch.setattr(searches, "EXACT_UP_TO", 100)
    monkeypatch.setattr(searches, "MOST", 400)


@pytest.mark.usefixtures("in_shares")
def test_shares_are_searched_and_scanned_whole(server: WeaviateServer, tmp_path: Path) -> None:
    """An exact search and a scan of what matches go through all documents, none twice, in however many shares."""
    vectors = np.random.default_rng(1).standard_normal((1000, 8), np.float32)
    ids = [f"{number:04}" for number in range(1000)]
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=8, metric="euclidean")
        papers.upsert(ids=ids, vectors=vectors, metadata=[{"n": number % 3} for number in range(1000)])
        nearest = np.argsort(np.linalg.norm(vectors - vectors[5], axis=1))
        assert papers.search(vectors[5], top_k=50, exact=True).ids == [ids[number] for number in nearest[:50]]
        of_them = [number for number in nearest if number % 3 == 1][:50]
        hits = papers.search(vectors[5], top_k=50, exact=True, filter=field("n") == 1)
        assert hits.ids == [ids[number] for number in of_them]
        for filter, expected in ((field("n") == 1, ids[1::3]), (None, ids)):
            assert sorted(document.id for document in papers.scan(filter=filter)) == expected


def test_shares_are_the_whole_space() -> None:
    """One share ends where the next begins, and a page's share is never empty space for ever."""
    for count in (1, 2, 7):
        bounds = shares(count)
        assert bounds[0][0] == FIRST
        assert bounds[-1][1] is None
        assert [end for _, end in bounds[:-1]] == [begin for begin, _ in bounds[1:]]
    last = "ffffffff-ffff-ffff-ffff-ffffffffffff"
    assert share_after(last, 0.1) == last
    assert share_after(FIRST, 1.0) is None
    with pytest.raises(InvalidCursor):
        share_after("elsewhere", 0.5)


def test_more_are_deleted_than_one_call_deletes(server: WeaviateServer, tmp_path: Path) -> None:
    """Weaviate deletes 10,000 objects in a call; `delete` and `count` know no such number."""
    count = 10_500
    with onevec.connect(server.url(tmp_path), m=4, ef_construction=8) as store:
        papers = store.create_collection("papers", dimension=1, metric="dot")
        papers.upsert(ids=list(map(str, range(count))), vectors=np.ones((count, 1), np.float32))
        assert papers.count() == count
        assert papers.delete(filter=field("n").is_null()) == count
        assert papers.count() == 0


def test_vectors_come_back_to_the_bit_under_cosine(server: WeaviateServer, tmp_path: Path) -> None:
    """Whatever their length; only the longest and the shortest are kept beside the object's vector."""
    vectors = np.random.default_rng(1).standard_normal((50, 33), np.float32)
    vectors[10] *= np.float32(1e-30)
    vectors[20] *= np.float32(1e30)
    ids = list(map(str, range(50)))
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=33)
        papers.upsert(ids=ids, vectors=vectors)
        found = papers.get_many(ids)
        np.testing.assert_array_equal(np.stack([np.asarray(one.vector) for one in found]), vectors)
        for number in (7, 10, 20):
            hits = papers.search(vectors[number], top_k=1, include_vectors=True)
            assert hits.ids == [str(number)]
            assert hits.scores == pytest.approx([1.0], abs=1e-6)
            np.testing.assert_array_equal(np.asarray(hits[0].vector), vectors[number])


def test_codes_change_no_distance(server: WeaviateServer, tmp_path: Path) -> None:
    """With quantized vectors, switched on and off, writes go on and distances are those of whole vectors."""
    vectors = np.random.default_rng(1).standard_normal((300, 16), np.float32)
    true = np.linalg.norm(vectors - vectors[3], axis=1)
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=16, metric="euclidean")
        papers.upsert(ids=list(map(str, range(300))), vectors=vectors)
        with pytest.raises(Unsupported, match="int8"):
            papers.create_index("hnsw", quantization="float16")
        for codes in ("int8", "none"):
            quantization: Any = codes
            papers.create_index("hnsw", quantization=quantization)
            papers.upsert(ids=["0"], vectors=vectors[:1])
            for hits in (papers.search(vectors[3], top_k=20), papers.search(vectors[3], top_k=20, exact=True)):
                assert [hit.distance for hit in hits] == pytest.approx([true[int(id)] for id in hits.ids], abs=1e-4)
                assert len(set(hits.ids) & set(map(str, np.argsort(true)[:20]))) >= 18


def test_no_call_blocks_the_loop(server: WeaviateServer, tmp_path: Path) -> None:
    """The libraries load and certificates are read in other threads, and the clients await their server."""

    async def verbs() -> None:
        async with onevec.connect_async(server.url(tmp_path)) as store:
            papers = await store.create_collection("papers", dimension=2)
            await papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]], metadata=[{"n": 1}, {"n": 2}])
            await papers.update("a", text="x")
            assert (await papers.search([1, 0], filter={"n": {"$lt": 2}})).ids == ["a"]
            assert len([document async for document in papers.scan()]) == 2
            assert await papers.namespaces() == [""]
            assert (await store.health()).status == "healthy"
            assert await papers.delete("a") == 1
            assert await store.delete_collection("papers")

    with blockbuster_ctx("onevec"):
        asyncio.run(verbs())


def test_a_store_that_is_closed_during_a_call_says_so(weaviate: WeaviateServer) -> None:
    """A call of the async API that waits for the server ends with `StoreClosed`, and not as if it were cancelled."""

    async def main(port: int, grpc: TcpProxy) -> None:
        url = f"weaviate://127.0.0.1:{port}?grpc_port={grpc.port}&prefix=closing"
        async with onevec.connect_async(url) as store:
            papers = await store.create_collection("papers", dimension=2, if_exists="replace")
            with grpc.under(Fault("silent")):
                search = asyncio.create_task(papers.search([1, 2]))
                while not grpc.struck:  # noqa: ASYNC110 (the proxy is threads, which set no event of asyncio)
                    await asyncio.sleep(0)
                await store.close()
                with pytest.raises(StoreClosed):
                    await search

    with TcpProxy(weaviate.grpc_port) as grpc:
        asyncio.run(main(weaviate.port, grpc))
    weaviate.clear()


def test_a_killed_server_loses_nothing(weaviate: WeaviateServer) -> None:
    """What was acknowledged is there after `kill -9`, and the store that was open goes on with it."""
    with (
        WeaviateServer(weaviate.program) as own,
        onevec.connect(own.url(Path("killed")), timeout=60, max_retries=50) as store,
    ):
        papers = store.create_collection("papers", dimension=2)
        for number in range(20):
            papers.upsert({"id": str(number), "vector": [1, number], "metadata": {"n": number}})
        papers.delete("0")
        own.kill()
        own.start()
        assert papers.count({"n": {"$gte": 0}}) == 19
        assert len(papers.search([1, 3], top_k=30)) == 19
        assert papers.get("0") is None
        assert papers.upsert({"id": "0", "vector": [1, 0]}).written == 1


def test_a_key_opens_the_store_and_is_not_shown(weaviate: WeaviateServer) -> None:
    """A wrong key, and none, are refused; neither shows in a message, a repr or the variables of a traceback."""
    key, wrong = "correct-horse-battery", "hunter2-hunter2"
    with WeaviateServer(weaviate.program, key=key) as own:
        url = own.url(Path("keys"))
        with onevec.connect(url, api_key=Secret(key), tls=False) as store:
            store.create_collection("papers", dimension=2).upsert({"id": "a", "vector": [1, 0]})
            assert key not in repr(store) + repr(store.health())
        for given, options in ((wrong, {"api_key": wrong, "tls": False}), (key, {})):
            chosen: dict[str, Any] = options
            with pytest.raises(AuthenticationFailed, match="check the key") as refused:
                onevec.connect(url, **chosen)
            error: BaseException | None = refused.value
            while error is not None:
                assert given not in str(error)
                for frame, _ in traceback.walk_tb(error.__traceback__):
                    if "adapters/weaviate" in frame.f_code.co_filename or "grpc" in frame.f_code.co_filename:
                        assert given not in repr(frame.f_locals), frame
                error = error.__cause__ or error.__context__


def test_the_library_is_loaded_when_a_store_is_opened() -> None:
    """Neither the engine's name nor its capabilities need it."""
    code = (
        "import sys, onevec; from onevec.registry import adapter_class;"
        "adapter_class('weaviate').capabilities; onevec.engines();"
        "print([name for name in sys.modules if name.split('.')[0] in ('weaviate', 'grpc', 'httpx')])"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert child.stdout.strip() == "[]"


def test_a_filter_of_other_collections_is_refused() -> None:
    """One by reference, one of nothing, and one that has no end."""
    deep = Filter.by_property("a").equal(1)
    for _ in range(40):
        deep = deep & Filter.by_property("a").equal(1)
    by_reference = Filter.by_ref("cites").by_property("title").equal("x")
    for native in (by_reference, Filter.by_ref_count("cites").equal(1), deep, Filter.any_of([by_reference]), {"a": 1}):
        with pytest.raises(InvalidFilter, match="native="):
            own_filter(native)
    assert own_filter(~Filter.by_id().equal(str(FIRST)))
