"""The sqlite engine on a disk that is full or fails, at each call that changes a file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest

import onevec
from onevec import Store
from onevec.errors import ConfigError, EngineError, OnevecError, StorageFull

from .disk import Call, Disk, Fails, Fault, at, full_at, mounted, works
from .sampling import Counted, sampled
from .soundness import assert_finds, assert_sound, url
from .workloads import IDS, KEPT_GONE, WORKLOADS, create, documents, everything, states

# What puts a disk into trouble for as long as it is entered, and gives what ends it before.
Trouble: TypeAlias = Callable[[Disk], AbstractContextManager[Callable[[], None]]]

WORDS = {"full": "is full", "short": "is full after half a write", "io": "fails"}


def failing(fails: Fails | None) -> Trouble:
    @contextmanager
    def trouble(disk: Disk) -> Iterator[Callable[[], None]]:
        disk.fails = fails or works
        yield lambda: setattr(disk, "fails", works)

    return trouble


def opened(folder: Path) -> Store:
    return onevec.connect(url(folder), max_retries=0, index_from=0)


@pytest.fixture(autouse=True)
def gone_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onevec.adapters.sqlite.documents._KEPT_GONE", KEPT_GONE)


def assert_told(error: OnevecError) -> None:
    assert isinstance(error, StorageFull | EngineError | ConfigError), error
    assert error.engine == "sqlite"
    assert error.__cause__ is not None
    assert not error.retryable


def run(folder: Path, workload: str, trouble: Trouble) -> tuple[list[Call], int]:
    """Run a workload on a disk in trouble; return its calls and how many steps failed.

    A step that fails changes nothing. The store is read while the disk fails, and written again when it works.
    """
    after = states(workload)
    failed = 0
    with mounted() as disk, trouble(disk) as mend:
        try:
            store = opened(folder)
        except OnevecError as error:
            assert_told(error)
            failed += 1
            mend()
            store = opened(folder)
        for number, step in enumerate(WORKLOADS[workload]):
            try:
                step(store)
            except OnevecError as error:
                assert_told(error)
                failed += 1
                assert everything(store) == after[number], number
                mend()
                assert_finds(store)
                step(store)
            assert everything(store) == after[number + 1], number
        with suppress(EngineError, StorageFull):  # SQLite keeps quiet here; what the disk raised comes through apsw
            store.close()
        calls = disk.calls
    assert_sound(folder, after[-1:])
    return calls, failed


@pytest.mark.parametrize(
    ("fault", "lasting"),
    [("full", False), ("full", True), ("short", False), ("io", False), ("io", True)],
    ids=["full once", "full from then on", "full after half a write", "failing once", "failing from then on"],
)
@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_failing_disk_takes_nothing_away(
    tmp_path: Path, workload: str, fault: Fault, lasting: bool, counted: Counted
) -> None:
    """Whichever call fails, once or from then on, its step changes nothing and says so, and the store writes on."""
    (tmp_path / "whole").mkdir()
    calls, failed = run(tmp_path / "whole", workload, failing(None))
    assert failed == 0
    kinds = {"write"} if fault == "short" else {call.kind for call in calls}
    every = [number for number, call in enumerate(calls) if call.kind in kinds]
    points = sampled(every, 3, f"{workload} {fault} {lasting}")
    for point in points:
        place = tmp_path / str(point)
        place.mkdir()
        failed += run(place, workload, failing(at(point, fault, lasting=lasting)))[1]
        shutil.rmtree(place)
    counted(f"disk {WORDS[fault]}{', from then on' if lasting else ''}", len(points))


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_file_that_may_not_grow(tmp_path: Path, workload: str, counted: Counted) -> None:
    """Where the system lets no file grow further (EFBIG), a step changes nothing and says so, until it lets them."""
    resource = pytest.importorskip("resource", reason="there are no limits of a process here")

    @contextmanager
    def limited(size: int, _: Disk) -> Iterator[Callable[[], None]]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        lift = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield lift
        finally:
            lift()

    (tmp_path / "whole").mkdir()
    calls, _ = run(tmp_path / "whole", workload, failing(None))
    largest = max(call.offset + len(call.data) for call in calls if call.kind == "write")
    sizes = sampled(range(2048, largest * 3 // 4, 4120), 2, workload)
    failed = 0
    for size in sizes:
        place = tmp_path / str(size)
        place.mkdir()
        failed += run(place, workload, partial(limited, size))[1]
        shutil.rmtree(place)
    assert failed >= len(sizes)
    counted("disk lets no file grow", len(sizes))


@pytest.mark.parametrize("batch", [1, 20])
def test_deletes_go_on_on_a_full_disk(tmp_path: Path, batch: int) -> None:
    """Where neither file can grow any more, reads and deletes go on in the room there is, and then so do writes."""
    with mounted() as disk, opened(tmp_path) as store:
        create(store)
        papers = store.collection("papers")
        papers.upsert(documents(range(40)))
        papers.delete(IDS[35:40])
        for version in range(3):  # so that the file has free pages, and what is in the WAL fits into it
            papers.upsert(documents(range(batch), version=version))
        papers.optimize()
        disk.fails = full_at(tmp_path, sum(path.stat().st_size for path in tmp_path.iterdir()) + 300_000)
        held = everything(store)
        try:
            for version in range(1000):
                papers.upsert(documents(range(batch), version=version))
                held = everything(store)
        except StorageFull as full:
            assert_told(full)
        else:
            pytest.fail("the disk never was full")
        assert everything(store) == held
        assert papers.delete(IDS[:5]) == 5
        assert papers.delete(filter="n < 20") == 15
        assert papers.upsert(documents(range(2))).written == 2
        assert papers.get_many(IDS) == list(papers.scan())
        assert papers.count() == 17
        disk.fails = works
        after = everything(store)
    assert_sound(tmp_path, [after])


@pytest.mark.parametrize("fault", ["full", "io"])
def test_a_file_is_made_or_the_failure_told(tmp_path: Path, fault: Fault, counted: Counted) -> None:
    """A disk that fails while a store's file is made is told of at once, and the same file can be opened afterwards."""
    with mounted() as disk:
        store = opened(tmp_path)
        calls = len(disk.calls)
        store.close()
    for point in range(calls):
        folder = tmp_path / str(point)
        folder.mkdir()
        with mounted(at(point, fault)), pytest.raises(OnevecError) as told:
            opened(folder)
        assert_told(told.value)
        assert_sound(folder, [{}])
    counted("file being made", calls)
