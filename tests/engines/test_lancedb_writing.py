"""How lancedb writes many documents: the columns that filters ask for, and new documents without a merge."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE
from typing import Any

import portalocker
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lancedb.table import AsyncTable

import onevec
from onevec.adapters.lancedb import rows
from onevec.adapters.lancedb.asked import asked
from onevec.adapters.lancedb.operations import Versions
from onevec.documents import Metadata
from onevec.errors import EngineBusy
from onevec.facets import facts_of
from onevec.testing import strategies

_MANY = 40  # as many as are made together
_ROUNDS = 10
_PROGRAM = """
import sys
import onevec
papers = onevec.connect(sys.argv[1]).collection("papers")
papers.upsert({"id": sys.argv[2], "vector": [1, 1]})
print("ready", flush=True)
for line in sys.stdin:
    ids = [f"{line.strip()}-{row}" for row in range(100)]
    papers.upsert(ids=ids, vectors=[[1, 1]] * 100)
    print("done", flush=True)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of the test's own store."""
    return f"lancedb:///{tmp_path}/store"


@given(st.lists(strategies.stored_metadata(), min_size=1, max_size=5))
@example([{"text": "x" * 60}])
@example([{"text": "x" * 59}])
@example([{"text": "x\0"}])
@example([{"on": "2020-01-01"}, {"on": "plain"}])
@example([{"at": datetime(2020, 1, 1, tzinfo=UTC)}])
@example([{"n": 2**53 - 1}, {"n": 1 - 2**53}])
@example([{"n": 2**53}])
@example([{"n": 1}, {"n": True}, {"n": 1.0}])
@example([{"flag": True}, {"flag": False}])
@example([{"tags": ["a", "b"]}, {"tags": ["c"]}, {"tags": []}])
@example([{"tags": ["a", "a"]}])
@example([{"tags": ["é" * 40, "x"]}])
@example([{"tags": ["a", 1]}])
@example([{"author": {"name": "x"}}, {}])
@example([{"a" * 64: 1}])
@example([{"a" * 65: 1}])
@example([{"a.b": 1, "": "x"}])
@example([{"a": 1, "b": "x"}, {"b": "y", "a": 2}])
def test_the_columns_of_filters_say_what_facts_of_says(some: list[Metadata]) -> None:
    """Whether a field's values are turned into facets together or one by one, each document has its own."""
    metadata = [dict(one) for one in some for _ in range(_MANY)] + some
    columns = {name: column.to_pylist() for name, column in asked(metadata).items()}
    for row, one in enumerate(metadata):
        facets, numbers, texts = facts_of(one)
        assert set(columns["facets"][row]) == set(facets)
        assert dict(zip(columns["numbers_of"][row], columns["numbers"][row], strict=True)) == numbers
        assert dict(zip(columns["texts_of"][row], columns["texts"][row], strict=True)) == texts


def test_long_documents_are_written_in_parts(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where their texts are too long for one of Arrow's columns, and in one commit all the same."""
    monkeypatch.setattr(rows, "_MOST_BYTES", 1000)
    ids = [f"{number:02}" for number in range(50)]
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=ids, vectors=[[1, 1]] * 50, texts=[id * 100 for id in ids])
        found = papers.get_many(ids)
        assert [(one.id, one.text) for one in found] == [(id, id * 100) for id in ids]
        assert [version.number for version in store.do(Versions("papers"))] == [1, 2]


def test_new_documents_are_added_and_others_merged(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An `add` takes half of a merge's time; where one document of a batch is there, all of it is merged."""
    added: list[int] = []
    add = AsyncTable.add

    async def counted(self: AsyncTable, data: Any, **kwargs: Any) -> Any:  # Any: LanceDB's own
        added.append(1)
        return await add(self, data, **kwargs)

    monkeypatch.setattr(AsyncTable, "add", counted)
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]])
        papers.upsert(ids=["c"], vectors=[[1, 1]])
        papers.namespace("acme").upsert(ids=["a"], vectors=[[1, 1]])
        assert len(added) == 3
        first = papers.get("a")
        papers.upsert(ids=["a", "d"], vectors=[[1, 2], [1, 3]])
        assert len(added) == 3
        again = papers.get("a")
        assert first is not None
        assert again is not None
        assert again.created_at == first.created_at
        assert [document.id for document in papers.scan()] == list("abcd")


def test_processes_that_write_the_same_new_documents_leave_each_once(url: str) -> None:
    """Of two processes that load the same new batches at the same moments, the later one replaces."""
    with onevec.connect(url) as store, ExitStack() as running:
        papers = store.create_collection("papers", dimension=2)
        pipes = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _PROGRAM, url, name], stdin=PIPE, stdout=PIPE, text=True, bufsize=1
                )
            )
            for name in "ab"
        ]
        for line in ["", *map(str, range(_ROUNDS))]:
            for process in pipes if line else ():
                assert process.stdin is not None
                process.stdin.write(f"{line}\n")
            for process in pipes:
                assert process.stdout is not None
                assert process.stdout.readline() in ("ready\n", "done\n")
        assert papers.count() == 100 * _ROUNDS + 2
        assert len({document.id for document in papers.scan()}) == 100 * _ROUNDS + 2


def test_threads_that_write_the_same_new_documents_leave_each_once(url: str) -> None:
    """Whether by one store or by several."""
    stores = [onevec.connect(url) for _ in range(2)]
    stores[0].create_collection("papers", dimension=2)
    together = threading.Barrier(4, timeout=30)
    ids = [str(number) for number in range(100)]

    def write(number: int) -> None:
        together.wait()
        stores[number % 2].collection("papers").upsert(ids=ids, vectors=[[1, number]] * 100)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    papers = stores[0].collection("papers")
    assert papers.count() == 100
    vectors = {str(document.vector) for document in papers.scan(include_vectors=True)}
    assert len(vectors) == 1  # all of the last one's
    for store in stores:
        store.close()


@pytest.mark.parametrize("is_url", [False, True])
def test_an_upsert_waits_for_another_until_its_deadline(url: str, tmp_path: Path, *, is_url: bool) -> None:
    """Then it says why; when the other has ended, it is done. A folder may be written as a URL."""
    options: dict[str, Any] = {"uri": f"file://{tmp_path}/store"} if is_url else {}
    with onevec.connect(url) as store:
        store.create_collection("papers", dimension=2)
    with onevec.connect("lancedb://" if is_url else url, timeout=0.3, **options) as store:
        papers = store.collection("papers")
        with (tmp_path / "store" / "onevec.papers.lock").open("ab") as lock:
            portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE)
            with pytest.raises(EngineBusy, match="another upsert into the table 'papers'"):
                papers.upsert({"id": "a", "vector": [1, 2]})
            assert papers.count() == 0
        assert papers.upsert({"id": "a", "vector": [1, 2]}).written == 1


def test_an_upsert_in_a_task_lets_others_run_while_it_waits(url: str, tmp_path: Path) -> None:
    """And begins as soon as it can."""

    async def written() -> int:
        async with onevec.connect_async(url) as store:
            papers = await store.create_collection("papers", dimension=2)
            lock = (tmp_path / "store" / "onevec.papers.lock").open("ab")
            portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE)
            waiting = asyncio.create_task(papers.upsert({"id": "a", "vector": [1, 2]}))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            assert await papers.count() == 0
            lock.close()
            return (await waiting).written

    assert asyncio.run(written()) == 1


def test_what_was_begun_to_be_added_is_added(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock isn't let go while LanceDB is at it: a deadline or a cancellation comes after the end."""
    add = AsyncTable.add

    async def slow(self: AsyncTable, data: Any, **kwargs: Any) -> Any:  # Any: LanceDB's own
        await asyncio.sleep(0.5)
        return await add(self, data, **kwargs)

    async def found(*, cancel: bool) -> int:
        async with onevec.connect_async(url, timeout=0.1) as store:
            papers = await store.create_collection("papers", dimension=2, if_exists="replace")
            writing = asyncio.create_task(papers.upsert({"id": "a", "vector": [1, 2]}))
            if cancel:
                await asyncio.sleep(0.2)
                writing.cancel()
            await asyncio.wait([writing])
            assert writing.cancelled() is cancel
            return await papers.count()

    monkeypatch.setattr(AsyncTable, "add", slow)
    for cancel in (False, True):
        assert asyncio.run(found(cancel=cancel)) == 1
