"""Building a graph, for a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from onevec.local.background import Task
from onevec.local.graph import Graph, GraphSettings, use_one_thread
from onevec.local.pieces import pieces
from onevec.local.planner import Plan
from onevec.local.table import VectorTable
from onevec.local.tuning import plan
from onevec.local.vectors import Rows

# What is waited for: it has no plan if it was cancelled.
Build: TypeAlias = Task[Plan | None]

# Vectors that quantization learns the range of the numbers from.
_SAMPLE = 20_000


def built(
    table: VectorTable,
    settings: GraphSettings,
    cancelled: Callable[[], bool],
    *,
    earlier: Graph | None,
    on_built: Callable[[Plan, Rows], None] | None,
    background: bool,
) -> Plan | None:
    """Build a graph over a snapshot of a table, and measure it; None if it was cancelled.

    Args:
        table: The snapshot.
        settings: How the graph is built.
        cancelled: Says whether to stop.
        earlier: A graph over the first of the same slots, to be extended instead of built anew.
        on_built: Called with the plan and the rows of the slots.
        background: Whether others want the processor, too; then one core is left to them.
    """
    if background:
        use_one_thread()
    graph = Graph(table.dimension, table.metric, settings) if earlier is None else earlier.twin()
    if earlier is None:
        sample = np.arange(0, table.size, max(1, table.size // _SAMPLE))
        graph.learn(table.vectors_at(sample))
    for start, stop in pieces(graph.size, table.size, background=background):
        if cancelled():
            return None
        graph.add(table.vectors_between(start, stop))
    made = plan(graph, table)
    if on_built is not None and not cancelled():
        on_built(made, table.rows)
    return made
