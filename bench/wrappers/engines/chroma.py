"""Chroma: its engine in this process on a folder, and its server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import chromadb
from bench.embedded.contender import TOP_K, Batch, Vectors
from bench.embedded.contenders.chroma import CONFIGURATION
from bench.embedded.contenders.langchain import Given
from bench.wrappers import llamaindex
from bench.wrappers.contender import AGAIN, BARE, BARE_ASYNC, LANGCHAIN, LLAMAINDEX, Contender, Engine, Hit
from bench.wrappers.ours import AsyncOnevec, Onevec
from chromadb.config import Settings
from langchain_chroma import Chroma
from llama_index.vector_stores.chroma import ChromaVectorStore

_INCLUDED = ["documents", "metadatas", "distances"]
_SETTINGS = "HNSW, max_neighbors=16, ef_construction=100, ef_search=100: Chroma's defaults"
_BARE = "`add` in batches of the most that Chroma takes, `query` with texts, metadata and distances"


class Bare:
    """chromadb itself."""

    library = "chromadb"

    def __init__(self, client: Any, name: str = BARE) -> None:  # Any: a client of either kind
        self.name = name
        self._client = client
        self._most = client.get_max_batch_size()

    def create(self) -> None:
        self._documents = _made_again(self._client, self.name)

    def ingest(self, documents: Batch) -> None:
        for part in parts(len(documents.rows), self._most):
            self._documents.add(
                ids=documents.ids[part],
                embeddings=documents.vectors[part],
                documents=documents.texts[part],
                metadatas=documents.metadata[part],
            )

    def settle(self) -> None:
        pass

    def search(self, query: Vectors) -> list[Hit]:
        return _hits(self._documents.query(query_embeddings=query, n_results=TOP_K, include=_INCLUDED))

    def close(self) -> None:
        self._client.close()


class AsyncBare:
    """chromadb's async client, which a server only has."""

    name = BARE_ASYNC
    library = "chromadb"

    def __init__(self, port: int) -> None:
        self._port = port
        self._client: Any = None  # Any: as above

    async def create(self) -> None:
        if self._client is None:
            self._client = await chromadb.AsyncHttpClient("127.0.0.1", self._port, settings=_settings())
            self._most = await self._client.get_max_batch_size()
        if _id(self.name) in [one.name for one in await self._client.list_collections()]:
            await self._client.delete_collection(_id(self.name))
        self._documents = await self._client.create_collection(
            _id(self.name), configuration=CONFIGURATION, embedding_function=None
        )

    async def ingest(self, documents: Batch) -> None:
        for part in parts(len(documents.rows), self._most):
            await self._documents.add(
                ids=documents.ids[part],
                embeddings=documents.vectors[part],
                documents=documents.texts[part],
                metadatas=documents.metadata[part],
            )

    async def settle(self) -> None:
        pass

    async def search(self, query: Vectors) -> list[Hit]:
        return _hits(await self._documents.query(query_embeddings=query, n_results=TOP_K, include=_INCLUDED))

    async def close(self) -> None:
        pass


class Langchain:
    """`langchain_chroma.Chroma`."""

    name = LANGCHAIN
    library = "langchain-chroma"

    def __init__(self, client: Any) -> None:  # Any: as above
        self._client = client

    def create(self) -> None:
        _made_again(self._client, self.name)
        self._given = Given()
        self._store = Chroma(_id(self.name), self._given, client=self._client)

    def ingest(self, documents: Batch) -> None:
        self._given.vectors = documents.vectors.tolist()
        self._store.add_texts(documents.texts, documents.metadata, documents.ids)

    def settle(self) -> None:
        pass

    def search(self, query: Vectors) -> list[Hit]:
        found = self._store.similarity_search_by_vector_with_relevance_scores(query.tolist(), TOP_K)
        return [Hit(one.id or "", one.page_content, one.metadata, score) for one, score in found]

    def close(self) -> None:
        self._client.close()


class Llamaindex:
    """`ChromaVectorStore`. Its metadata has no lists, so the tags are joined."""

    name = LLAMAINDEX
    library = "llama-index-vector-stores-chroma"

    def __init__(self, client: Any) -> None:  # Any: as above
        self._client = client

    def create(self) -> None:
        self._store = ChromaVectorStore(_made_again(self._client, self.name))

    def ingest(self, documents: Batch) -> None:
        self._store.add(llamaindex.nodes(documents, flat=True))

    def settle(self) -> None:
        pass

    def search(self, query: Vectors) -> list[Hit]:
        return llamaindex.found(self._store, query)

    def close(self) -> None:
        self._client.close()


@contextmanager
def in_folder(folder: Path) -> Iterator[list[Contender]]:
    """Chroma in this process: every contender has a folder of its own."""

    def client(name: str) -> Any:  # Any: as above
        return chromadb.PersistentClient(str(folder / name), _settings())

    yield [
        Bare(client("bare")),
        Bare(client("again"), AGAIN),
        Onevec(f"chroma:///{folder}/onevec"),
        AsyncOnevec(f"chroma:///{folder}/async"),
        Langchain(client("langchain")),
        Llamaindex(client("llamaindex")),
    ]


@contextmanager
def on_server(folder: Path) -> Iterator[list[Contender]]:  # noqa: ARG001 (the server has its own)
    """Chroma's server, which its wheel carries."""
    from tests.servers.chroma import ChromaServer

    with ChromaServer() as server:

        def client() -> Any:  # Any: as above
            return chromadb.HttpClient("127.0.0.1", server.port, settings=_settings())

        url = f"chroma://127.0.0.1:{server.port}"
        yield [
            Bare(client()),
            Bare(client(), AGAIN),
            AsyncBare(server.port),
            Onevec(f"{url}?database=onevec"),
            AsyncOnevec(f"{url}?database=onevec_async"),
            Langchain(client()),
            Llamaindex(client()),
        ]


FOLDER = Engine("Chroma, in a folder", f"In this process. {_SETTINGS}.", _BARE, in_folder)
SERVER = Engine("Chroma, server", f"The server of Chroma's wheel, by HTTP on loopback. {_SETTINGS}.", _BARE, on_server)


def parts(count: int, most: int) -> list[slice]:
    """Return slices of at most so many."""
    return [slice(start, start + most) for start in range(0, count, most)]


def _settings() -> Settings:
    return Settings(anonymized_telemetry=False)


def _id(name: str) -> str:
    return name.lower().replace(", ", "-").replace(" ", "-")


def _made_again(client: Any, name: str) -> Any:  # Any: a client, and a collection
    if _id(name) in [one.name for one in client.list_collections()]:
        client.delete_collection(_id(name))
    return client.create_collection(_id(name), configuration=CONFIGURATION, embedding_function=None)


def _hits(found: Any) -> list[Hit]:  # Any: Chroma's answer, a dict of lists
    columns = (found["ids"][0], found["documents"][0], found["metadatas"][0], found["distances"][0])
    return [Hit(id, text, metadata, 1 - distance) for id, text, metadata, distance in zip(*columns, strict=True)]
