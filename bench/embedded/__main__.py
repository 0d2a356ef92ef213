"""Measure onevec's embedded engines beside their peers, print the tables and write docs/benchmarks.md.

python -m bench.embedded --help
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.embedded.data import QUERIES, Dataset, make_clusters, make_texts
from bench.embedded.machine import Machine
from bench.embedded.measure import Patience
from bench.embedded.page import contenders, sections, write
from bench.embedded.results import Results
from bench.embedded.roster import ROSTER
from bench.embedded.runs import Rules, entries_of, measure
from bench.embedded.texts import cranfield, standard_library
from rich.console import Console

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "bench" / "results" / "embedded.json"
_PAGE = _ROOT / "docs" / "benchmarks.md"
_DATASETS = ("clusters", "stdlib", "cranfield")


def main() -> None:
    asked = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 260)
    results = Results.read(asked.from_results) if asked.from_results else _measured(asked, console)
    for title, tables in sections(results):
        console.rule(title)
        for table in tables:
            console.print(table.rich())
    console.print(contenders(results).rich())
    if results.entries:
        write(results, asked.page)
        console.print(f"written: {asked.page}")


def _measured(asked: argparse.Namespace, console: Console) -> Results:
    """Measure, and keep the results after each step."""
    results = _begun(asked, console)
    rules = Rules(asked.rounds, asked.limit, Patience(seconds=3, queries=-(-QUERIES // asked.rounds)))
    with tempfile.TemporaryDirectory(dir=asked.work) as folder:
        for name, dataset in _datasets(asked, Path(folder), console):
            stores = Path(folder) / "stores"
            entries = entries_of(name, dataset, asked.only or list(ROSTER))
            for entry in entries:
                results.put(entry)

            def say(line: str) -> None:
                console.print(line, style="dim")
                results.write(asked.results)

            measure(entries, dataset, stores, rules, say)
    return results


def _begun(asked: argparse.Namespace, console: Console) -> Results:
    """The results to add to: those kept, if they were made in the same way."""
    machine = Machine.here()
    if asked.results.exists():
        kept = Results.read(asked.results)
        if (kept.machine, kept.rounds) == (machine, asked.rounds):
            return kept
        console.print(f"{asked.results} is of another machine or number of rounds: begun anew")
    return Results(machine, asked.rounds)


def _datasets(asked: argparse.Namespace, folder: Path, console: Console) -> Iterator[tuple[str, Dataset]]:
    for size in asked.sizes if "clusters" in asked.datasets else ():
        console.print(f"clusters {size:,}  make", style="dim")
        yield "clusters", make_clusters(folder / f"clusters-{size}", size)
    if "stdlib" in asked.datasets:
        yield "stdlib", make_texts(folder / "stdlib", standard_library())
    if "cranfield" in asked.datasets:
        if asked.cranfield and (asked.cranfield / "corpus.jsonl").exists():
            yield "cranfield", make_texts(folder / "cranfield", cranfield(asked.cranfield))
        else:
            console.print("cranfield is left out: --cranfield or ONEVEC_TEST_DATA names no folder that has it")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.embedded", description=__doc__.partition("\n")[0])
    data = os.environ.get("ONEVEC_TEST_DATA")
    add = parser.add_argument
    add("--sizes", type=_sizes, default=[10_000, 50_000], help="of the clusters, as 10k,50k,1M (default: 10k,50k)")
    add(
        "--only",
        type=_keys(list(ROSTER)),
        help=f"contenders to measure, the others keep their figures: {','.join(ROSTER)}",
    )
    add("--datasets", type=_keys(_DATASETS), default=_DATASETS, help=f"default: {','.join(_DATASETS)}")
    add("--cranfield", type=Path, default=Path(data) / "cranfield" if data else None, help="folder of the collection")
    add("--rounds", type=int, default=3, help="how often every contender answers (default: 3)")
    add("--limit", type=float, default=900, help="seconds that one process may take (default: 900)")
    add("--work", type=Path, help="folder for a temporary folder with data and stores (default: the system's)")
    add("--results", type=Path, default=_RESULTS, help="where the figures are kept")
    add("--page", type=Path, default=_PAGE, help="the page to write")
    add("--from", dest="from_results", type=Path, metavar="RESULTS", help="don't measure, take these figures")
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    units = {"k": 1_000, "m": 1_000_000}
    return sorted(
        int(float(part[:-1]) * units[part[-1]]) if part[-1] in units else int(part) for part in text.lower().split(",")
    )


def _keys(known: Sequence[str]) -> Callable[[str], list[str]]:
    def keys(text: str) -> list[str]:
        for key in text.split(","):
            if key not in known:
                raise argparse.ArgumentTypeError(f"{key!r} is none of {', '.join(known)}")
        return text.split(",")

    return keys


if __name__ == "__main__":
    main()
