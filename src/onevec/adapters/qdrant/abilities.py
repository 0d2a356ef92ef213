"""What Qdrant can do, in each of the three ways to run it."""

from __future__ import annotations

from dataclasses import replace

from onevec.adapters.qdrant.points import QdrantCompiler
from onevec.capabilities import Capabilities
from onevec.metrics import Metric

SERVER = Capabilities(
    metrics=frozenset(Metric),
    operators=QdrantCompiler.operators,
    text_search=False,
    native_async=True,
    persistent=True,
    shared=True,
    atomic_batches=False,
    ordered_scan=False,
    max_batch=1000,
    max_batch_bytes=5_000_000,  # a server takes 32 MB of JSON, where a number has five times the bytes
    max_top_k=100_000,
    max_dimension=65_536,
    index_kinds=frozenset({"hnsw"}),
    index_settings=frozenset({"m", "ef_construction", "quantization"}),
    search_settings=frozenset({"ef_search"}),
    native_filter="a Filter of its client, or its dict",
    durability="The server has the write in its write-ahead log, and has applied it, before the call returns.",
    consistency="The next read sees every write that has returned; in a cluster, as its replication is set up.",
)

FOLDER = replace(
    SERVER,
    native_async=False,
    shared=False,
    max_batch_bytes=None,
    index_settings=frozenset({"m", "ef_construction"}),
    durability="A write is in the shard's write-ahead log, synced to the disk, before the call returns.",
    consistency="The next read of this store sees every write that has returned.",
)

MEMORY = replace(
    FOLDER,
    persistent=False,
    index_kinds=frozenset(),
    index_settings=frozenset(),
    search_settings=frozenset(),
    durability="Nothing outlives the process.",
)
