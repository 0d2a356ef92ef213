"""Writing many documents at once to the pgvector engine: by COPY where they are new."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
import pytest
from tests.servers.postgres import PostgresServer

import onevec
from onevec import Collection, Document
from onevec.errors import EngineTimeout
from onevec.testing.samples import matrix

COUNT = 300
IDS = [f"{number:03}" for number in range(COUNT)]
SINCE = datetime(1969, 7, 20, 20, 17, 40, 5, UTC)


@pytest.fixture
def admin(postgres: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        yield connection


def last_verbs(admin: psycopg.Connection[Any], schema: str) -> list[str]:
    """How the last statement of each connection begins, of those on a table of documents in a schema."""
    rows = admin.execute("SELECT query FROM pg_stat_activity WHERE query LIKE %s", (f'%"{schema}".documents%',))
    return [query.split()[0] for (query,) in rows]


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("namespace", ["", "tenant \0 \ufdd0 ä"])
def test_what_is_copied_comes_back_equal(
    postgres: PostgresServer, admin: psycopg.Connection[Any], namespace: str, *, wait: bool
) -> None:
    """Ids, texts, metadata, times and vectors of every kind, of documents that are given a time and of others."""
    kinds: list[dict[str, Any]] = [{}, {"at": SINCE, "n": 1e22}, {"day": "1969-07-20", "deep": {"x": "\0"}}]
    documents = [
        Document(
            f"{number:03} \ufdd1 ö",
            text=(None, "", "a \0 NUL", "wing \U0001f6e9")[number % 4],
            vector=vector,
            metadata=kinds[number % 3],
            created_at=SINCE if number % 5 == 0 else None,
        )
        for number, vector in enumerate(matrix(COUNT, 3) * np.float32(1e20))
    ]
    with onevec.connect(postgres.url(schema="copied")) as store:
        papers = store.create_collection("papers", dimension=3, if_exists="replace").namespace(namespace)
        assert papers.upsert(documents, wait=wait).written == COUNT
        if wait:  # else it is within a transaction, whose end was the last
            assert last_verbs(admin, "copied") == ["COPY"]
        for document in documents:
            found = papers.get(document.id, include_vectors=True)
            assert found is not None
            assert (found.text, found.metadata) == (document.text, document.metadata)
            assert np.array_equal(np.asarray(found.vector), np.asarray(document.vector))
            assert found.created_at == (document.created_at or found.updated_at)
        assert papers.search(np.asarray(documents[7].vector)).ids[0] == documents[7].id  # in float64, as it is so long
        assert papers.count({"at": {"$lt": "1970-01-01"}}) == COUNT // 3


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("old", [[IDS[0]], [IDS[5]], IDS])
def test_what_is_there_is_replaced(postgres: PostgresServer, old: list[str], *, wait: bool) -> None:
    """One old document among many new ones is replaced whole and keeps its creation time, wherever it stands."""
    with onevec.connect(postgres.url(schema="replaced")) as store:
        papers = store.create_collection("papers", dimension=2, if_exists="replace")
        for id in old:
            papers.upsert(Document(id, text="old", vector=[1.0, 2.0], metadata={"old": True}, created_at=SINCE))
        assert papers.upsert(ids=IDS, vectors=matrix(COUNT, 2), texts=["new"] * COUNT, wait=wait).written == COUNT
        found = papers.get_many(IDS)
        assert [document.id for document in found] == IDS
        assert {(document.text, len(document.metadata)) for document in found} == {("new", 0)}
        assert [document.id for document in found if document.created_at == SINCE] == old


def test_writers_of_the_same_new_documents_wait_for_each_other(postgres: PostgresServer) -> None:
    """Several that find nothing and write the same ids at once all succeed, and one batch is the last."""
    with onevec.connect(postgres.url(schema="races"), max_retries=0) as store, ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            papers = store.create_collection("papers", dimension=2, if_exists="replace")

            def write(worker: int, papers: Collection = papers) -> int:
                order = IDS if worker % 2 else IDS[::-1]
                return papers.upsert([Document(id, text=str(worker), vector=[1.0, 2.0]) for id in order]).written

            assert list(threads.map(write, range(4))) == [COUNT] * 4
            assert papers.count() == COUNT
            assert len({document.text for document in papers.scan()}) == 1


@pytest.mark.parametrize("surface", ["sync", "async"])
def test_a_copy_ends_with_its_call(
    postgres: PostgresServer, admin: psycopg.Connection[Any], surface: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One that the server holds up raises `EngineTimeout` in time, writes nothing, and the next call works."""
    caplog.set_level(logging.CRITICAL, "psycopg")
    url = postgres.url(schema=f"held_{surface}")
    vectors = matrix(5_000, 256)
    documents: dict[str, Any] = {"ids": [str(row) for row in range(len(vectors))], "vectors": vectors}

    def blocking() -> None:
        with onevec.connect(url, timeout=1.0) as store:
            papers = store.create_collection("papers", dimension=256)
            with admin.transaction():
                admin.execute(f"LOCK TABLE held_{surface}.documents_1 IN SHARE MODE")  # which reads don't wait for
                with pytest.raises(EngineTimeout):
                    papers.upsert(**documents)
            assert papers.count() == 0
            assert papers.upsert(ids=IDS, vectors=vectors[:COUNT]).written == papers.count() == COUNT

    async def awaiting() -> None:
        async with onevec.connect_async(url, timeout=1.0) as store:
            papers = await store.create_collection("papers", dimension=256)
            with admin.transaction():
                admin.execute(f"LOCK TABLE held_{surface}.documents_1 IN SHARE MODE")
                with pytest.raises(EngineTimeout):
                    await papers.upsert(**documents)
                with pytest.raises(TimeoutError):  # a cancellation
                    async with asyncio.timeout(0.3):
                        await papers.upsert(**documents)
            assert await papers.count() == 0
            assert (await papers.upsert(ids=IDS, vectors=vectors[:COUNT])).written == await papers.count() == COUNT

    started = time.monotonic()
    if surface == "sync":
        blocking()
    else:
        asyncio.run(awaiting())
    assert time.monotonic() - started < 8
