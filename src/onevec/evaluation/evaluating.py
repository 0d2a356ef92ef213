"""The steps of an evaluation: read, ask, match, measure. Written once for both APIs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self, TypeGuard, get_args

from onevec.documents import Mode, Progress, SearchQuery
from onevec.errors import InvalidInput
from onevec.evaluation.asking import Asked, InPlace, Question, Search, answered, missing, searched
from onevec.evaluation.inputs import Judged, is_run, judged_of, queries_of, run_of, some
from onevec.evaluation.measures import Measure, measured, measures, require_library
from onevec.evaluation.result import Evaluation, System, Unmatched
from onevec.evaluation.runs import Ranking
from onevec.runtime import Runtime
from onevec.validate import checked_count


class Settings(NamedTuple):
    """The checked keywords of `evaluate`."""

    modes: tuple[str, ...]
    measures: tuple[Measure, ...]
    top_k: int
    id_field: str | None
    strict: bool

    @classmethod
    def checked(cls, modes: object, metrics: Iterable[str], top_k: int, id_field: str | None, *, strict: bool) -> Self:
        """Return the settings that a caller asks for.

        Raises:
            InvalidInput: They are none.
            EngineNotInstalled: What computes the metrics is missing.
        """
        require_library()
        top_k = checked_count(top_k, "top_k")
        return cls(_modes(modes), measures(metrics, top_k), top_k, id_field, strict)


async def evaluated(
    io: Runtime,
    systems: Mapping[str, object],
    settings: Settings,
    *,
    queries: object,
    judgements: object,
    on_progress: Progress | None,
) -> Evaluation:
    """Return how good the systems are; a sync collection comes wrapped."""
    judged = await io.offload(judged_of, judgements)
    plan = _plan(systems, settings.modes)
    asked = await io.offload(queries_of, queries, judged, [name for name, one in plan.items() if not is_run(one)])
    relevant = {query: judged[query] for query in asked if any(grade > 0 for grade in judged.get(query, {}).values())}
    if not relevant:
        raise InvalidInput(
            "no query has a relevant document in the judgements; do both number the queries alike? Queries: "
            f"{some(asked)}; judgements: {some(judged)}"
        )
    unmatched = await _unmatched(plan, asked, judged, relevant, settings)
    runs = await _runs(io, plan, {query: asked[query] for query in relevant}, settings, on_progress)
    return await io.offload(_measured, runs, relevant, unmatched, settings)


async def _runs(
    io: Runtime,
    plan: Mapping[str, object],
    queries: Mapping[str, str | SearchQuery],
    settings: Settings,
    on_progress: Progress | None,
) -> dict[str, Mapping[str, Ranking]]:
    """What each system answers; files are read before anything is asked."""
    given = {name: await io.offload(run_of, name, one, queries) for name, one in plan.items() if is_run(one)}
    total = len(queries) * (len(plan) - len(given))
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        if on_progress is not None:
            on_progress(done, total)

    question = Question(queries, settings.top_k, settings.id_field, tell)
    runs: dict[str, Mapping[str, Ranking]] = {}
    for name, one in plan.items():
        if isinstance(one, Search):
            runs[name] = await searched(one, question)
        elif callable(one):
            runs[name] = await answered(io, one, question)
        else:
            runs[name] = given[name]
    return runs


def _measured(
    runs: Mapping[str, Mapping[str, Ranking]], relevant: Judged, unmatched: Unmatched, settings: Settings
) -> Evaluation:
    systems = [
        System(
            name,
            measured(settings.measures, relevant, run, settings.top_k),
            {query: run[query][: settings.top_k] for query in relevant if run.get(query)},
        )
        for name, run in runs.items()
    ]
    metrics = tuple(measure.name for measure in settings.measures)
    return Evaluation(metrics, tuple(relevant), tuple(systems), settings.top_k, unmatched)


async def _unmatched(
    plan: Mapping[str, object],
    asked: Mapping[str, object],
    judged: Judged,
    relevant: Judged,
    settings: Settings,
) -> Unmatched:
    gone: set[str] = set()
    if settings.id_field is None:
        ids = list(dict.fromkeys(id for grades in relevant.values() for id, grade in grades.items() if grade > 0))
        collections = {id(one.collection): one.collection for one in plan.values() if isinstance(one, Search)}
        for collection in collections.values():
            absent = await missing(collection, ids)
            if len(absent) == len(ids):
                raise InvalidInput(
                    f"a collection has none of the {len(ids):,} relevant documents ({some(absent)}); is it of this "
                    "corpus? Where documents are chunks, id_field names the metadata field with the judged id"
                )
            gone.update(absent)
    unmatched = Unmatched(
        tuple(query for query in asked if query not in relevant),
        tuple(query for query in judged if query not in asked),
        tuple(sorted(gone)),
    )
    if settings.strict and (unmatched.judged_queries or unmatched.judged_documents):
        raise InvalidInput(str(Unmatched((), unmatched.judged_queries, unmatched.judged_documents)))
    return unmatched


def _plan(systems: Mapping[str, object], modes: tuple[str, ...]) -> dict[str, object]:
    """The systems by their full names: a `Search` for each mode of a collection, and the others as they are."""
    plan: dict[str, object] = {}
    for name, system in systems.items():
        if _is_collection(system):
            for mode in modes:
                full = mode if not name else name if len(modes) == 1 else f"{name} {mode}"
                _put(plan, full, Search(system, {"mode": mode}))
        elif (isinstance(system, Search) and _is_collection(system.collection)) or is_run(system) or callable(system):
            _put(plan, name, system)
        else:
            raise InvalidInput(
                "a system is a collection, a Search, a function, a run or the path of one; "
                f"{name or 'this'!r} is {type(system).__name__} (async collections go to evaluate_async)"
            )
    if not plan:
        raise InvalidInput("there is no system to evaluate")
    return plan


def _put(plan: dict[str, object], name: str, system: object) -> None:
    if name in plan:
        raise InvalidInput(f"two systems have the name {name!r}")
    plan[name] = system


def _is_collection(system: object) -> TypeGuard[Asked]:
    from onevec.aio import AsyncCollection

    return isinstance(system, InPlace | AsyncCollection)


def _modes(modes: object) -> tuple[str, ...]:
    named = (modes,) if isinstance(modes, str) else tuple(modes) if isinstance(modes, Iterable) else ()
    if not named or not set(named) <= set(get_args(Mode)):
        raise InvalidInput(f"modes are one or several of {', '.join(map(repr, get_args(Mode)))}, got {modes!r}")
    return tuple(dict.fromkeys(named))
