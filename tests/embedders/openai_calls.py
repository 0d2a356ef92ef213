"""An embedder of a local server, for the tests of `openai`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.servers.openai import vector_of

from onevec.embedders.openai import OpenAIEmbedder
from onevec.errors import OnevecError

TEXTS = ["a wing", "a slab", "a plate"]
Make = Callable[..., OpenAIEmbedder]


def vectors_of(texts: list[str], model: str = "tiny", dimensions: int | None = None) -> Any:
    """Return what the server has for the texts."""
    return np.stack([vector_of(text, model, dimensions) for text in texts])


def failure_of(embedder: OpenAIEmbedder, texts: list[str], kind: type[OnevecError], match: str | None = None) -> Any:
    """Return the error of both forms."""
    with pytest.raises(kind, match=match):
        asyncio.run(embedder.embed_async(texts))
    with pytest.raises(kind, match=match) as error:
        embedder.embed(texts)
    return error.value
