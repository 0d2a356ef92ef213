"""Conditions in an engine's own language, on their way to its adapter, which checks them."""

from __future__ import annotations

from onevec.capabilities import Capabilities
from onevec.errors import Unsupported

ENGINES = (
    *("chroma", "elasticsearch", "faiss", "lancedb", "milvus", "pgvector", "pinecone", "qdrant", "sqlite", "weaviate"),
)


def taken(native: object, engine: str, capabilities: Capabilities) -> object:
    """Return what `native=` is.

    Raises:
        Unsupported: The engine takes none.
    """
    if capabilities.native_filter is None:
        raise Unsupported(
            f"{engine} has no filters of its own for native=; say it with filter=, or use an engine that has them: "
            f"{', '.join(ENGINES)}"
        )
    return native
