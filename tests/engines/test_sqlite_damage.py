"""The sqlite engine on a file that was damaged, or that another program wrote to."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import numpy as np
import pytest

import onevec
from onevec import Collection, Document
from onevec.errors import Corrupted, OnevecError

QUERY = [1.0, 2.0]


def documents(count: int, *, text: str | None = "wing") -> list[Document]:
    return [Document(f"{n:04}", text=text, vector=[1.0, float(n)], metadata={"n": n}) for n in range(count)]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A closed store with a collection `papers` of ten documents."""
    path = tmp_path / "store.db"
    with onevec.connect(f"sqlite:///{path}") as store:
        store.create_collection("papers", dimension=2).upsert(documents(10))
    return path


def damages(whole: bytes) -> Iterator[bytes]:
    """The file with noise at each of some places, and cut off at each of some sizes."""
    numbers = random.Random(7)
    for position in range(0, len(whole), len(whole) // 24):
        yield whole[:position] + numbers.randbytes(300) + whole[position + 300 :]
    for size in (1, 50, 100, 4096, 5000, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        yield whole[:size]


def test_a_damaged_file_gives_typed_errors(written: Path) -> None:
    """Wherever a file is damaged or cut off, every call gives an answer or an error of onevec, nothing else."""
    with onevec.connect(f"sqlite:///{written}") as store:
        long = [Document(f"x{n}", text="wing " * 50, vector=QUERY, metadata={"s": "y" * 99}) for n in range(200)]
        store.collection("papers").upsert(long)
    calls: tuple[Callable[[Collection], object], ...] = (
        lambda papers: list(papers.scan()),
        lambda papers: papers.get_many([f"x{n}" for n in range(200)]),
        lambda papers: papers.search(QUERY, top_k=500, filter={"s": {"$exists": True}}),
        lambda papers: papers.count({"n": {"$gte": 3}}),
        lambda papers: papers.search("wing", mode="text", top_k=500),
        lambda papers: papers.update("x7", metadata={"s": "z"}),
        lambda papers: papers.upsert(documents(3)),
        lambda papers: papers.delete(filter={"n": 1}),
    )
    typed = 0
    for damaged in damages(written.read_bytes()):
        for file in written.parent.iterdir():
            file.unlink()
        written.write_bytes(damaged)
        try:
            store = onevec.connect(f"sqlite:///{written}")
        except OnevecError:
            typed += 1
            continue
        with store:
            for call in calls:
                try:
                    call(store.collection("papers"))
                except OnevecError:
                    typed += 1
    assert typed > 10


def flipped(path: Path, what: bytes) -> None:
    """Change one byte in the middle of the only place in the file that holds these bytes."""
    content = bytearray(path.read_bytes())
    assert content.count(what) == 1
    content[content.index(what) + len(what) // 2] ^= 1
    path.write_bytes(content)


def test_damage_says_what_to_do(written: Path) -> None:
    """A damaged document is an error that names the file, the row and the way out; the others can be read."""
    flipped(written, np.array([1.0, 7.0], np.float32).tobytes())
    with onevec.connect(f"sqlite:///{written}") as store:
        papers = store.collection("papers")
        for read in (lambda: papers.search(QUERY), lambda: papers.get("0007"), lambda: list(papers.scan())):
            with pytest.raises(
                Corrupted, match=r"store\.db is damaged \(.*rows?.*\); restore it from a backup, or copy"
            ):
                read()
        assert papers.get("0006") == papers.get_many(["0006", "0008"])[0]
        assert papers.count({"n": {"$gte": 5}}) == 5
        health = store.health()
        assert (health.status, len(health.issues)) == ("unhealthy", 1)


def test_a_changed_text_is_found_by_health(written: Path) -> None:
    """`health` reads all that is stored."""
    with onevec.connect(f"sqlite:///{written}") as store:
        store.collection("papers").upsert(Document("x", text="the lift of a wing", vector=QUERY))
        assert store.health().status == "healthy"
    flipped(written, b"the lift of a wing")
    with onevec.connect(f"sqlite:///{written}") as store:
        assert store.collection("papers").search([1.0, 9.0], top_k=1).ids == ["0009"]
        assert "row 11" in store.health().issues[0]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM documents WHERE id = '0003'",
        "UPDATE documents SET metadata = '{}' WHERE id = '0003'",
        "UPDATE documents SET id = 'x' WHERE id = '0003'",
    ],
)
def test_what_another_program_writes_is_refused(written: Path, change: str) -> None:
    """A document that another program changed or removed is `Corrupted` for every read that could be wrong by it."""
    other = sqlite3.connect(written)
    other.execute(change)
    other.commit()
    other.close()
    with onevec.connect(f"sqlite:///{written}") as store:
        papers = store.collection("papers")
        reads: tuple[Callable[[], object], ...] = (
            lambda: papers.search(QUERY),
            lambda: papers.search("wing", mode="text"),
            lambda: papers.get("0003"),
            lambda: papers.count({"n": 3}),
            lambda: list(papers.scan()),
        )
        for read in reads:
            with pytest.raises(Corrupted):
                read()


def test_a_damaged_text_index_is_made_anew(written: Path) -> None:
    """The full-text index follows from the texts; one that is not what was written is dropped and made again."""
    with onevec.connect(f"sqlite:///{written}") as store:
        store.collection("papers").search("wing", mode="text")
    other = apsw.Connection(str(written))
    other.execute("UPDATE texts_1_docsize SET sz = X'7F' WHERE id = 3; DELETE FROM texts_1_data WHERE id > 100")
    other.close()
    with onevec.connect(f"sqlite:///{written}", read_only=True) as store:
        assert len(store.collection("papers").search("wing", mode="text")) == 10
    with onevec.connect(f"sqlite:///{written}") as store:
        found = store.collection("papers").search("wing", mode="text")
        assert (len(found), len(set(found.scores))) == (10, 1)
    with onevec.connect(f"sqlite:///{written}", read_only=True) as store:
        assert store.collection("papers").search("wing", mode="text").ids == found.ids
        assert store.health().status == "healthy"


def test_a_page_in_use_is_never_taken_for_a_free_one(written: Path) -> None:
    """Where the list of free pages names one that is in use, reads go on, and no write overwrites it."""
    with onevec.connect(f"sqlite:///{written}") as store:
        papers = store.collection("papers")
        papers.upsert([Document(f"x{n}", text="wing " * 400, vector=QUERY) for n in range(40)])
        papers.delete([f"x{n}" for n in range(30)])
    with closing(apsw.Connection(str(written))) as connection:
        rows = connection.execute("SELECT pageno FROM dbstat WHERE name = 'documents' AND pagetype = 'leaf'").fetchall()
    content = bytearray(written.read_bytes())
    trunk = (int.from_bytes(content[32:36], "big") - 1) * 4096
    assert int.from_bytes(content[trunk + 4 : trunk + 8], "big") > 0
    content[trunk + 8 : trunk + 12] = int(str(rows[0][0])).to_bytes(4, "big")
    written.write_bytes(content)
    with onevec.connect(f"sqlite:///{written}") as store:
        papers = store.collection("papers")
        assert len(papers.search(QUERY, top_k=50)) == papers.count() == 20
        with pytest.raises(Corrupted):
            papers.upsert(documents(3))
        assert len(list(papers.scan())) == 20
