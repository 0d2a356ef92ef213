"""What an evaluation tells: differences, JSON, charts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onevec import Evaluation, evaluate
from onevec.errors import InvalidInput

JUDGEMENTS = {"q1": {"wing": 2, "tail": 1, "slab": 0}, "q2": {"slab": 1}, "q3": {"wing": 1}}
RUNS = {
    "vector": {"q1": ["tail", "wing"], "q2": ["slab"], "q3": ["plate", "slab", "wing"]},
    "text": {"q1": ["wing", "tail"], "q2": ["slab", "wing"]},
    "hybrid": {"q1": ["wing", "tail"], "q2": ["slab"], "q3": ["plate", "wing"]},
}


@pytest.fixture
def evaluation() -> Evaluation:
    return evaluate(RUNS, None, JUDGEMENTS, metrics=["nDCG@10", "MRR"])


def test_differences(evaluation: Evaluation) -> None:
    """Each with each before it, or all with one."""
    pairs = [(one.system, one.baseline) for one in evaluation.differences("nDCG@10")]
    assert pairs == [("text", "vector"), ("hybrid", "vector"), ("hybrid", "text")]
    against = evaluation.differences("nDCG@10", baseline="text")
    assert [(one.system, one.baseline) for one in against] == [("vector", "text"), ("hybrid", "text")]
    means = {system.name: system.mean("nDCG@10").value for system in evaluation.systems}
    assert against[0].mean == pytest.approx(means["vector"] - means["text"])
    with pytest.raises(InvalidInput, match="there is no system 'other'; systems are 'vector'"):
        evaluation.differences("nDCG@10", baseline="other")
    with pytest.raises(InvalidInput, match="'MAP@3' wasn't measured"):
        evaluation.differences("MAP@3")


def test_as_json(evaluation: Evaluation) -> None:
    """Means, values by query, differences, and what didn't fit, as JSON values."""
    found = json.loads(json.dumps(evaluation.to_json()))
    assert set(found) == {"metrics", "queries", "top_k", "systems", "test", "differences", "unmatched"}
    assert found["systems"][1]["values"]["MRR"] == {"q1": 1.0, "q2": 1.0, "q3": 0.0}
    assert found["systems"][1]["means"]["MRR"] == {
        "value": pytest.approx(2 / 3),
        "standard_error": pytest.approx(1 / 3),
    }
    assert found["differences"][0]["system"] == "text"


def test_charts(evaluation: Evaluation, tmp_path: Path) -> None:
    """SVG and PNG by the suffix; the same evaluation makes the same file."""
    for name in ("a.svg", "b.svg", "c.png"):
        evaluation.write_chart(tmp_path / name)
    drawn = (tmp_path / "a.svg").read_text()
    assert drawn == (tmp_path / "b.svg").read_text()
    assert all(text in drawn for text in ("nDCG@10", "MRR", ">vector<", ">text<"))
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InvalidInput, match=r"ends with \.svg, \.png, \.pdf"):
        evaluation.write_chart(tmp_path / "chart.txt")
