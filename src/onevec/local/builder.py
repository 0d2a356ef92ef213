"""Building a graph in the background."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

import numpy as np

from onevec.local.graph import Graph, GraphSettings, use_one_thread
from onevec.local.planner import Plan, plan
from onevec.local.table import VectorTable
from onevec.local.vectors import Rows

# Vectors linked between two looks at whether to stop; some tens of milliseconds.
_STEP = 512

# Vectors that quantization learns the range of the numbers from.
_SAMPLE = 20_000


class Build:
    """One build in a thread of its own, over a snapshot of a table.

    Args:
        table: The snapshot.
        settings: How the graph is built.
        earlier: A graph over the first of the same slots, to be extended instead of built anew.
        on_built: Called in the thread with the plan and the rows of the slots, unless the build was cancelled.
        background: Whether others want the processor, too; then one core is left to them.
    """

    def __init__(
        self,
        table: VectorTable,
        settings: GraphSettings,
        earlier: Graph | None = None,
        on_built: Callable[[Plan, Rows], None] | None = None,
        *,
        background: bool = True,
    ) -> None:
        self._cancelled = threading.Event()
        self.result: Plan | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, args=(table, settings, earlier, on_built, background), name="onevec-graph", daemon=True
        )
        # A program that ends without closing its stores must not end while FAISS is at work.
        self._stop = weakref.finalize(self, _stop, self._cancelled, self._thread)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def wait(self) -> None:
        """Return when it is done."""
        self._thread.join()

    def cancel(self) -> None:
        """Stop it, and return when it has stopped."""
        self._stop()

    def _run(
        self,
        table: VectorTable,
        settings: GraphSettings,
        earlier: Graph | None,
        on_built: Callable[[Plan, Rows], None] | None,
        background: bool,
    ) -> None:
        try:
            if background:
                use_one_thread()
            graph = Graph(table.dimension, table.metric, settings) if earlier is None else earlier.twin()
            if earlier is None:
                sample = np.arange(0, table.size, max(1, table.size // _SAMPLE))
                graph.learn(table.vectors_at(sample))
            while graph.size < table.size:
                if self._cancelled.is_set():
                    return
                graph.add(table.vectors_between(graph.size, graph.size + _STEP))
            built = plan(graph, table)
            if on_built is not None and not self._cancelled.is_set():
                on_built(built, table.rows)
            self.result = built
        except BaseException as error:  # noqa: BLE001 (kept, for the thread that asks)
            self.error = error


def _stop(cancelled: threading.Event, thread: threading.Thread) -> None:
    cancelled.set()
    if thread.is_alive() and thread is not threading.current_thread():
        thread.join()
