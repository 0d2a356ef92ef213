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
from onevec.rerank import FunctionReranker, Reranker
from onevec.secret import Secret
from onevec.trace import Event

if TYPE_CHECKING:
    from onevec.aio import AsyncCollection, AsyncStore
    from onevec.choosing import (
        Candidate,
        create_development_store,
        create_development_store_async,
        create_production_store,
        create_production_store_async,
    )
    from onevec.collection import Collection
    from onevec.evaluation import Evaluation, evaluate, evaluate_async
    from onevec.filter_syntax import parse_filter
    from onevec.named_stores import (
        close_all_stores,
        close_all_stores_async,
        get_async_store,
        get_store,
        register_store,
        set_default_store,
        store_names,
        unregister_store,
    )
    from onevec.opening import connect, connect_async
    from onevec.registry import engines, register, requirements
    from onevec.steps import IngestConfig, IngestStep, SearchConfig, SearchStep
    from onevec.store import Store

__version__ = "0.1.0"

# Loaded when first asked for, so that `import onevec` stays light.
_LATER = {
    "AsyncCollection": "onevec.aio",
    "AsyncStore": "onevec.aio",
    "Candidate": "onevec.choosing",
    "Collection": "onevec.collection",
    "Evaluation": "onevec.evaluation",
    "IngestConfig": "onevec.steps",
    "IngestStep": "onevec.steps",
    "SearchConfig": "onevec.steps",
    "SearchStep": "onevec.steps",
    "Store": "onevec.store",
    "close_all_stores": "onevec.named_stores",
    "close_all_stores_async": "onevec.named_stores",
    "connect": "onevec.opening",
    "connect_async": "onevec.opening",
    "create_development_store": "onevec.choosing",
    "create_development_store_async": "onevec.choosing",
    "create_production_store": "onevec.choosing",
    "create_production_store_async": "onevec.choosing",
    "engines": "onevec.registry",
    "evaluate": "onevec.evaluation",
    "evaluate_async": "onevec.evaluation",
    "get_async_store": "onevec.named_stores",
    "get_store": "onevec.named_stores",
    "parse_filter": "onevec.filter_syntax",
    "register": "onevec.registry",
    "register_store": "onevec.named_stores",
    "requirements": "onevec.registry",
    "set_default_store": "onevec.named_stores",
    "store_names": "onevec.named_stores",
    "unregister_store": "onevec.named_stores",
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
    "Candidate",
    "Collection",
    "CollectionInfo",
    "Document",
    "Embedder",
    "Evaluation",
    "Event",
    "Filter",
    "FunctionEmbedder",
    "FunctionReranker",
    "Health",
    "Hit",
    "IngestConfig",
    "IngestStep",
    "Metric",
    "OnevecError",
    "Page",
    "PartialWrite",
    "Reranker",
    "SearchConfig",
    "SearchFilter",
    "SearchQuery",
    "SearchResult",
    "SearchStep",
    "Secret",
    "Stats",
    "Store",
    "WriteReport",
    "close_all_stores",
    "close_all_stores_async",
    "connect",
    "connect_async",
    "create_development_store",
    "create_development_store_async",
    "create_production_store",
    "create_production_store_async",
    "engines",
    "errors",
    "evaluate",
    "evaluate_async",
    "field",
    "get_async_store",
    "get_store",
    "parse_filter",
    "register",
    "register_store",
    "requirements",
    "set_default_store",
    "store_names",
    "unregister_store",
]
