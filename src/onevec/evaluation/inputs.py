"""The queries, judgements and runs that a caller gives: files or values, checked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TypeAlias, TypeGuard

from onevec.documents import SearchQuery
from onevec.errors import InvalidInput
from onevec.evaluation.files import GRADES, read_judgements, read_queries
from onevec.evaluation.lines import FilePath
from onevec.evaluation.runs import Ranking, RunLike, as_run, read_run

Judged: TypeAlias = Mapping[str, Mapping[str, int]]

_NAMED = 3


def judged_of(judgements: object) -> Judged:
    """Return the relevance of documents by query.

    Raises:
        InvalidInput: It is something else.
    """
    if isinstance(judgements, str | os.PathLike):
        return read_judgements(judgements)
    if not isinstance(judgements, Mapping):
        raise InvalidInput(f"judgements are a file, or relevance by document by query, got {type(judgements).__name__}")
    for query, grades in judgements.items():
        if not isinstance(grades, Mapping):
            raise InvalidInput(f"query {query!r}: judgements give the relevance of each document by its id")
        for document, grade in grades.items():
            if isinstance(grade, bool) or not isinstance(grade, int) or grade > GRADES:
                raise InvalidInput(
                    f"query {query!r}, document {document!r}: relevance is a whole number up to {GRADES}, got {grade!r}"
                )
    return judgements


def queries_of(queries: object, judged: Judged, askers: list[str]) -> Mapping[str, str | SearchQuery]:
    """Return the queries by id; without any, those of the judgements, for which runs have the answers.

    Args:
        queries: What the caller gave.
        judged: The judgements.
        askers: The systems that have to be asked.

    Raises:
        InvalidInput: They are missing, or something else.
    """
    if queries is None:
        if askers:
            raise InvalidInput(f"queries are missing: {askers[0]!r} has to be asked something")
        return dict.fromkeys(judged, "")
    if isinstance(queries, str | os.PathLike):
        return read_queries(queries)
    if not isinstance(queries, Mapping):
        raise InvalidInput(f"queries are a file, or texts by id, got {type(queries).__name__}")
    return queries


def run_of(name: str, like: RunLike | FilePath, queries: Iterable[str]) -> Mapping[str, Ranking]:
    """Return a run, or that of a file.

    Raises:
        InvalidInput: It is none, or answers none of the queries.
    """
    run = read_run(like) if isinstance(like, str | os.PathLike) else as_run(like)
    if not any(query in run for query in queries):
        raise InvalidInput(
            f"run {name!r} answers none of the queries; do both number them alike? Queries: {some(queries)}; run: "
            f"{some(run)}"
        )
    return run


def some(ids: Iterable[str]) -> str:
    """Return the first few ids, for a message."""
    first = [repr(id) for id in islice(ids, _NAMED + 1)]
    return ", ".join([*first[:_NAMED], "..."] if len(first) > _NAMED else first) or "none"


def is_run(system: object) -> TypeGuard[RunLike | FilePath]:
    """Return whether a system is a run or the path of one."""
    return isinstance(system, str | os.PathLike | Mapping)
