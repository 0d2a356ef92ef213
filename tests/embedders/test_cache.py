"""The cache of vectors: the model is asked once for a text, and nothing done to the file gives a wrong vector."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockbuster import blockbuster_ctx
from tests.embedders.counting import TEXTS, Model, asked_of, is_right, vector_of

import onevec
from onevec import FunctionEmbedder
from onevec.embedders.cache import CachedEmbedder, CacheStats, EmbeddingCache
from onevec.errors import ConfigError, EmbeddingFailed


def test_ten_thousand_texts_twice_ask_the_model_ten_thousand_times(cached: CachedEmbedder) -> None:
    """Sync and async find each other's vectors, bit for bit, and the counts say so."""
    texts = [f"text {number}" for number in range(10_000)]
    first = cached.embed(texts)
    second = asyncio.run(cached.embed_async(texts))
    assert len(asked_of(cached)) == 10_000
    assert first.dtype == np.float32
    assert np.array_equal(first, second)
    assert cached.stats()[:3] == (10_000, 10_000, 10_000)
    assert (cached.name, cached.dimension) == ("model-1", 4)


def test_equal_texts_of_one_call_are_embedded_once(cached: CachedEmbedder) -> None:
    """Whatever batches they would have stood in."""
    texts = ["a", "b", "a"] * 500
    assert is_right(cached, texts)
    assert asked_of(cached) == ["a", "b"]
    assert cached.embed([]).shape == (0, 4)


def test_models_and_sizes_do_not_share_vectors(path: Path) -> None:
    """Only the same name with the same dimension finds what was kept; texts that look alike are others."""
    first = CachedEmbedder(Model(), path)
    first.embed(TEXTS)
    other = CachedEmbedder(Model("model-2"), first._cache)
    assert is_right(other)
    assert len(asked_of(other)) == 3
    wide = CachedEmbedder(FunctionEmbedder(lambda texts: [[1.0, 2.0] for _ in texts], name="model-1"), first._cache)
    assert wide.embed(TEXTS).shape == (3, 2)
    assert is_right(first, ["a wing ", "A wing", "a\u00a0wing"])
    assert len(asked_of(first)) == 6
    first.close()


def test_a_name_will_do(path: Path) -> None:
    """The embedder is found by it, as everywhere."""
    embedder = CachedEmbedder("wordllama", path)
    assert (embedder.name, embedder.dimension) == ("wordllama", 256)
    embedder.close()


def test_processes_share_a_file(path: Path, cached: CachedEmbedder) -> None:
    """What one has embedded, another one finds, while both have it open."""
    cached.embed(TEXTS[:1])
    _run(f"embedder.embed({TEXTS!r}); assert embedder.asked == {TEXTS[1:]!r}", path)
    assert is_right(cached)
    assert asked_of(cached) == TEXTS[:1]


def test_a_killed_process_keeps_what_it_paid_for(path: Path) -> None:
    """Each batch is in the file when the next one is asked for; the run after it asks for the rest alone."""
    texts = [f"text {number}" for number in range(50)]
    _run(f"embedder.kill_at = 30; embedder.embed({texts!r})", path, status=-9)
    embedder = CachedEmbedder(Model(), path)
    assert is_right(embedder, texts)
    assert asked_of(embedder) == texts[30:]
    embedder.close()


def _run(program: str, path: Path, *, status: int = 0) -> None:
    """Run a program in another process, with an embedder on the file whose model takes 10 texts at a time."""
    here = Path(__file__).parents[2]
    head = f"""
import os, signal
from onevec.embedders import CachedEmbedder
from tests.embedders.counting import Model

class Mortal(Model):
    kill_at = None

    def embed_batch(self, texts):
        if len(self.asked) == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed_batch(texts)

class Shown(CachedEmbedder):
    asked = property(lambda self: self._inner.asked)
    kill_at = property(None, lambda self, count: setattr(self._inner, "kill_at", count))

embedder = Shown(Mortal(batch_size=10), {str(path)!r})
"""
    done = subprocess.run([sys.executable, "-c", head + program], cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr


def test_the_file_stays_within_its_bound_and_the_oldest_make_room(path: Path) -> None:
    """What was asked for last is still there, used again or not; what wasn't used for longest is gone."""
    embedder = CachedEmbedder(Model(), path, max_bytes=1 << 18)
    embedder.embed(["kept by use"])
    for start in range(0, 6000, 100):
        embedder.embed([f"text {number}" for number in range(start, start + 100)])
        assert is_right(embedder, ["kept by use"])
        assert path.stat().st_size <= 1 << 18
    assert 500 < embedder.stats().entries < 6000
    asked = asked_of(embedder)
    assert asked.count("kept by use") == 1
    asked.clear()
    embedder.embed(["text 5999", "text 0"])
    assert asked == ["text 0"]
    embedder.close()


def test_a_smaller_bound_shrinks_the_file(path: Path) -> None:
    """When it is opened with it; the newest are kept."""
    large = CachedEmbedder(Model(), path)
    large.embed([f"text {number}" for number in range(5000)])
    large.embed(TEXTS)
    large.close()
    small = CachedEmbedder(Model(), path, max_bytes=1 << 17)
    assert path.stat().st_size <= 1 << 17
    assert is_right(small)
    assert asked_of(small) == []
    small.close()


def test_clear_empties_the_file(path: Path, cached: CachedEmbedder) -> None:
    """And gives its space back; the model is asked again."""
    cached.embed([f"text {number}" for number in range(5000)])
    before = path.stat().st_size
    cached.clear()
    assert cached.stats().entries == 0
    assert path.stat().st_size < before / 5
    assert is_right(cached, ["text 0"])
    assert asked_of(cached)[-1] == "text 0"


def test_an_error_names_the_text_of_the_call(cached: CachedEmbedder) -> None:
    """Not of those that were missing; the others of the batch are asked for again, and no more."""

    class Picky(Model):
        def embed_batch(self, texts: list[str]) -> Any:
            if "bad" in texts:
                raise EmbeddingFailed("not this one", position=texts.index("bad"))
            return super().embed_batch(texts)

    picky = CachedEmbedder(Picky(batch_size=2), cached._cache)
    picky.embed(["a", "b"])
    texts = ["a", "c", "c", "d", "b", "bad"]
    for call in (picky.embed, lambda texts: asyncio.run(picky.embed_async(texts))):
        with pytest.raises(EmbeddingFailed, match=r"^text 5 of 6: not this one$") as error:
            call(texts)
        assert error.value.position == 5
    assert asked_of(picky) == ["a", "b", "c", "d"]
    with pytest.raises(EmbeddingFailed, match="text 1 of 2 is empty"):
        picky.embed(["a", ""])


def test_threads_share_an_embedder(cached: CachedEmbedder) -> None:
    """Each gets the vectors of its own texts."""
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda n: is_right(cached, [f"text {n + m}" for m in range(50)]), range(40)))


def test_the_event_loop_is_never_blocked(path: Path) -> None:
    """Neither by the file nor by the model, which only ends because the loop runs on."""
    let_go = threading.Event()

    class Slow(Model):
        def embed_batch(self, texts: list[str]) -> Any:
            assert let_go.wait(10)
            return super().embed_batch(texts)

    async def main() -> None:
        model = Slow()
        async with onevec.connect_async("memory://", embedder=model, embedding_cache=path) as store:
            papers = await store.create_collection("papers")
            write = asyncio.create_task(papers.upsert([{"id": text, "text": text} for text in TEXTS]))
            await asyncio.sleep(0)
            let_go.set()
            await write
            assert (await papers.search(TEXTS[0], top_k=1))[0].id == TEXTS[0]
            assert model.asked == TEXTS

    with blockbuster_ctx("onevec"):
        asyncio.run(main())


def test_a_store_keeps_vectors_where_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By keyword or in onevec.toml: for its own embedder, for a collection's, and for one found by its name."""
    model, cache = Model(), tmp_path / "vectors.db"
    with onevec.connect("memory://", embedding_cache=cache) as store:
        store.create_collection("papers", embedder=model).upsert([{"id": "a", "text": "a wing"}])
    with onevec.connect({"engine": "memory", "embedding_cache": str(cache)}, embedder=model) as store:
        papers = store.create_collection("papers")
        papers.upsert([{"id": "a", "text": "a wing"}])
        assert papers.info().embedder == "model-1"
    assert model.asked == ["a wing"]

    (tmp_path / "onevec.toml").write_text('[stores.papers]\nurl = "sqlite:///p.db"\nembedding_cache = "vectors.db"\n')
    monkeypatch.chdir(tmp_path)
    with onevec.connect("papers") as store:
        store.create_collection("papers", embedder="wordllama").upsert([{"id": "a", "text": "a wing"}])
    with onevec.connect("papers") as store:
        assert store.collection("papers").search("a wing")[0].id == "a"
    assert EmbeddingCache(cache).size()[0] == 2
    with pytest.raises(ConfigError, match="embedding_cache is the path of a file, got int"):
        onevec.connect("memory://", embedding_cache=5)  # type: ignore[arg-type]


def test_stats_of_a_new_cache(cached: CachedEmbedder) -> None:
    """All zero, but for the file's few pages."""
    assert cached.stats() == CacheStats(0, 0, 0, cached.stats().bytes)
    assert cached.stats().bytes < 1 << 16


def test_an_embedder_of_any_class_can_be_cached(path: Path) -> None:
    """Asked some texts at a time, by its own async form if it has one, and for queries by the one it has for them."""
    calls: list[tuple[str, int]] = []

    class Own:
        name = "own-1"
        dimension = 4

        def embed(self, texts: Sequence[str]) -> Any:
            calls.append(("embed", len(texts)))
            return [vector_of(text) for text in texts]

        async def embed_async(self, texts: Sequence[str]) -> Any:
            calls.append(("embed_async", len(texts)))
            return [vector_of(text) for text in texts]

    class Asymmetric(Own):
        for_queries = FunctionEmbedder(lambda texts: [[1.0, 2.0, 3.0, 4.0] for _ in texts], dimension=4)

    embedder = CachedEmbedder(Own(), path)
    assert is_right(embedder, [f"text {number}" for number in range(300)])
    asyncio.run(embedder.embed_async(["other", "text 0"]))
    assert calls == [("embed", 256), ("embed", 44), ("embed_async", 1)]
    assert embedder.for_queries is embedder
    assert CachedEmbedder(Asymmetric(), embedder._cache).for_queries.embed(["a"]).tolist() == [[1, 2, 3, 4]]
    embedder.close()
