"""An evaluation as a chart: a panel for each metric, a row for each system, a bar for the standard error."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from onevec.errors import EngineNotInstalled, InvalidInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from onevec.evaluation.result import Evaluation

SUFFIXES = (".svg", ".png", ".pdf")
_ACROSS = 4
_COLOUR = "#08306b"


def check_chart(path: str | os.PathLike[str]) -> None:
    """Check that a chart can be drawn there, before anything is measured.

    Raises:
        InvalidInput: The file's suffix is of no kind that can be drawn.
        EngineNotInstalled: matplotlib is missing.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise InvalidInput(f"a chart is a file that ends with {', '.join(SUFFIXES)}, got {os.fspath(path)!r}")
    if find_spec("matplotlib") is None:
        raise EngineNotInstalled('drawing a chart needs matplotlib: pip install "onevec[eval]"')


def draw(evaluation: Evaluation, path: str | os.PathLike[str]) -> None:
    """Write the chart; the same evaluation makes the same file."""
    check_chart(path)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = [system.name for system in evaluation.systems]
    across = min(_ACROSS, len(evaluation.metrics))
    down = -(-len(evaluation.metrics) // across)
    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(Path(path).suffix.lower())
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "onevec", "font.size": 8}):
        size = (1.6 + 2.6 * across, down * (0.7 + 0.22 * len(names)))
        sheet = Figure(figsize=size, layout="constrained")
        for place, metric in enumerate(evaluation.metrics):
            axes = sheet.add_subplot(down, across, place + 1)
            for row, system in enumerate(evaluation.systems):
                mean = system.mean(metric)
                axes.errorbar(
                    mean.value, row, xerr=mean.standard_error, fmt="o", color=_COLOUR, markersize=4, capsize=2
                )
            _dress(axes, metric, names, labelled=place % across == 0)
        sheet.savefig(path, dpi=110, metadata=dated)


def _dress(axes: Axes, metric: str, names: list[str], *, labelled: bool) -> None:
    axes.set_title(metric, fontsize=9)
    axes.grid(visible=True, axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names if labelled else [""] * len(names))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
