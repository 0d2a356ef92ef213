"""The sqlite engine on a disk that loses power at any call, and with it whatever part of what was not synced."""

from __future__ import annotations

import random
import shutil
from itertools import product
from pathlib import Path

import pytest

import onevec

from .disk import Call, mounted
from .power import Kept, left_by
from .sampling import Counted, sampled
from .soundness import FILE, assert_sound, url
from .workloads import KEPT_GONE, WORKLOADS, states

KEPT: tuple[Kept, ...] = ("nothing", "everything", "some calls", "some sectors", "some sectors")


@pytest.fixture(autouse=True)
def gone_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onevec.adapters.sqlite.documents._KEPT_GONE", KEPT_GONE)


def recorded(folder: Path, workload: str, *, anew: bool) -> tuple[list[Call], list[int]]:
    """Run a workload; return its calls to the disk, and how many had been made when each step returned."""
    marks: list[int] = []
    with mounted() as disk:
        store = onevec.connect(url(folder), index_from=0)
        for step in WORKLOADS[workload]:
            step(store)
            marks.append(len(disk.calls))
            if anew:
                store.close()
                store = onevec.connect(url(folder), index_from=0)
        store.close()
        return disk.calls, marks


@pytest.mark.parametrize("anew", [False, True], ids=["one store", "a store each step"])
@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_loss_of_power_takes_nothing_acknowledged(
    tmp_path: Path, workload: str, anew: bool, counted: Counted
) -> None:
    """Every step that returned is there, and the one under way is there whole or not at all."""
    after = states(workload)
    (tmp_path / "whole").mkdir()
    calls, marks = recorded(tmp_path / "whole", workload, anew=anew)
    assert left_by(calls, "everything", random.Random(0)) == {FILE: (tmp_path / "whole" / FILE).read_bytes()}
    points = sampled(list(product(range(len(calls) + 1), range(len(KEPT)))), 12, f"{workload} {anew}")
    for made, way in points:
        folder = tmp_path / f"{made}-{way}"
        folder.mkdir()
        for name, content in left_by(calls[:made], KEPT[way], random.Random(f"{made} {way}")).items():
            (folder / name).write_bytes(content)
        done = sum(mark <= made for mark in marks)
        assert_sound(folder, after[done : done + 2])
        shutil.rmtree(folder)
    counted("power lost", len(points))
