"""An evaluation as tables: of text, of Markdown, or of cells for a table of another kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onevec.evaluation.statistics import TEST, Difference

if TYPE_CHECKING:
    from onevec.evaluation.result import Evaluation

_LEAST_P = 0.001


@dataclass(frozen=True, slots=True)
class Table:
    """A title, headings and rows of text; the first column names the row, the others are numbers."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """Return it with columns of equal width, under its title."""
        lines = [self.headings, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.headings))]
        shown = (
            "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
            for line in lines
        )
        return "\n".join([self.title, *shown])

    def markdown(self) -> str:
        """Return it as Markdown, without the title."""
        lines = [self.headings, ("---", *["---:"] * (len(self.headings) - 1)), *self.rows]
        return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def means_table(evaluation: Evaluation) -> Table:
    """Return the means ± standard errors: a row a system, a column a metric."""
    title = f"{len(evaluation.queries):,} queries, top_k={evaluation.top_k}: mean ± standard error"
    rows = tuple(
        (system.name, *(str(system.mean(metric)) for metric in evaluation.metrics)) for system in evaluation.systems
    )
    return Table(title, ("", *evaluation.metrics), rows)


def differences_table(evaluation: Evaluation, metric: str, baseline: str | None = None) -> Table:
    """Return the paired differences of a metric, of all systems with the baseline (default: the first)."""
    against = baseline or evaluation.systems[0].name
    title = f"{metric} less that of {against!r}, query by query ({TEST})"
    rows = tuple(_row(one) for one in evaluation.differences(metric, baseline=against))
    return Table(title, ("", "difference", "p", "better on", "worse on"), rows)


def _row(one: Difference) -> tuple[str, ...]:
    error = "" if one.standard_error is None else f" ± {one.standard_error:.4f}"
    return (one.system, f"{one.mean:+.4f}{error}", _chance(one.p_value), f"{one.better:,}", f"{one.worse:,}")


def _chance(p: float | None) -> str:
    if p is None:
        return "-"
    return f"< {_LEAST_P}" if p < _LEAST_P else f"{p:.3f}"
