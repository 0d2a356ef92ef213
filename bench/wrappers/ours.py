"""onevec, in both colours, on any engine."""

from __future__ import annotations

from typing import Any

from bench.embedded.contender import TOP_K, Batch, Vectors
from bench.embedded.data import DIMENSION
from bench.wrappers.contender import ONEVEC, ONEVEC_ASYNC, Hit

import onevec

_NAME = "documents"


class Onevec:
    """A collection with default settings."""

    name = ONEVEC
    library = "onevec"

    def __init__(self, url: str, **options: Any) -> None:  # Any: the engine's options
        self._store = onevec.connect(url, **options)

    def create(self) -> None:
        if self._store.has_collection(_NAME):
            self._store.delete_collection(_NAME)
        self._documents = self._store.create_collection(_NAME, dimension=DIMENSION)

    def ingest(self, documents: Batch) -> None:
        self._documents.upsert(
            ids=documents.ids, vectors=documents.vectors, texts=documents.texts, metadata=documents.metadata
        )

    def settle(self) -> None:
        self._documents.optimize()

    def search(self, query: Vectors) -> list[Hit]:
        found = self._documents.search(query, top_k=TOP_K)
        return [Hit(hit.id, hit.text or "", hit.metadata, hit.score) for hit in found]

    def close(self) -> None:
        self._store.close()


class AsyncOnevec:
    """The same, awaited."""

    name = ONEVEC_ASYNC
    library = "onevec"

    def __init__(self, url: str, **options: Any) -> None:  # Any: the engine's options
        self._opening = onevec.connect_async(url, **options)
        self._store: onevec.AsyncStore | None = None

    async def create(self) -> None:
        if self._store is None:
            self._store = await self._opening
        if await self._store.has_collection(_NAME):
            await self._store.delete_collection(_NAME)
        self._documents = await self._store.create_collection(_NAME, dimension=DIMENSION)

    async def ingest(self, documents: Batch) -> None:
        await self._documents.upsert(
            ids=documents.ids, vectors=documents.vectors, texts=documents.texts, metadata=documents.metadata
        )

    async def settle(self) -> None:
        await self._documents.optimize()

    async def search(self, query: Vectors) -> list[Hit]:
        found = await self._documents.search(query, top_k=TOP_K)
        return [Hit(hit.id, hit.text or "", hit.metadata, hit.score) for hit in found]

    async def close(self) -> None:
        if self._store is not None:
            await self._store.close()
