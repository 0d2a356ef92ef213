"""Filters as Weaviate's conditions, in the form that its REST API has for them.

A number in Weaviate is in a property of that type, which a collection must have before a document can. Metadata has
any fields, so numbers are kept as strings, beside the facets. A number is the 16 hexadecimal digits of its float64,
made such that their order is the numbers', without the zeros at the end. Its terms are all beginnings of that:

    1958        year<  year<c  year<c0  year<c09  year<c09e  year<c09e9  year<c09e98

"1958 or more" then asks for a list with `year<c09e98`, or with a term that first differs from that by a greater digit.
These are a hundred terms or two, which take Weaviate no longer than its own index of numbers.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeAlias

from onevec import facets
from onevec.compile import FacetCompiler
from onevec.filters import Op

Json: TypeAlias = dict[str, Any]  # Any: JSON values

FACETS = "onevec_facets"
NUMBERS = "onevec_numbers"
UUID = "_id"

_DIGITS = "0123456789abcdef"
_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_LONGEST_KEY = 128
_MARK = "|"


class WeaviateCompiler(FacetCompiler[Json]):
    """Questions for the lists of facets and of numbers."""

    def has(self, some: Sequence[str]) -> Json:
        return one_of(FACETS, map(facet_term, some))

    def lacks(self, all: Sequence[str]) -> Json:
        return _contains("ContainsNone", FACETS, map(facet_term, all))

    def compare_number(self, key: str, op: Op, bound: float) -> Json:
        or_more = _or_more(_short(key), bound if op in (Op.GE, Op.LT) else math.nextafter(bound, math.inf))
        if op in (Op.GE, Op.GT):
            return one_of(NUMBERS, or_more)
        return both(one_of(NUMBERS, [f"{_short(key)}<"]), _contains("ContainsNone", NUMBERS, or_more))

    def all_of(self, parts: Sequence[Json]) -> Json:
        return both(*parts)

    def any_of(self, parts: Sequence[Json]) -> Json:
        return {"operator": "Or", "operands": list(parts)}


def facet_term(facet: str) -> str:
    """Return how a facet is kept: Weaviate cuts blanks off the end of a string, so that none may end with one."""
    return facet if facet[-1].isalnum() and facet[-1].isascii() else facet + _MARK


def number_terms(numbers: Mapping[str, float]) -> list[str]:
    """Return the terms of what `numbers_of` gives."""
    terms: list[str] = []
    for key, number in numbers.items():
        name, digits = _short(key), _digits(number)
        terms += (f"{name}<{digits[:size]}" for size in range(len(digits) + 1))
    return terms


def both(*parts: Json) -> Json:
    """Return what is true if all parts are."""
    return parts[0] if len(parts) == 1 else {"operator": "And", "operands": list(parts)}


def one_of(field: str, values: Iterable[str]) -> Json:
    """Return what is true of objects whose field is, or has, one of the values."""
    return _contains("ContainsAny", field, values)


def above(low: str, high: str | None) -> Json:
    """Return what is true of objects whose UUID is above one, and up to another."""
    lower = {"operator": "GreaterThan", "path": [UUID], "valueText": low}
    if high is None:
        return lower
    return both(lower, {"operator": "LessThanEqual", "path": [UUID], "valueText": high})


def _contains(operator: str, field: str, values: Iterable[str]) -> Json:
    return {"operator": operator, "path": [field], "valueTextArray": list(values)}


def _or_more(name: str, number: float) -> Iterator[str]:
    digits = _digits(number)
    for size, digit in enumerate(digits):
        yield from (f"{name}<{digits[:size]}{greater}" for greater in _DIGITS[_DIGITS.index(digit) + 1 :])
    yield f"{name}<{digits}"


def _digits(number: float) -> str:
    (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))  # -0.0 is 0.0
    return f"{bits ^ (_ALL if bits & _SIGN else _SIGN):016x}".rstrip("0")


def _short(key: str) -> str:
    return key if len(key) <= _LONGEST_KEY else "#" + blake2b(key.encode(), digest_size=16).hexdigest()


EVERY = one_of(FACETS, [facet_term(facets.EVERY)])  # every object
