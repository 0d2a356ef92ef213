"""LangChain's vector store over Chroma."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.embedded.contender import TOP_K, Batch, Condition, Facts, Hit, Vectors
from bench.embedded.contenders.chroma import CONFIGURATION, EFFORTS, client, condition_dict, write_effort
from bench.embedded.contenders.langchain import Given, hits
from langchain_chroma import Chroma


class LangchainChroma:
    """`langchain_chroma.Chroma`."""

    facts = Facts(
        library="langchain-chroma",
        imports="from langchain_chroma import Chroma",
        batch=5_000,
        acknowledged="in Chroma's SQLite log",
        searchable="nothing to call: vectors are linked as they are written",
        settings="as Chroma",
        effort="ef_search",
        efforts=EFFORTS,
    )

    def create(self, folder: Path, dimension: int) -> None:  # noqa: ARG002 (Chroma takes it from the vectors)
        self._folder = folder
        self._given = Given()
        self._client = client(folder)
        self._store = Chroma("documents", self._given, client=self._client, collection_configuration=CONFIGURATION)

    def reopen(self, folder: Path) -> None:
        self._folder = folder
        self._client = client(folder)
        self._store = Chroma("documents", Given(), client=self._client)

    def ingest(self, batch: Batch) -> None:
        self._given.vectors = batch.vectors.tolist()
        self._store.add_texts(batch.texts, batch.metadata, batch.ids)

    def make_searchable(self) -> None:
        pass

    def filter(self, condition: Condition) -> dict[str, Any]:  # Any: Chroma's filters are dicts
        return condition_dict(condition)

    def set_effort(self, effort: int) -> None:
        write_effort(self._client, effort)
        self.reopen(self._folder)

    def search(self, query: Vectors, filter: dict[str, Any] | None) -> list[Hit]:
        return hits(self._store.similarity_search_by_vector(query.tolist(), TOP_K, filter))

    def close(self) -> None:
        self._client.close()
