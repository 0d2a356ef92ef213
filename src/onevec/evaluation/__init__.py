"""How good a search is: measured with judged queries, for several systems side by side.

evaluation = evaluate(collection, "queries.jsonl", "qrels.tsv", modes=["vector", "text", "hybrid"])
print(evaluation)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from onevec.documents import Mode, SearchQuery
from onevec.evaluation.asking import InPlace, Retriever, Search
from onevec.evaluation.evaluating import Settings, evaluated
from onevec.evaluation.files import read_corpus, read_judgements, read_queries
from onevec.evaluation.lines import FilePath
from onevec.evaluation.measures import DEFAULT_METRICS
from onevec.evaluation.result import Evaluation, System, Unmatched
from onevec.evaluation.runs import Ranked, RunLike, read_run, write_run
from onevec.evaluation.statistics import Difference, Mean
from onevec.runtime import AsyncRuntime, BlockingRuntime, run

if TYPE_CHECKING:
    from onevec.aio import AsyncCollection
    from onevec.collection import Collection
    from onevec.documents import Progress

__all__ = [
    "DEFAULT_METRICS",
    "Difference",
    "Evaluation",
    "Mean",
    "Ranked",
    "Search",
    "System",
    "Unmatched",
    "evaluate",
    "evaluate_async",
    "read_corpus",
    "read_judgements",
    "read_queries",
    "read_run",
    "write_run",
]

Queries: TypeAlias = "FilePath | Mapping[str, str | SearchQuery]"
Judgements: TypeAlias = "FilePath | Mapping[str, Mapping[str, int]]"
Modes: TypeAlias = "Mode | Iterable[Mode]"


def evaluate(
    systems: Collection | Mapping[str, Collection | Search | Retriever | RunLike | FilePath],
    queries: Queries | None,
    judgements: Judgements,
    *,
    modes: Modes = ("vector",),
    metrics: Iterable[str] = DEFAULT_METRICS,
    top_k: int = 100,
    id_field: str | None = None,
    strict: bool = False,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Ask systems the same queries and measure how good their rankings are.

    A query without results counts as 0; a query without a relevant document can't tell systems apart, is left out, and
    is named in `Evaluation.unmatched`, as is all else that doesn't fit together. Hits are measured in their order.

    Args:
        systems: A collection; or by name: collections, `Search`es of a collection with keywords of their own, functions
            from a query's text to hits or ids (best first), runs (of each query the ids best first, or the scores by
            id), and paths of TREC run files.
        queries: A file of JSON lines with `_id` or `id` and `text`; or texts, or `SearchQuery`s that bring a vector, by
            id. None where all systems are runs.
        judgements: A file of tab-separated values, as `read_judgements` describes; or of each query the documents that
            were judged, with their relevance: a whole number, above 0 for an answer.
        modes: How collections are searched: a system for each mode.
        metrics: nDCG@k, recall@k, precision@k, MAP, MAP@k, MRR, MRR@k.
        top_k: How many hits of each query count; MAP and MRR without a k look at all of these.
        id_field: The metadata field that has the id of the judged document, as `path` has for chunks of files; a
            document counts where its best chunk stands. Default: the id itself.
        strict: Whether judgements that name queries that weren't asked, or documents that aren't there, are refused.
            Otherwise such queries are left out, and such documents count as not found.
        on_progress: Called as `on_progress(done, total)`, in queries over all systems.

    Raises:
        InvalidFile: A file has lines that can't be understood; all of them are named.
        InvalidInput: An argument isn't as above, or nothing fits together, as with ids of another numbering.
        EngineNotInstalled: What computes the metrics is missing; the message has the command that installs it.
    """
    targets = {name: _in_place(system) for name, system in _named(systems).items()}
    settings = Settings.checked(modes, metrics, top_k, id_field, strict=strict)
    return run(
        evaluated(
            BlockingRuntime(),
            targets,
            settings,
            queries=queries,
            judgements=judgements,
            on_progress=on_progress,
        )
    )


async def evaluate_async(
    systems: AsyncCollection | Mapping[str, AsyncCollection | Search | Retriever | RunLike | FilePath],
    queries: Queries | None,
    judgements: Judgements,
    *,
    modes: Modes = ("vector",),
    metrics: Iterable[str] = DEFAULT_METRICS,
    top_k: int = 100,
    id_field: str | None = None,
    strict: bool = False,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Do what `evaluate` does, without holding up the event loop. A function may be a coroutine function, too."""
    settings = Settings.checked(modes, metrics, top_k, id_field, strict=strict)
    io = AsyncRuntime()
    try:
        return await evaluated(
            io, _named(systems), settings, queries=queries, judgements=judgements, on_progress=on_progress
        )
    finally:
        await io.close()


def _named(systems: object) -> dict[str, object]:
    """The systems by name; a collection alone has none beside that of its searches."""
    if isinstance(systems, Mapping):
        return {str(name): system for name, system in systems.items()}
    return {"": systems}


def _in_place(system: object) -> object:
    from onevec.collection import Collection

    match system:
        case Collection():
            return InPlace(system)
        case Search(Collection() as collection, options):
            return Search(InPlace(collection), options)
        case _:
            return system
