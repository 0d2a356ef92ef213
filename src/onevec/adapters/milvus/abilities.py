"""What Milvus can do, on a server and in this process."""

from __future__ import annotations

from dataclasses import replace

from onevec.adapters.milvus.expressions import MilvusCompiler
from onevec.capabilities import Capabilities
from onevec.metrics import Metric

SERVER = Capabilities(
    metrics=frozenset({Metric.COSINE, Metric.DOT, Metric.EUCLIDEAN}),
    operators=MilvusCompiler.operators,
    text_search=False,
    native_async=True,
    persistent=True,
    shared=True,
    atomic_batches=False,
    ordered_scan=False,
    max_batch=1000,
    max_batch_bytes=16_000_000,  # a server takes 64 MB in a request
    max_top_k=16_384,
    max_dimension=32_768,
    index_kinds=frozenset({"flat", "hnsw", "ivf_flat", "ivf_pq"}),
    index_settings=frozenset({"m", "ef_construction", "quantization", "lists", "subvectors", "bits"}),
    search_settings=frozenset({"ef_search", "nprobe"}),
    native_filter="a boolean expression",
    durability="The server has the write in its log before the call returns.",
    consistency="The next read sees every write that has returned (Milvus's consistency level Strong).",
)

LITE = replace(
    SERVER,
    native_async=False,
    shared=False,
    max_batch=None,
    max_batch_bytes=64_000_000,
    index_kinds=frozenset({"flat", "hnsw", "ivf_flat"}),
    index_settings=frozenset({"m", "ef_construction", "quantization", "lists"}),
    durability=(
        "A write is in the files of Milvus Lite before the call returns, and outlives the process; it is synced to the "
        "disk by flush()."
    ),
    consistency="The next read of this store sees every write that has returned.",
)
