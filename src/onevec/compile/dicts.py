"""Filters as dicts of `$` operators: the family of Chroma and Pinecone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

from onevec.compile.facets import FacetCompiler
from onevec.filters import Op

Dict: TypeAlias = dict[str, Any]  # Any: JSON values

SYMBOLS = {Op.LT: "$lt", Op.LE: "$lte", Op.GT: "$gt", Op.GE: "$gte"}


class DictCompiler(FacetCompiler[Dict]):
    """One operator a dict, as `{"facets": {"$in": [...]}}`, combined by `$and` and `$or`, and no `$not`.

    Args:
        facets: The metadata field with the facets, a list of strings.
        numbers: What stands before a key of `numbers_of` in the name of a metadata field.

    Attributes:
        some: The operator for "the list has one of these".
        none: The operator for "the list has none of these"; also true where there is no list.
        singly: Whether these two take one string and not several.
    """

    some: ClassVar[str] = "$in"
    none: ClassVar[str] = "$nin"
    singly: ClassVar[bool] = False

    def __init__(self, *, facets: str, numbers: str) -> None:
        self._facets = facets
        self._numbers = numbers

    def has(self, some: Sequence[str]) -> Dict:
        if not self.singly:
            return {self._facets: {self.some: list(some)}}
        return self.any_of([{self._facets: {self.some: facet}} for facet in some])

    def lacks(self, all: Sequence[str]) -> Dict:
        if not self.singly:
            return {self._facets: {self.none: list(all)}}
        return self.all_of([{self._facets: {self.none: facet}} for facet in all])

    def compare_number(self, key: str, op: Op, bound: float) -> Dict:
        return {self._numbers + key: {SYMBOLS[op]: bound}}

    def all_of(self, parts: Sequence[Dict]) -> Dict:
        return parts[0] if len(parts) == 1 else {"$and": list(parts)}

    def any_of(self, parts: Sequence[Dict]) -> Dict:
        return parts[0] if len(parts) == 1 else {"$or": list(parts)}
