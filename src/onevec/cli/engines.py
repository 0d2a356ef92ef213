"""`engines`."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING

import onevec
from onevec.cli import Command
from onevec.cli.arguments import Parser
from onevec.cli.output import print_json, print_rich, table
from onevec.filters import Op
from onevec.metrics import Metric

if TYPE_CHECKING:
    from onevec.capabilities import Capabilities


def _no_arguments(_parser: Parser) -> None:
    pass


def _engines(arguments: Namespace) -> int:
    found = onevec.engines()
    if arguments.json:
        print_json({"engines": [asdict(engine) for engine in found]})
        return 0
    rows = table("engine", "installed", "what it can do")
    for engine in found:
        rows.add_row(engine.name, "yes" if engine.installed else f"no: {engine.install}", _brief(engine.capabilities))
    print_rich(rows)
    return 0


def _brief(capabilities: Capabilities) -> str:
    lacking = sorted(set(Op) - capabilities.operators)
    metrics = ", ".join(sorted(capabilities.metrics))
    words = [
        "all metrics" if capabilities.metrics == set(Metric) else f"metrics {metrics}",
        f"filters but {', '.join(lacking)}" if lacking else "all filters",
        "text search" if capabilities.text_search else "no text search",
        "persistent" if capabilities.persistent else "gone with the process",
    ]
    if capabilities.shared:
        words.append("several processes at once")
    return "; ".join(words)


COMMANDS = MappingProxyType({"engines": Command(_no_arguments, _engines)})
