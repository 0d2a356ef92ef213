"""An ingest that breaks off anywhere is finished by the next one, to the same collection as if it had not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from onevec import Document
from onevec.collection import Collection
from onevec.ingest import ingest

VERBS = ("upsert", "update", "delete", "get_many", "page", "count")
StateOf = Callable[[Collection], dict[str, Any]]
NewCollection = Callable[..., Collection]


class Killed(BaseException):
    """Nothing catches it, as nothing catches a power cut."""


class Dying:
    """A collection whose k-th call doesn't return: not made, half made, or made."""

    def __init__(self, collection: Collection, call: int, moment: str) -> None:
        self._collection = collection
        self._calls = count()
        self._call = call
        self._moment = moment

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._collection, name)

        def dying(*args: Any, **options: Any) -> Any:
            if name not in VERBS or next(self._calls) != self._call:
                return method(*args, **options)
            if self._moment == "after":
                method(*args, **options)
            elif self._moment == "halfway" and args and isinstance(args[0], list):
                method(args[0][: len(args[0]) // 2], **options)
            elif self._moment == "halfway" and name == "delete":
                matching = [document.id for document in self._collection.scan(filter=options["filter"])]
                self._collection.delete(matching[: len(matching) // 2])
            raise Killed

        return dying


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """So that there is much between the first and the last call."""
    monkeypatch.setattr("onevec.ingest.writing.BATCH", 4)
    monkeypatch.setattr("onevec.ingest.reconciliation._PIECES_AT_ONCE", 3)


def write(name: str, *paragraphs: object) -> None:
    Path(name).write_text("\n\n".join(f"paragraph {paragraph} ".ljust(1000, "x") for paragraph in paragraphs))


def write_rows(name: str, *rows: tuple[str, str]) -> None:
    Path(name).write_text("".join(f"{json.dumps({'id': id, 'text': text})}\n" for id, text in rows))


def first_version() -> None:
    for path in Path().iterdir():
        path.unlink()
    write("a.txt", 1, 2, 3, 4, 5, 6)
    write("b.txt", 1)
    write("c.txt", 1, 2, 3)
    write("gone.txt", 1, 2)
    write_rows("r.jsonl", ("1", "one"), ("2", "two"), ("3", "three"), ("4", "four"), ("5", "five"))
    write_rows("s.jsonl", ("6", "six"), ("7", "seven"))


def second_version() -> None:
    for path in Path().iterdir():
        path.unlink()
    write("a.txt", 9, 1, 2, 3, 5, 6, 7)
    write("b.txt", 1)
    write("c.txt", 3)
    write("new.txt", 1, 2, 3)
    write_rows("r.jsonl", ("2", "two"), ("1", "ONE"), ("6", "six"), ("8", "eight"))
    write_rows("s.jsonl", ("3", "three"), ("7", "seven"), ("8", "eight of s"))


def interruptions() -> Iterator[tuple[str, int]]:
    for moment in ("before", "halfway", "after"):
        for call in range(200):
            yield moment, call


def check(
    before: Callable[[], None] | None,
    during: Callable[[], None],
    after: Callable[[], None],
    new: NewCollection,
    state_of: StateOf,
) -> int:
    """Break off an ingest of `during` at every call, then ingest `after`; return how often it broke."""
    after()
    clean = new()
    ingest(clean, ".")
    expected = state_of(clean)
    broken = 0
    finished: set[str] = set()
    for moment, call in interruptions():
        if moment in finished:
            continue
        collection = new()
        collection.upsert([Document("mine", text="mine", metadata={"path": "a.txt"})])
        if before is not None:
            before()
            ingest(collection, ".")
        during()
        try:
            ingest(cast("Collection", Dying(collection, call, moment)), ".")
            finished.add(moment)
        except Killed:
            broken += 1
        after()
        ingest(collection, ".")
        collection.delete("mine")
        assert state_of(collection) == expected, f"broken off {moment} call {call}"
        again = ingest(collection, ".")
        assert (again.added, again.changed, again.removed) == (0, 0, 0), f"broken off {moment} call {call}"
    assert finished == {"before", "halfway", "after"}
    return broken


def test_the_first_ingest(new_collection: NewCollection, state_of: StateOf) -> None:
    """Broken off at any call."""
    assert check(None, first_version, first_version, new_collection, state_of) > 30


def test_an_ingest_of_changes(new_collection: NewCollection, state_of: StateOf) -> None:
    """Files changed, shrunk, new and gone, rows changed, moved to other files and contested."""
    assert check(first_version, second_version, second_version, new_collection, state_of) > 40


def test_changes_taken_back_after_the_break(new_collection: NewCollection, state_of: StateOf) -> None:
    """The old marks must not pass for the truth: half of the new version may stand under them."""
    assert check(first_version, second_version, first_version, new_collection, state_of) > 40
