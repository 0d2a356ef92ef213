"""One vector-store API for Python. Same call, same answer, on every engine.

import onevec
from onevec import Document, field

with onevec.connect("sqlite:///papers.db") as store:
    papers = store.create_collection("papers", dimension=384, if_exists="open")
    papers.upsert([Document("1", text="...", vector=v, metadata={"year": 1958})])
    hits = papers.search(v, top_k=5, filter=field("year") >= 1958)
"""

from importlib import import_module
from typing import TYPE_CHECKING

from onevec import errors
from onevec.documents import (
    CollectionInfo,
    Document,
    Health,
    Hit,
    Page,
    SearchQuery,
    SearchResult,
    Stats,
    WriteReport,
)
from onevec.embedders import Embedder, FunctionEmbedder
from onevec.errors import OnevecError, PartialWrite
from onevec.filters import Filter, SearchFilter, field
from onevec.metrics import Metric
from onevec.secret import Secret
from onevec.trace import Event

if TYPE_CHECKING:
    from onevec.aio import AsyncCollection, AsyncStore
    from onevec.collection import Collection
    from onevec.filter_syntax import parse_filter
    from onevec.opening import connect, connect_async
    from onevec.registry import engines, register
    from onevec.store import Store

__version__ = "0.1.0"

# Loaded when first asked for, so that `import onevec` stays light.
_LATER = {
    "AsyncCollection": "onevec.aio",
    "AsyncStore": "onevec.aio",
    "Collection": "onevec.collection",
    "Store": "onevec.store",
    "connect": "onevec.opening",
    "connect_async": "onevec.opening",
    "engines": "onevec.registry",
    "parse_filter": "onevec.filter_syntax",
    "register": "onevec.registry",
}


if not TYPE_CHECKING:  # a type checker is to see the imports above, and to refuse names that are not there

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module 'onevec' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_LATER[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "AsyncCollection",
    "AsyncStore",
    "Collection",
    "CollectionInfo",
    "Document",
    "Embedder",
    "Event",
    "Filter",
    "FunctionEmbedder",
    "Health",
    "Hit",
    "Metric",
    "OnevecError",
    "Page",
    "PartialWrite",
    "SearchFilter",
    "SearchQuery",
    "SearchResult",
    "Secret",
    "Stats",
    "Store",
    "WriteReport",
    "connect",
    "connect_async",
    "engines",
    "errors",
    "field",
    "parse_filter",
    "register",
]
