"""What LlamaIndex's vector stores have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.embedded.contender import TOP_K, Batch, Vectors
from bench.wrappers.contender import Hit
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores import VectorStoreQuery


def nodes(documents: Batch, *, named: Callable[[int], str] = str, flat: bool = False) -> list[TextNode]:
    """Return the documents as LlamaIndex has them.

    Args:
        documents: The documents.
        named: The id of a row.
        flat: Whether the store refuses lists in the metadata; they are joined then.
    """
    metadata = documents.metadata
    if flat:
        metadata = [{**one, "tags": ",".join(one["tags"])} for one in metadata]
    columns = zip(documents.rows, documents.vectors.tolist(), documents.texts, metadata, strict=True)
    return [
        TextNode(id_=named(row), embedding=vector, text=text, metadata=fields) for row, vector, text, fields in columns
    ]


def found(store: Any, query: Vectors) -> list[Hit]:  # Any: LlamaIndex's vector stores
    """Return what a store finds."""
    result = store.query(VectorStoreQuery(query_embedding=query.tolist(), similarity_top_k=TOP_K))
    pairs = zip(result.nodes or (), result.similarities or (), strict=True)
    return [Hit(node.node_id, node.get_content(), node.metadata, score) for node, score in pairs]
