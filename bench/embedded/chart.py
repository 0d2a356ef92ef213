"""The figures as a chart: a panel for each, a row for each contender, a mark for each size of the clusters."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from bench.embedded.results import Entry, Results
from bench.embedded.roster import OURS, ROSTER
from bench.embedded.table import FIGURES, Figure
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

_ACROSS = 4
_COLOURS = ("#9ecae1", "#3182bd", "#08306b", "#000000")
_MARKS = ("o", "s", "D", "^")
_POOR = 0.95


def draw(results: Results, path: Path) -> None:
    """Write the chart of the clusters to an SVG or PNG file; the same results make the same file."""
    groups = [(size, entries) for dataset, size, entries in results.groups() if dataset == "clusters"]
    shown = {entry.name for _, entries in groups for entry in entries if not entry.error}
    names = [listed.name for listed in ROSTER.values() if listed.name in shown]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "onevec", "font.size": 8}):
        down = -(-len(FIGURES) // _ACROSS)
        sheet = Sheet(figsize=(14, 0.9 + down * (0.6 + 0.2 * len(names))), layout="constrained")
        for place, figure in enumerate(FIGURES, 1):
            axes = sheet.add_subplot(down, _ACROSS, place)
            for step, (_, entries) in enumerate(groups):
                _mark(axes, figure, entries, names, step)
            _dress(axes, figure, names, labelled=place % _ACROSS == 1)
        keys = [_key(step, f"{size:,} documents") for step, (size, _) in enumerate(groups)]
        keys.append(_key(None, f"recall below {_POOR}"))
        sheet.legend(handles=keys, loc="outside upper center", ncols=len(keys), frameon=False, fontsize=10)
        sheet.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


def _mark(axes: Axes, figure: Figure, entries: list[Entry], names: list[str], step: int) -> None:
    for entry in entries:
        value = None if entry.error else figure.value(entry)
        if value is not None and value > 0:
            poor = figure.column is not None and entry.answer(figure.column, "recall") < _POOR
            colour = _COLOURS[step % len(_COLOURS)]
            axes.plot(
                value,
                names.index(entry.name),
                _MARKS[step % len(_MARKS)],
                color=colour,
                markerfacecolor="white" if poor else colour,
                markersize=5,
            )


def _dress(axes: Axes, figure: Figure, names: list[str], *, labelled: bool) -> None:
    axes.set_xscale("log")
    least, most = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if most < 100 * least else (1,), numticks=9))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_title(f"{figure.heading} ({'more' if figure.more_is_better else 'less'} is better)", fontsize=9)
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names if labelled else [""] * len(names))
    ours = {ROSTER[key].name for key in OURS}
    for tick, name in zip(axes.get_yticklabels(), names, strict=True):
        tick.set_fontweight("bold" if name in ours else "normal")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _key(step: int | None, label: str) -> Line2D:
    if step is None:
        return Line2D([], [], linestyle="", marker="o", color="#3182bd", markerfacecolor="white", label=label)
    mark = _MARKS[step % len(_MARKS)]
    return Line2D([], [], linestyle="", marker=mark, color=_COLOURS[step % len(_COLOURS)], label=label)
