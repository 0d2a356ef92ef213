"""Indexes saved beside the store: used again where they fit, and never trusted."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

import onevec
from onevec import Collection, Document
from onevec.adapters.faiss import saved
from onevec.adapters.faiss.index import FaissIndex
from onevec.adapters.faiss.recipes import library

from .faiss_samples import DIMENSION, SIZE, clustered, columns, filled, index_of, queries, recall, space_of

INDEX = "IVF16,Flat"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a closed store with an index."""
    folder = tmp_path_factory.mktemp("whole") / "store"
    with filled(folder, INDEX):
        pass
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(whole, tmp_path / "store"))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many vectors each index was trained on that was not loaded."""
    learned: list[int] = []
    learn = FaissIndex.learn

    def noting(self: FaissIndex, vectors: Any) -> None:
        learned.append(len(vectors))
        learn(self, vectors)

    monkeypatch.setattr(FaissIndex, "learn", noting)
    return learned


def test_a_saved_index_is_used_again(folder: Path, made: list[int]) -> None:
    """A store that is opened again has its index with the first search, untrained and as it was measured."""
    assert sorted(file.name for file in folder.iterdir()) == ["index-1.faiss", "store.db"]
    with onevec.connect(f"faiss:///{folder}") as store:
        papers = store.collection("papers")
        built = space_of(papers).built
        assert built is not None
        assert (built.index.size, built.index.lists, built.trained_on) == (SIZE, 16, SIZE)
        assert built.recall > 0.9
        assert recall(papers) >= 0.95
        papers.optimize()
    assert made == []


def test_a_saved_index_catches_up(folder: Path, made: list[int]) -> None:
    """Documents that came, went and changed since it was saved are found as they are, whoever wrote them."""
    with onevec.connect(f"sqlite:///{folder}/store.db") as store:
        papers = store.collection("papers")
        papers.delete([f"{row:05}" for row in range(0, SIZE, 10)])
        papers.upsert([Document("00001", vector=-clustered()[1]), Document("new", vector=clustered()[0])])
    for _ in range(2):
        with onevec.connect(f"faiss:///{folder}") as store:
            papers = store.collection("papers")
            assert space_of(papers).built is not None
            assert papers.search(clustered()[0]).ids[0] == "new"
            assert "00001" not in papers.search(clustered()[1], top_k=20).ids
            assert papers.search(-clustered()[1]).ids[0] == "00001"
            assert recall(papers) >= 0.95
            papers.optimize()
    assert made == []


def test_the_file_is_one_of_faiss(folder: Path) -> None:
    """FAISS itself reads it, and gives the row numbers of the documents table."""
    faiss = library()
    index = faiss.read_index(os.fspath(folder / "index-1.faiss"))
    unit = clustered()[7:8] / np.linalg.norm(clustered()[7])
    _, rows = index.search(unit, 1)
    with apsw.Connection(os.fspath(folder / "store.db")) as connection:
        assert connection.execute("SELECT id FROM documents WHERE row = ?", (int(rows[0, 0]),)).get == "00007"
        last = connection.execute("SELECT last_row, (SELECT max(row) FROM documents) FROM faiss_indexes").get
    connection.close()
    assert last == (SIZE, SIZE)


def other(folder: Path) -> bytes:
    """The index of another store with the same settings, of the same version."""
    with onevec.connect(f"faiss:///{folder}-other", index=INDEX) as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        papers.upsert(**columns(range(SIZE), seed=1))
        papers.optimize()
    return folder.with_name(f"{folder.name}-other").joinpath("index-1.faiss").read_bytes()


def run(folder: Path, statement: str) -> None:
    connection = apsw.Connection(os.fspath(folder / "store.db"))
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "damage",
    ["flipped", "first", "last", "cut", "longer", "empty", "missing", "folder", "other", "unlisted", "version", "rows"],
)
def test_an_index_that_is_off_is_made_anew(folder: Path, made: list[int], damage: str) -> None:
    """A damaged, cut off, missing or foreign index is never read, answers are right, and the next one is saved."""
    index = folder / "index-1.faiss"
    content = index.read_bytes()
    match damage:
        case "flipped":
            index.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
        case "first":
            index.write_bytes(b"x" + content[1:])
        case "last":
            index.write_bytes(content[:-1] + bytes([content[-1] ^ 128]))
        case "cut":
            index.write_bytes(content[: len(content) // 2])
        case "longer":
            index.write_bytes(content + b"\0")
        case "empty":
            index.write_bytes(b"")
        case "missing":
            index.unlink()
        case "folder":
            index.unlink()
            index.mkdir()
        case "other":
            index.write_bytes(other(folder))
            made.clear()
        case "unlisted":
            run(folder, "DELETE FROM faiss_indexes")
        case "version":
            run(folder, """UPDATE faiss_indexes SET made_of = replace(made_of, '"faiss":"', '"faiss":"0')""")
        case "rows":
            run(folder, "DROP TABLE faiss_indexes")
    with onevec.connect(f"faiss:///{folder}") as store:
        papers = store.collection("papers")
        assert recall(papers) >= 0.95
        if damage == "folder":
            index.rmdir()
        papers.optimize()
        assert recall(papers) >= 0.95
    assert made == [SIZE]
    with onevec.connect(f"faiss:///{folder}") as store:
        assert space_of(store.collection("papers")).built is not None


def test_an_index_of_other_settings_is_made_anew(folder: Path, made: list[int]) -> None:
    """After `create_index` the one that was saved before is not taken for the new one."""
    before = (folder / "index-1.faiss").read_bytes()
    with onevec.connect(f"faiss:///{folder}") as store:
        store.collection("papers").create_index("ivf_flat", lists=20)
    assert made == [SIZE]
    (folder / "index-1.faiss").write_bytes(before)
    with onevec.connect(f"faiss:///{folder}") as store:
        papers = store.collection("papers")
        assert space_of(papers).built is None
        assert recall(papers) >= 0.95


def test_an_index_of_a_later_state_is_not_used(folder: Path, tmp_path: Path) -> None:
    """Where the file was restored from a backup, and the index wasn't, rows that were given out twice don't mix."""
    backup = shutil.copytree(folder, tmp_path / "backup")
    with onevec.connect(f"faiss:///{folder}") as store:
        papers = store.collection("papers")
        papers.upsert(**columns(range(SIZE, SIZE + 400)))
        papers.optimize()
    shutil.copyfile(backup / "store.db", folder / "store.db")
    with onevec.connect(f"sqlite:///{folder}/store.db") as store:
        store.collection("papers").upsert(ids=["else"], vectors=[-clustered(SIZE + 1)[SIZE]])
    with onevec.connect(f"faiss:///{folder}") as store:
        papers = store.collection("papers")
        assert space_of(papers).built is None
        assert papers.search(-clustered(SIZE + 1)[SIZE], top_k=1).ids == ["else"]
        assert recall(papers) >= 0.95


@pytest.mark.parametrize("moment", ["_written", "_sync_folder", "after"])
def test_a_process_killed_while_it_saves_loses_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whether before the new file has its name, before it is recorded, or after: what a kill leaves answers rightly."""
    left = tmp_path / "left"
    if moment != "after":
        step = getattr(saved, moment)

        def noting(*arguments: Any) -> Any:
            result = step(*arguments)
            shutil.copytree(folder, left)
            return result

        monkeypatch.setattr(saved, moment, noting)
    with onevec.connect(f"faiss:///{folder}") as store:
        papers = store.collection("papers")
        papers.upsert(**columns(range(SIZE, SIZE + 400)))
        papers.delete("00000")
        papers.optimize()
        assert index_of(papers) is not None
        if moment == "after":
            shutil.copytree(folder, left)
    monkeypatch.undo()
    with onevec.connect(f"faiss:///{left}") as store:
        papers = store.collection("papers")
        assert papers.count() == SIZE + 399
        assert (space_of(papers).built is None) == (moment == "_sync_folder")
        assert papers.search(clustered(SIZE + 400)[-1], top_k=1).ids == [f"{SIZE + 399:05}"]
        assert "00000" not in papers.search(clustered()[0], top_k=50).ids
        assert recall(papers) >= 0.95
        papers.optimize()
        assert index_of(papers) is not None
    assert sorted(file.name for file in left.iterdir()) == ["index-1.faiss", "store.db"]


def test_a_disk_that_fails_leaves_the_index_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an index can't be saved it is used all the same, and nothing of it stays behind."""

    def failing(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", failing)
    with filled(tmp_path / "store", INDEX) as papers:
        assert index_of(papers) is not None
        assert recall(papers) >= 0.95
        assert not list((tmp_path / "store").glob("index-*"))


def test_a_disk_that_fails_while_faiss_writes_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error inside the function that FAISS writes by is none of the process's end."""
    dump = FaissIndex.dump

    def failing(self: FaissIndex, rows: Any, write: Any) -> None:
        def refused(block: bytes) -> int:
            raise OSError(28, "No space left on device")

        dump(self, rows, refused)

    monkeypatch.setattr(FaissIndex, "dump", failing)
    with filled(tmp_path / "store", INDEX) as papers:
        assert index_of(papers) is not None
        assert recall(papers) >= 0.95
        assert not list((tmp_path / "store").glob("index-*"))


def test_an_index_goes_with_what_it_is_of(folder: Path) -> None:
    """A cleared namespace and a deleted collection leave no file, nor does a process that was killed."""
    (folder / "index-1.faiss.1-1").write_bytes(b"half")
    with onevec.connect(f"faiss:///{folder}") as store:
        papers = store.collection("papers")
        acme = papers.namespace("acme")
        acme.upsert(**columns(range(1000)))
        acme.optimize()
        assert (folder / "index-2.faiss").exists()
        acme.clear()
        assert not (folder / "index-2.faiss").exists()
        papers.search(queries()[0])
        store.delete_collection("papers")
        assert not list(folder.glob("index-*"))
        papers = store.create_collection("papers", dimension=DIMENSION)
        papers.upsert(**columns(range(5)))
        assert len(papers.search(queries()[0])) == 5


def test_nothing_is_pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is written or read by pickle, of Python or of numpy, and none holds a pickle."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("pickle")

    for name in ("dump", "dumps", "load", "loads", "Pickler", "Unpickler"):
        monkeypatch.setattr(pickle, name, refused)
    for name in ("load", "save", "savez"):
        monkeypatch.setattr(np, name, refused)

    def whole_life(papers: Collection) -> None:
        papers.upsert(ids=["later"], vectors=[clustered()[3]], texts=["a wing"])
        papers.optimize()
        assert papers.search(clustered()[3], top_k=1).ids[0] in {"00003", "later"}
        assert papers.search("wing", mode="text").ids == ["later"]

    with filled(tmp_path / "store", INDEX) as papers:
        whole_life(papers)
    with onevec.connect(f"faiss:///{tmp_path}/store") as store:
        whole_life(store.collection("papers"))
    for file in (tmp_path / "store").iterdir():
        assert file.read_bytes()[:2] not in {b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"}
