"""LlamaIndex's vector store over Chroma."""

from __future__ import annotations

from pathlib import Path

from bench.embedded.contender import TOP_K, Batch, Condition, Facts, Hit, Vectors
from bench.embedded.contenders.chroma import CONFIGURATION, EFFORTS, client, write_effort
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores import FilterOperator, MetadataFilter, MetadataFilters, VectorStoreQuery
from llama_index.vector_stores.chroma import ChromaVectorStore


class LlamaindexChroma:
    """`ChromaVectorStore`. Its metadata has no lists, so the tags are joined."""

    facts = Facts(
        library="llama-index-vector-stores-chroma",
        imports="from llama_index.vector_stores.chroma import ChromaVectorStore",
        batch=5_000,
        acknowledged="in Chroma's SQLite log",
        searchable="nothing to call: vectors are linked as they are written",
        settings="as Chroma; tags joined to one string, lists are refused",
        effort="ef_search",
        efforts=EFFORTS,
    )

    def create(self, folder: Path, dimension: int) -> None:  # noqa: ARG002 (Chroma takes it from the vectors)
        self._folder = folder
        self._client = client(folder)
        collection = self._client.create_collection("documents", configuration=CONFIGURATION, embedding_function=None)
        self._store = ChromaVectorStore(collection)

    def reopen(self, folder: Path) -> None:
        self._folder = folder
        self._client = client(folder)
        collection = self._client.get_collection("documents", embedding_function=None)
        self._store = ChromaVectorStore(collection)

    def ingest(self, batch: Batch) -> None:
        columns = zip(batch.ids, batch.vectors.tolist(), batch.texts, batch.metadata, strict=True)
        self._store.add(
            [
                TextNode(id_=id, embedding=vector, text=text, metadata={**metadata, "tags": ",".join(metadata["tags"])})
                for id, vector, text, metadata in columns
            ]
        )

    def make_searchable(self) -> None:
        pass

    def filter(self, condition: Condition) -> MetadataFilters:
        operator = FilterOperator.LT if condition.op == "<" else FilterOperator.EQ
        return MetadataFilters(filters=[MetadataFilter(key=condition.field, value=condition.value, operator=operator)])

    def set_effort(self, effort: int) -> None:
        write_effort(self._client, effort)
        self.reopen(self._folder)

    def search(self, query: Vectors, filter: MetadataFilters | None) -> list[Hit]:
        found = self._store.query(
            VectorStoreQuery(query_embedding=query.tolist(), similarity_top_k=TOP_K, filters=filter)
        )
        return [Hit(node.node_id, node.get_content(), node.metadata) for node in found.nodes or ()]

    def close(self) -> None:
        self._client.close()
