"""What a measurement can be told."""

from __future__ import annotations

from dataclasses import dataclass

from onevec.errors import InvalidInput
from onevec.metrics import Metric

SAMPLE = 5000
NEAR_DUPLICATE = 0.98
_MOST = 2**32 - 1  # what scikit-learn takes as a seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a measurement was told, each in its range; see `onevec.quality.embedding_quality`.

    Raises:
        InvalidInput: One is outside its range.
    """

    metric: Metric
    sample: int | None
    seed: int
    clusters: int | None
    near_duplicate: float

    def __post_init__(self) -> None:
        for name, value, least in (("sample", self.sample, 1), ("seed", self.seed, 0), ("clusters", self.clusters, 2)):
            if value is None and name != "seed":
                continue
            if not isinstance(value, int) or not least <= value <= _MOST:
                raise InvalidInput(f"{name} is a whole number from {least} to {_MOST}, got {value!r}")
        if not -1 <= self.near_duplicate <= 1:
            raise InvalidInput(f"near_duplicate is a cosine, from -1 to 1, got {self.near_duplicate!r}")


def metric_of(metric: Metric | str) -> Metric:
    """Return the metric of that name.

    Raises:
        InvalidInput: There is none.
    """
    try:
        return Metric(metric)
    except ValueError:
        raise InvalidInput(f"a metric is one of {', '.join(Metric)}, got {metric!r}") from None
