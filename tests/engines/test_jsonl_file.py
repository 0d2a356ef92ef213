"""The jsonl engine's folder: what is in it, who may write, how it is compacted, what is refused."""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import onevec
from onevec import Document, Store
from onevec.adapters.jsonl.files import file_name
from onevec.errors import (
    CollectionNotFound,
    ConfigError,
    EngineBusy,
    ReadOnly,
    StoreNotFound,
)

from .jsonl_disks import QUERY, documents, opened

NAMES = st.text("abABz.-_09", min_size=1, max_size=128)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def written(folder: Path) -> Path:
    """A closed store with a collection `papers` of ten documents."""
    with onevec.connect(f"jsonl:///{folder}") as store:
        store.create_collection("papers", dimension=2).upsert(documents(range(10)))
    return folder


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with onevec.connect(f"jsonl:///{folder}") as store:
        store.create_collection("papers", dimension=2)
        yield store


def lines(folder: Path, name: str = "papers") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / file_name(name)).read_text("utf-8").splitlines()]


def test_a_line_is_a_write_that_a_person_can_read(store: Store, folder: Path) -> None:
    """The file has a line that says what the collection is and a line for each call that changed something."""
    papers = store.collection("papers")
    papers.upsert(
        [Document("1", text="a wing", vector=[0.1, 2], metadata={"year": 1958}), Document("2", vector=[3, 4])]
    )
    papers.update("1", metadata={"year": None, "lang": "en"})
    papers.delete(filter="lang missing")
    papers.delete(["gone", "missing"])
    papers.namespace("acme").upsert(Document("é", vector=QUERY))
    papers.namespace("acme").clear()
    papers.namespace("acme").clear()
    header, upsert, update, delete, acme, clear = lines(folder)
    assert header.items() >= {"onevec": "jsonl", "version": 1, "name": "papers", "dimension": 2}.items()
    assert [(one["id"], one["text"], one["metadata"], one["vector"]) for one in upsert["documents"]] == [
        ("1", "a wing", {"year": 1958}, [0.1, 2.0]),
        ("2", None, {}, [3.0, 4.0]),
    ]
    assert update["documents"][0]["metadata"] == {"lang": "en"}
    assert update["documents"][0]["created"] == upsert["documents"][0]["created"] < update["documents"][0]["updated"]
    assert (delete["op"], delete["ids"]) == ("delete", ["2"])
    assert (acme["op"], acme["namespace"], acme["documents"][0]["id"]) == ("upsert", "acme", "é")
    assert (clear["op"], clear["namespace"]) == ("clear", "acme")


def test_the_checksum_is_what_the_page_says(written: Path) -> None:
    """`crc` is the CRC-32 of the line before and the line itself, both without their own."""
    before = b""
    for line in (written / "papers.jsonl").read_bytes().splitlines():
        this, crc = line[:-18], json.loads(line)["crc"]
        assert line == this + b',"crc":"' + crc.encode() + b'"}'
        assert int(crc, 16) == zlib.crc32(before + this)
        before = this


def test_every_float32_comes_back(folder: Path) -> None:
    """Vectors are the same to the bit when the file is read: the smallest, the largest, and the odd one of them all."""
    bits = [
        0x15AE43FD,
        0x95AE43FD,
        1,
        0x80000001,
        0x7F7FFFFF,
        0x00800000,
        0x007FFFFF,
        0x3DCCCCCD,
        0x80000000,
        0x4B800000,
    ]
    bits += np.random.default_rng(5).integers(0, 0x7F800000, 4990, np.uint32).tolist()
    matrix = np.array(bits, np.uint32).view(np.float32).reshape(-1, 10)
    with opened(folder) as store:
        numbers = store.create_collection("numbers", dimension=10, metric="manhattan")
        numbers.upsert(ids=[f"{n:03}" for n in range(500)], vectors=matrix)
    with opened(folder) as store:
        found = np.array([document.vector for document in store.collection("numbers").scan()], np.float32)
    assert found.view(np.uint32).ravel().tolist() == bits


@given(NAMES, NAMES)
def test_collections_have_files_of_their_own(one: str, other: str) -> None:
    """Different names have different files, also where capitals don't count; no name is hidden or leaves the folder."""
    assert (file_name(one).lower() == file_name(other).lower()) == (one == other)
    for name in (one, other):
        assert file_name(name) == file_name(name).lower()
        assert file_name(name)[0] != "."
        assert "/" not in file_name(name)
        assert len(file_name(name)) < 200


def test_awkward_names_are_kept_apart(folder: Path) -> None:
    """Collections whose names differ in capitals, are dots, or are long, each keep their documents."""
    names = ["papers", "Papers", "PAPERS", ".", "..", "_", "A" * 128, "a" * 128, "con", "papers.jsonl", "a.lock"]
    with opened(folder) as store:
        for name in names:
            store.create_collection(name, dimension=2).upsert(Document(name, vector=QUERY))
    with opened(folder) as store:
        assert [info.name for info in store.collections()] == sorted(names)
        for name in names:
            assert [document.id for document in store.collection(name).scan()] == [name]
        assert all(store.delete_collection(name) for name in names)
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_three_slashes_are_relative_and_four_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`jsonl:///relative` is in the current folder, `jsonl:////abs/path` is where it says."""
    monkeypatch.chdir(tmp_path)
    onevec.connect("jsonl:///relative").close()
    onevec.connect(f"jsonl:///{tmp_path}/absolute").close()
    assert {path.name for path in tmp_path.iterdir()} == {"relative", "absolute"}
    with onevec.connect("jsonl:///relative") as store:
        assert store.client == Path("relative")


def test_a_missing_store_is_made_or_refused(folder: Path) -> None:
    """`create=False`, as an argument or in the URL, and `read_only=True`, refuse to make a folder, or to take any."""
    refusals: tuple[tuple[str, dict[str, Any]], ...] = (
        (f"jsonl:///{folder}", {"create": False}),
        (f"jsonl:///{folder}?create=false", {}),
        (f"jsonl:///{folder}", {"read_only": True}),
    )
    for exists in (False, True):
        if exists:
            folder.mkdir()
        for url, options in refusals:
            with pytest.raises(StoreNotFound, match="store") as refused:
                onevec.connect(url, **options)
            assert refused.value.operation == "connect"
    onevec.connect(f"jsonl:///{folder}").close()
    onevec.connect(f"jsonl:///{folder}", create=False).close()


def test_a_file_is_no_store(tmp_path: Path) -> None:
    """A file, and a folder in a folder that doesn't exist, are refused with what to do; so is no path at all."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        onevec.connect(f"jsonl:///{tmp_path}/file")
    with pytest.raises(ConfigError, match="mkdir"):
        onevec.connect(f"jsonl:///{tmp_path}/missing/store")
    with pytest.raises(ConfigError):
        onevec.connect("jsonl://")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_copy_of_the_files_is_a_store(written: Path, tmp_path: Path) -> None:
    """The collections' files alone are the store, as version control keeps them; reading adds nothing to them."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "papers.jsonl").write_bytes((written / "papers.jsonl").read_bytes())
    with onevec.connect(f"jsonl:///{tmp_path}/copy", read_only=True) as store:
        assert store.collection("papers").count() == 10
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["papers.jsonl"]


def test_a_read_only_store_reads(written: Path) -> None:
    """With `read_only=True` every read works, by words too, every write is `ReadOnly`, and no byte changes."""
    before = {path: path.read_bytes() for path in written.iterdir()}
    with onevec.connect(f"jsonl:///{written}", read_only=True) as store:
        papers = store.collection("papers")
        assert papers.count() == len(list(papers.scan())) == 10
        assert len(papers.search(QUERY, filter={"n": {"$lt": 3}})) == 3
        assert len(papers.search("wings", mode="text")) == 10
        assert store.health().status == "healthy"
        writes: list[Callable[[], object]] = [
            lambda: papers.upsert(documents([1])),
            lambda: papers.update("001", text="x"),
            lambda: papers.delete("001"),
            papers.clear,
            papers.optimize,
            lambda: store.create_collection("new", dimension=2),
            lambda: store.delete_collection("papers"),
        ]
        for write in writes:
            with pytest.raises(ReadOnly) as refused:
                write()
            assert refused.value.engine == "jsonl"
    assert {path: path.read_bytes() for path in written.iterdir()} == before


def test_compaction_leaves_a_line_for_each_document(store: Store, folder: Path) -> None:
    """After `optimize` the file has a line for each document, by namespace and id; a second one changes nothing."""
    papers = store.collection("papers")
    for numbers in (range(5, 9), range(3, 7), range(8)):
        papers.upsert(documents(numbers))
    papers.namespace("acme").upsert(documents([2, 1]))
    papers.delete(["000", "004"])
    before = list(papers.scan())
    with onevec.connect(f"jsonl:///{folder}") as other:
        theirs = other.collection("papers")
        assert theirs.count() == 7
        papers.optimize()
        header, *found = lines(folder)
        assert header["generation"] == 2
        assert [(line["namespace"], one["id"]) for line in found for one in line["documents"]] == [
            *(("", f"00{n}") for n in (1, 2, 3, 5, 6, 7, 8)),
            *(("acme", f"00{n}") for n in (1, 2)),
        ]
        papers.optimize()
        assert lines(folder)[0]["generation"] == 2
        assert list(papers.scan()) == list(theirs.scan()) == before
        theirs.upsert(documents([20]))
        assert papers.count() == theirs.count() == 8
    with onevec.connect(f"jsonl:///{folder}", read_only=True) as again:
        assert list(again.collection("papers").scan())[:-1] == before


def test_a_file_doesnt_grow_for_ever(folder: Path) -> None:
    """A file more than half of which is gone is compacted by the write that makes it so, keeping its rights."""
    with opened(folder) as store, opened(folder) as other:
        papers = store.create_collection("papers", dimension=2)
        (folder / "papers.jsonl").chmod(0o600)
        theirs = other.collection("papers")
        largest = 0
        for round in range(60):
            papers.upsert(documents(range(50), round=round))
            largest = max(largest, (folder / "papers.jsonl").stat().st_size)
            assert theirs.count({"round": round}) == theirs.count() == 50
        assert largest < 300_000
        assert lines(folder)[0]["generation"] == 4
        assert (folder / "papers.jsonl").stat().st_mode & 0o777 == 0o600
        papers.clear()
        papers.optimize()
        assert len(lines(folder)) == 1
        assert theirs.count() == 0


def test_a_store_that_slept_through_compactions_catches_up(folder: Path) -> None:
    """However often a file was written anew, in the same size and with the same number, the next read sees it."""
    with opened(folder) as store, opened(folder) as other:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(documents(range(3)))
        papers.optimize()
        theirs = other.collection("papers")
        for n in range(1, 9):
            assert theirs.get("000") == papers.get("000")
            for _ in range(2):
                papers.update("000", metadata={"n": n})
                papers.optimize()
            papers.upsert(documents([2]))
            found = theirs.get("000")
            assert found is not None
            assert found.metadata == {"n": n}


def test_what_a_crash_left_is_cleaned_up(written: Path) -> None:
    """What was being written anew in a crash is removed by the next open, unless somebody has the lock."""
    left = written / ".papers.jsonl.aside"
    left.write_bytes(b"{")
    with held(written), onevec.connect(f"jsonl:///{written}") as store:
        assert store.collection("papers").count() == 10
        assert left.exists()
    with onevec.connect(f"jsonl:///{written}") as store:
        assert not left.exists()
        assert [info.name for info in store.collections()] == ["papers"]


class held:  # noqa: N801 (it is called like a function)
    """A context in which another one has a store's lock."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / ".lock", os.O_RDWR)

    def __enter__(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *error: object) -> None:
        os.close(self._descriptor)


def test_a_locked_store_is_busy_and_then_is_not(written: Path) -> None:
    """While another one has the lock, a write waits, then is `EngineBusy`, retryable; reads go on."""
    with onevec.connect(f"jsonl:///{written}", lock_timeout=0.01, max_retries=0) as store:
        papers = store.collection("papers")
        with held(written):
            for write in (lambda: papers.upsert(documents([1])), lambda: store.delete_collection("papers")):
                with pytest.raises(EngineBusy, match="lock_timeout") as busy:
                    write()
                assert busy.value.retryable
            assert papers.count() == len(papers.search(QUERY)) == 10
            assert store.health().status == "healthy"
        assert papers.delete("000") == 1


def test_a_lost_lock_file_is_made_again(store: Store, folder: Path) -> None:
    """Somebody who removes `.lock` does no harm: the next write makes it anew."""
    (folder / ".lock").unlink()
    assert store.collection("papers").upsert(documents(range(3))).written == 3
    assert (folder / ".lock").exists()


def test_a_store_that_is_gone_says_so(store: Store, folder: Path, tmp_path: Path) -> None:
    """When the folder was moved away, every call says so, and nothing is made in its place."""
    papers = store.collection("papers")
    papers.upsert(documents(range(3)))
    folder.rename(tmp_path / "elsewhere")
    calls: tuple[Callable[[], object], ...] = (papers.count, lambda: papers.upsert(documents([1])), store.collections)
    for call in calls:
        with pytest.raises(StoreNotFound, match="gone"):
            call()
    assert store.health().status == "unhealthy"
    (tmp_path / "elsewhere").rename(folder)
    assert papers.count() == 3


def test_a_collection_made_again_is_another_one(store: Store, folder: Path) -> None:
    """A handle of a collection that another store deleted, or deleted and made again, says so."""
    papers = store.collection("papers")
    papers.upsert(documents(range(3)))
    with onevec.connect(f"jsonl:///{folder}") as other:
        other.delete_collection("papers")
        with pytest.raises(CollectionNotFound, match="deleted"):
            papers.count()
        other.create_collection("papers", dimension=2).upsert(documents([7]))
        for call in (papers.count, papers.clear):
            with pytest.raises(CollectionNotFound, match="deleted"):
                call()
    assert store.collection("papers").search(QUERY).ids == ["007"]
