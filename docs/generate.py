"""Write docs/capabilities.md from the capability records of the engines.

python docs/generate.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import distribution
from pathlib import Path

from onevec.adapter import Adapter
from onevec.capabilities import Capabilities
from onevec.filters import Op
from onevec.metrics import Metric
from onevec.registry import adapter_class

ENGINES = sorted(distribution("onevec").entry_points.select(group="onevec.engines").names)
PAGE = Path(__file__).with_name("capabilities.md")
_YES, _NO = "yes", "-"
_INTRODUCTION = (
    "Made by `make docs` from the capability records, which the conformance kit tests: what is declared works, "
    "and what isn't is refused before anything is sent."
)

Cell = Callable[[Capabilities], str]


def page(engines: Iterable[str] = ENGINES) -> str:
    """Return the page as Markdown."""
    adapters = [adapter_class(name) for name in engines]
    parts = [
        "# What each engine can do",
        _INTRODUCTION,
        *("## General", _table("", adapters, _GENERAL)),
        *("## Metrics", _table("metric", adapters, {f"`{metric}`": _has_metric(metric) for metric in Metric})),
        "## Filter operators",
        "Those that the engine runs itself, in the meaning of [the contract](filters.md).",
        _table("operator", adapters, {f"`{op}`": _has_operator(op) for op in Op}),
        *("## When is a write safe, and when is it seen", *map(_promises, adapters)),
    ]
    return "\n\n".join(parts) + "\n"


def _table(corner: str, adapters: list[type[Adapter[object]]], rows: dict[str, Cell]) -> str:
    names = [f"[{adapter.name}](engines/{adapter.name}.md)" for adapter in adapters]
    lines = [_row(corner, names), "|---" * (len(names) + 1) + "|"]
    lines += (_row(title, [cell(adapter.capabilities) for adapter in adapters]) for title, cell in rows.items())
    return "\n".join(lines)


def _row(title: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join([title, *cells])} |"


def _promises(adapter: type[Adapter[object]]) -> str:
    return f"**{adapter.name}.** {adapter.capabilities.durability} {adapter.capabilities.consistency}"


def _has_metric(metric: Metric) -> Cell:
    return lambda capabilities: _YES if metric in capabilities.metrics else _NO


def _has_operator(op: Op) -> Cell:
    return lambda capabilities: _YES if op in capabilities.operators else _NO


def _flag(name: str) -> Cell:
    return lambda capabilities: _YES if getattr(capabilities, name) else _NO


def _limit(name: str) -> Cell:
    def cell(capabilities: Capabilities) -> str:
        most = getattr(capabilities, name)
        return "any" if most is None else f"{most:,}"

    return cell


_GENERAL: dict[str, Cell] = {
    'text search (`mode="text"`)': _flag("text_search"),
    "async client of its own": _flag("native_async"),
    "outlives the process": _flag("persistent"),
    "open in several processes at once": _flag("shared"),
    "a batch is written wholly or not at all": _flag("atomic_batches"),
    "`scan` in id order": _flag("ordered_scan"),
    "documents in one request": _limit("max_batch"),
    "bytes in one request": _limit("max_batch_bytes"),
    "most `top_k`": _limit("max_top_k"),
    "most dimensions": _limit("max_dimension"),
    "its own filters (`native=`)": lambda capabilities: capabilities.native_filter or _NO,
}

if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
