"""What an engine can do, as data: readable without a connection, checked by the core, printed in the docs."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from onevec.documents import IndexKind
from onevec.filters import Op
from onevec.metrics import Metric


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One engine's record. The core refuses what isn't declared here, so no adapter has to.

    Attributes:
        metrics: The metrics a collection can have.
        operators: The filter operators the engine runs itself, in the contract's exact meaning.
        text_search: Whether `mode="text"` works.
        native_async: Whether the engine's library has an async client of its own; else calls run in worker threads.
        persistent: Whether documents outlive the process.
        shared: Whether several processes can have the store open at once.
        atomic_batches: Whether one batch is written wholly or not at all, also across a crash.
        ordered_scan: Whether `scan` comes in id order.
        max_batch: Documents in one request; None for any number.
        max_batch_bytes: Bytes in one request; None for any number.
        max_top_k: Hits of one search; None for any number.
        max_dimension: Numbers in one vector; None for any number.
        index_kinds: The kinds of index that `create_index` makes.
        index_settings: The settings of an index that `create_index` takes, such as `"m"`.
        search_settings: The settings of an index that a search takes: `"ef_search"`, `"nprobe"`.
        native_filter: What a search takes as a condition in the engine's own language, such as `"a filter dict"`; None
            if nothing.
        durability: What a returned write means for the documents, in a sentence.
        consistency: When the next read sees it, in a sentence.
    """

    _: KW_ONLY
    metrics: frozenset[Metric]
    operators: frozenset[Op]
    text_search: bool
    native_async: bool
    persistent: bool
    shared: bool
    atomic_batches: bool
    ordered_scan: bool
    max_batch: int | None = None
    max_batch_bytes: int | None = None
    max_top_k: int | None = None
    max_dimension: int | None = None
    index_kinds: frozenset[IndexKind] = frozenset()
    index_settings: frozenset[str] = frozenset()
    search_settings: frozenset[str] = frozenset()
    native_filter: str | None = None
    durability: str
    consistency: str
