"""A local server with OpenAI's API, and embedders of it; a path for a cache, and a cached model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.embedders.counting import Model
from tests.embedders.openai_calls import Make
from tests.servers.openai import KEY, OpenAIServer

from onevec.embedders.cache import CachedEmbedder
from onevec.embedders.openai import OpenAIEmbedder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def make(server: OpenAIServer) -> Make:
    """Makes an embedder of that server."""

    def embedder(model: str = "tiny", **options: Any) -> OpenAIEmbedder:
        return OpenAIEmbedder(model, **{"base_url": server.base_url, "api_key": KEY, **options})

    return embedder


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the retries of a sync call would have waited."""
    waited: list[float] = []
    monkeypatch.setattr("onevec.runtime.time.sleep", waited.append)
    return waited


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "embeddings.db"


@pytest.fixture
def cached(path: Path) -> Iterator[CachedEmbedder]:
    embedder = CachedEmbedder(Model(), path)
    yield embedder
    embedder.close()
