"""The jsonl engine on a disk that is full or fails, and on one that loses power, at every call that changes a file."""

from __future__ import annotations

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import onevec
from onevec.adapters.jsonl import TornLineWarning
from onevec.errors import EngineError, OnevecError, StorageFull

from .jsonl_disks import NAMING, QUERY, STEPS, FailingFiles, LosingFiles, State, documents, everything, opened


def run(folder: Path, disk: FailingFiles) -> int:
    """Run every step on a store on this disk, again where it fails, now with a disk that works; return the failures.

    A step that fails changes nothing, and the store goes on without being opened again.
    """
    failures = 0
    try:
        store = opened(folder, disk)
    except OnevecError as error:
        assert_told(error)
        failures += 1
        disk.fails = lambda _: None
        store = opened(folder, disk)
    with store, onevec.connect("memory://") as twin:
        expected = everything(twin)
        for number, step in enumerate(STEPS):
            try:
                step(store)
            except OnevecError as error:
                assert_told(error)
                failures += 1
                if everything(store) != expected:
                    assert disk.lasting
                    assert number in NAMING
                disk.fails = lambda _: None
                step(store)
            step(twin)
            expected = everything(twin)
            assert everything(store) == expected, number
    with opened(folder) as again:
        assert everything(again) == expected
        assert again.health().issues == ()
    assert [path.name for path in folder.iterdir() if path.name != ".lock"] == ["papers.jsonl"]
    return failures


def assert_told(error: OnevecError) -> None:
    assert isinstance(error, StorageFull | EngineError), error
    assert error.engine == "jsonl"
    assert error.__cause__ is not None
    assert not error.retryable


@pytest.mark.parametrize(
    ("how", "lasting"),
    [("ENOSPC", False), ("EIO", True), ("short", False)],
    ids=["full once", "failing from then on", "full after half a write"],
)
def test_a_failing_disk_takes_nothing_away(tmp_path: Path, how: str, lasting: bool) -> None:
    """Whichever call fails, once or from then on, what was acknowledged is there, and the store writes on."""
    count = FailingFiles()
    assert run(tmp_path / "clean", count) == 0
    points = [number for number, call in enumerate(count.calls) if how != "short" or call == "write"]
    failures = 0
    for point in points:
        disk = FailingFiles()
        disk.fail(point, how, lasting=lasting)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TornLineWarning)  # of what couldn't be taken back
            failures += run(tmp_path / str(point), disk)
    sys.stdout.write(f"{len(points)} fault points of {how}, {failures} failed calls\n")
    assert len(points) > 40
    assert failures > 0.8 * len(points)


def test_a_write_that_nobody_can_take_back_is_not_read(tmp_path: Path) -> None:
    """Where a failed write can be neither cut off nor spoiled, this store never shows it, and cuts it off later."""
    disk = FailingFiles()
    with opened(tmp_path / "store", disk) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(documents(range(3)))
        disk.fails = lambda number: "EIO" if disk.calls[number] in {"sync", "truncate", "overwrite"} else None
        with pytest.raises(EngineError, match="nothing of this call was written"):
            papers.upsert(documents(range(3, 6)))
        for _ in range(2):
            assert len(list(papers.scan())) == len(papers.search(QUERY)) == 3
            with pytest.raises(EngineError):
                papers.delete("000")
        disk.fails = lambda _: None
        assert papers.delete("000") == 1
        assert [document.id for document in papers.scan()] == ["001", "002"]
    with opened(tmp_path / "store") as again:
        assert again.collection("papers").count() == 2


def test_reads_dont_wait_for_the_disk(tmp_path: Path) -> None:
    """While a write of the same store is synced, reads are answered, and the write is there once afterwards."""
    disk = FailingFiles()
    with opened(tmp_path / "store", disk) as store, ThreadPoolExecutor(1) as thread:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(documents(range(3)))
        counts: list[int] = []

        def read_meanwhile(number: int) -> None:
            if disk.calls[number] == "sync":
                counts.append(thread.submit(papers.count).result(timeout=10))

        disk.fails = read_meanwhile
        papers.upsert(documents(range(2, 5)))
        assert papers.delete(["000", "001"]) == 2
        assert counts == [5, 3]
        assert [document.id for document in papers.scan()] == sorted(papers.search(QUERY).ids) == ["002", "003", "004"]


def test_a_full_disk_is_read_on(tmp_path: Path) -> None:
    """On a full disk a write is `StorageFull`, which is no reason to try again; reads go on, and so do writes later."""
    disk = FailingFiles()
    with opened(tmp_path / "store", disk) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(documents(range(5)))
        disk.fails = lambda number: "short" if disk.calls[number] == "write" else None
        size = (tmp_path / "store" / "papers.jsonl").stat().st_size
        for write in (lambda: papers.upsert(documents(range(3, 9))), lambda: papers.delete("000"), papers.clear):
            with pytest.raises(StorageFull, match="no space is left") as full:
                write()
            assert not full.value.retryable
        assert (tmp_path / "store" / "papers.jsonl").stat().st_size == size
        assert papers.count() == len(papers.search(QUERY)) == 5
        assert store.health().status == "healthy"
        disk.fails = lambda _: None
        assert papers.delete("000") == 1
        assert papers.upsert(documents(range(3, 9))).written == 6
        assert papers.count() == 8


def test_a_failed_compaction_is_no_failed_write(tmp_path: Path) -> None:
    """Where there is no room to compact a file, the write that would have caused it succeeds, and `health` tells."""
    disk = FailingFiles()
    with opened(tmp_path / "store", disk) as store:
        papers = store.create_collection("papers", dimension=2)
        disk.fails = lambda number: "ENOSPC" if disk.calls[number] == "create" else None
        for round in range(20):
            assert papers.upsert(documents(range(100), round=round)).written == 100
        assert disk.calls.count("create") == 3  # put off, not tried at every write
        assert papers.count({"round": 19}) == 100
        health = store.health()
        assert health.status == "degraded"
        assert "compacted" in health.warnings[0]
        disk.fails = lambda _: None
        papers.optimize()
        assert papers.count({"round": 19}) == papers.count() == 100
    with opened(tmp_path / "store") as again:
        assert again.collection("papers").count({"round": 19}) == 100


def test_a_loss_of_power_takes_nothing_away(tmp_path: Path) -> None:
    """Whatever a power loss leaves of what isn't synced, what was acknowledged is there, and no half of a write."""
    folder = tmp_path / "store"
    folder.mkdir()
    disk = LosingFiles(folder)
    crashes = torn = 0
    with opened(folder, disk) as store, onevec.connect("memory://") as twin:
        for step in STEPS:
            before = everything(twin)
            disk.crashes.clear()
            step(store)
            step(twin)
            allowed = [before, everything(twin)]
            for crash in {tuple(sorted(found.items())) for found in disk.crashes}:
                crashes += 1
                torn += found_again(tmp_path / f"crash-{crashes}", dict(crash), allowed)
    sys.stdout.write(f"{crashes} states after a loss of power, {torn} with a torn line\n")
    assert crashes > 100
    assert torn > 20


def found_again(folder: Path, content: dict[str, bytes], allowed: list[State]) -> bool:
    """Open what a loss of power left, and write to it; return whether it told of a torn line."""
    folder.mkdir()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with opened(folder) as store:
            assert everything(store) in allowed
            for info in store.collections():
                collection = store.collection(info.name)
                collection.upsert(documents([99]))
                assert collection.delete("099") == 1
        with opened(folder) as again:
            assert everything(again) in allowed
            assert again.health().status == "healthy"
    return any(issubclass(warning.category, TornLineWarning) for warning in told)
