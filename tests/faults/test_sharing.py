"""One store open in several processes, or in several threads of one: who waits for whom, and what they see."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import onevec
from onevec import Document
from onevec.errors import EngineBusy

from .embedded import AT_ONCE, ENGINES
from .processes import BATCH, DIMENSION, asked, documents, process, told, whole_batches
from .sampling import Counted, sampled

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL"),
    pytest.mark.filterwarnings("ignore::onevec.adapters.jsonl.TornLineWarning"),
    pytest.mark.timeout(1800),
]

QUERY = [1.0, 2.0]
ONES = [1.0] * DIMENSION


@pytest.fixture(params=AT_ONCE)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_stopped_writer_holds_up_nobody_but_writers(tmp_path: Path, name: str, counted: Counted) -> None:
    """Wherever a writer stands still, others read, and write or are told at once; when it is killed, they write."""
    url = ENGINES[name](tmp_path)
    with (
        onevec.connect(url) as first,
        process("stopping writer", url) as writer,
        onevec.connect(url, **AT_ONCE[name]) as store,
    ):
        first.create_collection("papers", dimension=DIMENSION)
        papers = store.collection("papers")
        papers.upsert(documents(0, 0, 0))
        steps = int(asked(writer, "1000000").removeprefix("done "))
        assert told(writer) == "ended"
        points = sampled(range(steps), 5, name)
        busy = 0
        for step in points:
            papers.upsert(documents(0, 0, 0))
            what, pid = asked(writer, str(step)).split()
            assert what == "stopped", step
            began = time.monotonic()
            assert whole_batches(list(papers.scan())).keys() == {"0-0"}
            assert len(papers.search(ONES, top_k=100)) == BATCH
            try:
                papers.upsert(documents(1, 1, step))
            except EngineBusy:
                busy += 1
            else:
                papers.delete(filter={"worker": 1})
            assert time.monotonic() - began < 1.0
            os.kill(int(pid), signal.SIGKILL)
            assert told(writer) == "ended"
            papers.upsert(documents(1, 1, step))
            assert whole_batches(list(papers.scan())).keys() == {"0-0", "1-1"}
            papers.delete(filter={"worker": 1})
        assert 0 < busy < len(points)
    counted(f"steps at which a process that writes was stopped and killed, {name}", len(points))


def test_another_process_sees_commits_at_its_next_call(tmp_path: Path, name: str) -> None:
    """Insert, replace, delete, drop and recreate here are in the next search of a store opened elsewhere."""
    nearest = "papers.search([1.0, 2.0]).ids"
    matching = "papers.search([1.0, 2.0], filter='n >= 2').ids"
    words = "papers.search('wing', mode='text').ids"
    with onevec.connect(ENGINES[name](tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        with process("answerer", ENGINES[name](tmp_path)) as child:

            def answer(question: str) -> Any:
                return json.loads(asked(child, question))

            assert answer(nearest) == answer(words) == []
            papers.upsert([Document(str(n), text="a wing", vector=[1.0, 2.0 + n], metadata={"n": n}) for n in range(4)])
            assert answer(nearest) == answer(words) == ["0", "1", "2", "3"]
            assert answer(matching) == ["2", "3"]
            papers.upsert(Document("2", text="a flap", vector=QUERY, metadata={"n": 0}))
            assert answer(nearest)[:2] == ["0", "2"]
            assert answer(matching) == ["3"]
            assert answer(words) == ["0", "1", "3"]
            papers.delete(["0", "3"])
            assert answer(nearest) == ["2", "1"]
            assert answer(matching) == []
            store.delete_collection("papers")
            assert answer("[info.name for info in store.collections()]") == []
            again = store.create_collection("papers", dimension=2)
            assert answer("(papers := store.collection('papers')).search([1.0, 2.0]).ids") == []
            again.upsert(Document("new", vector=QUERY, metadata={"n": 5}))
            assert answer(nearest) == answer(matching) == ["new"]
            assert answer("papers.upsert({'id': 'theirs', 'vector': [1.0, 2.0]}).written") == 1
            assert again.search(QUERY).ids == ["new", "theirs"]


def test_what_is_deleted_leaves_no_file(tmp_path: Path, name: str) -> None:
    """A collection or namespace that one store searched and another deletes leaves no index behind."""
    with onevec.connect(ENGINES[name](tmp_path)) as one, onevec.connect(ENGINES[name](tmp_path)) as two:
        papers = one.create_collection("papers", dimension=DIMENSION)
        before = files(tmp_path)
        for whole in (False, True):
            acme = papers.namespace("acme")
            acme.upsert(documents(0, 0, 0))
            acme.search(ONES)
            acme.optimize()
            if whole:
                two.delete_collection("papers")
            else:
                two.collection("papers").namespace("acme").clear()
            assert files(tmp_path) <= before


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_threads_of_two_stores_lose_nothing(tmp_path: Path, name: str) -> None:
    """Threads that write and read two stores of one folder at once lose nothing and see their own writes."""
    with (
        onevec.connect(ENGINES[name](tmp_path)) as one,
        onevec.connect(ENGINES[name](tmp_path)) as two,
        ThreadPoolExecutor(4) as threads,
    ):
        one.create_collection("papers", dimension=2)

        def work(worker: int) -> None:
            papers = (one, two)[worker % 2].collection("papers")
            for number in range(15):
                ids = [f"{worker}-{number}-{part}" for part in range(3)]
                papers.upsert([Document(id, vector=QUERY, metadata={"worker": worker}) for id in ids])
                assert [document.id for document in papers.get_many(ids)] == ids
                assert papers.delete(ids[0]) == 1
                assert papers.count({"worker": worker}) == 2 * (number + 1)

        list(threads.map(work, range(4)))
        for store in (one, two):
            assert store.collection("papers").count() == 4 * 15 * 2
