"""Qdrant, by its REST API."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from bench.embedded.contender import TOP_K, Batch, Vectors
from bench.embedded.contenders.langchain import Given
from bench.embedded.data import DIMENSION
from bench.wrappers import llamaindex
from bench.wrappers.contender import AGAIN, BARE, BARE_ASYNC, LANGCHAIN, LLAMAINDEX, Contender, Engine, Hit
from bench.wrappers.ours import AsyncOnevec, Onevec
from langchain_qdrant import QdrantVectorStore
from llama_index.vector_stores.qdrant import QdrantVectorStore as QdrantNodes
from qdrant_client import AsyncQdrantClient, QdrantClient, models

_ROOT = Path(__file__).parents[3]
_BATCH = 1_000  # the fastest of 64, 250, 500, 1,000 and 5,000
_LIMITS = httpx.Limits(max_keepalive_connections=16)  # by default, none is kept to a server on the same machine
_VECTORS = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
_INDEXES = {
    **dict.fromkeys(("year", "bucket", "region"), models.PayloadSchemaType.FLOAT),
    **dict.fromkeys(("lang", "tags"), models.PayloadSchemaType.KEYWORD),
}


class Bare:
    """qdrant-client itself. Qdrant's ids are numbers."""

    library = "qdrant-client"

    def __init__(self, port: int, name: str = BARE) -> None:
        self.name = name
        self._client = _client(port, name)

    def create(self) -> None:
        _make_again(self._client, "metadata.")

    def ingest(self, documents: Batch) -> None:
        points = _points(documents)
        for start in range(0, len(points), _BATCH):
            self._client.upsert("documents", points[start : start + _BATCH], wait=True)

    def settle(self) -> None:
        pass

    def search(self, query: Vectors) -> list[Hit]:
        return _hits(self._client.query_points("documents", query.tolist(), limit=TOP_K, with_payload=True))

    def close(self) -> None:
        self._client.close()


class AsyncBare:
    """Its async client."""

    name = BARE_ASYNC
    library = "qdrant-client"

    def __init__(self, port: int) -> None:
        self._client = AsyncQdrantClient(
            host="127.0.0.1", port=port, prefix="bare_async", check_compatibility=False, limits=_LIMITS
        )

    async def create(self) -> None:
        await self._client.delete_collection("documents")
        await self._client.create_collection("documents", vectors_config=_VECTORS)
        for field, kind in _INDEXES.items():
            await self._client.create_payload_index("documents", f"metadata.{field}", kind)

    async def ingest(self, documents: Batch) -> None:
        points = _points(documents)
        for start in range(0, len(points), _BATCH):
            await self._client.upsert("documents", points[start : start + _BATCH], wait=True)

    async def settle(self) -> None:
        pass

    async def search(self, query: Vectors) -> list[Hit]:
        return _hits(await self._client.query_points("documents", query.tolist(), limit=TOP_K, with_payload=True))

    async def close(self) -> None:
        await self._client.close()


class Langchain:
    """`langchain_qdrant.QdrantVectorStore`."""

    name = LANGCHAIN
    library = "langchain-qdrant"

    def __init__(self, port: int) -> None:
        self._client = _client(port, self.name)

    def create(self) -> None:
        _make_again(self._client, "metadata.")
        self._given = Given()
        self._given.vectors = [[0.0] * DIMENSION]  # what it sees the dimension by
        self._store = QdrantVectorStore(self._client, "documents", self._given)

    def ingest(self, documents: Batch) -> None:
        vectors, size = documents.vectors.tolist(), _BATCH
        for start in range(0, len(vectors), size):  # of more vectors than texts, it would take the first ones again
            part = slice(start, start + size)
            self._given.vectors = vectors[part]
            self._store.add_texts(
                documents.texts[part], documents.metadata[part], list(documents.rows[part]), batch_size=size
            )

    def settle(self) -> None:
        pass

    def search(self, query: Vectors) -> list[Hit]:
        found = self._store.similarity_search_with_score_by_vector(query.tolist(), TOP_K)
        return [Hit(str(one.metadata["_id"]), one.page_content, one.metadata, score) for one, score in found]

    def close(self) -> None:
        self._client.close()


class Llamaindex:
    """LlamaIndex's `QdrantVectorStore`. Its ids are UUIDs."""

    name = LLAMAINDEX
    library = "llama-index-vector-stores-qdrant"

    def __init__(self, port: int) -> None:
        self._client = _client(port, self.name)

    def create(self) -> None:
        _make_again(self._client, "")
        self._store = QdrantNodes("documents", self._client, batch_size=_BATCH)

    def ingest(self, documents: Batch) -> None:
        self._store.add(llamaindex.nodes(documents, named=_uuid))

    def settle(self) -> None:
        pass

    def search(self, query: Vectors) -> list[Hit]:
        return [hit._replace(id=str(int(hit.id[-12:], 16))) for hit in llamaindex.found(self._store, query)]

    def close(self) -> None:
        self._client.close()


@contextmanager
def running(folder: Path) -> Iterator[list[Contender]]:
    """The server in a process of its own; every contender has a store of its own on it."""
    command = [sys.executable, "-m", "bench.wrappers.qdrant_server", str(folder)]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        url = f"qdrant://127.0.0.1:{port}"
        yield [
            Bare(port),
            Bare(port, AGAIN),
            AsyncBare(port),
            Onevec(f"{url}/onevec"),
            AsyncOnevec(f"{url}/async"),
            Langchain(port),
            Llamaindex(port),
        ]


ENGINE = Engine(
    "Qdrant",
    "Not Qdrant's server but the one of onevec's tests: Qdrant's REST API by HTTP on loopback, executed by its engine, "
    "`qdrant-edge-py`, in a process of its own. No graph, as a Qdrant server has none for so few documents; payload "
    "indexes on the fields of the metadata. The engine's Python binding reads a payload in 4 to 7 us for each text or "
    "number in it, which no Qdrant server does: of the time that ingest takes for a document, 57 us of the bare "
    "client's and 195 us of onevec's, which has facets, are the binding's.",
    f"`upsert` of {_BATCH:,} points a call, `query_points` with the payload; connections are kept, unlike by default",
    running,
)


def _client(port: int, name: str) -> QdrantClient:
    prefix = name.lower().replace(", ", "_").replace(" ", "_")
    return QdrantClient(host="127.0.0.1", port=port, prefix=prefix, check_compatibility=False, limits=_LIMITS)


def _make_again(client: QdrantClient, prefix: str) -> None:
    client.delete_collection("documents")
    client.create_collection("documents", vectors_config=_VECTORS)
    for field, kind in _INDEXES.items():
        client.create_payload_index("documents", f"{prefix}{field}", kind)


def _points(documents: Batch) -> list[models.PointStruct]:
    columns = zip(documents.rows, documents.vectors.tolist(), documents.texts, documents.metadata, strict=True)
    return [
        models.PointStruct(id=row, vector=vector, payload={"text": text, "metadata": metadata})
        for row, vector, text, metadata in columns
    ]


def _hits(found: Any) -> list[Hit]:  # Any: the client's model
    return [Hit(str(one.id), one.payload["text"], one.payload["metadata"], one.score) for one in found.points]


def _uuid(row: int) -> str:
    return str(uuid.UUID(int=row))
