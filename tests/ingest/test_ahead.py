"""Ingest embeds the next documents while it writes those before; what it writes and reports stays the same."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

import onevec
from onevec.collection import Collection
from onevec.errors import EmbeddingFailed
from onevec.ingest import ingest, ingest_async


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("onevec.ingest.writing.BATCH", 4)
    monkeypatch.setattr("onevec.ingest.reconciliation._PIECES_AT_ONCE", 3)
    (folder / "rows.csv").write_text("id,text\n" + "".join(f"r{n},text {n}\n" for n in range(12)))


class Locking:
    """Takes the store's write lock with the first batch, and gives it back with the second."""

    name = "locking"
    dimension = 2

    def __init__(self) -> None:
        self.other: apsw.Connection | None = None
        self.batches: list[int] = []
        self.threads: set[threading.Thread] = set()

    def embed(self, texts: Any) -> Any:
        self.threads.add(threading.current_thread())
        self.batches.append(len(texts))
        if self.other is not None and len(self.batches) < 3:
            self.other.execute("BEGIN IMMEDIATE" if len(self.batches) == 1 else "ROLLBACK")
        return [[1.0, float(len(text))] for text in texts]


def test_a_batch_is_embedded_while_the_one_before_is_written(tmp_path: Path) -> None:
    """The first batch can only be written because the second one is embedded meanwhile, in a thread of its own."""
    model = Locking()
    with onevec.connect(f"sqlite:///{tmp_path}/store.db?busy_timeout=10", max_retries=0) as store:
        collection = store.create_collection("files", embedder=model)
        model.other = apsw.Connection(str(tmp_path / "store.db"))
        report = ingest(collection, "rows.csv")
        model.other.close()
        assert (report.chunks_written, collection.count()) == (12, 12)
    assert model.batches == [4, 4, 4]
    assert len(model.threads) == 1
    assert threading.current_thread() not in model.threads
    assert not any(thread.is_alive() for thread in model.threads)


def test_the_async_form_does_so_too(tmp_path: Path) -> None:
    """By the same proof."""
    model = Locking()

    async def main() -> None:
        url = f"sqlite:///{tmp_path}/store.db?busy_timeout=10"
        async with onevec.connect_async(url, max_retries=0) as store:
            collection = await store.create_collection("files", embedder=model)
            model.other = apsw.Connection(str(tmp_path / "store.db"))
            report = await ingest_async(collection, "rows.csv")
            model.other.close()
            assert (report.chunks_written, await collection.count()) == (12, 12)

    asyncio.run(main())
    assert model.batches == [4, 4, 4]


def test_rows_without_a_usable_vector_are_told_of_one_by_one(
    folder: Path, new_collection: Callable[..., Collection]
) -> None:
    """Also where they stand side by side; the others of the batch are written."""
    (folder / "rows.csv").write_text("id,text\nr0,a\nr1,0\nr2,0\nr3,b\nr4,c\n")
    collection = new_collection()
    report = ingest(collection, "rows.csv")
    assert [(row.path, row.line) for row in report.skipped] == [("rows.csv", 3), ("rows.csv", 4)]
    assert report.skipped[0].reason.startswith(
        "document 'r1': embedder 'digests' gave no usable vector for the text '0'"
    )
    assert sorted(document.id for document in collection.scan()) == ["r0", "r3", "r4"]


def test_a_model_that_gives_nothing_usable_stops_the_ingest(new_collection: Callable[..., Collection]) -> None:
    """That is not about the texts; the message is about the first of them."""

    class Nothing(Locking):
        def embed(self, texts: Any) -> Any:
            return [[0.0, 0.0] for _ in texts]

    collection = new_collection(embedder=Nothing())
    with pytest.raises(EmbeddingFailed, match="document 'r0': embedder 'locking' gave no usable vector"):
        ingest(collection, "rows.csv")
    assert collection.count() == 0


def test_a_model_that_breaks_leaves_what_was_written(new_collection: Callable[..., Collection]) -> None:
    """The batch before it, and no thread; the next ingest does the rest."""

    class Breaking(Locking):
        breaks = True

        def embed(self, texts: Any) -> Any:
            if self.breaks and len(self.batches) == 1:
                raise ConnectionError("no route")
            return super().embed(texts)

    model = Breaking()
    collection = new_collection(embedder=model)
    with pytest.raises(EmbeddingFailed, match="no route"):
        ingest(collection, "rows.csv")
    assert collection.count() == 4
    assert not any(thread.name.startswith("onevec-ingest") for thread in threading.enumerate())
    model.breaks = False
    assert ingest(collection, "rows.csv").changed == 1
    assert collection.count() == 12
