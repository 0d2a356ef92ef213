"""How long searches took."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from threading import Lock

from onevec.documents import Stats

# The average, the 95th percentile and the rate are of so many searches, the last ones.
RECENT = 256


class SearchTimes:
    """The searches of one store in one namespace. Safe to share between threads."""

    __slots__ = ("_count", "_lock", "_recent")

    def __init__(self) -> None:
        self._lock = Lock()
        self._count = 0
        self._recent: deque[tuple[float, float]] = deque(maxlen=RECENT)  # when it began, how long it took

    def add(self, started: float) -> None:
        """Take note of a search that began at this `time.perf_counter()` and ends now."""
        took = time.perf_counter() - started
        with self._lock:
            self._count += 1
            self._recent.append((started, took))

    def added_to(self, stats: Stats) -> Stats:
        """Return the statistics with what is known of the searches."""
        with self._lock:
            count, recent = self._count, list(self._recent)
        if not recent:
            return replace(stats, searches=0)
        durations = sorted(took for _, took in recent)
        since = time.perf_counter() - recent[0][0]
        return replace(
            stats,
            searches=count,
            search_seconds=sum(durations) / len(durations),
            search_seconds_p95=durations[-(-len(durations) * 95 // 100) - 1],
            searches_per_second=len(recent) / since if since > 0 else None,
        )
