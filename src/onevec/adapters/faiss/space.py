"""One namespace as it is searched: the table of its vectors, and the index that its user chose over the same slots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from onevec.adapter import Request
from onevec.adapters.faiss.index import FaissIndex, use_one_thread
from onevec.adapters.faiss.recipes import Recipe
from onevec.adapters.faiss.widths import Built, measured, reliable
from onevec.documents import Metadata
from onevec.errors import InvalidQuery
from onevec.local.background import Task
from onevec.local.pieces import pieces
from onevec.local.space import Matches, SearchSpace
from onevec.local.table import VectorTable
from onevec.local.vectors import Elsewhere, Matrix, Rows, Slots

# Vectors read from the disk at once.
_BLOCK = 8192

# Examples beyond these make training longer, not better; FAISS draws as many for each centroid.
_EXAMPLES = 256 / 39
_AT_LEAST = 50_000

# When an index is brought up to date: when this share of the slots is not in it yet. When it is made anew: when this
# share of its slots has died, or when it has so many times the slots that it was trained on.
_TAIL = 0.1
_DEAD = 0.3
_GROWN = 4

# A recall that a person is told of.
_POOR = 0.9

Building: TypeAlias = Task[Built | None]
Save: TypeAlias = Callable[[Recipe, Built, Rows], None]


class IndexedSpace(SearchSpace):
    """Finds the rows of one namespace, by FAISS's index where there is one and it costs less than exact search.

    Args:
        recipe: What the index is.
        read: Gives `(row, metadata)` of those of some ascending row numbers that still exist.
        save: Called in the background with an index and the rows of its slots.
        elsewhere: Where the vectors are that leave the memory once a compact index has them; None for them to stay.
    """

    def __init__(
        self,
        recipe: Recipe,
        read: Callable[[Rows], Iterable[tuple[int, Metadata]]],
        save: Save | None,
        elsewhere: Elsewhere | None,
    ) -> None:
        super().__init__(recipe.dimension, recipe.metric, read)
        self._elsewhere = elsewhere
        self._save = save
        self.recipe = recipe
        self.built: Built | None = None
        self._task: Building | None = None
        self._failed: BaseException | None = None

    @property
    def memory_bytes(self) -> int:
        """Bytes that the vectors, the columns and the index take."""
        return super().memory_bytes + (self.built.index.memory_bytes if self.built else 0)

    @property
    def description(self) -> dict[str, str | float]:
        """What the index is, for people: its name in FAISS, and what there is of it."""
        self._adopt_index()
        text, built = self.recipe.text(len(self.table)), self.built
        if built is None:
            return {"index": text, "vectors": 0, "needs": self.recipe.needed}
        measured = {"ef_search": built.ef, "nprobe": built.nprobe, "recall": round(built.recall, 4)}
        given = {name: value for name, value in measured.items() if value is not None}
        return {"index": text, "vectors": built.index.size, **given}

    @property
    def warnings(self) -> list[str]:
        """What a person should look at."""
        self._adopt_index()
        if self._failed is not None:
            return [f"FAISS could not make the index: {self._failed}"]
        if self.built is not None and self.built.recall < _POOR:
            return [f"the index finds {self.built.recall:.0%} of the nearest; choose another one, or a wider search"]
        return []

    def index_by(self, recipe: Recipe) -> None:
        """Index this way from now on, and let go of an index that was made another way."""
        if recipe != self.recipe:
            self.close()
            self.recipe, self.built, self._failed = recipe, None, None

    def take(self, built: Built, rows: Rows) -> None:
        """Take an index that was saved, and give the rows of its slots their places.

        Those that exist are brought to life by `read`, or by `revive` where their vectors are not to be in memory.
        """
        self.table.reserve(rows)
        self.built = built
        self._release(built.index.size)

    def remove(self, rows: Sequence[int] | Rows) -> None:
        """Remove those of the rows that are here."""
        size = self.table.size
        super().remove(rows)
        if self.table.size < size:
            self.built = None
            self._release(self.table.absent)  # by the places that the rows have now

    def nearest(
        self, query: Matrix, request: Request, rows: Sequence[int] | Rows | None
    ) -> tuple[Rows, npt.NDArray[np.float64]]:
        """Return the rows and distances of the nearest, as `search` does; by the index where that pays.

        Raises:
            InvalidQuery: The index hasn't a setting of the request.
        """
        for name, value in (("ef_search", request.ef_search), ("nprobe", request.nprobe)):
            if value is not None and name not in self.recipe.tunable and not self.recipe.is_flat:
                raise InvalidQuery(f"the index is {self.recipe.text(len(self.table))!r}, which has no {name}")
        self._adopt_index()
        self._begin(tail=_TAIL, background=True)
        if self.built is not None and not request.exact and not self.table.wide:
            slots = self._slots_near(self.built, query, request, self._matches(request.filter, rows))
            if slots is not None:
                return self.table.best_of(query, request.top_k, slots)
        return self.search(query, request.top_k, request.filter, rows, exact=True)

    def indexing(self) -> Building | None:
        """Start to bring the index up to date, or go on; return what to wait for, None if there is nothing to do."""
        self._adopt_index()
        self._failed = None
        self._begin(tail=0.0, background=False)
        return self._task

    def close(self) -> None:
        """Stop building."""
        super().close()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _slots_near(self, built: Built, query: Matrix, request: Request, matches: Matches | None) -> Slots | None:
        """The slots that may be the nearest that match; None if an exact search is cheaper, or is needed."""
        table, top_k = self.table, request.top_k
        matching = table.size if matches is None else matches.count
        width = built.width(table, matching, top_k, ef_search=request.ef_search, nprobe=request.nprobe)
        if width is None:
            return None
        slots, tail = built.index.nearest(query, *width), np.arange(built.index.size, table.size)
        if matches is not None:
            found = matches.mask[slots]
            if not reliable(found, top_k, matching / table.size):
                return None
            slots, tail = slots[found], tail[matches.mask[tail]]
        return np.concatenate((slots, tail)) if len(slots) + len(tail) >= top_k else None

    def _adopt_index(self) -> None:
        """Take the index that the background has finished."""
        if self._task is not None and not self._task.running:
            self.built = self._task.result or self.built
            self._failed = self._task.error
            self._task = None
            if self.built is not None:
                self._release(self.built.index.size)

    def _release(self, slots: int) -> None:
        """Let go of the vectors of the first so many slots, where a compact index stands for them."""
        if self.recipe.compact and self._elsewhere is not None and slots:
            self.table.release(slots, self._elsewhere.here)

    def _begin(self, *, tail: float, background: bool) -> None:
        """Start to build when it is time."""
        table, built = self.table, self.built
        if self._task is not None or self._failed is not None or self.recipe.is_flat or table.wide:
            return
        if built is not None:
            covered = built.index.size
            died = covered - int(np.count_nonzero(table.live[:covered])) - built.dead
            old = died > _DEAD * covered or (built.trained_on and table.size > _GROWN * built.trained_on)
            if not old and (table.size - covered <= tail * table.size or table.size == covered):
                return
            built = None if old else built
        if built is None and len(table) < self.recipe.needed:
            self.built = None
            return
        snapshot = table.snapshot(None if self._elsewhere is None else self._elsewhere.apart)
        work = partial(_built, snapshot, self.recipe, earlier=built, save=self._save, background=background)
        self._task = Task(work, name="onevec-faiss")


def _built(
    table: VectorTable,
    recipe: Recipe,
    cancelled: Callable[[], bool],
    *,
    earlier: Built | None,
    save: Save | None,
    background: bool,
) -> Built | None:
    """Make an index of a table's slots, or extend one; None if it was cancelled."""
    if background:
        use_one_thread()
    if table.absent:
        table = _whole(table)
    if earlier is None:
        index = FaissIndex(recipe.make(len(table)), recipe.metric)
        trained_on = 0 if index.is_trained else table.size
        if trained_on:
            index.learn(_examples(table, recipe.needed))
    else:
        index, trained_on = earlier.index.copy(), earlier.trained_on
    for start, stop in pieces(index.size, table.size, background=background):
        if cancelled():
            return None
        index.add(table.vectors_between(start, stop))
    built = measured(index, table, trained_on)
    if save is not None and not cancelled():
        save(recipe, built, table.rows)
    return built


def _whole(table: VectorTable) -> VectorTable:
    """The same table with all vectors in memory, for as long as an index is made."""
    whole = VectorTable(table.dimension, table.metric)
    for start in range(0, table.size, _BLOCK):
        stop = min(start + _BLOCK, table.size)
        whole.append(table.rows[start:stop], table.vectors_between(start, stop))
    whole.remove(table.rows[~table.live])
    return whole


def _examples(table: VectorTable, needed: int) -> Matrix:
    """Live vectors to train on, chosen at random where there are many."""
    live = table.live.nonzero()[0]
    most = max(_AT_LEAST, int(needed * _EXAMPLES))
    if len(live) > most:
        live = np.sort(np.random.default_rng(0).choice(live, most, replace=False))
    return table.vectors_at(live)
