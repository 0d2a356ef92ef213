"""Runs: what a system answers to each query, in memory and as TREC run files."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from onevec.errors import InvalidInput
from onevec.evaluation.lines import FilePath, Malformed, parse_lines

_COLUMNS = 6
_SPACE = re.compile(r"\s")


class Ranked(NamedTuple):
    """A document at its place in a ranking, and the score that brought it there."""

    id: str
    score: float


Ranking: TypeAlias = tuple[Ranked, ...]
RunLike: TypeAlias = "Mapping[str, Sequence[str] | Sequence[Ranked] | Mapping[str, float]]"


def as_run(like: RunLike) -> dict[str, Ranking]:
    """Return a run as rankings by query id.

    Args:
        like: Of each query the ids best first, or the scores by id: the highest first, ties by id.

    Raises:
        InvalidInput: A document comes twice, or a score is no finite number.
    """
    if not isinstance(like, Mapping):
        raise InvalidInput(f"a run gives the ranking of each query by its id, got {type(like).__name__}")
    return {str(query): _ranking(str(query), found) for query, found in like.items()}


def read_run(path: FilePath) -> dict[str, Ranking]:
    """Read a TREC run file: `query Q0 document rank score name` on each line.

    As in trec_eval the scores make the order; among equal ones it is the rank's.

    Raises:
        InvalidFile: Lines are malformed, or name a document twice for a query.
    """
    found: dict[str, dict[str, tuple[float, int]]] = {}

    def parse(line: str) -> None:
        cells = line.split()
        if len(cells) != _COLUMNS:
            raise Malformed(f"it has {len(cells)} columns instead of {_COLUMNS}: {line[:60]!r}")
        query, _, document, rank, score, _ = cells
        try:
            place, value = int(rank), float(score)
        except ValueError:
            raise Malformed(f"rank and score are numbers, got {rank[:20]!r} and {score[:20]!r}") from None
        if not math.isfinite(value):
            raise Malformed(f"a score is a finite number, got {score!r}")
        if document in found.setdefault(query, {}):
            raise Malformed(f"document {document!r} was found for query {query!r} in an earlier line")
        found[query][document] = (-value, place)

    parse_lines(path, parse)
    return {
        query: tuple(Ranked(id, -score) for id, (score, _) in sorted(places.items(), key=lambda pair: pair[1]))
        for query, places in found.items()
    }


def write_run(path: FilePath, run: Mapping[str, Ranking], name: str) -> None:
    """Write a TREC run file, which `read_run` and trec_eval read back in the same order.

    trec_eval orders by score in single precision and equal ones by id. So a score that wouldn't be below the one before
    it is written as the next number below that.

    Args:
        path: The file; it is replaced.
        run: The rankings by query id.
        name: The system's; white space in it becomes `-`.

    Raises:
        InvalidInput: An id has white space in it, which the format has no way to write.
    """
    tag = _SPACE.sub("-", name.strip()) or "onevec"
    lines = []
    for query, ranking in run.items():
        for rank, (id, score) in enumerate(_strictly_falling(ranking), 1):
            check_writable(query, id)
            lines.append(f"{query} Q0 {id} {rank} {score} {tag}\n")
    unfinished = Path(f"{os.fspath(path)}.unfinished")
    unfinished.write_text("".join(lines), "utf-8")
    unfinished.replace(path)


def check_writable(*ids: str) -> None:
    """Check that a run file can hold these ids.

    Raises:
        InvalidInput: One has white space in it, which the format has no way to write.
    """
    for id in ids:
        if _SPACE.search(id):
            raise InvalidInput(f"a TREC run file can't hold an id with white space: {id!r}")


def _strictly_falling(ranking: Ranking) -> Iterable[tuple[str, np.float32]]:
    above = np.float32(np.inf)
    for id, score in ranking:
        above = min(np.float32(score), np.nextafter(above, np.float32(-np.inf)))
        yield id, above


def _ranking(query: str, found: Sequence[str] | Sequence[Ranked] | Mapping[str, float]) -> Ranking:
    if isinstance(found, Mapping):
        scored = [Ranked(str(id), float(score)) for id, score in found.items()]
        ranking = sorted(scored, key=lambda one: (-one.score, one.id))
    elif isinstance(found, str):
        raise InvalidInput(f"query {query!r}: a ranking is a list of ids or scores by id, got a text")
    else:
        ranking = [one if isinstance(one, Ranked) else Ranked(str(one), -rank) for rank, one in enumerate(found, 1)]
    if len({one.id for one in ranking}) != len(ranking):
        raise InvalidInput(f"query {query!r}: a document stands twice in its ranking")
    if not all(math.isfinite(one.score) for one in ranking):
        raise InvalidInput(f"query {query!r}: a score is a finite number")
    return tuple(ranking)
