"""The sqlite engine's file, shared between processes, one of which may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import onevec
from onevec import Document

QUERY = [1.0, 2.0]
BATCH = 20

# Answers each line of Python with the JSON of its value.
READER = """
import json, sys, onevec
store = onevec.connect(sys.argv[1])
for line in sys.stdin:
    print(json.dumps(eval(line)), flush=True)
"""

# Writes batches for ever and says which are acknowledged.
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
    papers.upsert([{{"id": f"{{worker}}-last", "vector": [1.0, 1.0], "metadata": {{"number": number}}}}])
    print(number, flush=True)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


@contextmanager
def process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def asked(child: subprocess.Popen[str], question: str) -> Any:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(question + "\n")
    child.stdin.flush()
    return json.loads(child.stdout.readline())


def test_another_process_sees_commits_at_its_next_search(url: str) -> None:
    """Insert, replace, delete, drop and recreate here are in the next search of a store opened elsewhere."""
    nearest = "store.collection('papers').search([1.0, 2.0]).ids"
    matching = "store.collection('papers').search([1.0, 2.0], filter='n >= 2').ids"
    words = "store.collection('papers').search('wing', mode='text').ids"
    with onevec.connect(url) as store, process(READER, url) as child:
        papers = store.create_collection("papers", dimension=2)
        assert asked(child, nearest) == asked(child, words) == []
        papers.upsert([Document(str(n), text="a wing", vector=[1.0, 2.0 + n], metadata={"n": n}) for n in range(4)])
        assert asked(child, nearest) == asked(child, words) == ["0", "1", "2", "3"]
        assert asked(child, matching) == ["2", "3"]
        papers.upsert(Document("2", text="a flap", vector=[1.0, 2.0], metadata={"n": 0}))
        assert asked(child, nearest)[:2] == ["0", "2"]
        assert asked(child, matching) == ["3"]
        assert asked(child, words) == ["0", "1", "3"]
        papers.delete(["0", "3"])
        assert asked(child, nearest) == ["2", "1"]
        assert asked(child, matching) == []
        store.delete_collection("papers")
        assert asked(child, "[info.name for info in store.collections()]") == []
        again = store.create_collection("papers", dimension=2)
        assert asked(child, nearest) == []
        again.upsert(Document("new", vector=QUERY, metadata={"n": 5}))
        assert asked(child, nearest) == asked(child, matching) == ["new"]
        assert asked(child, "store.collection('papers').upsert({'id': 'theirs', 'vector': [1.0, 2.0]}).written") == 1
        assert again.search(QUERY).ids == ["new", "theirs"]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize("acknowledged", [1, 7, 23])
def test_a_killed_writer_loses_no_acknowledged_batch(url: str, acknowledged: int) -> None:
    """After kill -9 every batch that was acknowledged is there, every batch is there whole or not at all."""
    with onevec.connect(url) as store:
        store.create_collection("papers", dimension=2)
    with process(WRITER, url, "w", "100000") as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(acknowledged)]
        child.send_signal(signal.SIGKILL)
        told += [int(line) for line in child.stdout if line.endswith("\n")]
    with onevec.connect(url) as store:
        papers = store.collection("papers")
        sizes: dict[str, int] = {}
        for document in papers.scan(filter="batch exists"):
            sizes[document.metadata["batch"]] = sizes.get(document.metadata["batch"], 0) + 1
        assert set(sizes.values()) == {BATCH}
        assert {f"w-{number:05}" for number in told} <= sizes.keys()
        last = papers.get("w-last")
        assert last is not None
        assert last.metadata["number"] >= told[-1]
        assert len(papers.search(QUERY, top_k=1_000_000)) == papers.count() == len(sizes) * BATCH + 1
        assert len(papers.search("wing", mode="text", top_k=1_000_000)) == len(sizes) * BATCH
        papers.upsert(Document("after", vector=QUERY))
        assert papers.get("after") is not None


def test_processes_that_write_at_once_wait_for_each_other(url: str) -> None:
    """Two processes and this one write to one file at once, and every document is there."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        with process(WRITER, url, "a", "15") as first, process(WRITER, url, "b", "15") as second:
            for number in range(30):
                papers.upsert(Document(f"ours-{number}", vector=QUERY))
                assert papers.get(f"ours-{number}") is not None
            for child in (first, second):
                assert child.stdout is not None
                assert child.stdout.read().split() == [str(number) for number in range(15)]
                assert child.wait() == 0
        assert papers.count() == len(papers.search(QUERY, top_k=10_000)) == 2 * (15 * BATCH + 1) + 30
        assert papers.count({"batch": "a-00007"}) == BATCH
