"""Metadata as fields that Chroma can filter by.

A record has few fields beside the document's own, as Chroma keeps each in a row of its own, and reads all rows of what
it finds:

    year, author.name    the document's own fields by dotted name: strings, booleans, numbers, lists of strings, and
                         datetimes as ISO 8601 text
    tags=                the value with its type, as in `l:["a","b"]`, of a list, a datetime, a fraction, or a number
                         from 2**53 on, which Chroma can't compare exactly
    number:at:time       what ranges compare of datetimes and of numbers from 2**53 on, see `onevec.facets.numbers_of`
    onevec:facets        the elements of lists that aren't of strings only, see `onevec.facets`

What fields there are, and of which kinds, is the record's shape, see `onevec.adapters.chroma.shapes`. No field that a
filter can name has a `:` or a `=`, so these are nobody's own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from onevec import facets
from onevec.codec import iso
from onevec.documents import Metadata
from onevec.facets import Flat
from onevec.values import instant, is_number, microseconds

NUMBER = "number:"
VALUE = "="
FACETS = "onevec:facets"

EXACT = 2**53  # up to here every whole number is a float of its own
_NEAR, _AWAY = 2, 4  # units in the last place
_FINE = 2.0**45  # where those are far less than 1


class Fields(NamedTuple):
    """What Chroma filters a document by.

    Attributes:
        stored: Fields of the record.
        kinds: The facets of fields being there, being numbers, datetimes or lists, being true or false.
        elements: The facets of the elements of lists that Chroma can't hold.
    """

    stored: dict[str, Flat]
    kinds: list[str]
    elements: list[str]


def fields_of(metadata: Metadata) -> Fields:
    """Return what clean metadata is filtered by."""
    fields = Fields({}, [], [])
    _add(fields, metadata, "")
    return fields


def typed(name: str, value: Any) -> str:  # Any: a metadata value or an operand
    """Return a value as it is stored under the field's name and `=`."""
    facet = facets.equal(name, value)
    return facet if facet.startswith("#") else facet.partition("=")[2]


def is_whole(value: Any) -> bool:  # Any: a metadata value or an operand
    """Return whether Chroma compares it exactly, as it is: a number without a fraction, and less than 2**53."""
    return is_number(value) and abs(value) < EXACT and value == int(value)


def kept(number: float) -> float:
    """Return the number to give to Chroma.

    What it reads of a fraction's digits can be one unit in the last place off. One that is so near to a whole number is
    moved away from it, or it would become that.
    """
    if isinstance(number, int) or number.is_integer() or abs(number) > _FINE:
        return number
    whole = round(number)
    if abs(number - whole) > _NEAR * math.ulp(number):
        return number
    for _ in range(_AWAY):
        number = math.nextafter(number, math.copysign(math.inf, number - whole))
    return number


def _add(fields: Fields, metadata: Metadata, above: str) -> None:
    stored, kinds, elements = fields
    for key, value in metadata.items():
        names = facets.names_of(above, key)
        if names is None or value is None:
            continue
        name = names.field
        kinds.append(names.present)
        match value:
            case str():
                stored[name] = value
                _add_instant(fields, name, instant(value))
            case bool():
                stored[name] = value
                kinds.append(facets.equal(name, value))
            case int() | float():
                stored[name] = kept(value)
                kinds.append(names.numeric)
                if not is_whole(value):
                    stored[name + VALUE] = typed(name, value)
                if abs(value) >= EXACT:
                    stored.update(_ordered(name, value))
            case dict():
                _add(fields, value, f"{name}.")
            case list():
                kinds.append(names.listed)
                stored[name + VALUE] = typed(name, value)
                if value and all(isinstance(item, str) for item in value):
                    stored[name] = value
                else:
                    alone = [item for item in value if not isinstance(item, dict | list | None)]
                    elements += [facets.element(name, item) for item in alone]
            case datetime():
                stored[name] = iso(value)
                stored[name + VALUE] = typed(name, value)
                kinds.append(facets.dated(name))
                _add_instant(fields, name, microseconds(value))


def _add_instant(fields: Fields, name: str, moment: int | None) -> None:
    if moment is not None:
        fields.kinds.append(facets.timed(name))
        fields.stored.update(_ordered(name + facets.TIME, moment))


def _ordered(key: str, number: float) -> Mapping[str, float]:
    high, low = facets.bound(number)
    return {NUMBER + key: high} if low is None else {NUMBER + key: high, NUMBER + key + facets.LOW: low}
