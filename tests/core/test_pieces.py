"""Pieces of long work: all of the range, in sizes that the time they take decides."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from onevec.local.pieces import pieces


def sizes(monkeypatch: pytest.MonkeyPatch, seconds_each: float, *, stop: int, background: bool) -> list[int]:
    """The sizes of the pieces, where the work on one vector takes so long."""
    clock = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: clock)
    found: list[tuple[int, int]] = []
    for start, end in pieces(7, stop, background=background):
        found.append((start, end))
        clock += (end - start) * seconds_each
    assert found[0][0] == 7
    assert found[-1][1] == stop
    assert all(one[1] == other[0] for one, other in pairwise(found))
    return [end - start for start, end in found]


def test_pieces_grow_while_they_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to half of the time that one may take."""
    quick = sizes(monkeypatch, 1e-5, stop=100_007, background=True)
    assert quick[:5] == [512, 1024, 2048, 4096, 8192]
    assert max(quick) == 16_384
    assert max(sizes(monkeypatch, 1e-5, stop=400_007, background=False)) == 65_536


def test_pieces_shrink_while_they_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Down to one, and never to none."""
    assert sizes(monkeypatch, 0.01, stop=1_007, background=True)[:5] == [512, 256, 128, 64, 32]
    assert sizes(monkeypatch, 10, stop=1_037, background=True)[-3:] == [1, 1, 1]


def test_nothing_is_no_piece() -> None:
    """An index that has everything already is not added to."""
    assert list(pieces(5, 5, background=False)) == []
