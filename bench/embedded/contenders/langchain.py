"""What LangChain's vector stores have in common."""

from __future__ import annotations

from bench.embedded.contender import Hit
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings


class Given(Embeddings):
    """The vectors that are there already, in the place of a model."""

    def __init__(self) -> None:
        self.vectors: list[list[float]] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:  # noqa: ARG002 (they are embedded already)
        return self.vectors

    def embed_query(self, text: str) -> list[float]:
        raise NotImplementedError(f"queries are vectors, got {text!r}")


def hits(documents: list[Document]) -> list[Hit]:
    """Return LangChain's documents as hits."""
    return [Hit(document.id or "", document.page_content, document.metadata) for document in documents]
