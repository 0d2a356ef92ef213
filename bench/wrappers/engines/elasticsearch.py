"""Elasticsearch, by its REST API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.embedded.contender import TOP_K, Batch, Vectors
from bench.embedded.contenders.langchain import Given
from bench.embedded.data import DIMENSION
from bench.wrappers import llamaindex
from bench.wrappers.contender import AGAIN, BARE, BARE_ASYNC, LANGCHAIN, LLAMAINDEX, Contender, Engine, Hit
from bench.wrappers.ours import AsyncOnevec, Onevec
from elasticsearch import AsyncElasticsearch, Elasticsearch
from elasticsearch.serializer import OrjsonSerializer
from langchain_elasticsearch import DenseVectorStrategy, ElasticsearchStore
from llama_index.vector_stores.elasticsearch import ElasticsearchStore as ElasticsearchNodes

_BATCH = 1_000
_CANDIDATES = 100  # of an index that is searched exactly, all are
_PARTS = ["text", "metadata"]


class Bare:
    """elasticsearch itself, with orjson."""

    library = "elasticsearch"

    def __init__(self, url: str, name: str = BARE) -> None:
        self.name = name
        self._index = name.replace(", ", "-").replace(" ", "-")
        self._client = Elasticsearch(url, serializer=OrjsonSerializer())

    def create(self) -> None:
        _make_again(self._client, self._index, "vector", "text")

    def ingest(self, documents: Batch) -> None:
        lines = _lines(documents)
        for start in range(0, len(lines), 2 * _BATCH):
            answer = self._client.bulk(
                operations=lines[start : start + 2 * _BATCH], index=self._index, filter_path="errors"
            )
            assert not answer["errors"]
        self._client.indices.refresh(index=self._index)

    def settle(self) -> None:
        self._client.indices.forcemerge(index=self._index, max_num_segments=1)

    def search(self, query: Vectors) -> list[Hit]:
        return _hits(self._client.search(index=self._index, knn=_knn(query), size=TOP_K, source_includes=_PARTS))

    def close(self) -> None:
        self._client.close()


class AsyncBare:
    """The same, awaited."""

    name = BARE_ASYNC
    library = "elasticsearch"

    def __init__(self, url: str, admin: Elasticsearch) -> None:
        self._url = url
        self._admin = admin
        self._client: AsyncElasticsearch | None = None

    async def create(self) -> None:
        if self._client is None:
            self._client = AsyncElasticsearch(self._url, serializer=OrjsonSerializer())
        _make_again(self._admin, "bare-async", "vector", "text")

    async def ingest(self, documents: Batch) -> None:
        assert self._client is not None
        lines = _lines(documents)
        for start in range(0, len(lines), 2 * _BATCH):
            answer = await self._client.bulk(
                operations=lines[start : start + 2 * _BATCH], index="bare-async", filter_path="errors"
            )
            assert not answer["errors"]
        await self._client.indices.refresh(index="bare-async")

    async def settle(self) -> None:
        self._admin.indices.forcemerge(index="bare-async", max_num_segments=1)

    async def search(self, query: Vectors) -> list[Hit]:
        assert self._client is not None
        found = await self._client.search(index="bare-async", knn=_knn(query), size=TOP_K, source_includes=_PARTS)
        return _hits(found)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


class Langchain:
    """`langchain_elasticsearch.ElasticsearchStore`. Its documents have no id, so the metadata carries it."""

    name = LANGCHAIN
    library = "langchain-elasticsearch"

    def __init__(self, url: str) -> None:
        self._client = Elasticsearch(url)

    def create(self) -> None:
        _make_again(self._client, "langchain", "vector", "text")
        self._store = ElasticsearchStore(
            "langchain", embedding=Given(), client=self._client, strategy=DenseVectorStrategy()
        )

    def ingest(self, documents: Batch) -> None:
        metadata = [{"id": id, **fields} for id, fields in zip(documents.ids, documents.metadata, strict=True)]
        self._store.add_embeddings(
            zip(documents.texts, documents.vectors.tolist(), strict=True), metadata, documents.ids
        )

    def settle(self) -> None:
        self._client.indices.forcemerge(index="langchain", max_num_segments=1)

    def search(self, query: Vectors) -> list[Hit]:
        found = self._store.similarity_search_by_vector_with_relevance_scores(query.tolist(), TOP_K)
        return [Hit(one.metadata["id"], one.page_content, one.metadata, score) for one, score in found]

    def close(self) -> None:
        self._client.close()


class Llamaindex:
    """LlamaIndex's `ElasticsearchStore`. Its sync methods run the event loop until the async ones are through."""

    name = LLAMAINDEX
    library = "llama-index-vector-stores-elasticsearch"

    def __init__(self, url: str, admin: Elasticsearch) -> None:
        self._url = url
        self._admin = admin
        self._client: AsyncElasticsearch | None = None

    def create(self) -> None:
        if self._client is None:
            self._client = AsyncElasticsearch(self._url)
        _make_again(self._admin, "llamaindex", "embedding", "content")
        # It would replace asyncio's tasks by slower ones, for everything in the process.
        with patch("nest_asyncio.apply"):
            self._store = ElasticsearchNodes("llamaindex", self._client)

    def ingest(self, documents: Batch) -> None:
        self._store.add(llamaindex.nodes(documents))

    def settle(self) -> None:
        self._admin.indices.forcemerge(index="llamaindex", max_num_segments=1)

    def search(self, query: Vectors) -> list[Hit]:
        return llamaindex.found(self._store, query)

    def close(self) -> None:
        if self._client is not None:
            asyncio.get_event_loop().run_until_complete(self._client.close())


@contextmanager
def running(folder: Path) -> Iterator[list[Contender]]:  # noqa: ARG001 (the server has its own)
    """A server of the tests; every contender has an index of its own."""
    from tests.servers.elasticsearch import _home, _jdk
    from tests.servers.elasticsearch import running as server_of

    java = _jdk()
    with server_of(java, _home(java)) as server:
        at = f"127.0.0.1:{server.port}"
        with Elasticsearch(f"http://{at}") as admin:
            yield [
                Bare(f"http://{at}"),
                Bare(f"http://{at}", AGAIN),
                AsyncBare(f"http://{at}", admin),
                Onevec(f"elasticsearch://{at}?prefix=onevec-&replicas=0"),
                AsyncOnevec(f"elasticsearch://{at}?prefix=async-&replicas=0"),
                Langchain(f"http://{at}"),
                Llamaindex(f"http://{at}", admin),
            ]


ENGINE = Engine(
    "Elasticsearch",
    "One node with 512 MB of heap and Java's first compiler only, as the tests run it, by HTTP on loopback. One shard, "
    "no replica, `dense_vector` with the index `flat`: every search measures all vectors. Indices are merged to one "
    "segment before the searches.",
    f"`bulk` of {_BATCH:,} documents a call with orjson, one refresh at the end; `search` by `knn` with the source",
    running,
)


def _make_again(client: Elasticsearch, index: str, vector: str, text: str) -> None:
    client.options(ignore_status=404).indices.delete(index=index)
    flat = {"type": "dense_vector", "dims": DIMENSION, "similarity": "cosine", "index_options": {"type": "flat"}}
    properties = {vector: flat, text: {"type": "text"}, "metadata": {"type": "flattened"}}
    client.indices.create(
        index=index,
        mappings={"dynamic": False, "properties": properties},
        settings={"number_of_shards": 1, "number_of_replicas": 0},
    )


def _lines(documents: Batch) -> list[dict[str, Any]]:  # Any: JSON values
    columns = zip(documents.ids, documents.vectors, documents.texts, documents.metadata, strict=True)
    return [
        line
        for id, vector, text, metadata in columns
        for line in ({"index": {"_id": id}}, {"vector": vector, "text": text, "metadata": metadata})
    ]


def _knn(query: Vectors) -> dict[str, Any]:  # Any: JSON values
    return {"field": "vector", "query_vector": query, "k": TOP_K, "num_candidates": _CANDIDATES}


def _hits(found: Any) -> list[Hit]:  # Any: the client's answer
    return [
        Hit(one["_id"], one["_source"]["text"], one["_source"]["metadata"], 2 * one["_score"] - 1)
        for one in found["hits"]["hits"]
    ]
