"""Metadata, texts and operands in a form that PostgreSQL keeps whole.

PostgreSQL's text and JSONB have no NUL, and JSONB writes 1e22 as an integer. So a NUL is stored as three characters
that no text of a person has, such that a part of a text stays a part of it; and a large float with all of its digits.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from onevec import codec
from onevec.documents import Metadata
from onevec.filters import Operand
from onevec.values import instant

# The first of these noncharacters starts a code and stands nowhere else, the other two stand in codes only, and all
# codes have one length: so a search for a coded part finds exactly what a search for the part would.
_START, _LOW, _HIGH = "\ufdd0", "\ufdd1", "\ufdd2"
_CODES = {
    "\0": _START + _LOW + _LOW,
    _START: _START + _LOW + _HIGH,
    _LOW: _START + _HIGH + _LOW,
    _HIGH: _START + _HIGH + _HIGH,
}
_CHARACTERS = {code: character for character, code in _CODES.items()}
_TO_CODE = re.compile("[\0\ufdd0-\ufdd2]")
_CODE = re.compile(f"{_START}..", re.DOTALL)

# What a NUL is in JSON, and what is in a float of 1e16 or more as orjson writes it: "e+".
_NUL = "\\u0000"
_EXPONENT = orjson.dumps(1e22).decode().strip("012")

_TIMELESS = frozenset({int, float, bool, list})
_SHORTEST = len("2020-01-31")  # of the ISO 8601 strings


def coded(text: str) -> str:
    """Return a text as it is stored."""
    if "\0" in text or not text.isascii():
        return _TO_CODE.sub(lambda match: _CODES[match[0]], text)
    return text


def decoded(text: str) -> str:
    """Return the text that is stored so; what no `coded` made stays as it is."""
    return _CODE.sub(lambda match: _CHARACTERS.get(match[0], match[0]), text) if _START in text else text


def encode(metadata: Metadata) -> str:
    """Return clean metadata as the JSON text that `decode` makes the same metadata of, after a stay in JSONB."""
    return _exact(codec.encode(metadata))


def decode(text: str) -> Metadata:
    """Return the metadata of a JSONB's text."""
    if _START not in text:
        return codec.decode(text)
    return codec.decode(orjson.dumps(_mapped(orjson.loads(text), decoded)).decode())


def encode_operand(value: Operand) -> str:
    """Return what a condition compares with as JSON, numbers and strings as `encode` writes them."""
    return encode_at((), value)


def encode_at(path: tuple[str, ...], value: Operand) -> str:
    """Return the metadata that has the operand at a path and nothing else."""
    metadata = _listed(value)
    for name in reversed(path):
        metadata = {name: metadata}
    return _exact(codec.encode(metadata))


def instants(metadata: Metadata) -> Metadata | None:
    """Return the microseconds since 1970 of all points in time, each where it is in the metadata; None without any.

    They are its datetimes and its ISO 8601 strings, but for those in lists, which no path leads to.
    """
    found: Metadata = {}
    for name, value in metadata.items():
        at: Any = None
        if type(value) in _TIMELESS or (isinstance(value, str) and (len(value) < _SHORTEST or value[4] != "-")):
            continue  # before `instant`, which takes longer
        at = instants(value) if isinstance(value, dict) else instant(value)
        if at is not None:
            found[name] = at
    return found or None


def _listed(value: Any) -> Any:  # Any: an operand, then metadata's value
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _exact(text: str) -> str:
    if not (_NUL in text or _EXPONENT in text or (not text.isascii() and _TO_CODE.search(text))):
        return text
    return orjson.dumps(_mapped(orjson.loads(text), coded)).decode()


def _mapped(value: Any, change: Any) -> Any:  # Any: a JSON value, a function of texts
    match value:
        case str():
            return change(value)
        case float() if value.is_integer():
            return orjson.Fragment(f"{int(value)}.0")
        case dict():
            return {change(name): _mapped(item, change) for name, item in value.items()}
        case list():
            return [_mapped(item, change) for item in value]
        case _:
            return value
