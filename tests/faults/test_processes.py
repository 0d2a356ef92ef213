"""Processes that share a store: several write, one reads, one optimizes, and a writer is killed again and again."""

from __future__ import annotations

import os
import random
import select
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

import onevec
from onevec import Collection, Document, Metric
from onevec.testing.scores import assert_nearest, distances

from .embedded import AT_ONCE, ENGINES
from .processes import (
    DIMENSION,
    Batches,
    after,
    assert_scored,
    documents,
    process,
    rows_of,
    stored,
    told,
    undated,
    write,
)
from .sampling import LONG, Counted
from .soundness import OPENS_WITHIN

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL"),
    pytest.mark.filterwarnings("ignore::onevec.adapters.jsonl.TornLineWarning"),
    pytest.mark.timeout(3600),
]

WRITES = 1260 if LONG else 24  # of all writers together
KILLS = 20 if LONG else 1


@pytest.mark.parametrize("name", AT_ONCE)
@pytest.mark.parametrize("writers", [2, 4] if LONG else [2])
def test_processes_lose_nothing(tmp_path: Path, name: str, writers: int, counted: Counted) -> None:
    """All that was acknowledged is there and nothing else, though a writer was killed and others wrote and read."""
    url = ENGINES[name](tmp_path)
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        write(papers, 99, 0)
        stop = WRITES // writers
        with ExitStack() as stack:
            reader, optimizer = [stack.enter_context(process(role, url)) for role in ("reader", "optimizer")]
            others = [stack.enter_context(process("writer", url, worker, 0, stop)) for worker in range(1, writers)]
            batches, killed = write_and_be_killed(url, papers, stop)
            for child in others:
                assert [line for line in child.communicate()[0].splitlines() if line.startswith("done")] == [
                    f"done {number}" for number in range(stop)
                ]
                assert child.returncode == 0
            rounds = [child.communicate("end\n")[0] for child in (reader, optimizer)]
            assert [child.returncode for child in (reader, optimizer)] == [0, 0]
    whole: Batches = {}
    for number in range(stop):
        whole = after(whole, number)
    assert batches == whole
    expected = documents(99, 0, 0)
    for worker in range(writers):
        expected += [one for batch, version in whole.items() for one in documents(worker, batch, version)]
    assert_holds(url, expected)
    counted(f"rows written by processes, {name}", writers * sum(map(rows_of, range(stop))))
    counted(f"kills of a process that writes, {name}", killed)
    counted(f"looks for half a batch meanwhile, {name}", int(rounds[0]))
    counted(f"optimizations meanwhile, {name}", int(rounds[1]))


def write_and_be_killed(url: str, papers: Collection, stop: int) -> tuple[Batches, int]:
    """Run writer 0, kill it at random moments, and look each time at what it left; return what it has stored."""
    chance = random.Random(stop)
    moments = sorted(chance.sample(range(1, stop - 1), KILLS))
    batches: Batches = {}
    number = killed = 0
    while number < stop:
        begun = -1
        with process("writer", url, 0, number, stop) as child:
            while line := told(child):
                if line == f"begin {number}":
                    begun = number
                    continue
                assert line == f"done {number}"
                batches = after(batches, number)
                number += 1
                if moments and number > moments[0]:
                    moments.pop(0)
                    assert child.stdout is not None
                    select.select([child.stdout], [], [], chance.uniform(0, 0.02))
                    child.kill()
                    killed += 1
            assert child.wait() in {0, -signal.SIGKILL}
        found = stored(papers, 0)
        if begun == number and found == after(batches, number):
            batches = found
            number += chance.randrange(2)  # else the call is made again
        assert found == batches
    return batches, killed


def assert_holds(url: str, expected: Sequence[Document]) -> None:
    """Open the store: it has these documents, and finds all of them and nothing else."""
    by_id = {document.id: document for document in sorted(expected, key=lambda one: one.id)}
    vectors = np.array([document.vector for document in by_id.values()])
    began = time.monotonic()
    with onevec.connect(url) as store:
        papers = store.collection("papers")
        assert papers.count() == len(papers.search(vectors[0], top_k=1_000_000)) == len(by_id)
        assert time.monotonic() - began < OPENS_WITHIN
        assert list(map(undated, papers.scan())) == list(by_id.values())
        assert set(papers.search("slipstream", mode="text", top_k=1_000_000).ids) == by_id.keys()
        for query in np.random.default_rng(0).normal(size=(20, DIMENSION)):
            true = dict(zip(by_id, distances(Metric.COSINE, query, vectors).tolist(), strict=True))
            assert_nearest(papers.search(query, exact=True), Metric.COSINE, true, 10)
            assert_scored(papers, query)
            chosen = {id: true[id] for id, document in by_id.items() if document.metadata["version"]}
            assert_nearest(papers.search(query, exact=True, filter="version > 0"), Metric.COSINE, chosen, 10)
        assert store.health().status == "healthy"
