"""Means over queries, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TEST = "paired t-test, two-sided"


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a measure over the queries.

    Attributes:
        value: The mean.
        standard_error: The sample's standard deviation over the root of the number of queries: how much the mean would
            vary with other queries of the kind. None for a single query.
    """

    value: float
    standard_error: float | None

    def __str__(self) -> str:
        return f"{self.value:.4f}" + ("" if self.standard_error is None else f" ± {self.standard_error:.4f}")


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better a system is than another on the same queries.

    Attributes:
        metric: The measure.
        system: The one.
        baseline: The other.
        mean: The mean over the queries of the one's value less the other's.
        standard_error: Of that mean. Less than the systems' own errors suggest, as both find the same queries hard.
        p_value: How likely a difference as large is by chance, if there is none: by a two-sided paired t-test. It is
            not corrected for how many differences are looked at. None for a single query.
        better: On how many queries the one is better.
        worse: On how many it is worse.
    """

    metric: str
    system: str
    baseline: str
    mean: float
    standard_error: float | None
    p_value: float | None
    better: int
    worse: int


def mean_of(values: Sequence[float]) -> Mean:
    """Return the mean with its standard error."""
    sample = np.asarray(values, np.float64)
    error = float(sample.std(ddof=1)) / math.sqrt(len(sample)) if len(sample) > 1 else None
    return Mean(float(sample.mean()), error)


def difference(metric: str, system: tuple[str, Sequence[float]], baseline: tuple[str, Sequence[float]]) -> Difference:
    """Compare two systems, each given by its name and its values in the order of the queries.

    Of the tests in use the t-test keeps its error rate best for such values: Urbano, Lima, Hanjalic, "Statistical
    Significance Testing in Information Retrieval: An Empirical Analysis of Type I, Type II and Type III Errors",
    SIGIR 2019.
    """
    differences = np.asarray(system[1], np.float64) - np.asarray(baseline[1], np.float64)
    mean = mean_of(differences.tolist())
    return Difference(
        metric,
        system[0],
        baseline[0],
        mean.value,
        mean.standard_error,
        _p_value(mean, len(differences)),
        better=int((differences > 0).sum()),
        worse=int((differences < 0).sum()),
    )


def _p_value(mean: Mean, count: int) -> float | None:
    from scipy.special import stdtr  # of the module with distributions, only this is needed, and it loads in no time

    if mean.standard_error is None:
        return None
    if mean.standard_error == 0:
        return 1.0 if mean.value == 0 else 0.0
    return float(2 * stdtr(count - 1, -abs(mean.value / mean.standard_error)))
