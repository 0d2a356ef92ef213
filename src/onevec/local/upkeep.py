"""The index over a table of vectors: when it is built, caught up or dropped, and what of the vectors is in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from onevec.local.background import Task
from onevec.local.builder import Build, built
from onevec.local.graph import GraphSettings
from onevec.local.index import METRICS, IndexMaker
from onevec.local.lists import ListSettings
from onevec.local.planner import Plan
from onevec.local.table import VectorTable
from onevec.local.vectors import Elsewhere

# Vectors of fewer numbers together are searched exactly in a fraction of a millisecond.
INDEX_FROM = 2_000_000


class OnBuilt(Protocol):
    """Called with an index once it is built."""

    def __call__(self, plan: Plan, table: VectorTable, *, lean: bool) -> None:
        """Be told of an index.

        Args:
            plan: The index, and what was measured of it.
            table: What it was built over.
            lean: Whether the vectors that it stands for stay out of memory.
        """
        ...


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

    Args:
        table: The table.
        on_built: Called in the background with an index, as to save it.
        elsewhere: Where vectors are read from that are not in memory; None if they are nowhere else.

    Attributes:
        policy: When an index is built; None for never.
        plan: The index, and what was measured of it; None before there is one.
    """

    def __init__(self, table: VectorTable, on_built: OnBuilt | None, elsewhere: Elsewhere | None) -> None:
        self.policy: IndexPolicy | None = None
        self.plan: Plan | None = None
        self._table = table
        self._on_built = on_built
        self._elsewhere = elsewhere
        self._build: Build | None = None
        self._failed: BaseException | None = None  # what kept the last one from being built; until it is asked for
        self._searches = 0

    @property
    def memory_bytes(self) -> int:
        """Bytes that the index takes."""
        return self.plan.index.memory_bytes if self.plan else 0

    @property
    def is_pending(self) -> bool:
        """Whether something goes on in the background, or is to begin with the next search."""
        is_due = self.plan is None and self._is_large and self._failed is None
        return is_due or self._build is not None

    def follow(self, policy: IndexPolicy | None) -> None:
        """Build indexes this way from now on, and let go of one that was built another way."""
        policy = policy if self._table.metric in METRICS and find_spec("faiss") else None
        if policy != self.policy:
            self.drop()
            self.policy, self._failed = policy, None

    def take(self, plan: Plan) -> None:
        """Take an index that was saved."""
        self.plan = plan
        self._release()

    def adopt(self) -> None:
        """Take what the background has finished, and let it do what is due, before a search."""
        self._searches += 1
        if self._build is not None:
            self._take_built()
        if self.policy is not None and self._searches > 1:
            self._start(self.policy.tail, background=True)

    def build(self) -> Build | None:
        """Start to bring the index up to date, or go on; return what to wait for, None if there is nothing to do."""
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
        if self._build is not None:
            self._build.cancel()
            self._build = None

    def _take_built(self) -> None:
        if self._build is not None and not self._build.running:
            self.plan = self._build.result or self.plan
            self._failed = self._build.error
            self._build = None
            self._release()

    def _release(self) -> None:
        """Let go of the vectors that the index stands for, if they are not to be in memory."""
        if self.policy is None or self.plan is None or self._elsewhere is None:
            return
        if self.policy.lean and self.plan.widths:
            self._table.release(self.plan.index.size, self._elsewhere.here)

    @property
    def _is_large(self) -> bool:
        policy, table = self.policy, self._table
        return policy is not None and len(table) * table.dimension >= policy.from_numbers

    def _start(self, tail: float, *, background: bool) -> None:
        """Start to build when it is time."""
        policy, table = self.policy, self._table
        if policy is None or table.wide or not self._is_large:
            return
        if self._build is not None or self._failed is not None:
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
        on_built = None if self._on_built is None else partial(self._on_built, lean=policy.lean)
        work = partial(built, snapshot, policy.settings, earlier=earlier, on_built=on_built, background=background)
        self._build = Task(work, name="onevec-index")
