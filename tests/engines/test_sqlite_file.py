"""The sqlite engine's file: where it is, and which files are refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

import onevec
from onevec import Document
from onevec.errors import (
    ConfigError,
    Corrupted,
    ReadOnly,
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


def test_an_empty_file_is_a_new_store_only_with_create(path: Path) -> None:
    """A file that was emptied is refused with `create=False` or `read_only=True`, and else is a store to be made."""
    path.touch()
    refusals: tuple[dict[str, Any], ...] = ({"create": False}, {"read_only": True})
    for options in refusals:
        with pytest.raises(Corrupted, match=r"store\.db is empty"):
            onevec.connect(f"sqlite:///{path}", **options)
    onevec.connect(f"sqlite:///{path}").close()
    onevec.connect(f"sqlite:///{path}", create=False).close()


@pytest.mark.parametrize("left", [None, b""], ids=["deleted", "emptied"])
def test_a_log_without_its_file_is_kept(written: Path, left: bytes | None) -> None:
    """Where the file is gone but its WAL is there, nothing is made in its place, which would delete the WAL."""
    with onevec.connect(f"sqlite:///{written}") as store:
        store.collection("papers").upsert(documents(20))
        log = written.with_name("store.db-wal").read_bytes()
    written.with_name("store.db-wal").write_bytes(log)
    if left is None:
        written.unlink()
    else:
        written.write_bytes(left)
    with pytest.raises(Corrupted, match=r"its WAL is there"):
        onevec.connect(f"sqlite:///{written}")
    assert written.with_name("store.db-wal").read_bytes() == log


OLDER = """
CREATE TABLE collections (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, dimension INTEGER NOT NULL,
    metric TEXT NOT NULL, embedder TEXT, created INTEGER NOT NULL
);
CREATE TABLE namespaces (
    number INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL REFERENCES collections(number),
    name TEXT NOT NULL, indexed_row INTEGER, indexed_gone INTEGER, UNIQUE (collection, name)
);
CREATE TABLE documents (
    row INTEGER PRIMARY KEY AUTOINCREMENT, namespace INTEGER NOT NULL REFERENCES namespaces(number), id TEXT NOT NULL,
    text TEXT, metadata TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, vector BLOB NOT NULL,
    UNIQUE (namespace, id)
);
CREATE INDEX documents_namespace ON documents (namespace);
CREATE TABLE gone (seq INTEGER PRIMARY KEY AUTOINCREMENT, namespace INTEGER NOT NULL, row INTEGER NOT NULL);
CREATE TABLE cut (seq INTEGER NOT NULL);
INSERT INTO cut VALUES (0);
INSERT INTO collections (name, dimension, metric, created) VALUES ('papers', 2, 'cosine', 1700000000000000);
INSERT INTO namespaces (collection, name) VALUES (1, ''), (1, 'acme'), (1, 'empty');
PRAGMA application_id = 0x6F6E6576;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
"""


def test_an_older_schema_is_upgraded(path: Path) -> None:
    """A file without checksums gets them when it is opened for writing, and loses nothing; read-only, it is refused."""
    older = apsw.Connection(str(path))
    older.execute(OLDER)
    for number in range(1, 41):
        values = (1 + number % 2, f"{number:02}", "wing" if number % 3 else None, f'{{"n":{number}}}', 5, 6)
        vector = np.array([1.0, number], np.float32).tobytes()
        older.execute("INSERT INTO documents VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", (*values, vector))
    older.execute("DELETE FROM documents WHERE row > 38; INSERT INTO gone (namespace, row) VALUES (1, 39), (2, 40)")
    older.close()
    with pytest.raises(UnsupportedVersion, match="without read_only"):
        onevec.connect(f"sqlite:///{path}", read_only=True)
    for _ in range(2):
        with onevec.connect(f"sqlite:///{path}") as store:
            papers = store.collection("papers").namespace("acme")
            found = list(papers.scan())
            assert [document.id for document in found] == [f"{number:02}" for number in range(1, 38, 2)]
            assert [document.metadata for document in found] == [{"n": number} for number in range(1, 38, 2)]
            assert papers.search([1.0, 37.0], top_k=1).ids == ["37"]
            assert len(papers.search("wing", mode="text", top_k=99)) == 13
            assert store.collection("papers").count() == 19
            assert store.health().status == "healthy"
    with closing(apsw.Connection(str(path))) as connection:
        given = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'documents'").get
    assert given == 40  # so that no row gets the number of one that was there


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


def test_the_package_knows_no_pickle() -> None:
    """No module of onevec imports pickle, marshal or shelve, or lets NumPy unpickle: a file can't run code."""
    package = Path(str(onevec.__file__)).parent
    for module in package.rglob("*.py"):
        code = module.read_text("utf-8")
        for word in ("import pickle", "from pickle", "import marshal", "import shelve", "allow_pickle=True"):
            assert word not in code, module


def test_tables_of_the_users_own_are_left_alone(path: Path) -> None:
    """What is made by `store.client` beside onevec's tables is no damage."""
    with onevec.connect(f"sqlite:///{path}") as store:
        store.create_collection("papers", dimension=2).upsert({"id": "a", "vector": [1, 2]})
        store.client.execute("CREATE TABLE notes (number INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT)")  # type: ignore[attr-defined]
        store.client.execute("INSERT INTO notes (note) VALUES ('mine')")  # type: ignore[attr-defined]
    with onevec.connect(f"sqlite:///{path}") as store:
        assert store.collection("papers").count() == 1
        assert store.health().issues == ()
