"""What the pinecone engine asks the service, and what it makes of any answer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from tests.servers.pinecone import Answer, PineconeServer

import onevec
from onevec import Document, field
from onevec.errors import (
    AuthenticationFailed,
    ConfigError,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    OnevecError,
    RateLimited,
    StorageFull,
)

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


def test_requests_are_few(store: onevec.Store, server: PineconeServer) -> None:
    """A search is one request, with many hits two; a write asks what the index is, and waits until it is seen."""
    papers = store.create_collection("papers", dimension=2)
    papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]])
    asked: dict[str, list[str]] = {}
    calls: dict[str, Callable[[], object]] = {
        "search": lambda: papers.search([1, 0], top_k=1, filter=field("n").is_null()),
        "search many": lambda: papers.search([1, 0], top_k=1000),
        "get": lambda: papers.get("a"),
        "count": papers.count,
        "count some": lambda: papers.count({"n": 1}),
        "page": papers.page,
        "upsert": lambda: papers.upsert(ids=["c", "d"], vectors=[[1, 1], [1, 2]]),
        "dated": lambda: papers.upsert(Document("d", vector=[1, 1], created_at=AT)),
        "delete": lambda: papers.delete("c"),
    }
    for name, call in calls.items():
        server.requests.clear()
        call()
        asked[name] = [request.partition(" ")[2] for request in server.requests]
    described = "/indexes/papers"
    assert asked == {
        "search": ["/query"],
        "search many": ["/query", "/vectors/fetch"],
        "get": ["/vectors/fetch"],
        "count": ["/describe_index_stats"],
        "count some": ["/query"],
        "page": ["/vectors/fetch_by_metadata"],
        "upsert": [described, "/query", "/vectors/upsert", "/query"],
        "dated": [described, "/vectors/upsert", "/query"],
        "delete": [described, "/query", "/vectors/delete", "/query"],
    }


FAILURES: list[tuple[Answer, type[OnevecError], bool]] = [
    (Answer(400), EngineError, False),
    (Answer(403), AuthenticationFailed, False),
    (Answer(403, b'{"error": {"code": "QUOTA_EXCEEDED", "message": "no"}, "status": 403}'), StorageFull, False),
    (Answer(429, headers=(("Retry-After", "7"),)), RateLimited, True),
    (Answer(429), RateLimited, True),
    (Answer(500, b"no JSON"), EngineError, True),
    (Answer(503, headers=(("Retry-After", "7"),)), EngineUnavailable, True),
    (Answer(504), EngineTimeout, True),
    (Answer(200, b"no JSON"), EngineError, False),
    (Answer(200, b"[]"), EngineError, False),
]


@pytest.mark.parametrize(("answer", "kind", "retryable"), FAILURES, ids=lambda value: getattr(value, "status", None))
def test_a_refusal_is_an_error_of_the_tree(
    store: onevec.Store, server: PineconeServer, answer: Answer, kind: type[OnevecError], retryable: bool
) -> None:
    """It says whether a retry can help, where the service is, and what it said; it is asked once."""
    papers = store.create_collection("papers", dimension=2)
    papers.count()
    server.requests.clear()
    server.answers.append(answer)
    with pytest.raises(kind) as refused:
        papers.search([1, 0])
    assert type(refused.value) is kind
    assert refused.value.retryable is retryable
    assert refused.value.__cause__ is not None
    assert refused.value.retry_after == (7 if answer.headers else None)
    assert str(server.port) in str(refused.value)
    assert server.requests.count("POST /query") == 1


def test_a_refusal_of_the_async_client_is_the_same(server: PineconeServer, tmp_path: Path) -> None:
    """The async client's answers are read as the sync one's are, and it asks once, too."""

    async def refused(answer: Answer) -> OnevecError:
        async with onevec.connect_async(server.url(tmp_path), max_retries=0) as store:
            papers = await store.create_collection("papers", dimension=2, if_exists="open")
            await papers.count()
            server.requests.clear()
            server.answers.append(answer)
            with pytest.raises(OnevecError) as error:
                await papers.search([1, 0])
            assert server.requests.count("POST /query") == 1
            return error.value

    for answer, kind, retryable in FAILURES:
        error = asyncio.run(refused(answer))
        assert (type(error), error.retryable) == (kind, retryable)
        assert error.retry_after == (7 if answer.headers else None)


def test_the_core_tries_again(server: PineconeServer, tmp_path: Path) -> None:
    """A service that is away for a moment is asked again, and the call succeeds."""
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        server.answers += [Answer(503), Answer(500)]
        assert papers.upsert({"id": "a", "vector": [1, 2]}).written == 1
        server.answers += [Answer(429, headers=(("Retry-After", "0"),))]
        assert papers.count() == 1


def test_an_answer_that_does_not_come_is_a_timeout(server: PineconeServer, tmp_path: Path) -> None:
    """`request_timeout` is how long an answer may take."""
    with onevec.connect(server.url(tmp_path), request_timeout=0.3, max_retries=0) as store:
        papers = store.create_collection("papers", dimension=2)
        for call in (papers.count, lambda: papers.get("a")):
            server.answers.append(Answer(200, delay=1.0))
            started = time.monotonic()
            with pytest.raises(EngineTimeout, match="request_timeout") as late:
                call()
            assert time.monotonic() - started < 0.9
            assert late.value.retryable


@pytest.mark.parametrize("surface", ["sync", "async"])
def test_no_request_outlives_its_call(server: PineconeServer, tmp_path: Path, surface: str) -> None:
    """A call's `timeout` ends it, however long a request may take."""
    server.answers += [Answer(200, delay=1.5)] * 3

    async def late() -> None:
        async with onevec.connect_async(server.url(tmp_path), timeout=0.4) as store:
            await store.collections()

    started = time.monotonic()
    with pytest.raises(EngineTimeout):
        asyncio.run(late()) if surface == "async" else onevec.connect(server.url(tmp_path), timeout=0.4)
    assert time.monotonic() - started < 1.4


def test_a_service_that_is_not_there_is_named() -> None:
    """Connecting says at once where nothing answers, and that trying later can help."""
    with pytest.raises(EngineUnavailable, match=r"127\.0\.0\.1:9") as away:
        onevec.connect("pinecone://127.0.0.1:9", api_key="k")
    assert away.value.retryable
    assert away.value.operation == "connect"


def test_a_key_is_needed_sent_and_never_shown(
    server: PineconeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`api_key`, or `PINECONE_API_KEY`, opens a project; a wrong one is named as that, and isn't shown."""
    url = server.url(tmp_path).partition("?")[0]
    monkeypatch.delenv("PINECONE_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="PINECONE_API_KEY"):
        onevec.connect(url)
    server.refused.add("another-key")
    with pytest.raises(AuthenticationFailed, match="check the key") as refused:
        onevec.connect(url, api_key="another-key")
    assert "another-key" not in f"{refused.value!r} {refused.value.__cause__!r}"
    monkeypatch.setitem(os.environ, "PINECONE_API_KEY", "the-key-itself")
    with onevec.connect(url) as store:
        assert "the-key-itself" not in repr(store)
        store.create_collection("papers", dimension=2)
    with onevec.connect(url, api_key="the-key-itself") as store:
        assert store.has_collection("papers")
    with onevec.connect(url, api_key="a third key") as store:
        assert store.collections() == []


def test_where_a_project_is() -> None:
    """A URL names a project, by its address at most: a path is refused, and an address where nothing is."""
    with pytest.raises(ConfigError, match="no path"):
        onevec.connect("pinecone://127.0.0.1:9/papers", api_key="k")
    with pytest.raises(EngineUnavailable, match=r"127\.0\.0\.1:9"):
        onevec.connect("pinecone://127.0.0.1:9", api_key="k", tls=True)


def test_no_call_blocks_the_loop(server: PineconeServer, tmp_path: Path) -> None:
    """The library loads in another thread, and the client awaits the service."""

    async def verbs() -> None:
        async with onevec.connect_async(server.url(tmp_path)) as store:
            papers = await store.create_collection("papers", dimension=2)
            await papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]], metadata=[{"n": 1}, {"n": 2}])
            await papers.update("a", text="x")
            assert (await papers.search([1, 0], filter={"n": {"$lt": 2}})).ids == ["a"]
            assert len([document async for document in papers.scan()]) == 2
            await papers.flush()
            assert (await store.health()).status == "healthy"
            assert await papers.delete("a") == 1
            assert await store.delete_collection("papers")

    with blockbuster_ctx("onevec"):
        asyncio.run(verbs())


def test_the_library_is_loaded_when_a_store_is_opened() -> None:
    """Neither the engine's name nor its capabilities need it."""
    code = (
        "import sys, onevec; from onevec.registry import adapter_class;"
        "adapter_class('pinecone').capabilities; onevec.engines();"
        "print([name for name in sys.modules if name.split('.')[0] in ('pinecone', 'httpx')])"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert child.stdout.strip() == "[]"
