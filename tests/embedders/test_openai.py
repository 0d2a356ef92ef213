"""The embedder of OpenAI's API, through OpenAI's own client, against a local server that behaves like the real one."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockbuster import blockbuster_ctx
from tests.embedders.openai_calls import TEXTS, Make, failure_of, vectors_of
from tests.servers.openai import KEY, OpenAIServer, tokens_of

import onevec
from onevec import registry
from onevec.embedders import Embedder
from onevec.embedders import openai as module
from onevec.embedders.openai import MODELS, Cost, OpenAIEmbedder, Usage, load
from onevec.errors import ConfigError, EmbeddingFailed, EngineNotInstalled, UnknownEmbedder, Unsupported


@pytest.fixture
def environment(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server and its key, where embedders found by name look for them."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    registry._embedder.cache_clear()
    yield
    registry._embedder.cache_clear()


def test_the_vectors_are_the_servers(server: OpenAIServer, make: Make) -> None:
    """Bit for bit, sync and async, with the tokens that the server counted."""
    embedder = make("text-embedding-3-small")
    assert isinstance(embedder, Embedder)
    assert (embedder.name, embedder.dimension) == ("openai:text-embedding-3-small", 1536)
    expected = vectors_of(TEXTS, "text-embedding-3-small")
    assert np.array_equal(embedder.embed(TEXTS), expected)
    assert np.array_equal(asyncio.run(embedder.embed_async(TEXTS)), expected)
    assert embedder.usage == Usage(requests=2, tokens=2 * sum(map(tokens_of, TEXTS)))
    assert server.requests[0] == {"model": "text-embedding-3-small", "input": TEXTS, "encoding_format": "base64"}


def test_a_server_without_base64_is_understood(server: OpenAIServer, make: Make) -> None:
    """Numbers are taken as well."""
    server.has_base64 = False
    assert np.array_equal(make().embed(TEXTS), vectors_of(TEXTS))


def test_vectors_can_be_shortened(server: OpenAIServer, make: Make) -> None:
    """The size is asked of the server and part of the name; the whole size asked for is the model itself."""
    short = make("text-embedding-3-large", dimensions=256)
    assert (short.name, short.dimension) == ("openai:text-embedding-3-large:256", 256)
    assert np.array_equal(short.embed(TEXTS), vectors_of(TEXTS, "text-embedding-3-large", 256))
    assert make("text-embedding-3-small", dimensions=1536).name == "openai:text-embedding-3-small"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"model": "text-embedding-3-small", "dimensions": 1537}, "up to 1536 numbers, got dimensions=1537"),
        ({"model": "text-embedding-ada-002", "dimensions": 256}, "1536 numbers and no shorter ones"),
        ({"model": "text-embedding-3-small", "dimension": 256}, "dimension= says 256"),
        ({"dimensions": 0}, "dimensions is a whole number"),
        ({"dimension": "4"}, "dimension is a whole number"),
        ({"timeout": 0}, "timeout is a number of seconds"),
        ({"base_url": "localhost:11434"}, "base_url is an address"),
        ({"base_url": "http://me:hidden@localhost/v1"}, "base_url is an address"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(make: Make, options: dict[str, Any], reason: str) -> None:
    """When the embedder is made."""
    with pytest.raises(ConfigError, match=reason) as error:
        make(**options)
    assert "hidden" not in str(error.value)


@pytest.mark.usefixtures("environment")
def test_a_collection_finds_its_embedder_by_the_name_it_recorded(server: OpenAIServer, tmp_path: Path) -> None:
    """Model and size stand in the name; the server and the key come from the environment."""
    with onevec.connect(f"sqlite:///{tmp_path}/store.db", embedder="openai:text-embedding-3-small:8") as store:
        papers = store.create_collection("papers")
        papers.upsert([{"id": text, "text": text} for text in TEXTS])
        assert papers.info().embedder == "openai:text-embedding-3-small:8"
    registry._embedder.cache_clear()
    with onevec.connect(f"sqlite:///{tmp_path}/store.db") as store:
        assert store.collection("papers").search("a slab", top_k=1)[0].id == "a slab"
    assert server.requests[-1]["dimensions"] == 8
    assert [load(name).name for name in (None, "bge-m3:567m")] == [
        "openai:text-embedding-3-small",
        "openai:bge-m3:567m",
    ]


def test_a_model_that_is_not_known_is_refused(make: Make) -> None:
    """By OpenAI's list, before anything is sent, unless its size is given; by another server's answer."""
    with pytest.raises(UnknownEmbedder, match="text-embedding-3-small, text-embedding-3-large, text-embedding-ada-002"):
        OpenAIEmbedder("text-embedding-4", api_key=KEY)
    assert OpenAIEmbedder("text-embedding-4", api_key=KEY, dimension=5).dimension == 5
    failure_of(make("text-embedding-5"), TEXTS, UnknownEmbedder, "has no model 'text-embedding-5'")


def test_the_size_of_another_servers_model_is_found(server: OpenAIServer, make: Make) -> None:
    """By embedding one text, or with the first texts."""
    assert make().dimension == 4
    server.requests.clear()
    embedder = make()
    embedder.embed(TEXTS)
    assert (embedder.dimension, len(server.requests)) == (4, 1)


def test_requests_keep_to_the_limits(server: OpenAIServer, make: Make) -> None:
    """At most 2,048 texts and 300,000 tokens, where the tokens are counted."""
    many = [f"text {number}" for number in range(2049)]
    assert np.array_equal(make(count_tokens=tokens_of).embed(many), vectors_of(many))
    assert sorted(len(request["input"]) for request in server.requests) == [1, 2048]
    server.requests.clear()
    long = ["%" * 8000] * 40
    make(count_tokens=tokens_of).embed(long)
    assert sorted(len(request["input"]) for request in server.requests) == [3, 37]


def test_a_request_that_is_too_large_is_sent_in_halves(server: OpenAIServer, make: Make) -> None:
    """Where the tokens were guessed too low; the vectors stay in order."""
    texts = [f"{number} {'%' * 8000}" for number in range(60)]
    assert np.array_equal(make().embed(texts), vectors_of(texts))
    assert [len(request["input"]) for request in server.requests] == [60, 30, 30]


def test_a_text_beyond_the_limit_is_named(server: OpenAIServer, make: Make) -> None:
    """By its position in the whole call: unsent if that is certain, otherwise by halving what the server refuses."""
    texts = [*TEXTS, "%" * 9000, *TEXTS]
    error = failure_of(
        make(batch_size=2), texts, EmbeddingFailed, "text 3 of 7: the server at .* maximum context length"
    )
    assert (error.position, error.retryable) == (3, False)
    server.requests.clear()
    counting = make("text-embedding-3-small", count_tokens=tokens_of)
    assert failure_of(counting, texts, EmbeddingFailed, "text 3 of 7, '%%.* about 9,000 tokens").position == 3
    guessing = make("text-embedding-3-small")
    assert failure_of(guessing, ["a", "b" * 1_000_000], EmbeddingFailed, "text 1 of 2, 'bbb.* 250,001").position == 1
    assert failure_of(guessing, ["a", ""], EmbeddingFailed, "text 1 of 2 is empty").position == 1
    assert server.requests == []


def test_a_request_that_is_wrong_is_not_sent_again(server: OpenAIServer, make: Make) -> None:
    """A refusal that is about no text is a `ConfigError` with the server's words."""
    with pytest.raises(ConfigError, match="Invalid value for 'dimensions' = 5"):
        make(dimensions=5).embed(TEXTS)
    assert len(server.requests) == 1


def test_requests_run_at_once_up_to_the_limit(server: OpenAIServer, make: Make) -> None:
    """By threads or by tasks; the rows stay in order."""
    texts = [f"text {number}" for number in range(7)]
    embedder = make(batch_size=1, max_concurrency=3)
    for call in (embedder.embed, lambda texts: asyncio.run(embedder.embed_async(texts))):
        server.requests.clear()
        server.gate.clear()
        with ThreadPoolExecutor(1) as threads:
            made = threads.submit(call, texts)
            server.wait_for_requests(3)
            server.gate.set()
            assert np.array_equal(made.result(), vectors_of(texts))
    assert server.most_at_once == 3


def test_the_event_loop_is_never_blocked(server: OpenAIServer, make: Make) -> None:
    """Not by loading the client, and not while the server takes its time, which only ends because the loop runs on."""

    async def main() -> None:
        async with onevec.connect_async("memory://", embedder=make(dimension=4)) as store:
            papers = await store.create_collection("papers")
            server.gate.clear()
            write = asyncio.create_task(papers.upsert([{"id": text, "text": text} for text in TEXTS]))
            await asyncio.to_thread(server.wait_for_requests, 1)
            assert not write.done()
            server.gate.set()
            await write
            assert (await papers.search("a slab", top_k=1))[0].id == "a slab"

    with blockbuster_ctx("onevec"):
        asyncio.run(main())


def test_one_embedder_serves_several_event_loops(make: Make) -> None:
    """One after another and beside each other; each one's connections end with it."""

    def in_loops(embedder: OpenAIEmbedder) -> list[Any]:
        with ThreadPoolExecutor(3) as threads:
            return list(threads.map(lambda n: asyncio.run(embedder.embed_async([f"text {n}"])), range(6)))

    assert np.array_equal(np.concatenate(in_loops(make())), vectors_of([f"text {number}" for number in range(6)]))
    gc.collect()  # a connection left open is a warning, and so an error


def test_usage_counts_every_thread(make: Make) -> None:
    """No request is lost."""
    embedder = make()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(embedder.embed, [["one two"]] * 40))
    assert embedder.usage == Usage(requests=40, tokens=80)


def test_the_cost_is_estimated_without_a_request(server: OpenAIServer, make: Make) -> None:
    """From counted tokens, or guessed ones, by the model's price or the caller's."""
    counting = make("text-embedding-3-large", count_tokens=tokens_of)
    assert counting.estimate_cost(["one two"] * 1000) == Cost(2000, 2000 * 0.13 / 1e6)
    assert make("text-embedding-3-small").estimate_cost(iter(["12345678"])) == Cost(3, 3 * 0.02 / 1e6)
    with pytest.raises(Unsupported, match="no price is known for the model 'tiny'"):
        make().estimate_cost(TEXTS)
    assert make().estimate_cost(["12345678"], price=1.0).dollars == pytest.approx(3e-6)
    assert server.requests == []
    assert all(model.price > 0 for model in MODELS.values())


def test_a_missing_library_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to install it."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(EngineNotInstalled, match=r'pip install "onevec\[openai\]"'):
        load()


def test_the_library_is_loaded_with_the_first_text() -> None:
    """Not with the embedder, which a program may make and never ask."""
    program = "import sys, onevec.embedders as e; e.OpenAIEmbedder(api_key='sk-1'); assert 'openai' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
