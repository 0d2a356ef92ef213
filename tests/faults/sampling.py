"""How many of the points where something can fail are tried.

ONEVEC_FAULTS=long   tries all of them; `brief` tries few
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Counted: TypeAlias = Callable[[str, int], None]

LONG = os.environ.get("ONEVEC_FAULTS") == "long"
BRIEF = os.environ.get("ONEVEC_FAULTS") == "brief"


def sampled(points: Sequence[T], count: int, seed: str) -> list[T]:
    """Return all of the points in a long run; else some, the same in every run, with the first and the last."""
    count = max(2, count // 5) if BRIEF else count
    if LONG or len(points) <= count:
        return list(points)
    inner = random.Random(seed).sample(range(1, len(points) - 1), count - 2)
    return [points[0], *(points[index] for index in sorted(inner)), points[-1]]
