"""The order of things: every contender loads, then all of them answer in turns, each time in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.embedded.data import Dataset
from bench.embedded.measure import Patience
from bench.embedded.results import Entry

_ROOT = Path(__file__).parents[2]
_WORDS = 160


@dataclass(frozen=True, slots=True)
class Rules:
    """How a run is made.

    Attributes:
        rounds: How often every contender answers.
        limit: Seconds that one process may take.
        patience: When a round of a column ends early.
    """

    rounds: int
    limit: float
    patience: Patience


class Failed(Exception):
    """A contender's process gave no figures; the message says why."""


def entries_of(name: str, dataset: Dataset, contenders: Sequence[str]) -> list[Entry]:
    """Return an entry for each contender, to be filled by `measure`."""
    today = datetime.now(UTC).date().isoformat()
    queries = min(len(column.queries) for column in dataset.columns().values())
    return [Entry(key, name, dataset.size, dataset.dimension, queries, today) for key in contenders]


def measure(entries: Sequence[Entry], dataset: Dataset, stores: Path, rules: Rules, say: Callable[[str], None]) -> None:
    """Fill the entries, each with its figures or the reason why there are none.

    Args:
        entries: Of this dataset.
        dataset: What the contenders load.
        stores: A folder for their stores, removed in the end.
        rules: How.
        say: Takes a line of progress after each step.
    """
    label = f"{entries[0].dataset} {dataset.size:,}"
    for entry in entries:
        _store(stores, entry).mkdir(parents=True)
        with _reported(entry, f"{label}  {entry.contender}  load", say):
            entry.load = _child(_task("load", entry, dataset, stores), rules.limit)
    for turn in range(rules.rounds):
        running = [entry for entry in entries if not entry.error]
        for entry in running if turn % 2 == 0 else reversed(running):
            with _reported(entry, f"{label}  {entry.contender}  round {turn + 1} of {rules.rounds}", say):
                task = _task("search", entry, dataset, stores) | {
                    "persistent": entry.load["facts"]["persistent"],
                    "efforts": entry.load["efforts"],
                    "round": turn,
                    "rounds": rules.rounds,
                    "patience": asdict(rules.patience),
                }
                entry.rounds.append(_child(task, rules.limit))
                entry.imports.append(_import_seconds(entry.load["facts"]["imports"]))
    shutil.rmtree(stores)


@contextmanager
def _reported(entry: Entry, what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Say how long the block took; a failure becomes the entry's error."""
    started = time.perf_counter()
    try:
        yield
    except Failed as failed:
        entry.error = str(failed)
    say(f"{what}  {time.perf_counter() - started:.1f} s{f'  {entry.error}' if entry.error else ''}")


def _store(stores: Path, entry: Entry) -> Path:
    return stores / entry.contender


def _task(do: str, entry: Entry, dataset: Dataset, stores: Path) -> dict[str, Any]:  # Any: JSON values
    return {
        "do": do,
        "contender": entry.contender,
        "dataset": str(dataset.folder),
        "store": str(_store(stores, entry)),
    }


def _child(task: dict[str, Any], limit: float) -> dict[str, Any]:  # Any: JSON values
    """Run a task in a process of its own; raise `Failed` for whatever goes wrong there."""
    environment = dict(os.environ)
    if task["do"] == "search":
        environment["OPENBLAS_NUM_THREADS"] = "1"  # its threads would wait for each other on the one core
    command = [sys.executable, "-m", "bench.embedded.child", json.dumps(task)]
    with tempfile.TemporaryFile("w+", errors="replace") as printed:
        try:
            process = subprocess.run(
                command,
                cwd=_ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=printed,
                text=True,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"stopped after {limit:.0f} s") from None
        if process.returncode:
            printed.seek(0)
            last = (printed.read().strip().splitlines() or ["it printed nothing"])[-1]
            raise Failed(f"ended with {process.returncode}: {last}"[:_WORDS])
    result: dict[str, Any] = json.loads(process.stdout)  # Any: JSON values
    if "error" in result:
        raise Failed(result["error"].replace(task["store"], "its folder")[:_WORDS])
    return result


def _import_seconds(statement: str) -> float:
    """Time the import alone, in a bare Python."""
    code = f"import time; started = time.perf_counter(); {statement}; print('\\n', time.perf_counter() - started)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    if process.returncode:
        raise Failed(f"can't import: {process.stderr.strip().splitlines()[-1]}")
    return float(process.stdout.split()[-1])
