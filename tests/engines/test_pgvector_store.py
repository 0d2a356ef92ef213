"""What the pgvector engine keeps in PostgreSQL, and how writers get along."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from tests.servers.postgres import PostgresServer

import onevec
from onevec import Document, field
from onevec.embedders import FunctionEmbedder
from onevec.errors import CollectionNotFound, InvalidFilter, PartialWrite, Unsupported
from onevec.filters import Or
from onevec.testing.payloads import PAYLOADS
from onevec.testing.samples import counted, matrix

QUERY = [1.0, 2.0]
BATCH = 20

# Answers each line of Python with the JSON of its value.
READER = """
import json, sys, onevec
store = onevec.connect(sys.argv[1])
for line in sys.stdin:
    print(json.dumps(eval(line)), flush=True)
"""

# Writes batches for ever and says which are acknowledged.
WRITER = f"""
import sys, onevec
store = onevec.connect(sys.argv[1])
papers = store.collection("papers")
for number in range(100_000):
    papers.upsert([
        {{"id": f"{{number:05}}-{{part:02}}", "vector": [1.0, float(part)], "metadata": {{"batch": number}}}}
        for part in range({BATCH})
    ])
    print(number, flush=True)
"""


@contextmanager
def process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def asked(child: subprocess.Popen[str], question: str) -> Any:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(question + "\n")
    child.stdin.flush()
    return json.loads(child.stdout.readline())


def test_the_tables_are_plain(postgres: PostgresServer) -> None:
    """Other software reads collections, documents, metadata and vectors with SQL."""
    at = datetime(2020, 1, 31, 12, tzinfo=UTC)
    with onevec.connect(postgres.url(schema="plain")) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.namespace("acme").upsert(Document("1", text="wing", vector=QUERY, metadata={"n": 1.0, "at": at}))
    with psycopg.connect(postgres.conninfo) as connection:
        (number,) = connection.execute("SELECT number FROM plain.collections WHERE name = 'papers'").fetchone() or ()
        row = connection.execute(f"SELECT namespace, id, text, metadata, vector::text FROM plain.documents_{number}")
        assert row.fetchall() == [
            ("acme", "1", "wing", {"n": 1.0, "at": {"$datetime": "2020-01-31T12:00:00.000000Z"}}, "[1,2]")
        ]


def test_a_collection_that_is_gone_is_gone_for_good(postgres: PostgresServer) -> None:
    """A handle of a collection that another store deleted and made again reaches neither the old nor the new one."""
    with onevec.connect(postgres.url(schema="again")) as store, onevec.connect(postgres.url(schema="again")) as other:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(Document("old", vector=QUERY))
        assert other.delete_collection("papers")
        new = other.create_collection("papers", dimension=2)
        assert new.count() == 0
        for call in (papers.count, lambda: papers.upsert(Document("a", vector=QUERY)), lambda: papers.search(QUERY)):
            with pytest.raises(CollectionNotFound, match="deleted"):
                call()
        assert list(new.scan()) == []
    with psycopg.connect(postgres.conninfo) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'again' ORDER BY 1").fetchall()
    assert tables == [("collections",), ("documents_2",)]


def test_schemas_are_stores_of_their_own(postgres: PostgresServer) -> None:
    """Two stores in one database, with collections of one name, know nothing of each other."""
    with onevec.connect(postgres.url(schema="one")) as one, onevec.connect(postgres.url(schema="two")) as two:
        for store, id in ((one, "1"), (two, "2")):
            store.create_collection("papers", dimension=2).upsert(Document(id, vector=QUERY))
        assert one.collection("papers").search(QUERY).ids == ["1"]
        assert two.collection("papers").search(QUERY).ids == ["2"]
        assert one.delete_collection("papers")
        assert two.collection("papers").count() == 1


def test_a_batch_may_date_some_of_its_documents(postgres: PostgresServer) -> None:
    """`created_at` is taken where it is given, and else kept or now, in one batch, which is written whole."""
    then = datetime(2001, 2, 3, tzinfo=UTC)
    with onevec.connect(postgres.url(schema="dated")) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert([Document(id, vector=QUERY, created_at=then) for id in "ab"])
        papers.upsert(
            [
                Document("a", vector=QUERY),
                Document("b", vector=QUERY, created_at=then + timedelta(days=1)),
                Document("c", vector=QUERY),
            ],
            wait=False,
        )
        created = {document.id: document.created_at for document in papers.scan()}
        new = papers.get("c")
        assert new is not None
        assert created == {"a": then, "b": then + timedelta(days=1), "c": new.updated_at}


def test_statements_need_not_be_prepared(postgres: PostgresServer) -> None:
    """With `prepare=False` a pooler that hands connections out by transaction finds no prepared statement."""
    with onevec.connect(postgres.url(schema="unprepared"), prepare=False) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(Document("a", vector=QUERY, metadata={"n": 1}))
        for _ in range(10):
            assert papers.search(QUERY, filter={"n": 1}).ids == ["a"]
        pool: Any = store.client
        with pool.connection() as connection:
            assert connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


def test_large_writes_are_split(postgres: PostgresServer) -> None:
    """More documents than one statement takes are written by several, and each counts in the report."""
    count = 12_000
    with onevec.connect(postgres.url(schema="large")) as store:
        papers = store.create_collection("papers", dimension=4)
        ids = [f"{number:05}" for number in range(count)]
        report = papers.upsert(ids=ids, vectors=matrix(count), metadata=[{"n": n} for n in range(count)])
        assert report.written == papers.count() == count
        assert [document.id for document in papers.scan(include_vectors=False)] == ids
        assert papers.count(field("n") >= 6_000) == 6_000
        with pytest.raises(PartialWrite):
            papers.update([{"id": id, "text": "x"} for id in [*ids[:10], "missing"]])
        assert papers.delete(ids[:11_000]) == 11_000


def test_writers_of_the_same_documents_wait_for_each_other(postgres: PostgresServer) -> None:
    """Batches with the same ids in opposite order, updates and deletes, written at once, end without an error."""
    ids = [f"{number:03}" for number in range(200)]
    with onevec.connect(postgres.url(schema="writers"), max_retries=0) as store, ThreadPoolExecutor(4) as threads:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert([Document(id, vector=QUERY) for id in ids])

        def write(worker: int) -> int:
            done = 0
            for _ in range(8):
                order = ids if worker % 2 else ids[::-1]
                done += papers.upsert([Document(id, vector=QUERY, metadata={"by": worker}) for id in order]).written
                done += papers.update([{"id": id, "metadata": {"again": worker}} for id in order]).written
            return done

        assert list(threads.map(write, range(4))) == [8 * 2 * len(ids)] * 4
        assert papers.count() == len(ids)
        assert len({document.metadata["by"] for document in papers.scan()}) == 1  # a batch is whole, so one was last


def test_openings_at_once_make_one_store(postgres: PostgresServer) -> None:
    """Processes that find an empty database at once make its tables once, and all open."""
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS crowd WITH (FORCE)")
        connection.execute("CREATE DATABASE crowd")

    def open_and_write(worker: int) -> int:
        with onevec.connect(postgres.url("crowd")) as store:
            papers = store.create_collection("papers", dimension=2, if_exists="open")
            return papers.upsert(Document(str(worker), vector=QUERY)).written

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(open_and_write, range(8))) == 8
    with onevec.connect(postgres.url("crowd")) as store:
        assert store.collection("papers").count() == 8


def test_another_process_sees_commits_at_its_next_call(postgres: PostgresServer) -> None:
    """Insert, replace, delete, drop and recreate here are in the next search of a store opened elsewhere."""
    url = postgres.url(schema="processes")
    nearest = "store.collection('papers').search([1.0, 2.0]).ids"
    with onevec.connect(url) as store, process(READER, url) as child:
        papers = store.create_collection("papers", dimension=2)
        assert asked(child, nearest) == []
        papers.upsert([Document(str(n), vector=[1.0, 2.0 + n], metadata={"n": n}) for n in range(4)])
        assert asked(child, nearest) == ["0", "1", "2", "3"]
        papers.delete(["0", "3"])
        assert asked(child, nearest) == ["1", "2"]
        store.delete_collection("papers")
        again = store.create_collection("papers", dimension=2)
        assert asked(child, nearest) == []
        assert asked(child, "store.collection('papers').upsert({'id': 'theirs', 'vector': [1.0, 2.0]}).written") == 1
        assert again.search(QUERY).ids == ["theirs"]


@pytest.mark.parametrize("acknowledged", [1, 17])
def test_a_killed_writer_leaves_whole_batches(postgres: PostgresServer, acknowledged: int) -> None:
    """After kill -9 of the process every acknowledged batch is there, and every batch whole or not at all."""
    url = postgres.url(schema=f"killed{acknowledged}")
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        with process(WRITER, url) as child:
            assert child.stdout is not None
            told = [int(child.stdout.readline()) for _ in range(acknowledged)]
            child.send_signal(signal.SIGKILL)
            told += [int(line) for line in child.stdout if line.endswith("\n")]
        sizes: dict[int, int] = {}
        for document in papers.scan(include_vectors=False):
            sizes[document.metadata["batch"]] = sizes.get(document.metadata["batch"], 0) + 1
        assert set(sizes.values()) == {BATCH}
        assert set(told) <= sizes.keys()


def test_an_embedders_name_is_kept_whatever_it_is(postgres: PostgresServer) -> None:
    """Also with a NUL, a quote or anything else that means something somewhere."""

    names = [*[payload for payload in PAYLOADS if 0 < len(payload) < 100][::20], "a\0b", "\ufdd0"]
    with onevec.connect(postgres.url(schema="embedders")) as store:
        for number, name in enumerate(names):
            embedder = FunctionEmbedder(counted, dimension=4, name=name)
            store.create_collection(str(number), embedder=embedder)
        assert {info.name: info.embedder for info in store.collections()} == {
            str(number): name for number, name in enumerate(names)
        }


def test_a_filter_of_too_many_members_is_refused(postgres: PostgresServer) -> None:
    """PostgreSQL takes 65,535 values in a statement; a list of any length is one of them."""
    with onevec.connect(postgres.url(schema="values")) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(Document("a", vector=QUERY, metadata={"n": 1}))
        with pytest.raises(Unsupported, match="is_in"):
            papers.count(Or(tuple(field("n") == number for number in range(66_000))))
        assert papers.count(field("n").is_in(range(66_000))) == 1


def test_the_library_is_loaded_when_a_store_is_opened() -> None:
    """To know the engine, its options and what it can do takes no psycopg."""
    code = "import sys, onevec.adapters.pgvector; print([name for name in sys.modules if name.startswith('psycopg')])"
    child = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert child.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("native", "said"),
    [
        ("nothing = 1", "column .nothing. does not exist"),
        ("id =", "syntax error"),
        ("text::int = 5", "invalid input syntax for type integer"),
        ("text", "must be type boolean"),
        ("collections.name = 'papers'", "missing FROM-clause entry"),
        ("lower(id, id) = 'a'", "does not exist"),
        (("created = %s", ["a"]), "invalid input syntax"),
    ],
)
def test_a_wrong_condition_is_refused_in_the_servers_words(postgres: PostgresServer, native: Any, said: str) -> None:
    """It is the filter that is wrong, not a document or the collection; the store goes on."""
    with onevec.connect(postgres.url(schema="own_conditions")) as store:
        papers = store.create_collection("papers", dimension=2, if_exists="replace")
        papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]], texts=["wing", "slab"])
        with pytest.raises(InvalidFilter, match=said) as refused:
            papers.search([1, 0], native=native)
        assert isinstance(refused.value.__cause__, psycopg.Error)
        assert papers.search([1, 0], native=("text LIKE 'w%' AND id = %s", ["a"])).ids == ["a"]
