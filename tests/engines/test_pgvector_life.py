"""The pgvector engine while its server is slow, read-only, cut off, killed and restarted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from tests.servers.postgres import PostgresServer, programs, running

import onevec
from onevec import Document
from onevec.errors import EngineTimeout, EngineUnavailable, ReadOnly

QUERY = [1.0, 2.0]


@pytest.fixture
def admin(postgres: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        yield connection


@pytest.fixture
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A server that a test may kill."""
    bin = programs()
    assert bin is not None
    with running(bin) as server:
        yield server


def test_reads_go_on_where_writes_are_refused(postgres: PostgresServer) -> None:
    """A server that takes no writes answers reads, and a write is `ReadOnly`."""
    with onevec.connect(postgres.url(schema="standby")) as store:
        store.create_collection("papers", dimension=2).upsert(Document("a", vector=QUERY))
    with onevec.connect(postgres.url(schema="standby"), options="-c default_transaction_read_only=on") as store:
        papers = store.collection("papers")
        assert papers.search(QUERY).ids == ["a"]
        writes: list[Callable[[], object]] = [
            lambda: papers.upsert(Document("b", vector=QUERY)),
            lambda: papers.update("a", text="x"),
            lambda: papers.delete("a"),
            lambda: store.delete_collection("papers"),
            lambda: store.create_collection("new", dimension=2),
        ]
        for write in writes:
            with pytest.raises(ReadOnly, match="primary"):
                write()


def test_a_slow_statement_is_ended(postgres: PostgresServer, admin: psycopg.Connection[Any]) -> None:
    """`statement_timeout` bounds it, with an `EngineTimeout` that can be tried again."""
    with onevec.connect(postgres.url(schema="slow"), statement_timeout=0.05, max_retries=0) as store:
        papers = store.create_collection("papers", dimension=2)
        with admin.transaction():
            admin.execute("LOCK TABLE slow.documents_1")
            with pytest.raises(EngineTimeout, match="statement_timeout") as late:
                papers.count()
        assert late.value.retryable
        assert papers.count() == 0


def test_a_pool_can_be_too_small(postgres: PostgresServer) -> None:
    """A call that gets no connection in time says that `pool_size` may be the reason."""
    with onevec.connect(postgres.url(schema="pool"), pool_size=1, pool_timeout=0.05, max_retries=0) as store:
        pool: Any = store.client
        with pool.connection(), pytest.raises(EngineUnavailable, match="pool_size"):
            store.collections()
        assert store.collections() == []


def test_a_store_survives_cut_connections(postgres: PostgresServer, admin: psycopg.Connection[Any]) -> None:
    """When the server ends every connection of the pool, the next call works as if nothing had been."""
    with onevec.connect(postgres.url(schema="cut"), pool_size=6) as store:
        papers = store.create_collection("papers", dimension=2)
        pool: Any = store.client
        pool.resize(6, 6)
        pool.wait()
        papers.upsert(Document("a", vector=QUERY))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'onevec'")
        assert papers.search(QUERY).ids == ["a"]


@pytest.mark.parametrize("surface", ["sync", "async"])
def test_a_store_survives_its_servers_restart(server: PostgresServer, surface: str) -> None:
    """Killed in the middle and started again, the server has every acknowledged write, and an open store goes on."""

    def blocking() -> None:
        with onevec.connect(server.url(), pool_timeout=0.2, max_retries=0) as store:
            papers = store.create_collection("papers", dimension=2)
            papers.upsert([Document(str(n), vector=[1.0, float(n)]) for n in range(100)])
            for ending in (server.kill, server.stop):
                ending()
                for call in (papers.count, lambda: papers.upsert(Document("lost", vector=QUERY))):
                    with pytest.raises(EngineUnavailable) as down:
                        call()
                    assert down.value.retryable
                assert store.health().status == "unhealthy"
                server.start()
                with onevec.connect(server.url()) as again:
                    assert again.collection("papers").count() == 100
            _until(papers.count)
            assert papers.count() == 100
            assert papers.upsert(Document("new", vector=QUERY)).written == 1

    async def awaiting() -> None:
        async with onevec.connect_async(server.url(), timeout=60) as store:
            papers = await store.create_collection("papers", dimension=2)
            await papers.upsert([Document(str(n), vector=[1.0, float(n)]) for n in range(100)])
            server.kill()
            server.start()
            assert await papers.count() == 100
            assert (await papers.upsert(Document("new", vector=QUERY))).written == 1

    if surface == "sync":
        blocking()
    else:
        asyncio.run(awaiting())


def _until(call: Callable[[], object]) -> None:
    """Call until the pool has its connections back: it tries again some seconds apart, while the test's limit runs."""
    while True:
        try:
            call()
        except EngineUnavailable:
            continue
        return


def test_a_flush_makes_everything_durable(server: PostgresServer) -> None:
    """What `wait=False` wrote before a `flush` is there after the server was killed."""
    with onevec.connect(server.url()) as store:
        papers = store.create_collection("papers", dimension=2)
        for number in range(50):
            papers.upsert(Document(str(number), vector=QUERY), wait=False)
        papers.flush()
        server.kill()
    server.start()
    with onevec.connect(server.url()) as store:
        assert store.collection("papers").count() == 50


@pytest.fixture
def blockbuster() -> Iterator[BlockBuster]:
    """Makes a blocking call in the event loop's thread an error."""
    with blockbuster_ctx("onevec") as blockbuster:
        yield blockbuster


@pytest.mark.usefixtures("blockbuster")
def test_no_call_blocks_the_loop(postgres: PostgresServer) -> None:
    """Every verb, from connect to close, leaves the event loop free."""

    async def verbs() -> None:
        async with onevec.connect_async(postgres.url(schema="looped")) as store:
            papers = await store.create_collection("papers", dimension=2, if_exists="replace")
            await papers.upsert([Document(str(n), text="wing", vector=[1.0, n], metadata={"n": n}) for n in range(50)])
            await papers.create_index("hnsw")
            await papers.update("1", metadata={"n": None})
            assert await papers.get("1") is not None
            assert await papers.count({"n": {"$gt": 40}}) == 9
            assert len(await papers.page(limit=3)) == 3
            assert len(await papers.search(QUERY, top_k=3, ef_search=50, filter={"n": {"$gt": 3}})) == 3
            assert await papers.namespaces() == [""]
            assert (await papers.stats()).documents == 50
            await papers.flush()
            assert await papers.delete(filter={"n": 3}) == 1
            assert await papers.clear() == 49
            assert (await store.health()).issues == ()

    asyncio.run(verbs())
