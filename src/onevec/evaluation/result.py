"""What an evaluation found."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from onevec.errors import InvalidInput
from onevec.evaluation.runs import Ranking, write_run
from onevec.evaluation.statistics import TEST, Difference, Mean, difference, mean_of

if TYPE_CHECKING:
    from onevec.evaluation.lines import FilePath

_NAMED = 3


@dataclass(frozen=True, slots=True)
class System:
    """One system's answers and how good they are.

    Attributes:
        name: What the tables call it.
        values: By metric, one value a query, in the order of `Evaluation.queries`.
        run: The rankings by query id, cut to `top_k`.
    """

    name: str
    values: Mapping[str, tuple[float, ...]]
    run: Mapping[str, Ranking]

    def mean(self, metric: str) -> Mean:
        """Return the mean over the queries, with its standard error."""
        return mean_of(self.values[metric])

    def write_run(self, path: FilePath) -> None:
        """Write the rankings as a TREC run file."""
        write_run(path, self.run, self.name)


@dataclass(frozen=True, slots=True)
class Unmatched:
    """What didn't fit together. None of it is measured, but for the documents, which count as not found.

    Attributes:
        queries: Queries without a relevant document in the judgements.
        judged_queries: Queries in the judgements that weren't asked.
        judged_documents: Relevant documents that a collection doesn't have.
    """

    queries: tuple[str, ...] = ()
    judged_queries: tuple[str, ...] = ()
    judged_documents: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.queries or self.judged_queries or self.judged_documents)

    def __str__(self) -> str:
        told = (
            (self.queries, "query", "queries", "without a relevant document, left out"),
            (self.judged_queries, "query", "queries", "of the judgements not asked, left out"),
            (self.judged_documents, "document", "documents", "relevant but not in a collection, counted as not found"),
        )
        return "; ".join(
            f"{len(ids):,} {one if len(ids) == 1 else many} {what}: {', '.join(ids[:_NAMED])}"
            f"{', ...' if len(ids) > _NAMED else ''}"
            for ids, one, many, what in told
            if ids
        )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good systems are on the same queries. `str()` is a table.

    Attributes:
        metrics: The measures, in the order asked.
        queries: The ids of the queries that were measured.
        systems: In the order given; the first is what the table compares with.
        top_k: How many hits of each query were looked at.
        unmatched: What of queries, judgements and documents didn't fit together.
    """

    metrics: tuple[str, ...]
    queries: tuple[str, ...]
    systems: tuple[System, ...]
    top_k: int
    unmatched: Unmatched

    def __getitem__(self, name: str) -> System:
        """Return the system of that name.

        Raises:
            InvalidInput: There is none.
        """
        for system in self.systems:
            if system.name == name:
                return system
        raise InvalidInput(
            f"there is no system {name!r}; systems are {', '.join(repr(one.name) for one in self.systems)}"
        )

    def differences(self, metric: str, *, baseline: str | None = None) -> list[Difference]:
        """Compare systems query by query.

        Args:
            metric: One of `metrics`.
            baseline: The system that all others are compared with. Default: each with each that stands before it.

        Raises:
            InvalidInput: There is no such metric or system.
        """
        if metric not in self.metrics:
            raise InvalidInput(f"{metric!r} wasn't measured; {', '.join(self.metrics)} were")
        if baseline is None:
            pairs = [(after, before) for before, after in combinations(self.systems, 2)]
        else:
            with_it = self[baseline]
            pairs = [(system, with_it) for system in self.systems if system is not with_it]
        return [
            difference(metric, (one.name, one.values[metric]), (other.name, other.values[metric]))
            for one, other in pairs
        ]

    def to_json(self) -> dict[str, Any]:  # Any: JSON values
        """Return all of it but the rankings as a JSON object."""
        return {
            "metrics": list(self.metrics),
            "queries": len(self.queries),
            "top_k": self.top_k,
            "systems": [
                {
                    "name": system.name,
                    "means": {metric: asdict(system.mean(metric)) for metric in self.metrics},
                    "values": {
                        metric: dict(zip(self.queries, system.values[metric], strict=True)) for metric in self.metrics
                    },
                }
                for system in self.systems
            ],
            "test": TEST,
            "differences": [asdict(one) for metric in self.metrics for one in self.differences(metric)],
            "unmatched": {name: list(ids) for name, ids in asdict(self.unmatched).items()},
        }

    def write_chart(self, path: str | os.PathLike[str]) -> None:
        """Draw the means with their standard errors, as SVG, PNG or PDF by the file's suffix.

        Raises:
            EngineNotInstalled: matplotlib is missing; the message has the command that installs it.
        """
        from onevec.evaluation.chart import draw

        draw(self, path)

    def __str__(self) -> str:
        from onevec.evaluation.tables import differences_table, means_table

        parts = [means_table(self).text()]
        if len(self.systems) > 1:
            parts.append(differences_table(self, self.metrics[0]).text())
        if self.unmatched:
            parts.append(str(self.unmatched))
        return "\n\n".join(parts)
