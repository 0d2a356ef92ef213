"""Who takes part. A contender's library is imported only in the process that measures it."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple, cast

from bench.embedded.contender import Contender

SUBJECT = "sqlite"
OURS = ("sqlite", "memory", "jsonl", "faiss")


class Listed(NamedTuple):
    """A contender's name, and where what makes it stands."""

    name: str
    source: str


ROSTER: MappingProxyType[str, Listed] = MappingProxyType(
    {
        "sqlite": Listed("onevec sqlite", "onevec:sqlite"),
        "memory": Listed("onevec memory", "onevec:memory"),
        "jsonl": Listed("onevec jsonl", "onevec:jsonl"),
        "faiss": Listed("onevec faiss", "onevec:faiss"),
        "zvec": Listed("zvec", "zvec:Zvec"),
        "qdrant": Listed("Qdrant Edge", "qdrant:Qdrant"),
        "chroma": Listed("Chroma", "chroma:Chroma"),
        "lancedb": Listed("LanceDB", "lancedb:Lancedb"),
        "langchain-chroma": Listed("LangChain Chroma", "langchain_chroma:LangchainChroma"),
        "langchain-faiss": Listed("LangChain FAISS", "langchain_faiss:LangchainFaiss"),
        "llamaindex-chroma": Listed("LlamaIndex Chroma", "llamaindex:LlamaindexChroma"),
        "faiss-hnsw": Listed("FAISS HNSW", "faiss:hnsw"),
        "faiss-flat": Listed("FAISS flat", "faiss:flat"),
    }
)


def contender(key: str) -> Contender:
    """Import the contender's library and return it."""
    module, _, maker = ROSTER[key].source.partition(":")
    return cast("Contender", getattr(import_module(f"bench.embedded.contenders.{module}"), maker)())
