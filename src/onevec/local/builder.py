"""Building an index, for a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from onevec.local.background import Task
from onevec.local.index import Index, IndexMaker, use_one_thread
from onevec.local.pieces import pieces
from onevec.local.planner import Plan
from onevec.local.table import VectorTable
from onevec.local.tuning import plan

# What is waited for: it has no plan if it was cancelled.
Build: TypeAlias = Task[Plan | None]


def built(
    table: VectorTable,
    settings: Sequence[IndexMaker],
    cancelled: Callable[[], bool],
    *,
    earlier: Index | None,
    on_built: Callable[[Plan, VectorTable], None] | None,
    background: bool,
) -> Plan | None:
    """Build an index over a snapshot of a table, and measure it; None if it was cancelled.

    Args:
        table: The snapshot.
        settings: How the index is built: the first of these with which it reaches the recall, else the last.
        cancelled: Says whether to stop.
        earlier: An index over the first of the same slots, to be added to instead of built anew, if it fits.
        on_built: Called with the plan and the snapshot.
        background: Whether others want the processor, too; then one core is left to them.
    """
    if background:
        use_one_thread()
    made = None
    if earlier is not None and not earlier.is_outgrown(table.size):
        made = _extended(earlier.twin(), table, cancelled, background=background)
    for one in settings:
        if made is None or not made.widths:
            if cancelled():
                return None
            index = one.make(table.dimension, table.metric, table.size)
            index.learn(table.vectors_at(np.arange(0, table.size, max(1, table.size // index.wanted))))
            made = _extended(index, table, cancelled, background=background)
    if made is not None and on_built is not None and not cancelled():
        on_built(made, table)
    return made


def _extended(index: Index, table: VectorTable, cancelled: Callable[[], bool], *, background: bool) -> Plan | None:
    """Add what an index lacks, and measure it; None if it was cancelled."""
    for start, stop in pieces(index.size, table.size, background=background):
        if cancelled():
            return None
        index.add(table.vectors_between(start, stop))
    return plan(index, table)
