"""What Chroma can do, in each of the two ways to run it."""

from __future__ import annotations

from dataclasses import replace

from onevec.adapters.chroma.conditions import ChromaCompiler
from onevec.adapters.chroma.records import SPACES
from onevec.capabilities import Capabilities

SERVER = Capabilities(
    metrics=frozenset(SPACES),
    operators=ChromaCompiler.operators,
    text_search=False,
    native_async=True,
    persistent=True,
    shared=True,
    atomic_batches=False,
    ordered_scan=True,
    max_batch=4000,  # Chroma takes 5,461. After each batch it saves its index, so small ones take long in all
    max_batch_bytes=8_000_000,  # some seconds of work; a server takes 40 MB of JSON
    max_top_k=100_000,
    native_filter="a where dict",
    durability="A write is committed in the server's SQLite file, synced to the disk, before the call returns.",
    consistency="The next read sees every write that has returned.",
)

FOLDER = replace(
    SERVER,
    native_async=False,
    shared=False,
    durability="A write is committed in Chroma's SQLite file, synced to the disk, before the call returns.",
    consistency="The next read of this store sees every write that has returned.",
)
