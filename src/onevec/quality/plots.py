"""The pictures of a report, as SVG to stand inside a page. All words in them are ours: names of labels stay in HTML."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from onevec.quality.drawing import Drawing, Map, Similarities
from onevec.quality.labels import Labels
from onevec.vectors.checks import Matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people tell apart however they see colours (https://jfly.uni-koeln.de/color/).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c6d1f", "#000000")
OTHER = "#b8bcc2"
_BINS = 50
_SMALL, _LARGE = (3.6, 2.6), (8.6, 5.6)  # inches; three small ones are as wide as a large one
_LEAST_ALIKE = 50  # pairs, below which a histogram of them says nothing
_STYLE: Any = {  # Any: matplotlib's own type is of all its settings
    "svg.fonttype": "path",  # the same wherever it is looked at
    "font.family": "DejaVu Sans",  # matplotlib brings it
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#6b7280",
    "axes.labelcolor": "#374151",
    "xtick.color": "#6b7280",
    "ytick.color": "#6b7280",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e5e7eb",
    "legend.frameon": False,
}


def norms_plot(drawing: Drawing) -> str:
    """Return a histogram of the lengths."""
    return _histogram("norms", {"": drawing.norms}, "norm", "vectors")


def similarities_plot(similarities: Similarities) -> str:
    """Return a histogram of the cosines of random pairs, within groups and across them where there are groups."""
    alike = similarities.alike
    if alike is None or min(alike.sum(), (~alike).sum()) < _LEAST_ALIKE:
        return _histogram("similarities", {"": similarities.cosines}, "cosine", "pairs")
    parts = {"within a group": similarities.cosines[alike], "across groups": similarities.cosines[~alike]}
    return _histogram("similarities", parts, "cosine", "share of these pairs")


def nearest_plot(drawing: Drawing) -> str:
    """Return a histogram of the distances to the nearest neighbour."""
    return _histogram("nearest", {"": drawing.nearest}, "distance to the nearest vector", "vectors")


def map_plot(map: Map, groups: Labels | None) -> str:
    """Return the vectors on their first two principal axes, each group of the first few in its colour."""

    def draw(axes: Axes) -> None:
        numbers = np.full(len(map.places), -1) if groups is None else groups.groups
        rest = (numbers < 0) | (numbers >= len(COLOURS))
        for colour, rows in ((OTHER, rest), *((each, numbers == at) for at, each in enumerate(COLOURS))):
            if rows.any():
                axes.scatter(map.places[rows, 0], map.places[rows, 1], s=9, color=colour, alpha=0.65, linewidths=0)
        axes.set(xlabel="first principal axis", ylabel="second principal axis")
        axes.set_aspect("equal", adjustable="datalim")

    return _svg("map", draw, _LARGE)


def _histogram(name: str, parts: dict[str, Matrix], x: str, y: str) -> str:
    def draw(axes: Axes) -> None:
        edges = _edges(np.concatenate(list(parts.values())))
        for colour, (label, values) in zip(COLOURS, parts.items(), strict=False):
            weights = np.full(len(values), 1 / len(values)) if label else None
            axes.hist(values, bins=edges, weights=weights, color=colour, alpha=0.75, label=label)
        axes.set(xlabel=x, ylabel=y)
        if len(parts) > 1:
            axes.legend()

    return _svg(name, draw, _SMALL)


def _edges(values: Matrix) -> list[float]:
    """Bins over the values; where they are almost equal, over a hundredth of their size, so that they look so."""
    low, high = float(values.min()), float(values.max())
    least = 0.02 * max(abs(low), abs(high)) or 1.0
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    edges: list[float] = np.linspace(low, high, _BINS + 1).tolist()
    return edges


def _svg(name: str, draw: Any, size: tuple[float, float]) -> str:  # Any: a function of matplotlib's axes
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.add_subplot())
        written = StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    drawn = written.getvalue()
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn[drawn.index("<svg") :], flags=re.DOTALL)
    # Several stand on one page, where a name may occur once.
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\1{name}-", drawn)
