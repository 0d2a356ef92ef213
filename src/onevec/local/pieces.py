"""Vectors added to an index of FAISS's in pieces, between which that can be stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator

# FAISS begins each piece by setting up what is as large as the whole index, so larger ones take less in all: a graph of
# 50,000 vectors was made in three quarters of the time by pieces of 8,192 as by those of 512.
_FIRST = 512

# Seconds between two looks at whether to stop: while an index is made in the background, and while one waits for it.
_BRIEF = 0.2
_LONG = 1.0


def pieces(start: int, stop: int, *, background: bool) -> Iterator[tuple[int, int]]:
    """Yield the bounds of pieces of a range, larger and larger ones while the work on them is quick.

    Args:
        start: Where the range begins.
        stop: Where it ends.
        background: Whether nobody waits for the whole, so that it must stop soon where it is to.
    """
    seconds = _BRIEF if background else _LONG
    size = _FIRST
    while start < stop:
        end = min(start + size, stop)
        began = time.perf_counter()
        yield start, end
        took = time.perf_counter() - began
        if took < seconds / 2:
            size *= 2
        elif took > seconds:
            size = max(1, size // 2)
        start = end
