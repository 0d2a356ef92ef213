"""What the chroma engine asks a server, and what it makes of any answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.servers.chroma import ChromaServer
from tests.servers.proxy import Proxy, Told

import onevec
from onevec import field
from onevec.errors import (
    AuthenticationFailed,
    ConfigError,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    OnevecError,
    RateLimited,
    StorageFull,
    StoreNotFound,
)

TOKEN = "x-chroma-token"


@pytest.fixture
def proxy(chroma: ChromaServer) -> Iterator[Proxy]:
    """A proxy before the server."""
    with Proxy(chroma.port, key_header=TOKEN) as running:
        yield running


@pytest.fixture
def url(chroma: ChromaServer, proxy: Proxy, tmp_path: Path) -> str:
    """The URL of an empty store behind the proxy."""
    return f"chroma://127.0.0.1:{proxy.port}?{urlsplit(chroma.url(tmp_path)).query}"


def test_a_read_is_one_request(proxy: Proxy, url: str) -> None:
    """A collection is asked for by a UUID that is never another's: nothing needs to be checked before a call.

    Only a filter that depends on which fields there are begins with asking what other stores brought.
    """
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]])
        asked: dict[str, list[str]] = {}
        calls: dict[str, Callable[[], object]] = {
            "search": lambda: papers.search([1, 0], top_k=1, filter=(field("n") != 1) & ~field("m").is_in(["a", 0.5])),
            "search fields": lambda: papers.search([1, 0], top_k=1, filter=field("n").is_null()),
            "get": lambda: papers.get("a"),
            "count": papers.count,
            "count some": lambda: papers.count({"n": 1}),
            "upsert": lambda: papers.upsert({"id": "c", "vector": [1, 1]}),
            "delete": lambda: papers.delete("c"),
        }
        for name, call in calls.items():
            proxy.requests.clear()
            call()
            asked[name] = [request.rpartition("/")[2] for request in proxy.requests]
    assert asked == {
        "search": ["query"],
        "search fields": ["get", "query"],
        "get": ["get"],
        "count": ["count"],
        "count some": ["get"],
        "upsert": ["get", "upsert"],
        "delete": ["get", "delete"],
    }


FAILURES: list[tuple[Told, type[OnevecError], bool]] = [
    (Told(400), EngineError, False),
    (Told(403), AuthenticationFailed, False),
    (Told(429, headers=(("Retry-After", "7"),)), RateLimited, True),
    (Told(429), RateLimited, True),
    (Told(500, "no JSON"), EngineError, True),
    (Told(503, headers=(("Retry-After", "7"),)), EngineUnavailable, True),
    (Told(504), EngineTimeout, True),
    (Told(507), StorageFull, False),
    (Told(200, "no JSON"), EngineError, False),
    (Told(200, "[]"), EngineError, False),
]


@pytest.mark.parametrize(("answer", "kind", "retryable"), FAILURES, ids=lambda value: getattr(value, "status", None))
def test_a_refusal_is_an_error_of_the_tree(
    proxy: Proxy, url: str, answer: Told, kind: type[OnevecError], retryable: bool
) -> None:
    """It says whether a retry can help, where the server is, and what it said; the adapter asks once."""
    with onevec.connect(url, max_retries=0) as store:
        papers = store.create_collection("papers", dimension=2)
        proxy.requests.clear()
        proxy.answers.append(answer)
        with pytest.raises(kind) as refused:
            papers.search([1, 0])
    assert type(refused.value) is kind
    assert refused.value.retryable is retryable
    assert refused.value.__cause__ is not None
    assert refused.value.retry_after == (7 if answer.headers else None)
    assert str(proxy.port) in str(refused.value)
    assert len([request for request in proxy.requests if request.endswith("/query")]) == 1


def test_a_refusal_of_the_async_client_is_the_same(proxy: Proxy, url: str) -> None:
    """The async client's answers are read as the sync one's are."""

    async def refused(answer: Told) -> OnevecError:
        async with onevec.connect_async(url, max_retries=0) as store:
            papers = await store.create_collection("papers", dimension=2, if_exists="open")
            proxy.answers.append(answer)
            with pytest.raises(OnevecError) as error:
                await papers.search([1, 0])
            return error.value

    for answer, kind, retryable in FAILURES:
        error = asyncio.run(refused(answer))
        assert (type(error), error.retryable) == (kind, retryable)
        assert error.retry_after == (7 if answer.headers else None)


def test_the_core_tries_again(proxy: Proxy, url: str) -> None:
    """A server that is away for a moment is asked again, and the call succeeds."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        proxy.answers += [Told(503), Told(500)]
        assert papers.upsert({"id": "a", "vector": [1, 2]}).written == 1
        proxy.answers += [Told(429, headers=(("Retry-After", "0"),))]
        assert papers.count() == 1


@pytest.mark.parametrize("surface", ["sync", "async"])
def test_an_answer_that_does_not_come_is_a_timeout(proxy: Proxy, url: str, surface: str) -> None:
    """`request_timeout` is how long an answer may take, where Chroma's own clients wait for ever."""

    async def late() -> None:
        async with onevec.connect_async(url, request_timeout=0.3, max_retries=0) as store:
            papers = await store.create_collection("papers", dimension=2)
            proxy.answers.append(Told(200, delay=1.0))
            await papers.search([1, 0])

    def late_too() -> None:
        with onevec.connect(url, request_timeout=0.3, max_retries=0) as store:
            papers = store.create_collection("papers", dimension=2)
            proxy.answers.append(Told(200, delay=1.0))
            papers.search([1, 0])

    with pytest.raises(EngineTimeout, match="request_timeout") as error:
        asyncio.run(late()) if surface == "async" else late_too()
    assert error.value.retryable


@pytest.mark.parametrize("surface", ["sync", "async"])
def test_no_request_outlives_its_call(proxy: Proxy, url: str, surface: str) -> None:
    """A call's `timeout` ends it, however long a request may take."""
    proxy.answers += [Told(200, delay=1.5)] * 3

    async def late() -> None:
        async with onevec.connect_async(url, timeout=0.4) as store:
            await store.collections()

    started = time.monotonic()
    with pytest.raises(EngineTimeout):
        asyncio.run(late()) if surface == "async" else onevec.connect(url, timeout=0.4).collections()
    assert time.monotonic() - started < 1.4


async def _opened(url: str, **options: Any) -> None:  # Any: as `connect` takes them
    async with onevec.connect_async(url, **options):
        pass


@pytest.mark.parametrize("surface", ["sync", "async"])
def test_a_server_that_is_not_there_is_named(surface: str) -> None:
    """Connecting says at once where nothing answers, and that trying later can help."""
    nowhere = "chroma://127.0.0.1:9"
    with pytest.raises(EngineUnavailable, match=r"127\.0\.0\.1:9") as away:
        asyncio.run(_opened(nowhere)) if surface == "async" else onevec.connect(nowhere)
    assert away.value.retryable
    assert away.value.operation == "connect"


def test_a_key_is_sent_and_never_shown(proxy: Proxy, url: str) -> None:
    """`api_key` opens the server; without it, or with another, the message says what to check and no key."""
    proxy.key = "the-key-itself"
    for key in (None, "another-key"):
        with pytest.raises(AuthenticationFailed, match="check the key") as refused:
            onevec.connect(url, tls=False, api_key=key)
        assert "another-key" not in f"{refused.value!r} {refused.value.__cause__!r}"
    with onevec.connect(url, tls=False, api_key=proxy.key) as store:
        assert store.collections() == []
        assert proxy.key not in repr(store)


@pytest.mark.parametrize("surface", ["sync", "async"])
def test_requests_go_through_the_environments_proxy(url: str, surface: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the environment says; where nothing listens at the proxy, the server can't be reached."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(EngineUnavailable):
        asyncio.run(_opened(url)) if surface == "async" else onevec.connect(url)


@pytest.mark.parametrize("surface", ["sync", "async"])
def test_a_key_goes_over_tls_unless_told_otherwise(proxy: Proxy, url: str, surface: str) -> None:
    """With a key and no word about TLS, a server without it can't be reached, rather than be sent the key."""
    key = "the-key-itself"
    with pytest.raises(EngineUnavailable):
        asyncio.run(_opened(url, api_key=key)) if surface == "async" else onevec.connect(url, api_key=key)
    assert proxy.requests == []


def test_async_stores_of_one_loop_share_no_key(proxy: Proxy, url: str) -> None:
    """Each sends its own, where Chroma's async clients would send the first one's."""

    async def both() -> None:
        async with (
            onevec.connect_async(url, tls=False, api_key="first") as one,
            onevec.connect_async(url, tls=False, api_key="second") as other,
        ):
            proxy.keys.clear()
            await one.collections()
            await other.collections()
            await one.close()
            assert await other.collections() == []

    asyncio.run(both())
    assert proxy.keys == ["first", "second", "second"]


def test_a_database_is_made_or_asked_for(url: str) -> None:
    """A missing database is made, unless `create` is off; a path is refused."""
    with pytest.raises(StoreNotFound, match="no database"):
        onevec.connect(url, create=False)
    onevec.connect(url).close()
    onevec.connect(url, create=False).close()
    with pytest.raises(ConfigError, match="database="):
        onevec.connect(url.replace("?", "/papers?"))
