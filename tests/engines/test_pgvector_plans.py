"""How PostgreSQL runs the searches of the pgvector engine, where that decides how long they take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.servers.postgres import PostgresServer

import onevec
from onevec import Collection, Store
from onevec.testing.samples import matrix

COUNT = 500
VECTORS = matrix(COUNT, 8)
TIMES = 15  # more than it takes until a statement is prepared, and until PostgreSQL makes one plan for all values


@pytest.fixture
def store(postgres: PostgresServer) -> Iterator[Store]:
    with onevec.connect(postgres.url(schema="plans")) as store:
        yield store


def filled(store: Store, dimension: int = 8, text: str = "wing") -> Collection:
    points = store.create_collection("points", dimension=dimension, if_exists="replace")
    vectors = VECTORS if dimension == VECTORS.shape[1] else matrix(COUNT, dimension)
    points.upsert(
        ids=[str(row) for row in range(COUNT)],
        vectors=vectors,
        texts=[text] * COUNT,
        metadata=[{"n": row} for row in range(COUNT)],
    )
    points.optimize()
    return points


def plans(store: Store) -> tuple[int, int]:
    """How often the prepared searches went by one plan for all values, and how often by one for theirs."""
    pool: Any = store.client
    with pool.connection() as connection:
        return connection.execute(  # type: ignore[no-any-return]  # two integers
            "SELECT sum(generic_plans)::int, sum(custom_plans)::int FROM pg_prepared_statements "
            "WHERE statement LIKE '%distance%'"
        ).fetchone()


def test_calls_one_after_another_share_a_connection(store: Store) -> None:
    """So what the server keeps for a connection, such as prepared statements, is there for the next call."""
    filled(store).search(VECTORS[0])
    pool: Any = store.client
    assert pool.get_stats()["connections_num"] == 1


def test_a_search_of_everything_is_planned_once(store: Store) -> None:
    """Nothing in it could be planned better for one query than for another."""
    points = filled(store)
    for row in range(TIMES):
        assert points.search(VECTORS[row], top_k=1).ids == [str(row)]
    generic, custom = plans(store)
    assert generic > 0
    assert custom <= 5


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_a_search_with_a_filter_is_planned_for_it(store: Store, kind: Any) -> None:
    """How many documents match decides whether an index helps, and which; so it is with an index of the vectors."""
    points = filled(store)
    points.create_index(kind)
    for row in range(TIMES):
        assert points.search(VECTORS[row], top_k=1, filter={"n": {"$ge": row}} if kind == "flat" else None).ids == [
            str(row)
        ]
    generic, custom = plans(store)
    assert generic == 0
    assert custom > 5
    assert points.namespace("other").search(VECTORS[0]).ids == []


@pytest.mark.parametrize(("dimension", "text"), [(8, "x" * 3_000), (384, "wing " * 300), (1_536, "wing")])
def test_vectors_are_in_their_rows(store: Store, postgres: PostgresServer, dimension: int, text: str) -> None:
    """Where a page can hold one: a search that had to bring each from elsewhere would take five times as long."""
    filled(store, dimension, text)
    with psycopg.connect(postgres.conninfo) as connection:
        row = connection.execute("SELECT max(number) FROM plans.collections").fetchone()
        assert row is not None
        elsewhere = connection.execute(
            f"SELECT count(pg_column_toast_chunk_id(vector)) FROM plans.documents_{row[0]:d}"
        ).fetchone()
    assert elsewhere == (0,)


def test_an_exact_search_leaves_the_index_out(postgres: PostgresServer) -> None:
    """Also where nothing else keeps the planner from it."""
    options = "-c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=off"
    with onevec.connect(postgres.url(schema="left_out"), options=options) as store:
        points = filled(store)
        points.create_index("hnsw")
        pool: Any = store.client
        for exact in (True, False):
            native = points.explain(VECTORS[0], exact=exact)["native"]
            text = native["sql"].replace("documents", '"left_out".documents_1')
            with pool.connection() as connection:
                vector = "[" + ",".join(map(str, VECTORS[0])) + "]"
                bound = [vector if isinstance(one, str) else one for one in native["values"]]
                rows = connection.execute(f"EXPLAIN {text}", bound).fetchall()
            assert ("documents_1_vector" in str(rows)) is not exact
