"""What was measured, as it is kept: one JSON file, from which the page can be written again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.embedded.machine import Machine
from bench.wrappers.measure import Figures


@dataclass(slots=True)
class Entry:
    """One engine.

    Attributes:
        engine: Its key in the roster.
        title: What the page calls it.
        about: How it ran.
        bare: What the bare clients did.
        measured: The day, as in 2030-01-31.
        versions: Of the libraries.
        figures: Of the contenders.
    """

    engine: str
    title: str
    about: str
    bare: str
    measured: str
    versions: dict[str, str]
    figures: list[Figures]


@dataclass(slots=True)
class Results:
    """All engines, measured on one machine in one way.

    Attributes:
        machine: The machine.
        count: How many documents.
        queries: How many queries in a round.
        rounds: How many rounds.
        entries: The engines.
    """

    machine: Machine
    count: int
    queries: int
    rounds: int
    entries: list[Entry] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Results:
        kept = json.loads(path.read_text("utf-8"))
        entries = [Entry(**{**one, "figures": [Figures(**each) for each in one["figures"]]}) for one in kept["entries"]]
        return cls(Machine(**kept["machine"]), kept["count"], kept["queries"], kept["rounds"], entries)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{json.dumps(_rounded(asdict(self)), indent=1)}\n", "utf-8")

    def is_like(self, other: Results) -> bool:
        """Return whether both were made in the same way on the same machine."""
        mine, others = ((one.machine, one.count, one.queries, one.rounds) for one in (self, other))
        return mine == others

    def put(self, entry: Entry) -> None:
        """Add an engine, in the place of an earlier measurement of it."""
        self.entries = [old for old in self.entries if old.engine != entry.engine]
        self.entries.append(entry)


def _rounded(value: Any) -> Any:  # Any: JSON values
    """Five digits say all that a clock knows, and keep the file small."""
    match value:
        case float():
            return float(f"{value:.5g}")
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case list() | tuple():
            return [_rounded(item) for item in value]
        case _:
            return value
