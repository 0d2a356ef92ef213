"""Several processes on one folder: they write, index, and see each other's documents."""

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

from .faiss_samples import DIMENSION, clustered, columns, index_of, queries, recall

BATCH = 100

# Answers each line of Python with the JSON of its value.
ANSWERING = """
import json, sys, onevec
from tests.engines.faiss_samples import clustered, columns, index_of, queries, recall
with onevec.connect(sys.argv[1]) as store:
    papers = store.collection("papers")
    for line in sys.stdin:
        print(json.dumps(eval(line)), flush=True)
"""

# Writes batches and says which are acknowledged; brings the index up to date now and then.
WRITING = f"""
import sys, onevec
from tests.engines.faiss_samples import columns
with onevec.connect(sys.argv[1]) as store:
    papers = store.collection("papers")
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        papers.upsert(**columns(range(number * {BATCH}, (number + 1) * {BATCH})))
        if number % 5 == 4:
            papers.optimize()
        print(number, flush=True)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"faiss:///{tmp_path}/store?index=IVF16,Flat"
    with onevec.connect(url) as store:
        store.create_collection("papers", dimension=DIMENSION)
    return url


@contextmanager
def process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
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


def test_two_processes_write_and_index_at_once(url: str) -> None:
    """Every document of both is there and found, here too, whoever made the index that is saved in the end."""
    with (
        onevec.connect(url) as store,
        process(WRITING, url, 0, 15) as first,
        process(WRITING, url, 15, 30) as second,
    ):
        papers = store.collection("papers")
        while first.poll() is None or second.poll() is None:
            assert len(papers.search(queries()[0])) <= 10
        assert (first.returncode, second.returncode) == (0, 0)
        assert papers.count() == 30 * BATCH
        papers.optimize()
        assert recall(papers) >= 0.95
    with onevec.connect(url) as store:
        papers = store.collection("papers")
        assert recall(papers) >= 0.95
        for row in range(0, 30 * BATCH, 97):
            assert papers.search(clustered(30 * BATCH)[row], top_k=1).ids == [f"{row:05}"]


def test_another_process_sees_commits_at_its_next_search(url: str) -> None:
    """Insert, replace and delete here, with an index there and another one here, are in the next search there."""
    with onevec.connect(url) as store, process(ANSWERING, url) as child:
        papers = store.collection("papers")
        papers.upsert(**columns(range(1200)))
        assert asked(child, "[papers.optimize(), index_of(papers).index.size]") == [None, 1200]
        papers.optimize()
        papers.delete("00007")
        papers.upsert(ids=["00008"], vectors=[-clustered()[8]])
        assert "00007" not in asked(child, "papers.search(clustered()[7], top_k=20, nprobe=16).ids")
        assert asked(child, "papers.search(-clustered()[8], top_k=1, nprobe=16).ids") == ["00008"]
        papers.create_index("hnsw")
        assert asked(child, "papers.search(clustered()[9], top_k=1, ef_search=100).ids") == ["00009"]
        assert asked(child, "index_of(papers).index.links") == 64
        assert asked(child, "papers.upsert(**columns(range(1200, 1300))).written") == 100
        built = index_of(papers)
        assert built is not None
        assert papers.search(clustered()[1250], top_k=1).ids == ["01250"]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize("acknowledged", [5, 12, 15])
def test_a_killed_process_loses_no_acknowledged_batch(url: str, acknowledged: int) -> None:
    """After kill -9, between commits or in the middle of an index, all that was acknowledged is there and found."""
    with process(WRITING, url, 0, 1000) as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(acknowledged)]
        child.send_signal(signal.SIGKILL)
        told += [int(line) for line in child.stdout if line.endswith("\n")]
    with onevec.connect(url) as store:
        papers = store.collection("papers")
        assert papers.count() in {len(told) * BATCH, (len(told) + 1) * BATCH}
        for number in told:
            row = number * BATCH
            assert papers.search(clustered(row + 1)[row], top_k=1).ids == [f"{row:05}"]
        assert recall(papers) >= 0.95
        papers.optimize()
        assert recall(papers) >= 0.95
    strays = [file.name for file in Path(url.removeprefix("faiss:///").partition("?")[0]).iterdir()]
    assert sorted(strays) in (["store.db"], ["index-1.faiss", "store.db"])
