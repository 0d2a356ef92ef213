"""The sqlite engine, killed (SIGKILL) at each call that changes a file, and killed again while it recovers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import onevec

from .disk import mounted
from .lives import Life, Server, serving
from .sampling import Counted, sampled
from .soundness import FILE, assert_sound, url
from .workloads import WORKLOADS, states

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def folder(parent: Path, *parts: object) -> Path:
    made = parent / "-".join(map(str, parts))
    made.mkdir()
    return made


@pytest.mark.parametrize("anew", [False, True], ids=["one store", "a store each step"])
@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_killed_process_loses_nothing_acknowledged(
    server: Server, tmp_path: Path, workload: str, anew: bool, counted: Counted
) -> None:
    """Acknowledged steps are there, the one under way is there whole or not at all, and deleted documents stay so."""
    after = states(workload)
    whole = server.run(Life(workload, str(folder(tmp_path, "whole")), anew=anew))
    assert (whole.killed, whole.acknowledged) == (False, len(after) - 1)
    points = sampled(range(whole.calls), 4, f"{workload} {anew}")
    for point in points:
        place = folder(tmp_path, point)
        end = server.run(
            Life(workload, str(place), point=point, fault="kill after half" if point % 2 else "kill", anew=anew)
        )
        assert end.killed or point >= end.calls, point
        assert_sound(place, after[end.acknowledged : end.acknowledged + 2])
        shutil.rmtree(place)
    counted("killed", len(points))


@pytest.mark.parametrize("workload", WORKLOADS)
def test_killed_after_a_failed_sync(server: Server, tmp_path: Path, workload: str, counted: Counted) -> None:
    """A process that ends right after a failed call leaves its step whole or not at all, and all before it."""
    after = states(workload)
    whole = tmp_path / "whole"
    whole.mkdir()
    with mounted() as disk, onevec.connect(url(whole), index_from=0) as store:
        for step in WORKLOADS[workload]:
            step(store)
        syncs = [number for number, call in enumerate(disk.calls) if call.kind == "sync" and call.file == f"{FILE}-wal"]
    points = sampled(syncs, 2, workload)
    killed = 0
    for point in points:
        place = folder(tmp_path, point)
        end = server.run(Life(workload, str(place), point=point, fault="io"))
        killed += end.killed  # times differ from run to run, so may lengths and with them which call is which
        assert_sound(place, after[end.acknowledged : end.acknowledged + 2])
        shutil.rmtree(place)
    assert killed > len(points) // 2
    counted("killed after a failed sync", killed)


@pytest.mark.timeout(3600)  # for the long run: it has some thousand points
@pytest.mark.parametrize("workload", ["upsert", "replace", "delete a collection", "text search", "optimize"])
def test_killed_again_while_recovering(server: Server, tmp_path: Path, workload: str, counted: Counted) -> None:
    """A process that takes up after a killed one, and is killed too, leaves the file as sound as the first did."""
    after = states(workload)
    whole = server.run(Life(workload, str(folder(tmp_path, "whole"))))
    tried = 0
    for first in sampled(range(1, whole.calls, 7), 2, workload):
        left = folder(tmp_path, first)
        life = Life(workload, str(left), point=first)
        done = server.run(life).acknowledged
        rest = replace(life, first=done, point=None)
        again = folder(tmp_path, first, "whole")
        shutil.copytree(left, again, dirs_exist_ok=True)
        calls = server.run(replace(rest, folder=str(again))).calls
        assert_sound(again, after[-1:])
        for second in sampled(range(calls), 3, workload):
            place = folder(tmp_path, first, second)
            shutil.copytree(left, place, dirs_exist_ok=True)
            end = server.run(replace(rest, folder=str(place), point=second, fault="kill after half"))
            assert end.killed or second >= end.calls
            reached = done + end.acknowledged
            assert_sound(place, after[reached : reached + 2])
            shutil.rmtree(place)
            tried += 1
    counted("killed, and killed again while recovering", tried)


def test_killed_while_an_index_is_saved(server: Server, tmp_path: Path, counted: Counted) -> None:
    """A process killed while it writes the file of an index loses nothing; the index is made again or found whole."""
    pytest.importorskip("faiss")
    after = states("optimize")
    whole = server.run(Life("optimize", str(folder(tmp_path, "whole")), indexes=True, anew=True))
    assert list((tmp_path / "whole").glob("*-index-*"))
    points = sampled(range(whole.calls), 5, "index")
    for point in points:
        place = folder(tmp_path, point)
        end = server.run(Life("optimize", str(place), point=point, indexes=True, anew=True))
        assert end.killed or point >= end.calls, point
        assert_sound(place, after[end.acknowledged : end.acknowledged + 2], indexes=True)
        shutil.rmtree(place)
    counted("killed, with indexes", len(points))
