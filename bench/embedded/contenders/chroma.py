"""Chroma."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chromadb
from bench.embedded.contender import TOP_K, Batch, Condition, Facts, Hit, Vectors
from chromadb.api.collection_configuration import CreateCollectionConfiguration
from chromadb.config import Settings

EFFORTS = (16, 32, 64, 100, 150, 200, 300, 400, 500)
CONFIGURATION: CreateCollectionConfiguration = {
    "hnsw": {"space": "cosine", "max_neighbors": 16, "ef_construction": 100}
}


def client(folder: Path) -> Any:  # Any: its type lacks close()
    return chromadb.PersistentClient(str(folder / "store"), Settings(anonymized_telemetry=False))


def condition_dict(condition: Condition) -> dict[str, Any]:  # Any: Chroma's filters are dicts
    """Return the filter as Chroma writes it."""
    return {condition.field: {"$lt" if condition.op == "<" else "$eq": condition.value}}


def write_effort(client: Any, effort: int) -> None:
    """Set `ef_search` and close the client: a collection takes it when it is loaded."""
    client.get_collection("documents", embedding_function=None).modify(configuration={"hnsw": {"ef_search": effort}})
    client.close()


class Chroma:
    """A collection in a folder."""

    facts = Facts(
        library="chromadb",
        imports="import chromadb",
        batch=5_000,
        acknowledged="in its SQLite log",
        searchable="nothing to call: vectors are linked as they are written",
        settings="HNSW, max_neighbors=16, ef_construction=100 (the defaults)",
        effort="ef_search",
        efforts=EFFORTS,
    )

    def create(self, folder: Path, dimension: int) -> None:  # noqa: ARG002 (Chroma takes it from the vectors)
        self._folder = folder
        self._client = client(folder)
        self._documents = self._client.create_collection(
            "documents", configuration=CONFIGURATION, embedding_function=None
        )

    def reopen(self, folder: Path) -> None:
        self._folder = folder
        self._client = client(folder)
        self._documents = self._client.get_collection("documents", embedding_function=None)

    def ingest(self, batch: Batch) -> None:
        self._documents.add(ids=batch.ids, embeddings=batch.vectors, documents=batch.texts, metadatas=batch.metadata)

    def make_searchable(self) -> None:
        pass

    def filter(self, condition: Condition) -> dict[str, Any]:
        return condition_dict(condition)

    def set_effort(self, effort: int) -> None:
        write_effort(self._client, effort)
        self.reopen(self._folder)

    def search(self, query: Vectors, filter: dict[str, Any] | None) -> list[Hit]:
        found = self._documents.query(query_embeddings=query, n_results=TOP_K, where=filter)
        return list(map(Hit, found["ids"][0], found["documents"][0], found["metadatas"][0]))

    def close(self) -> None:
        self._client.close()
