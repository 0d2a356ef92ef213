"""onevec's own engines, with their default settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.embedded.contender import TOP_K, Batch, Condition, Facts, Hit, Vectors

import onevec

_GRAPH = "default: an HNSW graph that tunes itself, or exact where that costs less"
_INDEX = "default: inverted lists (IVF-PQ) that tune themselves, or exact where that costs less"


class Onevec:
    """A collection of any of the engines."""

    def __init__(self, facts: Facts, url: str) -> None:
        exec(facts.imports)  # the engine too, which onevec would otherwise load when the store is opened
        self.facts = facts
        self._url = url

    def create(self, folder: Path, dimension: int) -> None:
        self._store = onevec.connect(self._url.format(folder=folder))
        self._documents = self._store.create_collection("documents", dimension=dimension)

    def reopen(self, folder: Path) -> None:
        self._store = onevec.connect(self._url.format(folder=folder))
        self._documents = self._store.collection("documents")

    def ingest(self, batch: Batch) -> None:
        self._documents.upsert(ids=batch.ids, vectors=batch.vectors, texts=batch.texts, metadata=batch.metadata)

    def make_searchable(self) -> None:
        self._documents.optimize()

    def filter(self, condition: Condition) -> onevec.Filter:
        field = onevec.field(condition.field)
        return field < condition.value if condition.op == "<" else field == condition.value

    def set_effort(self, effort: int) -> None:
        raise NotImplementedError(f"onevec tunes itself; {effort} is not used")

    def search(self, query: Vectors, filter: onevec.Filter | None) -> list[Hit]:
        result = self._documents.search(query, top_k=TOP_K, filter=filter)
        return [Hit(hit.id, hit.text, hit.metadata) for hit in result]

    def close(self) -> None:
        self._store.close()


def _facts(engine: str, acknowledged: str, settings: str, **more: Any) -> Facts:  # Any: the other fields
    return Facts(
        library="onevec",
        imports=f"import onevec, onevec.adapters.{engine}",
        batch=5_000,
        acknowledged=acknowledged,
        searchable="`optimize()`: the full-text index is written; the index, if there is one, built and saved",
        settings=settings,
        **more,
    )


def sqlite() -> Onevec:
    return Onevec(_facts("sqlite", "synced to the disk", _INDEX), "sqlite:///{folder}/store.db")


def memory() -> Onevec:
    return Onevec(_facts("memory", "in memory", _INDEX, persistent=False), "memory://")


def jsonl() -> Onevec:
    return Onevec(_facts("jsonl", "synced to the disk", "default: exact"), "jsonl:///{folder}/store")


def faiss() -> Onevec:
    return Onevec(_facts("faiss", "synced to the disk", _GRAPH), "faiss:///{folder}/store")
