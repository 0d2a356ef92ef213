"""Measure what onevec adds to engines, print the tables and write docs/overhead.md.

python -m bench.wrappers --help
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from bench.embedded.data import Dataset, make_clusters
from bench.embedded.machine import Machine
from bench.wrappers.measure import Task, measure
from bench.wrappers.page import table, targets, write
from bench.wrappers.results import Entry, Results
from bench.wrappers.roster import ROSTER, engine
from rich.console import Console

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "bench" / "results" / "wrappers.json"
_PAGE = _ROOT / "docs" / "overhead.md"


def main() -> None:
    asked = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 200)
    results = Results.read(asked.from_results) if asked.from_results else _measured(asked, console)
    for entry in results.entries:
        console.print(table(entry).rich())
    if results.entries:
        console.print(targets(results).rich())
        write(results, asked.page)
        console.print(f"written: {asked.page}")


def _measured(asked: argparse.Namespace, console: Console) -> Results:
    """Measure, and keep the results after each engine."""
    os.environ["ANONYMIZED_TELEMETRY"] = "False"
    results = _begun(asked, console)
    with tempfile.TemporaryDirectory(dir=asked.work) as folder:
        task = _task(make_clusters(Path(folder) / "data", asked.count), asked)
        for key in asked.engines:
            stores = Path(folder) / key
            stores.mkdir()
            try:
                results.put(_entry(key, stores, task, console))
            except pytest.skip.Exception as absent:  # the tests' servers say so where they can't be had
                console.print(f"{key} is left out: {absent}")
            results.write(asked.results)
    return results


def _begun(asked: argparse.Namespace, console: Console) -> Results:
    """The results to add to: those kept, if they were made in the same way."""
    begun = Results(Machine.here(), asked.count, asked.queries, asked.rounds)
    if asked.results.exists():
        kept = Results.read(asked.results)
        if kept.is_like(begun):
            return kept
        console.print(f"{asked.results} is of another machine, or was made in another way: begun anew")
    return begun


def _task(dataset: Dataset, asked: argparse.Namespace) -> Task:
    (documents,) = dataset.batches(dataset.size)
    column, warm_up = (dataset.columns(tuning=tuning)["no filter"] for tuning in (False, True))
    asked_for = replace(column, queries=column.queries[: asked.queries], answers=column.answers[: asked.queries])
    return Task(documents, asked_for, warm_up, asked.rounds)


def _entry(key: str, stores: Path, task: Task, console: Console) -> Entry:
    under = engine(key)
    with under.running(stores) as contenders:
        figures = measure(contenders, task, lambda line: console.print(f"{key}  {line}", style="dim"))
    return Entry(
        key,
        under.title,
        under.about,
        under.bare,
        datetime.now(UTC).date().isoformat(),
        {one.library: version(one.library) for one in figures},
        figures,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.wrappers", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--count", type=int, default=5_000, help="documents (default: 5000)")
    add("--queries", type=int, default=200, help="queries of a round, up to 300 (default: 200)")
    add("--rounds", type=int, default=5, help="how often everything is done (default: 5)")
    add("--engines", type=_keys, default=list(ROSTER), help=f"the others keep their figures: {','.join(ROSTER)}")
    add("--work", type=Path, help="folder for a temporary folder with data and stores (default: the system's)")
    add("--results", type=Path, default=_RESULTS, help="where the figures are kept")
    add("--page", type=Path, default=_PAGE, help="the page to write")
    add("--from", dest="from_results", type=Path, metavar="RESULTS", help="don't measure, take these figures")
    return parser.parse_args()


def _keys(text: str) -> list[str]:
    for key in text.split(","):
        if key not in ROSTER:
            raise argparse.ArgumentTypeError(f"{key!r} is none of {', '.join(ROSTER)}")
    return text.split(",")


if __name__ == "__main__":
    main()
