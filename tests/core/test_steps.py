"""Search and ingest as steps of a program's own pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import FrozenInstanceError, fields, replace
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

import onevec
from onevec import Collection, Document, IngestConfig, IngestStep, SearchConfig, SearchQuery, SearchStep
from onevec.errors import CollectionNotFound, ConfigError, InvalidQuery, StoreClosed
from onevec.ingest import IngestReport, ingest
from onevec.opening import Opening
from onevec.pipeline import StorePipeline
from onevec.runtime import Runtime

DOCUMENTS: list[Document | dict[str, Any]] = [
    Document("a", text="the wing of a plane"),
    {"id": "b", "text": "heat in slabs"},
    Document("c", text="wing"),
]


def lengths(texts: Sequence[str]) -> list[list[float]]:
    return [[float(len(text)), float(text.count("a")), 1.0] for text in texts]


def shortest(query: str, texts: Sequence[str]) -> list[int]:
    return [-len(text) for text in texts]


def asynchronous(test: Callable[[Path], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    def run(tmp_path: Path) -> None:
        asyncio.run(test(tmp_path))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@asynchronous
async def test_steps_write_and_find(folder: Path) -> None:
    """Each a call: documents in and a report out, a question in and hits out, by what the config says."""
    url = f"sqlite:///{folder}/papers.db"
    async with IngestStep(IngestConfig(url, "papers", embedder=lengths, metric="euclidean")) as write:
        assert (await write(DOCUMENTS)).written == 3
        assert (await write(Document("d", text="plane"))).written == 1
        assert (await write({"id": "e", "text": "slab"})).written == 1
        assert (await write(doc for doc in DOCUMENTS[:2])).written == 2
        assert (await write([])).written == 0
        assert (await write(iter(()))).written == 0
    retrieve = SearchStep(SearchConfig(url, "papers", embedder=lengths, top_k=2))
    assert (await retrieve("wing")).ids[0] == "c"
    assert len(await retrieve("wing")) == 2
    assert (await retrieve(SearchQuery("wing", vector=lengths(["heat in slabs"])[0]))).ids[0] == "b"
    await retrieve.aclose()
    by_words = replace(
        retrieve.config, mode="text", filter={"none": None}, rerank=shortest, min_rerank_score=-4, top_k=9
    )
    async with SearchStep(by_words) as words:
        assert (await words("wing plane")).ids == ["c"]


@asynchronous
async def test_files_are_read(folder: Path) -> None:
    """A path, or several, of files and folders, as `ingest` reads them; again, only what changed."""
    (folder / "notes").mkdir()
    (folder / "notes" / "wing.txt").write_text("The wing of a plane.")
    (folder / "rows.jsonl").write_text('{"id": "7", "body": "heat in slabs", "year": 1958}\n')
    config = IngestConfig(f"sqlite:///{folder}/a.db", "notes", embedder=lengths, text_field="body", namespace="acme")
    async with IngestStep(config) as write:
        report = await write(folder / "notes")
        assert isinstance(report, IngestReport)
        assert report.added == 1
        report = await write([str(folder / "notes"), folder / "rows.jsonl"])
        assert (report.added, report.unchanged) == (1, 1)
        assert (await write(path for path in (folder / "rows.jsonl",))).unchanged == 1
    async with SearchStep(SearchConfig(config.store, "notes", embedder=lengths, namespace="acme")) as retrieve:
        hits = await retrieve("heat in slabs")
    assert {hit.text for hit in hits} == {"The wing of a plane.", "heat in slabs"}
    assert hits[0].id == "7"


@asynchronous
async def test_steps_share_an_open_store(folder: Path) -> None:
    """One that the program opened is used, and stays open."""
    async with onevec.connect_async("memory://", embedder=lengths) as store:
        async with (
            IngestStep(IngestConfig(store, "papers")) as write,
            SearchStep(SearchConfig(store, "papers")) as find,
        ):
            await write(DOCUMENTS)
            assert (await find("wing")).ids[0] == "c"
        assert await (await store.collection("papers")).count() == 3
        with pytest.raises(StoreClosed, match="make another"):
            await find("wing")


@asynchronous
async def test_a_store_is_opened_once_and_only_when_needed(folder: Path) -> None:
    """However many tasks ask at once; a collection that isn't there yet is found by a later call."""
    opened: list[object] = []
    path = folder / "papers.db"
    find = SearchStep(SearchConfig(f"sqlite:///{path}", "papers", embedder=lengths))
    assert not path.exists()
    with pytest.MonkeyPatch.context() as patch:
        whole = Opening.opened

        async def told(self: Opening, io: Runtime) -> StorePipeline:
            opened.append(self.target)
            return await whole(self, io)

        patch.setattr(Opening, "opened", told)
        with pytest.raises(CollectionNotFound):
            await find("wing")
        async with IngestStep(IngestConfig(f"sqlite:///{path}", "papers", embedder=lengths)) as write:
            await asyncio.gather(*(write(document) for document in DOCUMENTS))
        found = await asyncio.gather(*(find("wing") for _ in range(5)))
    assert [hits.ids[0] for hits in found] == ["c"] * 5
    assert len(opened) == 2
    await find.aclose()
    await find.aclose()
    with pytest.raises(StoreClosed):
        await find("wing")


@asynchronous
async def test_a_collection_that_is_there_is_opened_as_it_is(folder: Path) -> None:
    """Nothing has to be said of it again."""
    async with onevec.connect_async("memory://") as store:
        await store.create_collection("papers", dimension=2, metric="dot")
        async with IngestStep(IngestConfig(store, "papers")) as write:
            assert (await write({"id": "a", "vector": [1, 2]})).written == 1
        with pytest.raises(ConfigError, match="dimension="):
            await IngestStep(IngestConfig(store, "others"))({"id": "a", "vector": [1, 2]})


def test_a_mistake_is_told() -> None:
    """A store that is none when the step is made; an option that doesn't fit when it is called."""
    with onevec.connect("memory://") as sync, pytest.raises(ConfigError, match="open AsyncStore"):
        SearchStep(SearchConfig(sync, "papers"))  # type: ignore[arg-type]  # the point
    config = SearchConfig("memory://", "papers")
    with pytest.raises(FrozenInstanceError):
        config.top_k = 5  # type: ignore[misc]  # the point

    async def main() -> None:
        async with onevec.connect_async("memory://") as store:
            await store.create_collection("papers", dimension=2)
            with pytest.raises(InvalidQuery, match="mmr"):
                await SearchStep(replace(config, store=store, mmr=5))([1, 2])

    asyncio.run(main())


def test_configs_have_the_keywords_of_the_calls() -> None:
    """Under their names and with their defaults, but for those that a search engine's expert sets by call."""
    own = {"store", "collection", "_", "namespace", "embedder"}
    search = {name: one.default for name, one in signature(Collection.search).parameters.items()}
    config = {field.name: field.default for field in fields(SearchConfig) if field.name not in own}
    left_out = {"self", "query", "ids", "native", "on_unsupported", "ef_search", "nprobe"}
    assert config == {name: default for name, default in search.items() if name not in left_out}
    reading = {name: one.default for name, one in signature(ingest).parameters.items()}
    config = {
        field.name: field.default for field in fields(IngestConfig) if field.name not in {*own, "dimension", "metric"}
    }
    assert config.items() <= reading.items()
    assert reading.keys() - config.keys() == {"collection", "paths", "on_progress"}
