"""The measures, as trec_eval computes them (https://github.com/usnistgov/trec_eval), through pytrec-eval-terrier.

nDCG is that of Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (TOIS 2002), as trec_eval
has it: the gain is the relevance itself, the discount the logarithm of rank + 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import NamedTuple, Self

from onevec.errors import EngineNotInstalled, InvalidInput
from onevec.evaluation.runs import Ranking

DEFAULT_METRICS = ("nDCG@10", "recall@100", "MAP", "MRR")

_ROUNDING = 1e-9
_FORM = re.compile(r"([a-z]+)(?:@([1-9][0-9]{0,5}))?", re.IGNORECASE)
# By their lower-case names: as onevec writes them, and trec_eval's names without and with a cut.
_KNOWN = {
    "ndcg": ("nDCG", "ndcg", "ndcg_cut"),
    "recall": ("recall", None, "recall"),
    "precision": ("precision", None, "P"),
    "map": ("MAP", "map", "map_cut"),
    "mrr": ("MRR", "recip_rank", "recip_rank"),
}


class Measure(NamedTuple):
    """A measure of one ranking, from 0 to 1.

    Attributes:
        name: As onevec writes it, such as `nDCG@10`.
        trec: trec_eval's name, such as `ndcg_cut`.
        cut: How many hits count; None for all.
    """

    name: str
    trec: str
    cut: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the measure of that name; capitals don't matter.

        Raises:
            InvalidInput: There is none; the message lists those there are.
        """
        match = _FORM.fullmatch(text)
        known = _KNOWN.get(match[1].lower()) if match else None
        if match is None or known is None:
            raise InvalidInput(
                f"there is no metric {text!r}; metrics are nDCG@k, recall@k, precision@k, MAP, MAP@k, MRR and MRR@k, "
                "k being how many hits count"
            )
        name, whole, cutting = known
        if match[2] is None:
            if whole is None:
                raise InvalidInput(f"{name} needs to know how many hits count, as in {name}@10")
            return cls(name, whole, None)
        return cls(f"{name}@{match[2]}", cutting, int(match[2]))


def measures(names: Iterable[str], top_k: int) -> tuple[Measure, ...]:
    """Return the measures of these names, each once.

    Raises:
        InvalidInput: There is none of a name, or it looks at more than `top_k` hits.
    """
    if isinstance(names, str):
        names = [names]
    found = tuple(dict.fromkeys(Measure.parse(name) for name in names))
    if not found:
        raise InvalidInput(f"name a metric at least, such as {DEFAULT_METRICS[0]}")
    for measure in found:
        if measure.cut is not None and measure.cut > top_k:
            raise InvalidInput(f"{measure.name} looks at {measure.cut} hits, and top_k={top_k} gives fewer; raise it")
    return found


def require_library() -> None:
    """Check that what computes the measures can be imported.

    Raises:
        EngineNotInstalled: It can't; the message has the command that installs it.
    """
    if find_spec("pytrec_eval") is None or find_spec("scipy") is None:
        raise EngineNotInstalled('measuring quality needs pytrec-eval-terrier: pip install "onevec[eval]"')


def measured(
    wanted: Sequence[Measure], judgements: Mapping[str, Mapping[str, int]], run: Mapping[str, Ranking], top_k: int
) -> dict[str, tuple[float, ...]]:
    """Return the values by the measure's name: one a query of the judgements, in their order; 0 if nothing was found.

    Args:
        wanted: The measures.
        judgements: The relevance of documents, by query.
        run: The rankings by query; only their order counts.
        top_k: How many hits of each count at all.
    """
    import pytrec_eval

    # trec_eval orders by score and equal ones by id: scores that fall with the rank keep the order as it is. Ids that
    # are numbers spare it those that it couldn't encode.
    numbers: dict[str, str] = {}

    def short(id: str) -> str:
        return numbers.setdefault(id, str(len(numbers)))

    judged = {
        f"q{place}": {short(id): grade for id, grade in grades.items()}
        for place, grades in enumerate(judgements.values())
    }
    found = {
        f"q{place}": {short(one.id): -float(rank) for rank, one in enumerate(run.get(query, ())[:top_k])}
        for place, query in enumerate(judgements)
    }
    names = {_trec_name(measure) for measure in wanted}
    values = pytrec_eval.RelevanceEvaluator(judged, names).evaluate(found)
    return {measure.name: tuple(_value(measure, values[query]) for query in judged) for measure in wanted}


def _trec_name(measure: Measure) -> str:
    return measure.trec if measure.cut is None or measure.trec == "recip_rank" else f"{measure.trec}.{measure.cut}"


def _value(measure: Measure, values: Mapping[str, float]) -> float:
    value = float(values[_trec_name(measure).replace(".", "_")])
    if measure.trec == "recip_rank" and measure.cut is not None:  # trec_eval has no cut of its own for this one
        return value if value * measure.cut > 1 - _ROUNDING else 0.0
    return value
