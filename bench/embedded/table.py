"""Figures as tables, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

from bench.embedded.data import COLUMNS
from bench.embedded.results import Entry, Results
from bench.embedded.roster import OURS, SUBJECT
from rich.table import Table as RichTable

# A peer that finds less is not compared by speed.
_COMPARABLE = 0.95
_NONE = "-"


@dataclass(frozen=True, slots=True)
class Table:
    """A title, headings and rows of text; the first column names the row."""

    title: str
    headings: list[str]
    rows: list[list[str]]
    aligned: Literal["left", "right"] = "right"

    def markdown(self) -> str:
        lines = [
            self.headings,
            ["---", *["---:" if self.aligned == "right" else "---"] * (len(self.headings) - 1)],
            *self.rows,
        ]
        return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)

    def rich(self) -> RichTable:
        table = RichTable(title=self.title, title_justify="left")
        for place, heading in enumerate(self.headings):
            table.add_column(heading, justify=self.aligned if place else "left")
        for row in self.rows:
            table.add_row(*row)
        return table


@dataclass(frozen=True, slots=True)
class Figure:
    """One column of the summary.

    Attributes:
        heading: What it is, and its unit.
        value: Takes it from an entry; None where there is none.
        more_is_better: Whether it is a rate and not a cost.
        column: The filter's column, for a rate of queries.
    """

    heading: str
    value: Callable[[Entry], float | None]
    more_is_better: bool = False
    column: str | None = None


def _rate(column: str) -> Figure:
    return Figure(f"{column}, q/s", lambda entry: entry.answer(column, "per second"), True, column)


def _median_latency(column: str) -> Callable[[Entry], float | None]:
    return lambda entry: entry.answer(column, "p50")


FIGURES = (
    Figure("ingest, docs/s", lambda entry: entry.ingest_rate, True),
    Figure("to searchable, docs/s", lambda entry: entry.searchable_rate, True),
    *map(_rate, COLUMNS),
    Figure("memory, MB", lambda entry: entry.serving / 1e6),
    Figure("disk, MB", lambda entry: entry.load["disk"] / 1e6 if entry.load["facts"]["persistent"] else None),
    Figure("import, ms", lambda entry: sorted(entry.imports)[len(entry.imports) // 2] * 1000),
    Figure("reopen, ms", lambda entry: _milliseconds(entry.over_rounds("reopening"))),
)
GROWING: MappingProxyType[str, Callable[[Entry], float | None]] = MappingProxyType(
    {
        "seconds to searchable": lambda entry: entry.size / entry.searchable_rate,
        **{f"{column}, p50": _median_latency(column) for column in COLUMNS},
        "memory": lambda entry: entry.serving,
        "disk": FIGURES[-3].value,
        "reopen": FIGURES[-1].value,
    }
)


def summary(title: str, entries: Sequence[Entry]) -> Table:
    """Return the costs of every contender; rates of queries carry the recall they were reached with."""
    rows = [_row(entry, [_summed(figure, entry) for figure in FIGURES] if not entry.error else []) for entry in entries]
    return Table(title, ["", *(figure.heading for figure in FIGURES)], rows)


def ratios(title: str, entries: Sequence[Entry]) -> Table:
    """Return how many times as good onevec sqlite is as each peer, and as the best of the comparable ones."""
    subject = next((entry for entry in entries if entry.contender == SUBJECT and not entry.error), None)
    peers = [entry for entry in entries if entry.contender not in OURS and not entry.error]
    headings = ["onevec sqlite :", *(figure.heading.rsplit(", ", 1)[0] for figure in FIGURES)]
    if subject is None:
        return Table(title, headings, [])
    rows = [[peer.name, *(_times(_ratio(figure, subject, peer)) for figure in FIGURES)] for peer in peers]
    rows.append(["best peer", *(_best(figure, subject, peers) for figure in FIGURES)])
    return Table(title, headings, rows)


def latencies(title: str, entries: Sequence[Entry]) -> Table:
    """Return the percentiles of every column."""

    def cell(entry: Entry, column: str) -> str:
        return " / ".join(_short(entry.answer(column, figure)) for figure in ("p50", "p95", "p99"))

    return _by_column(f"{title}: p50 / p95 / p99 of a search, ms", entries, cell)


def completeness(title: str, entries: Sequence[Entry]) -> Table:
    """Return the recall and the share of short pages of every column, and the setting they were reached with."""

    def cell(entry: Entry, column: str) -> str:
        efforts = entry.load["efforts"]
        setting = f", {entry.load['facts']['effort']} {efforts[column]}" if efforts else ""
        return f"{entry.answer(column, 'recall'):.3f}, {entry.answer(column, 'short'):.0%}{setting}"

    return _by_column(f"{title}: recall@10, short pages, setting", entries, cell)


def memory(title: str, entries: Sequence[Entry]) -> Table:
    """Return all that was measured of memory, and the first search with a filter after opening."""
    headings = ["", "idle, MB", "after loading, MB", "most while loading, MB", "searching, MB", "first filter, ms"]
    rows = []
    for entry in entries:
        cells: list[str] = []
        if not entry.error:
            sizes = [*(entry.load[key] for key in ("idle", "loaded", "peak")), entry.over_rounds("serving") or 0]
            cells = [f"{size / 1e6:,.0f}" for size in sizes]
            cells.append(_short(_milliseconds(entry.over_rounds("first filtered"))))
        rows.append(_row(entry, cells))
    return Table(f"{title}: memory of the process, and the first search with a filter", headings, rows)


def growth(results: Results) -> list[Table]:
    """Return, for each two successive sizes of the clusters, how many times the costs of the first the second's are."""
    groups = [(size, entries) for dataset, size, entries in results.groups() if dataset == "clusters"]
    tables = []
    for (size, entries), (larger, others) in pairwise(groups):
        after = {entry.contender: entry for entry in others if not entry.error}
        rows = [
            [entry.name, *(_times(_quotient(cost(after[entry.contender]), cost(entry))) for cost in GROWING.values())]
            for entry in entries
            if not entry.error and entry.contender in after
        ]
        title = f"Costs at {larger:,} documents, times those at {size:,} ({larger / size:g} times as many)"
        tables.append(Table(title, ["", *GROWING], rows))
    return tables


def _by_column(title: str, entries: Sequence[Entry], cell: Callable[[Entry, str], str]) -> Table:
    rows = [_row(entry, [cell(entry, column) for column in COLUMNS] if not entry.error else []) for entry in entries]
    return Table(title, ["", *COLUMNS], rows)


def _row(entry: Entry, cells: list[str]) -> list[str]:
    return [entry.name, *cells] if cells else [entry.name, f"failed: {entry.error}"]


def _summed(figure: Figure, entry: Entry) -> str:
    value = figure.value(entry)
    if value is None:
        return _NONE
    recall = f" @ {entry.answer(figure.column, 'recall'):.3f}" if figure.column else ""
    return f"{_short(value)}{recall}"


def _ratio(figure: Figure, subject: Entry, peer: Entry) -> float | None:
    ours, theirs = figure.value(subject), figure.value(peer)
    return _quotient(ours, theirs) if figure.more_is_better else _quotient(theirs, ours)


def _best(figure: Figure, subject: Entry, peers: Sequence[Entry]) -> str:
    """The peer that onevec is the least ahead of, among those that give documents and find the neighbours."""
    found = [
        (ratio, peer.name)
        for peer in peers
        if not peer.load["facts"]["ids_only"]
        and (figure.column is None or peer.answer(figure.column, "recall") >= _COMPARABLE)
        and (ratio := _ratio(figure, subject, peer)) is not None
    ]
    if not found:
        return _NONE
    ratio, name = min(found)
    return f"{_times(ratio)} {name}"


def _quotient(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None


def _times(ratio: float | None) -> str:
    return _NONE if ratio is None else f"{_short(ratio)}x"


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _short(value: float | None) -> str:
    """Three digits."""
    if value is None:
        return _NONE
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
