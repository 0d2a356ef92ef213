"""The sqlite engine's file: where it is, what is refused, what a commit is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import onevec
from onevec import Collection, Document, Store
from onevec.errors import (
    ConfigError,
    Corrupted,
    EngineBusy,
    OnevecError,
    ReadOnly,
    StorageFull,
    StoreNotFound,
    UnsupportedVersion,
)

QUERY = [1.0, 2.0]


def documents(count: int, *, text: str | None = "wing") -> list[Document]:
    return [Document(f"{n:04}", text=text, vector=[1.0, float(n)], metadata={"n": n}) for n in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def written(path: Path) -> Path:
    """A closed store with a collection `papers` of ten documents."""
    with onevec.connect(f"sqlite:///{path}") as store:
        store.create_collection("papers", dimension=2).upsert(documents(10))
    return path


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with onevec.connect(f"sqlite:///{path}") as store:
        store.create_collection("papers", dimension=2)
        yield store


def test_three_slashes_are_relative_and_four_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sqlite:///relative.db` is in the current folder, `sqlite:////abs/path.db` is where it says."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    onevec.connect("sqlite:///relative.db").close()
    onevec.connect(f"sqlite:///{tmp_path}/absolute.db").close()
    assert (tmp_path / "here" / "relative.db").is_file()
    assert (tmp_path / "absolute.db").is_file()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a b.db", "a%20b.db"),
        ("a#b.db", "a%23b.db"),
        ("a?b.db", "a%3Fb.db"),
        ("100%.db", "100%25.db"),
        ("名.db", "名.db"),
    ],
)
def test_any_file_name_can_be_written_in_a_url(tmp_path: Path, name: str, written: str) -> None:
    """What means something in a URL is percent-encoded; a config mapping takes the path as it is."""
    onevec.connect(f"sqlite:///{tmp_path}/{written}").close()
    assert [file.name for file in tmp_path.iterdir()] == [name]
    with onevec.connect({"engine": "sqlite", "path": str(tmp_path / name), "create": False}) as store:
        assert store.collections() == []


def test_closing_leaves_one_file(written: Path) -> None:
    """After the last close there is the file and nothing beside it: a copy of it is a backup."""
    assert [file.name for file in written.parent.iterdir()] == [written.name]


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


def test_a_missing_store_is_made_or_refused(path: Path) -> None:
    """`create=False`, as an argument or in the URL, and `read_only=True`, refuse to make a file."""
    refusals: tuple[tuple[str, dict[str, Any]], ...] = (
        (f"sqlite:///{path}", {"create": False}),
        (f"sqlite:///{path}?create=false", {}),
        (f"sqlite:///{path}", {"read_only": True}),
    )
    for url, options in refusals:
        with pytest.raises(StoreNotFound, match=r"store\.db") as refused:
            onevec.connect(url, **options)
        assert refused.value.operation == "connect"
    assert not path.exists()
    onevec.connect(f"sqlite:///{path}").close()
    onevec.connect(f"sqlite:///{path}", create=False).close()


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """A folder, and a file in a folder that doesn't exist, are refused with what to do."""
    with pytest.raises(ConfigError, match="folder"):
        onevec.connect(f"sqlite:///{tmp_path}")
    with pytest.raises(ConfigError, match="folder"):
        onevec.connect(f"sqlite:///{tmp_path}/missing/store.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///?create=true"])
def test_a_store_needs_a_file(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL without a file, or with SQLite's name for memory, is refused: memory:// is the store without a file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError):
        onevec.connect(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"not a database" * 1000, b"\x00" * 4096, b"PK\x03\x04" + bytes(5000)])
def test_a_file_of_something_else_is_refused(path: Path, content: bytes) -> None:
    """A file that is no database is `Corrupted`, and is left as it was."""
    path.write_bytes(content)
    with pytest.raises(Corrupted, match=r"store\.db") as refused:
        onevec.connect(f"sqlite:///{path}")
    assert refused.value.engine == "sqlite"
    assert isinstance(refused.value.__cause__, apsw.Error)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    """A SQLite database that isn't a store is refused, and left as it was to the byte."""
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE documents (id TEXT); INSERT INTO documents VALUES ('a')")
    other.close()
    before = path.read_bytes()
    with pytest.raises(Corrupted, match="another file"):
        onevec.connect(f"sqlite:///{path}")
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("options", [{}, {"read_only": True}])
def test_a_newer_schema_is_refused(written: Path, options: dict[str, Any]) -> None:
    """A file that a later version made is refused, and says to upgrade."""
    connection = apsw.Connection(str(written))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        onevec.connect(f"sqlite:///{written}", **options)


def damages(whole: bytes) -> Iterator[bytes]:
    """The file with noise at each of some places, and cut off at each of some sizes."""
    numbers = random.Random(7)
    for position in range(0, len(whole), len(whole) // 24):
        yield whole[:position] + numbers.randbytes(300) + whole[position + 300 :]
    for size in (1, 50, 100, 4096, 5000, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        yield whole[:size]


def test_a_damaged_file_gives_typed_errors(written: Path) -> None:
    """Wherever a file is damaged or cut off, every call gives an answer or an error of onevec, nothing else."""
    with onevec.connect(f"sqlite:///{written}") as store:
        long = [Document(f"x{n}", text="wing " * 50, vector=QUERY, metadata={"s": "y" * 99}) for n in range(200)]
        store.collection("papers").upsert(long)
    calls: tuple[Callable[[Collection], object], ...] = (
        lambda papers: list(papers.scan()),
        lambda papers: papers.get_many([f"x{n}" for n in range(200)]),
        lambda papers: papers.search(QUERY, top_k=500, filter={"s": {"$exists": True}}),
        lambda papers: papers.count({"n": {"$gte": 3}}),
        lambda papers: papers.search("wing", mode="text", top_k=500),
        lambda papers: papers.update("x7", metadata={"s": "z"}),
        lambda papers: papers.upsert(documents(3)),
        lambda papers: papers.delete(filter={"n": 1}),
    )
    typed = 0
    for damaged in damages(written.read_bytes()):
        for file in written.parent.iterdir():
            file.unlink()
        written.write_bytes(damaged)
        try:
            store = onevec.connect(f"sqlite:///{written}")
        except OnevecError:
            typed += 1
            continue
        with store:
            for call in calls:
                try:
                    call(store.collection("papers"))
                except OnevecError:
                    typed += 1
    assert typed > 10


def test_a_read_only_store_reads(written: Path) -> None:
    """With `read_only=True` every read works, by words too, and every write is `ReadOnly`."""
    before = written.read_bytes()
    with onevec.connect(f"sqlite:///{written}", read_only=True) as store:
        papers = store.collection("papers")
        assert papers.count() == len(list(papers.scan())) == 10
        assert len(papers.search(QUERY, filter={"n": {"$lt": 3}})) == 3
        assert len(papers.search("wings", mode="text")) == 10
        assert store.health().status == "healthy"
        writes: list[Callable[[], object]] = [
            lambda: papers.upsert(documents(1)),
            lambda: papers.update("0001", text="x"),
            lambda: papers.delete("0001"),
            lambda: papers.delete(filter={"n": 1}),
            papers.clear,
            lambda: store.create_collection("new", dimension=2),
            lambda: store.delete_collection("papers"),
            lambda: store.copy_collection("papers", "copy"),
        ]
        for write in writes:
            with pytest.raises(ReadOnly) as refused:
                write()
            assert refused.value.engine == "sqlite"
            assert not refused.value.retryable
        assert papers.count() == 10
    assert written.read_bytes() == before


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
    """However many documents came and went between two searches, the second one sees what is there."""
    with onevec.connect(f"sqlite:///{path}") as one, onevec.connect(f"sqlite:///{path}") as two:
        ours = one.create_collection("papers", dimension=2)
        theirs = two.collection("papers")
        ours.upsert(documents(1000, text=None))
        assert len(theirs.search(QUERY, top_k=2000)) == 1000
        assert theirs.count({"n": {"$lt": 500}}) == 500
        for _ in range(25):
            ours.upsert(documents(1000, text=None))
        ours.delete([f"{n:04}" for n in range(10)])
        assert len(theirs.search(QUERY, top_k=2000)) == 990
        assert len(theirs.search(QUERY, top_k=2000, filter={"n": {"$lt": 500}})) == 490
        assert len(ours.search(QUERY, top_k=2000)) == 990


def test_the_package_knows_no_pickle() -> None:
    """No module of onevec imports pickle, marshal or shelve, or lets NumPy unpickle: a file can't run code."""
    package = Path(str(onevec.__file__)).parent
    for module in package.rglob("*.py"):
        code = module.read_text("utf-8")
        for word in ("import pickle", "from pickle", "import marshal", "import shelve", "allow_pickle=True"):
            assert word not in code, module
