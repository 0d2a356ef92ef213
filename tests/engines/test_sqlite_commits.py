"""What a commit of the sqlite engine is: synced, whole, and seen by every other connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

import onevec
from onevec import Document, Store
from onevec.errors import EngineBusy, OnevecError, StorageFull

QUERY = [1.0, 2.0]


def documents(count: int, *, text: str | None = "wing") -> list[Document]:
    return [Document(f"{n:04}", text=text, vector=[1.0, float(n)], metadata={"n": n}) for n in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with onevec.connect(f"sqlite:///{path}") as store:
        store.create_collection("papers", dimension=2)
        yield store


def test_commits_are_synced(store: Store, path: Path) -> None:
    """The file is in WAL mode and every commit is synced, on the connection that writes and as `health` says."""
    client = store.client
    assert isinstance(client, apsw.Connection)
    assert client.pragma("journal_mode") == "wal"
    assert client.pragma("synchronous") == 2  # FULL
    details = store.health().details
    assert (details["journal_mode"], details["synchronous"]) == ("wal", "full")
    store.collection("papers").upsert(documents(1))
    assert path.with_name("store.db-wal").stat().st_size > 0


def test_a_batch_is_all_or_nothing(store: Store) -> None:
    """An error in the middle of a batch leaves nothing of it, of what it would have replaced, and of its namespace."""
    papers = store.collection("papers")
    papers.upsert([Document(id, vector=QUERY, metadata={"old": True}) for id in ("0003", "0007")])
    client = store.client
    assert isinstance(client, apsw.Connection)
    client.execute(
        "CREATE TEMP TRIGGER broken BEFORE INSERT ON main.documents WHEN NEW.id = '0007' "
        "BEGIN SELECT RAISE(FAIL, 'injected'); END"
    )
    for place in (papers, papers.namespace("acme")):
        with pytest.raises(OnevecError, match="injected"):
            place.upsert(documents(10))
    with pytest.raises(OnevecError, match="injected"):
        papers.update([{"id": "0003", "metadata": {"old": False}}, {"id": "0007", "text": "x"}])
    assert [(document.id, document.metadata) for document in papers.scan()] == [
        ("0003", {"old": True}),
        ("0007", {"old": True}),
    ]
    assert papers.search(QUERY).ids == ["0003", "0007"]
    assert papers.namespaces() == [""]
    client.execute("DROP TRIGGER broken")
    assert papers.upsert(documents(10)).written == papers.count() == 10


def test_a_full_disk_takes_nothing_away(store: Store) -> None:
    """Where no space is left a batch is refused whole; what was there stays, and can be read and deleted."""
    papers = store.collection("papers")
    papers.upsert(documents(10))
    client = store.client
    assert isinstance(client, apsw.Connection)
    client.pragma("max_page_count", int(str(client.pragma("page_count"))) + 4)
    with pytest.raises(StorageFull) as full:
        papers.upsert([Document(f"new{n}", text="x" * 1000, vector=QUERY) for n in range(500)])
    assert full.value.engine == "sqlite"
    assert papers.count() == len(papers.search(QUERY, top_k=100)) == 10
    assert papers.delete(["0001", "0002"]) == 2
    client.pragma("max_page_count", 1_000_000)
    papers.upsert([Document(f"new{n}", text="x" * 1000, vector=QUERY) for n in range(500)])
    assert papers.count() == 508


def test_a_locked_file_is_busy_and_then_is_not(store: Store, path: Path) -> None:
    """While another connection writes, a write waits, then is `EngineBusy`, retryable; reads go on."""
    store.collection("papers").upsert(documents(3))
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with onevec.connect(f"sqlite:///{path}", busy_timeout=0.01, max_retries=0) as hurried:
        papers = hurried.collection("papers")
        with pytest.raises(EngineBusy) as busy:
            papers.upsert(documents(5))
        assert busy.value.retryable
        assert papers.count() == len(papers.search(QUERY)) == 3
        other.execute("ROLLBACK")
        other.close()
        assert papers.upsert(documents(5)).written == papers.count() == 5


def test_a_store_is_seen_through_another_connection(path: Path) -> None:
    """Insert, replace, delete, drop and recreate by one store are in the next search of another one."""
    with onevec.connect(f"sqlite:///{path}") as one, onevec.connect(f"sqlite:///{path}") as two:
        ours = one.create_collection("papers", dimension=2)
        theirs = two.collection("papers")
        assert len(theirs.search(QUERY)) == 0
        ours.upsert(documents(5))
        assert len(theirs.search(QUERY, filter={"n": {"$gte": 3}})) == 2
        assert len(theirs.search("wing", mode="text")) == 5
        ours.upsert(Document("0004", text="flap", vector=[-1.0, 0.0], metadata={"n": -4}))
        assert theirs.search([-1.0, 0.0], top_k=1).ids == ["0004"]
        assert theirs.search("flap", mode="text").ids == ["0004"]
        assert theirs.search(QUERY, filter={"n": {"$lt": 0}}).ids == ["0004"]
        ours.delete(["0000", "0001"])
        assert sorted(theirs.search(QUERY).ids) == ["0002", "0003", "0004"]
        one.delete_collection("papers")
        with pytest.raises(OnevecError, match="deleted"):
            theirs.search(QUERY)
        one.create_collection("papers", dimension=2).upsert(Document("new", vector=QUERY))
        assert two.collection("papers").search(QUERY).ids == ["new"]


def test_a_reader_far_behind_catches_up(path: Path) -> None:
    """However many documents came and went between two searches, the second one finds what is there and no ghosts."""
    with onevec.connect(f"sqlite:///{path}") as one, onevec.connect(f"sqlite:///{path}") as two:
        ours = one.create_collection("papers", dimension=2)
        theirs = two.collection("papers")
        ours.upsert(documents(1000, text=None))
        assert len(theirs.search(QUERY, top_k=2000)) == 1000
        ids = [f"{n:04}" for n in range(1000)]
        for _ in range(25):
            ours.upsert(
                ids=ids, vectors=[[-1.0, -1.0 - n] for n in range(1000)], metadata=[{"n": n} for n in range(1000)]
            )
        ours.delete(ids[:10])
        for papers in (ours, theirs):
            assert papers.search(QUERY, top_k=3).ids == papers.search(QUERY, top_k=2000).ids[:3]
            assert len(papers.search(QUERY, top_k=20)) == 20
            assert len(papers.search(QUERY, top_k=2000)) == 990
            assert len(papers.search(QUERY, top_k=20, filter={"n": {"$lt": 15}})) == 5
