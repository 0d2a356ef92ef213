"""The index over a table of vectors: when it is built, caught up or dropped, and what of the vectors is in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import numpy as np

from onevec.local.background import Task
from onevec.local.builder import Build, built
from onevec.local.graph import GraphSettings
from onevec.local.index import METRICS, IndexMaker
from onevec.local.lists import ListSettings
from onevec.local.planner import Plan
from onevec.local.table import VectorTable
from onevec.local.vectors import Elsewhere, Measured, Rows, fetched

# Vectors of fewer numbers together are searched exactly in a fraction of a millisecond.
INDEX_FROM = 2_000_000


@dataclass(frozen=True, slots=True)
class IndexPolicy:
    """When an index is built in the background.

    Attributes:
        from_numbers: When the vectors have this many numbers together; with fewer, an exact search is as quick.
        tail: When this share of the slots is not in the index yet.
        dead: When this share of the index's slots is dead; then anew.
        settings: How it is built; with several, the first that reaches the recall on these vectors.
        lean: Whether the vectors that it covers leave the memory.
    """

    from_numbers: int = INDEX_FROM
    tail: float = 0.1
    dead: float = 0.3
    settings: tuple[IndexMaker, ...] = (ListSettings(), GraphSettings())
    lean: bool = False


class Upkeep:
    """Keeps one index over a table. All calls are made by one thread at a time; what takes long goes on in others.

    An index that was saved is searched at once, by what it keeps of the vectors; the vectors themselves are read in the
    background, unless they are to stay out of memory.

    Args:
        table: The table.
        on_built: Called in the background with an index's plan and the rows of its slots, as to save them.
        elsewhere: Where vectors are read from that are not in memory; None if they are nowhere else.

    Attributes:
        policy: When an index is built; None for never.
        plan: The index, and what was measured of it; None before there is one.
    """

    def __init__(
        self, table: VectorTable, on_built: Callable[[Plan, Rows], None] | None, elsewhere: Elsewhere | None
    ) -> None:
        self.policy: IndexPolicy | None = None
        self.plan: Plan | None = None
        self._table = table
        self._on_built = on_built
        self._elsewhere = elsewhere
        self._build: Build | None = None
        self._failed: BaseException | None = None  # what kept the last one from being built; until it is asked for
        self._reading: Task[Measured | None] | None = None
        self._searches = 0

    @property
    def memory_bytes(self) -> int:
        """Bytes that the index takes."""
        return self.plan.index.memory_bytes if self.plan else 0

    @property
    def is_pending(self) -> bool:
        """Whether something goes on in the background, or is to begin with the next search."""
        is_due = self.plan is None and self._is_large and self._failed is None
        return is_due or self._build is not None or self._reading is not None

    def follow(self, policy: IndexPolicy | None) -> None:
        """Build indexes this way from now on, and let go of one that was built another way."""
        policy = policy if self._table.metric in METRICS and find_spec("faiss") else None
        if policy != self.policy:
            self.drop()
            self.policy, self._failed = policy, None

    def take(self, plan: Plan) -> None:
        """Take an index that was saved, over slots whose vectors are not in memory yet."""
        self.plan = plan
        if plan.widths and self._elsewhere is not None:
            self._table.release(plan.index.size, self._elsewhere.here)

    def adopt(self, *, exact: bool) -> None:
        """Take what the background has finished, and let it do what is due, before a search.

        Args:
            exact: Whether the search will look at the vectors themselves: it waits for those that are being read.

        Raises:
            OnevecError: The vectors could not be read; the next search tries again.
        """
        self._searches += 1
        if self._table.absent:
            self._bring(wait=exact or self.plan is None)
        if self._build is not None:
            self._take_built()
        if self.policy is not None and self._searches > 1:
            self._start(self.policy.tail, background=True)

    def build(self) -> Build | None:
        """Start to bring the index up to date, or go on; return what to wait for, None if there is nothing to do."""
        self._bring(wait=True)
        self._take_built()
        self._failed = None
        self._start(tail=0.0, background=False)
        return self._build

    def drop(self) -> None:
        """Let go of the index, as its slots are about to change."""
        self.close()
        self.plan = None

    def close(self) -> None:
        """Stop what goes on in the background."""
        for task in (self._build, self._reading):
            if task is not None:
                task.cancel()
        self._build = self._reading = None

    def _take_built(self) -> None:
        if self._build is not None and not self._build.running:
            self.plan = self._build.result or self.plan
            self._failed = self._build.error
            self._build = None
            lean = self.policy is not None and self.policy.lean
            if lean and self._elsewhere is not None and self.plan is not None and self.plan.widths:
                self._table.release(self.plan.index.size, self._elsewhere.here)

    def _bring(self, *, wait: bool) -> None:
        """Have the vectors in memory that a saved index stands for, once they are read."""
        table, elsewhere = self._table, self._elsewhere
        if not table.absent or elsewhere is None or (self.policy is not None and self.policy.lean):
            return
        if self._reading is None:
            rows = table.rows[: table.absent].copy()
            read = partial(fetched, rows, elsewhere.apart, table.capacity, table.dimension)
            self._reading = Task(read, name="onevec-vectors")
        if wait:
            self._reading.wait()
        if self._reading.running:
            return
        task, self._reading = self._reading, None
        if task.error is not None:
            raise task.error
        if task.result is not None:
            table.bring(task.result, elsewhere.here)

    @property
    def _is_large(self) -> bool:
        policy, table = self.policy, self._table
        return policy is not None and len(table) * table.dimension >= policy.from_numbers

    def _start(self, tail: float, *, background: bool) -> None:
        """Start to build when it is time."""
        policy, table = self.policy, self._table
        if policy is None or table.wide or not self._is_large:
            return
        if self._build is not None or self._reading is not None or self._failed is not None:
            return
        earlier = None
        if self.plan is not None:
            covered = self.plan.index.size
            most = policy.dead * covered
            if table.dead <= most or covered - np.count_nonzero(table.live[:covered]) <= most:
                if table.size - covered <= tail * table.size or table.size == covered:
                    return
                earlier = self.plan.index
        snapshot = table.snapshot(None if self._elsewhere is None else self._elsewhere.apart)
        work = partial(
            built, snapshot, policy.settings, earlier=earlier, on_built=self._on_built, background=background
        )
        self._build = Task(work, name="onevec-index")
