"""Shapes: which fields records have, and of which kinds.

Chroma can't ask whether a field is there, only whether it has a value. Facets for that would be a row for each field
of each record. But most documents of a collection have the same fields, so a record has one field with a hash of all
these facets, its shape, and a condition on them names the shapes that fulfil it. What a shape stands for is to be seen
in any record that has it.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeAlias

from onevec.adapters.chroma.calls import Calls
from onevec.adapters.chroma.fields import fields_of
from onevec.adapters.chroma.uris import read

Kinds: TypeAlias = frozenset[str]

SHAPE = "onevec:shape"
# Of records whose kinds are among their facets, as there are too many shapes: a condition of Chroma's holds some 30,000
# values.
SHAPELESS = "-"
MOST = 1000
_PAGE = 30


class Shapes:
    """The shapes in each Chroma collection, as far as they are known.

    Args:
        calls: Asks Chroma.
        alone: Whether nobody else writes, so that what was learned once is all there is.
    """

    def __init__(self, calls: Calls, *, alone: bool) -> None:
        self._calls = calls
        self._alone = alone
        self._known: dict[Any, dict[str, Kinds]] = {}  # Any: the collections' UUIDs
        self._asked: set[Any] = set()

    def known(self, space: Any) -> dict[str, Kinds]:  # Any: Chroma's collection, as below
        """Those of a collection that this store has seen or written."""
        return self._known.setdefault(space.id, {})

    async def for_writing(self, space: Any) -> dict[str, Kinds]:
        """Those that there were when this store first asked, and what it has written itself."""
        if space.id not in self._asked:
            await self._learn(space)
        return self.known(space)

    async def for_reading(self, space: Any) -> dict[str, Kinds]:
        """All that there are now."""
        if not self._alone or space.id not in self._asked:
            await self._learn(space)
        return self.known(space)

    async def _learn(self, space: Any) -> None:
        """Look at records whose shape isn't known, until there are none."""
        known = self.known(space)
        passed = 0  # records that had nothing to teach: they aren't onevec's
        while True:
            where = {SHAPE: {"$nin": [SHAPELESS, *known]}}
            answer = await self._calls.call(space.get, where=where, limit=_PAGE, offset=passed, include=["uris"])
            before = len(known)
            for kept in read([uri for uri in answer["uris"] if uri is not None]):
                add(fields_of(kept["metadata"]).kinds, known)
            if len(answer["uris"]) < _PAGE:
                break
            passed = 0 if len(known) > before else passed + _PAGE
        self._asked.add(space.id)


def shape_of(kinds: Collection[str], known: dict[str, Kinds]) -> str:
    """Return the shape for these kinds, which is known from now on; `SHAPELESS` if there are too many."""
    if len(known) < MOST:
        return add(kinds, known)
    shape = _named(tuple(kinds))
    return shape if shape in known else SHAPELESS


def add(kinds: Collection[str], known: dict[str, Kinds]) -> str:
    """Let these kinds' shape be known; return it."""
    shape = _named(tuple(kinds))
    if shape not in known:
        known[shape] = frozenset(kinds)
    return shape


@lru_cache  # documents that are written together have few shapes
def _named(kinds: tuple[str, ...]) -> str:
    return blake2b(" ".join(sorted(kinds)).encode(), digest_size=16).hexdigest()
