"""Full pages and whole ties from engines that promise neither."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from onevec.adapter import Found

# Documents that are equally near where `top_k` cuts are all asked for, up to so many: which of them are hits is
# decided by their ids. Beyond that the engine's choice stands.
MOST_TIES = 4096


class Find(Protocol):
    """Asks the engine for so many documents, `exact` past any approximate index."""

    def __call__(self, limit: int, *, exact: bool) -> Awaitable[list[Found]]: ...


async def nearest(find: Find, top_k: int, *, exact: bool, most: int | None = None) -> list[Found]:
    """Return at least the `top_k` nearest documents, and those as near as the last of them.

    Args:
        find: Asks the engine. Called once, and again where its answer was short or cuts through a tie.
        top_k: How many are wanted.
        exact: Whether to ask exactly from the start; also where the engine knows no other way to ask.
        most: The most that the engine gives.
    """
    ceiling = top_k + MOST_TIES if most is None else min(top_k + MOST_TIES, most)
    limit = min(top_k + 1, ceiling)
    found = await find(limit, exact=exact)
    if len(found) < min(top_k, limit) and not exact:  # an index can miss documents; or there are no more
        exact = True
        found = await find(limit, exact=exact)
    while top_k < len(found) == limit < ceiling:
        distances = sorted(distance for _, distance in found)
        if distances[-1] > distances[top_k - 1]:
            break
        limit = min(limit * 4, ceiling)
        found = await find(limit, exact=exact)
    return found
