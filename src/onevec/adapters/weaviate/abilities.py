"""What Weaviate can do."""

from __future__ import annotations

from onevec.adapters.weaviate.filters import WeaviateCompiler
from onevec.capabilities import Capabilities
from onevec.metrics import Metric

ABILITIES = Capabilities(
    metrics=frozenset(Metric),
    operators=WeaviateCompiler.operators,
    text_search=False,
    native_async=True,
    persistent=True,
    shared=True,
    atomic_batches=False,
    ordered_scan=False,
    max_batch=1_000,
    max_batch_bytes=20_000_000,
    max_top_k=10_000,
    native_filter="a Filter of its client",
    max_dimension=65_535,
    index_kinds=frozenset({"hnsw"}),
    index_settings=frozenset({"quantization"}),
    durability="The server has the write in its logs, which the system writes to the disk, before the call returns.",
    consistency="The next read sees every write that has returned, as long as the server's ASYNC_INDEXING is off.",
)
