"""What was measured, as it is kept: one JSON file, from which the page can be written again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.embedded.machine import Machine
from bench.embedded.roster import ROSTER


@dataclass(slots=True)
class Entry:
    """One contender on one dataset.

    Attributes:
        contender: Its key in the roster.
        dataset: `clusters`, `stdlib` or `cranfield`.
        size: How many documents.
        dimension: Of their vectors.
        queries: How many each column has.
        measured: The day, as in 2030-01-31.
        load: What `child.load` returned.
        rounds: What `child.search` returned in each round.
        imports: Seconds that the import took in each round.
        error: Why there are no figures.
    """

    contender: str
    dataset: str
    size: int
    dimension: int
    queries: int
    measured: str
    load: dict[str, Any] = field(default_factory=dict)  # Any: JSON values
    rounds: list[dict[str, Any]] = field(default_factory=list)
    imports: list[float] = field(default_factory=list)
    error: str | None = None

    @property
    def name(self) -> str:
        return ROSTER[self.contender].name

    def answer(self, column: str, figure: str) -> float:
        """Return the median over the rounds of a column's figure."""
        return float(median(answers["columns"][column][figure] for answers in self.rounds))

    def over_rounds(self, figure: str) -> float | None:
        """Return the median over the rounds of another figure; None where there is none."""
        values = [answers[figure] for answers in self.rounds]
        return None if None in values else median(values)

    @property
    def ingest_rate(self) -> float:
        return self.size / float(self.load["ingest"])

    @property
    def searchable_rate(self) -> float:
        return self.size / float(self.load["ingest"] + self.load["searchable"])

    @property
    def serving(self) -> float:
        """The median of the bytes that searching takes, above those of the idle process."""
        return float(median(answers["serving"] - answers["idle"] for answers in self.rounds))


@dataclass(slots=True)
class Results:
    """All entries of one machine. Those that have answered no round yet are kept out of the tables."""

    machine: Machine
    rounds: int
    entries: list[Entry] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Results:
        kept = json.loads(path.read_text("utf-8"))
        return cls(Machine(**kept["machine"]), kept["rounds"], [Entry(**entry) for entry in kept["entries"]])

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        entries = ",\n".join(json.dumps(_rounded(asdict(entry))) for entry in self.entries)
        head = f'"machine": {json.dumps(asdict(self.machine))}, "rounds": {self.rounds}'
        path.write_text(f'{{{head}, "entries": [\n{entries}\n]}}\n', "utf-8")

    def put(self, entry: Entry) -> None:
        """Add an entry, in the place of an earlier one of the same contender and dataset."""
        same = (entry.contender, entry.dataset, entry.size)
        self.entries = [old for old in self.entries if (old.contender, old.dataset, old.size) != same]
        self.entries.append(entry)

    def groups(self) -> Iterator[tuple[str, int, list[Entry]]]:
        """Yield each dataset's name, size and entries; the clusters by size, then the others."""
        seen = {(entry.dataset, entry.size) for entry in self.entries if entry.rounds or entry.error}
        for dataset, size in sorted(seen, key=lambda pair: (pair[0] != "clusters", *pair)):
            yield dataset, size, self.of(dataset, size)

    def of(self, dataset: str, size: int) -> list[Entry]:
        order = list(ROSTER)
        found = [entry for entry in self.entries if (entry.dataset, entry.size) == (dataset, size)]
        shown = [entry for entry in found if entry.rounds or entry.error]
        return sorted(shown, key=lambda entry: order.index(entry.contender))


def _rounded(value: Any) -> Any:  # Any: JSON values
    """Six digits say all that a clock knows, and keep the file small."""
    match value:
        case float():
            return float(f"{value:.6g}")
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case list() | tuple():
            return [_rounded(item) for item in value]
        case _:
            return value
