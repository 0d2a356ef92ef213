"""One contender in a process of its own: `python -m bench.embedded.child TASK`, TASK in JSON; the result is too.

What libraries print goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.embedded.contender import Contender
from bench.embedded.data import Dataset
from bench.embedded.measure import Patience, ask, first_answer, on_disk, resident, tune
from bench.embedded.roster import contender


def load(task: dict[str, Any]) -> dict[str, Any]:  # Any: JSON values
    """Write the documents to a new store with all cores, tune it and close it."""
    dataset, folder = Dataset.open(Path(task["dataset"])), Path(task["store"])
    queries = dataset.columns(tuning=True)
    idle, _ = resident()
    made = contender(task["contender"])
    made.create(folder, dataset.dimension)
    ingest, searchable = _filled(made, dataset)
    loaded, peak = resident()
    efforts = tune(made, queries)
    made.close()
    return {
        "facts": asdict(made.facts),
        "version": version(made.facts.library),
        "ingest": ingest,
        "searchable": searchable,
        "idle": idle,
        "loaded": loaded,
        "peak": peak,
        "disk": on_disk(folder),
        "efforts": efforts,
    }


def search(task: dict[str, Any]) -> dict[str, Any]:  # Any: JSON values
    """Open the store that `load` left and ask every column's queries, on one core."""
    dataset, folder = Dataset.open(Path(task["dataset"])), Path(task["store"])
    columns, warm_up = dataset.columns(), dataset.columns(tuning=True)
    idle, _ = resident()
    reopening = None
    if task["persistent"]:
        _use_one_core()
        made = contender(task["contender"])
        started = time.perf_counter()
        made.reopen(folder)
        first_answer(made, columns["no filter"])
        reopening = time.perf_counter() - started
    else:
        made = contender(task["contender"])
        made.create(folder, dataset.dimension)
        _filled(made, dataset)
        _use_one_core()
    filtered = first_answer(made, columns["10 %"])
    answers = {}
    for name, column in columns.items():
        if task["efforts"]:
            made.set_effort(task["efforts"][name])
        first = len(column.queries) * task["round"] // task["rounds"]
        answers[name] = ask(made, column, warm_up=warm_up[name], first=first, patience=Patience(**task["patience"]))
    serving, _ = resident()
    made.close()
    return {
        "reopening": reopening,
        "first filtered": filtered,
        "idle": idle,
        "serving": serving,
        "columns": answers,
    }


def _filled(made: Contender, dataset: Dataset) -> tuple[float, float]:
    """Return the seconds of writing and of making searchable; reading the documents is not among them."""
    ingest = 0.0
    for batch in dataset.batches(made.facts.batch):
        started = time.perf_counter()
        made.ingest(batch)
        ingest += time.perf_counter() - started
    started = time.perf_counter()
    made.make_searchable()
    return ingest, time.perf_counter() - started


def _use_one_core() -> None:
    """Keep this thread, and those that it starts, on one core: threads then make no library's searches look cheap."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main() -> None:
    with os.fdopen(os.dup(1), "w") as results:
        os.dup2(2, 1)
        task = json.loads(sys.argv[1])
        try:
            result = {"load": load, "search": search}[task["do"]](task)
        except Exception as error:  # noqa: BLE001 (a contender that fails is a line in the table)
            traceback.print_exc()
            result = {"error": f"{type(error).__name__}: {(str(error).strip() or '-').splitlines()[0]}"}
        json.dump(result, results)


if __name__ == "__main__":
    main()
