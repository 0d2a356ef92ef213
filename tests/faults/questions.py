"""What is asked of a store whose files may be damaged, in a process that may die of it.

As a program it reads a line of JSON, a `Visit`, asks everything of the store there, and answers with a line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import orjson

import onevec
from onevec import Collection, Document, Store
from onevec.errors import OnevecError

from .soundness import url

Place: TypeAlias = tuple[str, str]
Answers: TypeAlias = dict[str, str]

SIZES: Mapping[Place, tuple[int, int]] = {
    ("papers", ""): (8, 240),
    ("papers", "acme"): (8, 60),
    ("wide", ""): (2500, 5),
}
WORDS = ("wing", "flap", "gust", "rudder")

_IDS = [f"{number:03} {'long ' * 20}" for number in range(250)]


def documents(place: Place, numbers: Iterable[int], version: int) -> list[Document]:
    """Make documents that differ in all parts from those of another number or version."""
    return [
        Document(
            _IDS[number],
            text=None if number % 9 == 8 else f"{WORDS[(number + version) % 3]} {version} " + "in a slipstream " * 9,
            vector=np.random.default_rng((number, version)).normal(size=SIZES[place][0]).astype(np.float32),
            metadata={"n": number, "version": version, "tags": [WORDS[number % 3], f"t{version}"]},
        )
        for number in numbers
    ]


@dataclass(frozen=True, slots=True)
class Visit:
    """A store to be asked.

    Attributes:
        folder: Where it is.
        indexes: Whether searches may use the indexes that were saved.
    """

    folder: str
    indexes: bool = False

    def connected(self) -> Store:
        return onevec.connect(url(Path(self.folder)), create=False, index_from=int(self.indexes), max_retries=0)


def main() -> None:
    """Answer for each visit."""
    for line in sys.stdin:
        visit = Visit(**json.loads(line))
        try:
            told = asked(visit)
        except BaseException:  # noqa: BLE001 (told, and the next folder asked for)
            told = {"raised": traceback.format_exc()}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def asked(visit: Visit) -> dict[str, Any]:
    """Ask a store everything, each kind of question in a store that was just opened; write; ask again, twice.

    Returns:
        `before`: the answers; `written`: what became of a write to each place; `during` and `after`: the answers of
        that store and of one opened later; `seconds`: the longest time that opening and an answer took.
    """
    kinds = INDEX_QUESTIONS if visit.indexes else QUESTIONS
    every = {name: question for questions in kinds for name, question in questions.items()}
    before: Answers = {}
    seconds = 0.0
    for questions in kinds:
        opened = time.monotonic()
        before |= answered(visit, questions, dated=True)
        seconds = max(seconds, time.monotonic() - opened)
    written: Answers = {}
    during: Answers = {}
    try:
        with visit.connected() as store:
            for place in SIZES:
                written["/".join(place)] = attempted(partial(_write_at, store, place))
            during = answers(store, every, dated=False)
    except OnevecError as error:
        during = {"opening or closing": told(error)}
    after = answered(visit, every, dated=False)
    return {"before": before, "written": written, "during": during, "after": after, "seconds": seconds}


def at(store: Store, place: Place) -> Collection:
    return store.collection(place[0]).namespace(place[1])


def write(papers: Collection, place: Place) -> None:
    """Replace, add and delete something."""
    papers.upsert(documents(place, (1, 3, 248, 249), 9))
    papers.delete(_IDS[2:3])


def answered(visit: Visit, questions: Questions, *, dated: bool) -> Answers:
    try:
        with visit.connected() as store:
            return answers(store, questions, dated=dated)
    except OnevecError as error:
        return {"opening or closing": told(error)}


def answers(store: Store, questions: Questions, *, dated: bool) -> Answers:
    """The digest of each answer, by the question and the place; of an error, its name after a `!`."""
    found = {}
    for name, question in questions.items():
        for place in SIZES:
            asking = f"{name} of {'/'.join(place)}"
            found[asking] = attempted(partial(_ask_at, store, place, question, dated=dated))
    found["collections"] = attempted(
        lambda: [
            (info.name, info.metric, info.dimension, info.embedder, info.created_at) for info in store.collections()
        ]
    )
    return found


def _ask_at(store: Store, place: Place, question: Callable[[Collection, bool], object], *, dated: bool) -> object:
    return question(at(store, place), dated)


def _write_at(store: Store, place: Place) -> None:
    write(at(store, place), place)


def attempted(call: Callable[[], object]) -> str:
    try:
        return hashlib.sha256(orjson.dumps(call())).hexdigest()[:16]
    except OnevecError as error:
        return told(error)


def told(error: OnevecError) -> str:
    return f"!{type(error).__name__}: {error}"


def _parts(found: Iterable[Document], dated: bool) -> list[tuple[object, ...]]:
    return [
        (
            document.id,
            document.text,
            document.metadata,
            None if document.vector is None else np.asarray(document.vector, np.float32).tobytes().hex(),
            (document.created_at, document.updated_at) if dated else None,
        )
        for document in found
    ]


def _nearest(papers: Collection, **options: Any) -> list[tuple[str, float]]:
    dimension = papers.info().dimension
    queries = np.random.default_rng(5).normal(size=(2, dimension)).astype(np.float32)
    return [(hit.id, round(hit.score, 4)) for query in queries for hit in papers.search(query, top_k=300, **options)]


def _worded(papers: Collection) -> list[tuple[str, float]]:
    return [(hit.id, round(hit.score, 6)) for word in WORDS for hit in papers.search(word, mode="text", top_k=300)]


Questions: TypeAlias = Mapping[str, Callable[[Collection, bool], object]]

# Each mapping is asked of one store: what one question has verified, the next may rely on.
QUESTIONS: tuple[Questions, ...] = (
    {
        "count": lambda papers, _: papers.count(),
        "namespaces": lambda papers, _: papers.namespaces(),
        "get": lambda papers, dated: _parts(papers.get_many(_IDS), dated),
    },
    {"scan": lambda papers, dated: _parts(papers.scan(), dated)},
    {
        "count where": lambda papers, _: papers.count("n < 100 and version = 2"),
        "scan where": lambda papers, dated: _parts(papers.scan(filter="tags contains 't1'"), dated),
    },
    {"nearest": lambda papers, _: _nearest(papers)},
    {"nearest where": lambda papers, _: _nearest(papers, filter="tags contains 't1' or n < 30")},
    {"nearest among ids": lambda papers, _: _nearest(papers, ids=_IDS[::3])},
    {"words": lambda papers, _: _worded(papers)},
    {"stats": lambda papers, dated: (papers.stats().documents, papers.stats().updated_at if dated else None)},
)

INDEX_QUESTIONS: tuple[Questions, ...] = tuple(
    questions for questions in QUESTIONS if questions.keys() & {"nearest", "nearest where"}
)

if __name__ == "__main__":
    main()
