"""The embedders of a store: found by name, and asked through the store's cache, if it has one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

from onevec.embedders import Embedder, EmbedderLike
from onevec.errors import ConfigError
from onevec.registry import load_embedder

if TYPE_CHECKING:
    from onevec.embedders.cache import EmbeddingCache

CacheLike: TypeAlias = "EmbeddingCache | str | os.PathLike[str]"


class Embedders:
    """What makes embedders; it may block, as files are read and modules imported.

    Args:
        cache: Where vectors are kept, so that no text is embedded twice.

    Raises:
        ConfigError: It isn't a path, or the file there is of another program.
    """

    def __init__(self, cache: CacheLike | None) -> None:
        self._cache: EmbeddingCache | None = None
        if cache is None:
            return
        from onevec.embedders.cache import EmbeddingCache

        if not isinstance(cache, EmbeddingCache | str | os.PathLike):
            raise ConfigError(f"embedding_cache is the path of a file, got {type(cache).__name__}")
        self._cache = cache if isinstance(cache, EmbeddingCache) else EmbeddingCache(cache)

    def load(self, like: EmbedderLike) -> Embedder:
        """Return the embedder of that name, or the object itself, or a function wrapped.

        Raises:
            UnknownEmbedder: There is none of that name, or the object is no embedder.
            EngineNotInstalled: Its library is missing.
        """
        embedder = load_embedder(like)
        if self._cache is None:
            return embedder
        from onevec.embedders.cache import CachedEmbedder

        return embedder if isinstance(embedder, CachedEmbedder) else CachedEmbedder(embedder, self._cache)

    def close(self) -> None:
        """Let go of the cache's file; it is opened again when it is needed."""
        if self._cache is not None:
            self._cache.close()
