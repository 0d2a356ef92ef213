"""What was measured, as it is kept: one JSON file, from which the page can be written again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.embedded.machine import Machine

from onevec.evaluation import Evaluation, System, Unmatched


@dataclass(slots=True)
class Results:
    """The figures of one machine.

    Attributes:
        machine: What they were measured on.
        measured: The day, as in 2030-01-31.
        versions: Of the libraries that make the figures.
        documents: How many documents were indexed.
        evaluation: The systems side by side.
        engines: nDCG@10 by engine and mode.
    """

    machine: Machine
    measured: str
    versions: dict[str, str]
    documents: int
    evaluation: Evaluation
    engines: dict[str, dict[str, float]]

    @classmethod
    def read(cls, path: Path) -> Results:
        kept = json.loads(path.read_text("utf-8"))
        found = kept["evaluation"]
        evaluation = Evaluation(
            tuple(found["metrics"]),
            tuple(found["queries"]),
            tuple(
                System(name, {metric: tuple(values) for metric, values in system.items()}, {})
                for name, system in found["systems"].items()
            ),
            found["top_k"],
            Unmatched(**{name: tuple(ids) for name, ids in found["unmatched"].items()}),
        )
        return cls(
            Machine(**kept["machine"]),
            kept["measured"],
            kept["versions"],
            kept["documents"],
            evaluation,
            kept["engines"],
        )

    def write(self, path: Path) -> None:
        evaluation = self.evaluation
        kept = {
            "machine": asdict(self.machine),
            "measured": self.measured,
            "versions": self.versions,
            "documents": self.documents,
            "engines": {
                engine: {mode: round(value, 6) for mode, value in modes.items()}
                for engine, modes in self.engines.items()
            },
            "evaluation": {
                "metrics": evaluation.metrics,
                "queries": evaluation.queries,
                "top_k": evaluation.top_k,
                "unmatched": asdict(evaluation.unmatched),
                "systems": {
                    system.name: {
                        metric: [round(value, 6) for value in values] for metric, values in system.values.items()
                    }
                    for system in evaluation.systems
                },
            },
        }
        lines = ",\n".join(f'"{name}": {json.dumps(value)}' for name, value in kept.items())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{{{lines}}}\n", "utf-8")
