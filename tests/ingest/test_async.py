"""`ingest_async` is `ingest`, and leaves the event loop free."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

import onevec
from onevec.collection import Collection
from onevec.errors import InvalidInput
from onevec.ingest import IngestReport, ingest, ingest_async


def make(folder: Path) -> None:
    (folder / "docs").mkdir()
    for n in range(20):
        (folder / "docs" / f"{n}.md").write_text(f"# Heading {n}\n\n" + f"word {n} " * 2000)
    (folder / "docs" / "rows.csv").write_text("id,text\n" + "".join(f"r{n},text {n}\n" for n in range(1000)))
    (folder / "docs" / "page.html").write_text("<p>one</p><p>two</p>")
    (folder / "docs" / "bad.py").write_bytes(b"\0")


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_the_event_loop_is_never_blocked(
    folder: Path, engine: str, digests: Any, new_collection: Callable[..., Collection], state_of: Callable[..., Any]
) -> None:
    """Finding, reading, hashing and cutting files happens elsewhere; the collection is that of the sync call."""
    make(folder)
    url = "memory://" if engine == "memory" else f"sqlite:///{folder.parent}/store.db"
    sync = new_collection()
    expected = ingest(sync, "docs")

    async def main() -> tuple[IngestReport, IngestReport, dict[str, Any]]:
        async with onevec.connect_async(url) as store:
            collection = await store.create_collection("files", embedder=digests)
            with blockbuster_ctx():
                first = await ingest_async(collection, "docs")
                await asyncio.to_thread((folder / "docs" / "0.md").unlink)
                second = await ingest_async(collection, ["docs"])
            held = {document.id: document async for document in collection.scan()}
        return first, second, held

    first, second, held = asyncio.run(main())
    assert first == expected
    assert second.removed == 1
    ingest(sync, "docs")
    assert {id: (document.text, document.metadata) for id, document in held.items()} == {
        id: (text, metadata) for id, (text, _, metadata) in state_of(sync).items()
    }


def test_a_cancelled_ingest_can_be_finished(folder: Path, digests: Any) -> None:
    """Cancelling is one more way to be interrupted."""
    make(folder)

    async def main() -> None:
        async with onevec.connect_async("memory://") as store:
            collection = await store.create_collection("files", embedder=digests)
            task = asyncio.current_task()
            assert task is not None

            def cancel(done: int, _: int | None) -> None:
                if done > 50_000:
                    task.cancel()

            with pytest.raises(asyncio.CancelledError):
                await ingest_async(collection, "docs", on_progress=cancel)
            task.uncancel()
            report = await ingest_async(collection, "docs")
            assert report.added + report.changed + report.unchanged == 22
            assert (await ingest_async(collection, "docs")).unchanged == 22

    asyncio.run(main())


def test_a_missing_path_is_refused(folder: Path, digests: Any) -> None:
    """As in the sync call."""

    async def main() -> None:
        async with onevec.connect_async("memory://") as store:
            collection = await store.create_collection("files", embedder=digests)
            with pytest.raises(InvalidInput, match="nowhere"):
                await ingest_async(collection, folder / "nowhere")

    asyncio.run(main())
