"""Processes that share one store, until they are done, told to end, or killed.

As a program it plays a role: `python -m tests.faults.processes ROLE URL ...`.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

import onevec
from onevec import Collection, Document

from .cancelling import is_step

BATCH = 20
DIMENSION = 8

# The version of each batch that a writer has stored.
Batches: TypeAlias = dict[int, int]

_ROOT = Path(__file__).parents[2]


@contextmanager
def process(role: str, url: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Let a process play a role; it is killed where it hasn't ended by itself."""
    command = [sys.executable, "-m", "tests.faults.processes", role, url, *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def told(child: subprocess.Popen[str]) -> str:
    """The next line that a process prints, empty when it has ended."""
    assert child.stdout is not None
    return child.stdout.readline().strip()


def asked(child: subprocess.Popen[str], question: str) -> str:
    """What a process answers to a line."""
    assert child.stdin is not None
    child.stdin.write(question + "\n")
    return told(child)


def documents(worker: int, batch: int, version: int) -> list[Document]:
    """Make the documents of a batch, which no other batch or version of it has."""
    vectors = np.random.default_rng((worker, batch, version)).normal(size=(BATCH, DIMENSION)).astype(np.float32)
    return [
        Document(
            id,
            text=f"w{worker}b{batch} version{version} in a slipstream",
            vector=vector,
            metadata={"worker": worker, "batch": f"{worker}-{batch}", "version": version},
        )
        for id, vector in zip(ids(worker, batch), vectors, strict=True)
    ]


def ids(worker: int, batch: int) -> list[str]:
    return [f"{worker}-{batch:05}-{part:02}" for part in range(BATCH)]


def write(papers: Collection, worker: int, number: int) -> None:
    """Make one write: a new batch three times, then replace, update and delete one. To make it again does no harm."""
    match number % 6:
        case 3:
            papers.upsert(documents(worker, number - 1, number))
        case 4:
            papers.update(documents(worker, number - 3, number))
        case 5 if number % 12 == 5:
            papers.delete(ids(worker, number - 5))
        case 5:
            papers.delete(filter={"batch": f"{worker}-{number - 5}"})
        case _:
            papers.upsert(documents(worker, number, 0))


def after(batches: Batches, number: int) -> Batches:
    """What a writer has stored after one more write."""
    match number % 6:
        case 3:
            return batches | {number - 1: number}
        case 4:
            return batches | {number - 3: number}
        case 5:
            return {batch: version for batch, version in batches.items() if batch != number - 5}
        case _:
            return batches | {number: 0}


def rows_of(number: int) -> int:
    """How many documents a write writes."""
    return 0 if number % 6 == 5 else BATCH


def stored(papers: Collection, worker: int) -> Batches:
    """Which batches of a writer are there, all of each and of one version."""
    page = papers.page(filter={"worker": worker}, limit=1_000_000, include_vectors=False)
    return {int(batch.partition("-")[2]): version for batch, version in whole_batches(page.documents).items()}


def whole_batches(found: Sequence[Document]) -> Mapping[str, int]:
    """The version of each batch, of which nothing may be missing or of another version."""
    versions: dict[str, list[int]] = {}
    for document in found:
        versions.setdefault(document.metadata["batch"], []).append(document.metadata["version"])
    for batch, those in versions.items():
        assert those == those[:1] * BATCH, batch
    return {batch: those[0] for batch, those in versions.items()}


def main(role: str, url: str, *arguments: str) -> None:
    """Play a role."""
    if role == "stopping writer":
        return _stop_writers(url)
    with onevec.connect(url) as store:
        papers = store.collection("papers")
        match role:
            case "writer":
                _write_all(papers, *map(int, arguments))
            case "reader":
                seen: dict[str, int] = {}
                gone: set[str] = set()
                _until_told(lambda: _read(papers, seen, gone))
            case "optimizer":
                _until_told(papers.optimize)
            case "answerer":
                names = {"store": store, "papers": papers}
                for line in sys.stdin:
                    _say(json.dumps(eval(line, names)))
    return None


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _write_all(papers: Collection, worker: int, first: int, stop: int) -> None:
    for number in range(first, stop):
        _say(f"begin {number}")
        write(papers, worker, number)
        _say(f"done {number}")


def _until_told(act: Callable[[], object]) -> None:
    rounds = 0
    while not rounds or not select.select([sys.stdin], [], [], 0)[0]:
        act()
        rounds += 1
    _say(str(rounds))


def _read(papers: Collection, seen: dict[str, int], gone: set[str]) -> None:
    """Look for a part of a batch, in every way to read, for one that is gone, and for one of an earlier version."""
    there = whole_batches(papers.page(limit=1_000_000, include_vectors=False).documents)
    gone |= seen.keys() - there.keys()
    assert not gone & there.keys()
    assert all(version >= seen.get(batch, version) for batch, version in there.items())
    seen.clear()
    seen.update(there)
    batch, number = random.choice(list(there)), random.randrange(2)
    worker, _, name = batch.partition("-")
    found = papers.get_many(ids(int(worker), int(name)))
    for version in whole_batches(found).values():
        assert [undated(document) for document in found] == documents(int(worker), int(name), version)
    assert papers.count({"batch": batch}) in {0, BATCH}
    query = np.random.default_rng(number).normal(size=DIMENSION)
    whole_batches([hit.document for hit in papers.search(query, top_k=100, filter={"batch": batch})])
    whole_batches([hit.document for hit in papers.search(f"w{worker}b{name}", mode="text", top_k=100)])
    assert_scored(papers, query)


def assert_scored(papers: Collection, query: npt.NDArray[np.float64]) -> None:
    """Search by whatever is quickest: a full page, best first, whose scores are those of the vectors found."""
    hits = papers.search(query, top_k=10, include_vectors=True)
    assert len(set(hits.ids)) == 10
    assert hits.scores == sorted(hits.scores, reverse=True)
    for hit in hits:
        vector = np.asarray(hit.vector, np.float64)
        assert abs(hit.score - query @ vector / np.linalg.norm(query) / np.linalg.norm(vector)) < 1e-4


def undated(document: Document) -> Document:
    """The document without its times."""
    return Document(document.id, text=document.text, vector=document.vector, metadata=document.metadata)


def _stop_writers(url: str) -> None:
    """For each line that is read, write a batch in a child that stops at the step of that number, if it comes to it."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _stop_at(int(line), url)
        os.waitpid(child, 0)
        _say("ended")


def _stop_at(step: int, url: str) -> None:
    numbers = itertools.count()

    def take(frame: FrameType, event: str, _: object) -> None:
        if is_step(frame, event, "adapters") and next(numbers) == step:
            _say(f"stopped {os.getpid()}")
            os.read(sys.stdin.fileno(), 1)  # until it is killed, or nobody is there any more to do it

    with onevec.connect(url) as store:
        papers = store.collection("papers")
        sys.setprofile(take)
        papers.upsert(documents(0, 0, 1))
        sys.setprofile(None)
    _say(f"done {next(numbers)}")
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
