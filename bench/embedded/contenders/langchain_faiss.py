"""LangChain's vector store over FAISS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
from bench.embedded.contender import TOP_K, Batch, Condition, Facts, Hit, Vectors
from bench.embedded.contenders.langchain import Given, hits
from langchain_community.docstore.in_memory import InMemoryDocstore
from langchain_community.vectorstores import FAISS


class LangchainFaiss:
    """`langchain_community.vectorstores.FAISS`."""

    facts = Facts(
        library="langchain-community",
        imports="import faiss; from langchain_community.vectorstores import FAISS",
        batch=5_000,
        acknowledged="in memory",
        searchable="`save_local`: the index and a pickle of the documents are written",
        settings="IndexFlatIP, exact; filters run in Python over the fetch_k nearest",
        effort="fetch_k",
        efforts=(20, 100, 500, 2_500, 12_500, 62_500, 312_500, 1_562_500),
    )

    def create(self, folder: Path, dimension: int) -> None:
        self._folder = folder
        self._fetched = self.facts.efforts[0]
        self._store = FAISS(Given(), faiss.IndexFlatIP(dimension), InMemoryDocstore(), {})

    def reopen(self, folder: Path) -> None:
        self._fetched = self.facts.efforts[0]
        self._store = FAISS.load_local(str(folder), Given(), allow_dangerous_deserialization=True)

    def ingest(self, batch: Batch) -> None:
        pairs = zip(batch.texts, batch.vectors, strict=True)
        self._store.add_embeddings(pairs, batch.metadata, batch.ids)

    def make_searchable(self) -> None:
        self._store.save_local(str(self._folder))

    def filter(self, condition: Condition) -> dict[str, Any]:  # Any: LangChain's filters are dicts
        return {condition.field: {"$lt" if condition.op == "<" else "$eq": condition.value}}

    def set_effort(self, effort: int) -> None:
        self._fetched = min(effort, self._store.index.ntotal)

    def search(self, query: Vectors, filter: dict[str, Any] | None) -> list[Hit]:
        return hits(
            self._store.similarity_search_by_vector(query.tolist(), TOP_K, filter=filter, fetch_k=self._fetched)
        )

    def close(self) -> None:
        del self._store
