"""Which engines there are. Their libraries are imported only where they are measured."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType

from bench.wrappers.contender import Engine

ROSTER: MappingProxyType[str, str] = MappingProxyType(
    {
        "chroma-folder": "chroma:FOLDER",
        "chroma": "chroma:SERVER",
        "qdrant": "qdrant:ENGINE",
        "lancedb": "lancedb:ENGINE",
        "pgvector": "pgvector:ENGINE",
        "elasticsearch": "elasticsearch:ENGINE",
    }
)


def engine(key: str) -> Engine:
    """Import an engine's contenders, and return it."""
    module, _, name = ROSTER[key].partition(":")
    made: Engine = getattr(import_module(f"bench.wrappers.engines.{module}"), name)
    return made
