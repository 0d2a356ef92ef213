"""Measures against their formulas, and means against theirs."""

from __future__ import annotations

import importlib
import math
import random
from collections.abc import Sequence

import numpy as np
import pytest

import onevec
from onevec.errors import EngineNotInstalled, InvalidInput
from onevec.evaluation.measures import Measure, measured, measures, require_library
from onevec.evaluation.runs import as_run
from onevec.evaluation.statistics import difference, mean_of

Grades = dict[str, int]


def ndcg(ranking: Sequence[str], grades: Grades, cut: int) -> float:
    def gain(values: Sequence[int]) -> float:
        return sum(max(value, 0) / math.log2(rank + 1) for rank, value in enumerate(values[:cut], 1))

    return gain([grades.get(id, 0) for id in ranking]) / gain(sorted(grades.values(), reverse=True))


def found(ranking: Sequence[str], grades: Grades, cut: int) -> list[int]:
    """The ranks of the relevant documents."""
    return [rank for rank, id in enumerate(ranking[:cut], 1) if grades.get(id, 0) > 0]


def average_precision(ranking: Sequence[str], grades: Grades, cut: int) -> float:
    ranks = found(ranking, grades, cut)
    return sum(place / rank for place, rank in enumerate(ranks, 1)) / sum(grade > 0 for grade in grades.values())


def reciprocal_rank(ranking: Sequence[str], grades: Grades, cut: int) -> float:
    return next((1 / rank for rank in found(ranking, grades, cut)), 0.0)


def direct(name: str, ranking: Sequence[str], grades: Grades, top_k: int) -> float:
    """The measure by its formula."""
    kind, _, text = name.partition("@")
    cut = min(int(text or top_k), top_k)
    ranking = ranking[:top_k]
    match kind:
        case "nDCG":
            return ndcg(ranking, grades, cut)
        case "recall":
            return len(found(ranking, grades, cut)) / sum(grade > 0 for grade in grades.values())
        case "precision":
            return len(found(ranking, grades, cut)) / cut
        case "MAP":
            return average_precision(ranking, grades, cut)
        case _:
            return reciprocal_rank(ranking, grades, cut)


@pytest.mark.parametrize(
    "name", ["nDCG@1", "nDCG@5", "nDCG", "recall@3", "precision@4", "MAP", "MAP@3", "MRR", "MRR@3", "MRR@7"]
)
def test_measures_are_their_formulas(name: str) -> None:
    """On random rankings with graded judgements, some negative, some of documents nobody found."""
    chance = random.Random(7)
    ids = [f"d{number}" for number in range(30)]
    judgements: dict[str, Grades] = {}
    run: dict[str, list[str]] = {}
    for number in range(40):
        judged = chance.sample(ids, 12)
        judgements[f"q{number}"] = {id: chance.choice([-7, -1, 0, 1, 2, 3]) for id in judged} | {judged[0]: 1}
        run[f"q{number}"] = chance.sample(ids, chance.randint(0, 20))
    values = measured(measures([name], 10), judgements, as_run(run), 10)[name]
    wanted = [direct(name, run[query], judgements[query], 10) for query in judgements]
    assert values == pytest.approx(wanted, abs=1e-9)
    assert 0 < np.mean(values) < 1


def test_the_order_of_a_ranking_is_what_counts() -> None:
    """Equal scores, and ids that sort the other way, change nothing: trec_eval alone would order them by id."""
    ids = ["a", "ü", "z", " b c ", "\ud800"]
    for right in ids:
        ranking = [*(id for id in ids if id != right), right]
        values = measured(measures(["MRR"], 10), {"q": {right: 1}}, as_run({"q": ranking}), 10)
        assert values["MRR"] == pytest.approx([1 / 5])


def test_names_of_metrics() -> None:
    """Capitals don't matter, and each counts once; what there is is listed for what there isn't."""
    assert [one.name for one in measures(["ndcg@10", "NDCG@10", "Recall@5", "map", "mrr@3"], 10)] == [
        *("nDCG@10", "recall@5", "MAP", "MRR@3"),
    ]
    assert Measure.parse("precision@5").name == "precision@5"
    for wrong in ("ndgc@10", "nDCG@0", "nDCG@-1", "nDCG@", "nDCG@ten", "", "F1", "nDCG@9999999"):
        with pytest.raises(InvalidInput, match="metrics are nDCG@k"):
            measures([wrong], 10)
    with pytest.raises(InvalidInput, match="as in recall@10"):
        measures(["recall"], 10)
    with pytest.raises(InvalidInput, match="top_k=10 gives fewer"):
        measures(["recall@100"], 10)
    with pytest.raises(InvalidInput, match="name a metric"):
        measures([], 10)


def test_means_and_differences() -> None:
    """Standard errors are those of the sample, differences are paired, and p is the t-test's."""
    a, b = [0.1, 0.4, 0.3, 0.9, 0.5], [0.0, 0.5, 0.1, 0.6, 0.5]
    mean = mean_of(a)
    assert mean.value == pytest.approx(0.44)
    assert mean.standard_error == pytest.approx(np.std(a, ddof=1) / math.sqrt(5))
    one = difference("nDCG@10", ("a", a), ("b", b))
    stats = importlib.import_module("scipy.stats")
    assert one.p_value == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert one.mean == pytest.approx(0.1)
    assert (one.better, one.worse) == (3, 1)
    assert one.standard_error == pytest.approx(np.std(np.subtract(a, b), ddof=1) / math.sqrt(5))
    assert (one.system, one.baseline, one.metric) == ("a", "b", "nDCG@10")


def test_differences_at_the_edges() -> None:
    """Equal systems differ by nothing, for sure; a single query says nothing about others."""
    same = difference("MAP", ("a", [0.5, 0.2]), ("b", [0.5, 0.2]))
    assert (same.mean, same.standard_error, same.p_value, same.better, same.worse) == (0, 0, 1.0, 0, 0)
    always = difference("MAP", ("a", [0.75, 0.5]), ("b", [0.5, 0.25]))
    assert (always.mean, always.p_value) == (0.25, 0.0)
    single = difference("MAP", ("a", [1.0]), ("b", [0.5]))
    assert (single.mean, single.standard_error, single.p_value) == (0.5, None, None)
    assert str(mean_of([0.5])) == "0.5000"


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it, and before anything is read."""
    monkeypatch.setattr("onevec.evaluation.measures.find_spec", lambda name: None)
    with pytest.raises(EngineNotInstalled, match=r'pip install "onevec\[eval\]"'):
        require_library()
    with pytest.raises(EngineNotInstalled, match=r'pip install "onevec\[eval\]"'):
        onevec.evaluate({"run": "nothing.run"}, "nothing.jsonl", "nothing.tsv")
