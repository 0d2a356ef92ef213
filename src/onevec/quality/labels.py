"""Labels as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from onevec.errors import InvalidInput
from onevec.quality.grouping import Groups


class Labels(NamedTuple):
    """The number of each vector's label, -1 for none, and what the numbers from 0 on stand for."""

    groups: Groups
    names: tuple[str, ...]


def numbered(labels: Sequence[Hashable]) -> Labels:
    """Return labels as numbers, 0 for the most frequent. `True` is not 1, as in filters; None and NaN are no label.

    Raises:
        InvalidInput: A label is of a type that can't be compared, such as a list.
    """
    try:
        keys = [None if label is None or _is_nan(label) else (type(label) is bool, label) for label in labels]
        counts = Counter(key for key in keys if key is not None)
    except TypeError:
        raise InvalidInput("a label is a string, a number, or anything else that can be a key of a dict") from None
    ordered = sorted(counts, key=lambda key: (-counts[key], str(key[1])))
    numbers = {key: number for number, key in enumerate(ordered)}
    groups = np.array([-1 if key is None else numbers[key] for key in keys], np.int64)
    return Labels(groups, tuple(str(label) for _, label in ordered))


def _is_nan(label: Hashable) -> bool:
    return isinstance(label, float) and label != label  # noqa: PLR0124 (NaN is the only number unlike itself)


def of_clusters(groups: Groups | None) -> Labels | None:
    """Return clusters as labels: `cluster 1` and so on."""
    if groups is None:
        return None
    return Labels(groups, tuple(f"cluster {number}" for number in range(1, int(groups.max()) + 2)))
