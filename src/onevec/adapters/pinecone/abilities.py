"""What Pinecone can do. Its limits: https://docs.pinecone.io/reference/api/database-limits."""

from __future__ import annotations

from onevec.adapters.pinecone.records import METRICS, PineconeCompiler
from onevec.capabilities import Capabilities

MOST = 10_000  # matches of a query

PROJECT = Capabilities(
    metrics=frozenset(METRICS),
    operators=PineconeCompiler.operators,
    text_search=False,
    native_async=True,
    persistent=True,
    shared=True,
    atomic_batches=False,
    ordered_scan=False,
    max_batch=1000,
    max_batch_bytes=300_000,  # a request takes 2 MB of JSON, where a number has five times the bytes
    max_top_k=MOST,
    native_filter="a filter dict",
    max_dimension=20_000,
    durability="Pinecone has the write in its log before the call returns.",
    consistency="Reads lag behind writes by up to some seconds. A write waits until searches see it; counts of whole "
    "namespaces, and what clear removes, can lag longer.",
)
