"""A model that counts, and what its cached form is asked in tests."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from onevec.embedders.cache import CachedEmbedder
from onevec.embedders.texts import TextEmbedder

TEXTS = ["a wing", "a slab", "a plate"]


def vector_of(text: str) -> Any:
    """A vector that depends on the text alone."""
    return np.frombuffer(blake2b(text.encode(), digest_size=16).digest(), np.uint32).astype(np.float32)


class Model(TextEmbedder):
    """Counts the texts that it is asked for."""

    def __init__(self, name: str = "model-1", *, batch_size: int = 100, **options: Any) -> None:
        super().__init__(name, dimension=4, batch_size=batch_size, **options)
        self.asked: list[str] = []

    def embed_batch(self, texts: list[str]) -> Any:
        self.asked += texts
        return [vector_of(text) for text in texts]


def asked_of(embedder: CachedEmbedder) -> list[str]:
    """Return the texts that the model was asked for."""
    inner = embedder._inner
    assert isinstance(inner, Model)
    return inner.asked


def is_right(embedder: CachedEmbedder, texts: Sequence[str] = TEXTS) -> bool:
    """Return whether the vectors are those of the texts."""
    return np.array_equal(embedder.embed(texts), [vector_of(text) for text in texts])
