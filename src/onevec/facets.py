"""Metadata as a flat list of strings, one for each fact about it that a filter can ask for.

Engines disagree on the edges of a filter: whether True is 1, whether `==` on a list asks for an element, what `!=` does
without the field. They agree on one thing: a list of strings has an element or has not. So a document is stored with
its facets as such a list, and `onevec.compile.FacetCompiler` turns a filter into questions for single facets:

    {"year": 1958, "flag": True, "tags": ["wing", 3], "author": {"name": "Zoë"}, "at": datetime(1970, 1, 2)}

    *                                       every document has it
    ?year  ?flag  ?tags  ?author  ?at       the field is there
    ?author.name                            so is the nested one
    ?year:n  ?tags:l  ?at:d                 it is a number, a list, a datetime
    ?at:t                                   it is an instant: a datetime, or a string that is one in ISO 8601
    year=n:1958  flag=b:true  author.name=s:Zoë  at=t:86400000000  tags=l:["wing",3]
                                            its value: number, boolean, string, microseconds since 1970, canonical JSON
    tags[]=s:wing  tags[]=n:3               an element of the list

Two values have the same facet exactly if the contract calls them equal. Order is not a matter of facets: `numbers_of`
has what ranges compare. Only fields that a filter can name have facets; a name is letters, digits, `_`, `-` and dots,
so nothing in a facet needs escaping, and the first `=` ends the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

import orjson

from onevec.codec import iso
from onevec.documents import Metadata
from onevec.values import instant, microseconds

EVERY = "*"

# A longer facet is stored as `#` and 128 bits of its BLAKE2b hash, so that long texts are not stored twice and no
# engine's limit is met. So is one with a NUL, which some engines can't hold.
LONGEST = 128

# What stands after a field's name in the keys of `numbers_of`.
TIME = ":time"
LOW = ":low"

Flat: TypeAlias = str | int | float | bool | list[str]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_NO_ELEMENT = (dict, list, type(None))
EXACT = 2.0**53  # up to here every integer is a float of its own


class Bound(NamedTuple):
    """What a range compares a field's number with: the nearest float, and for a large one what it is off by."""

    high: float
    low: float | None


class Facts(NamedTuple):
    """What filters can ask of a document.

    Attributes:
        facets: What `facets_of` returns.
        numbers: What `numbers_of` returns.
        texts: The fields that are texts, by dotted name; a datetime is one here, in ISO 8601.
    """

    facets: list[str]
    numbers: dict[str, float]
    texts: dict[str, str]


def facts_of(metadata: Metadata) -> Facts:
    """Return all that filters can ask of clean metadata."""
    facts = Facts([EVERY], {}, {})
    _add(facts, metadata, "")
    return facts


def facets_of(metadata: Metadata) -> list[str]:
    """Return the facets of clean metadata, each once. There is always at least `EVERY`."""
    return facts_of(metadata).facets


def numbers_of(metadata: Metadata) -> dict[str, float]:
    """Return what ranges compare, by key: a field's number under its name, an instant under `name + TIME`.

    Instants are microseconds since 1970, of datetimes and of ISO 8601 strings. An integer is its nearest float; from
    2**53 on there is also `key + LOW`, by how much that is off. So (high, low) pairs are ordered as the numbers are.
    """
    return facts_of(metadata).numbers


def flattened(metadata: Metadata) -> dict[str, Flat]:
    """Return the fields that an engine without nested metadata can hold in their natural form, by dotted name.

    For other tools to read and filter by: strings, numbers, booleans, datetimes as ISO 8601 text, and lists of strings
    that are not empty. All else is in the facets only, and whole in the JSON text that is stored beside them.
    """
    flat: dict[str, Flat] = {}
    for name, value in _fields(metadata):
        if isinstance(value, datetime):
            flat[name] = iso(value)
        elif isinstance(value, str | int | float) or (
            isinstance(value, list) and value and all(isinstance(item, str) for item in value)
        ):
            flat[name] = value
    return flat


def present(name: str) -> str:
    """The facet of a field that is there."""
    return _short(f"?{name}")


def numeric(name: str) -> str:
    """The facet of a field that is a number."""
    return _short(f"?{name}:n")


def dated(name: str) -> str:
    """The facet of a field that is a datetime."""
    return _short(f"?{name}:d")


def timed(name: str) -> str:
    """The facet of a field that is an instant: a datetime or an ISO 8601 string."""
    return _short(f"?{name}:t")


def listed(name: str) -> str:
    """The facet of a field that is a list."""
    return _short(f"?{name}:l")


def equal(name: str, value: Any) -> str:  # Any: a metadata value or an operand
    """The facet of a field with this value."""
    return _short(f"{name}={_typed(value)}")


def element(name: str, value: Any) -> str:  # Any: the same, but no list
    """The facet of a field that is a list with this element."""
    return _short(f"{name}[]={_typed(value)}")


def bound(number: float) -> Bound:
    """The two floats that stand for a number, whatever its size."""
    high = float(number)
    if abs(high) < EXACT:
        return Bound(high, None)
    return Bound(high, float(number - int(high)) if isinstance(number, int) else 0.0)


class Names(NamedTuple):
    """A field's dotted name, and what its facets begin with, or are."""

    field: str
    present: str
    equal: str
    numeric: str
    listed: str
    element: str


@lru_cache(maxsize=1024)  # documents that are written together have fields of the same names
def names_of(above: str, key: str) -> Names | None:
    """Return the names of a field; None if no filter can name it."""
    if not _NAME.fullmatch(key):
        return None
    name = above + key
    return Names(name, present(name), f"{name}=", numeric(name), listed(name), f"{name}[]=")


def _add(facts: Facts, metadata: Metadata, above: str) -> None:
    """Add what is asked of the fields."""
    facets, numbers, texts = facts
    for key, value in metadata.items():
        names = names_of(above, key)
        if names is None or value is None:
            continue
        field, present, equal, numeric, listed, element = names
        facets.append(present)
        kind = type(value)  # which takes less than `isinstance`, and clean metadata has no subclasses but of datetime
        if kind is str:
            facet = f"{equal}s:{value}"
            facets.append(facet if len(facet) <= LONGEST and "\0" not in facet else _short(facet))
            texts[field] = value
            if value[4:5] == "-":  # which tells most others from an instant
                _add_instant(facts, field, instant(value))
        elif kind is int and -EXACT < value < EXACT:
            facet = f"{equal}n:{value}"
            facets += (facet if len(facet) <= LONGEST else _short(facet), numeric)
            numbers[field] = float(value)
        elif kind is int or kind is float:
            facets += (_short(f"{equal}n:{_number(value)!r}"), numeric)
            _add_number(numbers, field, value)
        elif kind is bool:
            facets.append(_short(f"{equal}b:true" if value else f"{equal}b:false"))
        elif kind is list:
            facets += (_short(f"{equal}{_typed(value)}"), listed)
            facets += _elements(element, value)
        elif kind is dict:
            _add(facts, value, f"{field}.")
        else:
            facets.append(_short(f"{equal}{_typed(value)}"))
            texts[field] = iso(value)
            _add_instant(facts, field, microseconds(value))
            facets.append(dated(field))


def _elements(element: str, value: list[Any]) -> Iterable[str]:  # Any: metadata values
    """The facets of a list's elements, each once."""
    items = [item for item in value if type(item) is str or not isinstance(item, _NO_ELEMENT)]
    facets = [_short(f"{element}s:{item}" if type(item) is str else f"{element}{_typed(item)}") for item in items]
    return dict.fromkeys(facets)


def _add_instant(facts: Facts, name: str, at: int | None) -> None:
    if at is not None:
        facts.facets.append(timed(name))
        _add_number(facts.numbers, name + TIME, at)


def _add_number(numbers: dict[str, float], key: str, number: float) -> None:
    if -EXACT < number < EXACT:
        numbers[key] = number + 0.0  # never -0.0, which some engines order before 0.0
        return
    numbers[key], low = bound(number)
    if low is not None:
        numbers[key + LOW] = low


def _fields(metadata: Metadata, above: str = "") -> Iterator[tuple[str, Any]]:  # Any: a metadata value
    """Every field that a filter can name; lists are not entered."""
    for key, value in metadata.items():
        if value is None or not _NAME.fullmatch(key):
            continue
        yield above + key, value
        if isinstance(value, dict):
            yield from _fields(value, f"{above}{key}.")


def _typed(value: Any) -> str:  # Any: a metadata value or an operand
    if isinstance(value, str):
        return f"s:{value}"
    match value:
        case bool():
            return "b:true" if value else "b:false"
        case int() | float():
            return f"n:{_number(value)!r}"
        case datetime():
            return f"t:{microseconds(value)}"
        case _:
            if set(map(type, value)) == {str}:
                return "l:" + orjson.dumps(value).decode()
            return "l:" + orjson.dumps([_canonical(item) for item in value], option=orjson.OPT_SORT_KEYS).decode()


def _number(value: Any) -> Any:  # Any: an int or a float, which mypy takes for one
    """One and the same number for equal ones: an integer where it is one of 64 bits."""
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer() and -(2.0**63) <= value < 2.0**63:
        return int(value)
    return value


def _canonical(value: Any) -> Any:  # Any: a metadata value or an operand, then a JSON value
    if isinstance(value, str):
        return value
    match value:
        case bool() | None:
            return value
        case int() | float():
            return _number(value)
        case datetime():
            return {"t": microseconds(value)}
        case dict():
            return {"o": {name: _canonical(item) for name, item in value.items()}}
        case _:
            return [_canonical(item) for item in value]


def _short(facet: str) -> str:
    if len(facet) <= LONGEST and "\0" not in facet:
        return facet
    return "#" + blake2b(facet.encode(), digest_size=16).hexdigest()
