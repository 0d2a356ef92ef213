"""The jsonl engine's folder, shared between processes, one of which may be killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import onevec
from onevec import Collection, Document
from onevec.adapters.jsonl import TornLineWarning

QUERY = [1.0, 2.0]
BATCH = 20

# Writes batches, replaces one document each time, and says which are acknowledged.
WRITER = f"""
import sys, onevec
store = onevec.connect(sys.argv[1])
papers = store.collection("papers")
worker = sys.argv[2]
for number in range(int(sys.argv[3])):
    papers.upsert([
        {{"id": f"{{worker}}-{{number:05}}-{{part:02}}", "vector": [1.0, float(part)], "text": "wing " * 20,
         "metadata": {{"batch": f"{{worker}}-{{number:05}}"}}}}
        for part in range({BATCH})
    ])
    papers.namespace("last").upsert({{"id": worker, "vector": [1.0, 1.0], "metadata": {{"number": number}}}})
    print(number, flush=True)
"""

# Compacts the file over and over while others write.
COMPACTER = """
import sys, onevec
papers = onevec.connect(sys.argv[1]).collection("papers")
while papers.count() < int(sys.argv[2]):
    papers.optimize()
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"jsonl:///{tmp_path}/store"
    with onevec.connect(url) as store:
        store.create_collection("papers", dimension=2)
    return url


@contextmanager
def process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def batches(papers: Collection) -> Counter[str]:
    return Counter(document.metadata["batch"] for document in papers.scan(include_vectors=False))


@pytest.mark.parametrize("acknowledged", [1, 7, 40])
def test_a_killed_writer_loses_no_acknowledged_batch(url: str, acknowledged: int) -> None:
    """After kill -9 every batch that was acknowledged is there, every batch is there whole or not at all."""
    with process(WRITER, url, "w", "100000") as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(acknowledged)]
        child.send_signal(signal.SIGKILL)
        told += [int(line) for line in child.stdout if line.endswith("\n")]
    with warnings.catch_warnings(), onevec.connect(url) as store:
        warnings.simplefilter("ignore", TornLineWarning)
        papers = store.collection("papers")
        found = batches(papers)
        assert set(found.values()) == {BATCH}
        assert {f"w-{number:05}" for number in told} <= found.keys()
        last = papers.namespace("last").get("w")
        assert last is not None
        assert last.metadata["number"] >= told[-1]
        assert len(papers.search(QUERY, top_k=1_000_000)) == papers.count() == len(found) * BATCH
        assert len(papers.search("wing", mode="text", top_k=1_000_000)) == len(found) * BATCH
        papers.upsert(Document("after", vector=QUERY))
    with onevec.connect(url) as store:
        assert store.collection("papers").get("after") is not None


def test_processes_that_write_at_once_lose_nothing(url: str) -> None:
    """Two processes write 2,000 documents, one compacts, this one reads whole batches, and never fewer."""
    with (
        onevec.connect(url) as store,
        process(WRITER, url, "a", "50") as first,
        process(WRITER, url, "b", "50") as second,
        process(COMPACTER, url, "2000") as third,
    ):
        papers = store.collection("papers")
        seen: Counter[str] = Counter()
        while any(child.poll() is None for child in (first, second, third)):
            found = batches(papers)
            assert set(found.values()) <= {BATCH}
            assert seen <= found
            seen = found
        for child in (first, second):
            assert child.stdout is not None
            assert child.stdout.read().split() == [str(number) for number in range(50)]
        assert [child.wait() for child in (first, second, third)] == [0, 0, 0]
        expected = {f"{worker}-{number:05}" for worker in "ab" for number in range(50)}
        assert batches(papers).keys() == expected
        assert papers.count() == len(papers.search(QUERY, top_k=10_000)) == 2_000
    with onevec.connect(url, read_only=True) as again:
        assert batches(again.collection("papers")) == dict.fromkeys(expected, BATCH)
        assert {one.id: one.metadata for one in again.collection("papers").namespace("last").scan()} == {
            worker: {"number": 49} for worker in "ab"
        }


def test_threads_of_two_stores_lose_nothing(url: str) -> None:
    """Threads that write and read two stores of one folder at once lose nothing and see their own writes."""
    from concurrent.futures import ThreadPoolExecutor

    with onevec.connect(url) as one, onevec.connect(url) as two, ThreadPoolExecutor(4) as threads:

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
