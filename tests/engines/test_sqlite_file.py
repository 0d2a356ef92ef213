"""The sqlite engine's file: where it is, and which files are refused."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import onevec
from onevec import Collection, Document
from onevec.errors import (
    ConfigError,
    Corrupted,
    OnevecError,
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


def test_the_package_knows_no_pickle() -> None:
    """No module of onevec imports pickle, marshal or shelve, or lets NumPy unpickle: a file can't run code."""
    package = Path(str(onevec.__file__)).parent
    for module in package.rglob("*.py"):
        code = module.read_text("utf-8")
        for word in ("import pickle", "from pickle", "import marshal", "import shelve", "allow_pickle=True"):
            assert word not in code, module
