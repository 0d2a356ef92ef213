"""Conditions that a caller wrote as Qdrant's own filters."""

from __future__ import annotations

from onevec.adapters.qdrant.calls import Json
from onevec.errors import InvalidFilter
from onevec.remote.native import checked_dict


def own_filter(native: object) -> Json:
    """Return a filter of the REST API for a `models.Filter` of Qdrant's client, or a dict of that form.

    Raises:
        InvalidFilter: It is neither.
    """
    from pydantic import ValidationError
    from qdrant_client import models

    if not isinstance(native, models.Filter):
        given = checked_dict(native, "a models.Filter of Qdrant, or its dict")
        try:
            native = models.Filter.model_validate(given)
        except (ValidationError, RecursionError) as error:
            raise InvalidFilter(f"native= is no filter of Qdrant: {_first_line(error)}") from error
    made: Json = native.model_dump(mode="json", by_alias=True, exclude_none=True)
    if not made:
        raise InvalidFilter("native= is an empty filter of Qdrant; leave it out")
    return made


def _first_line(error: Exception) -> str:
    return "; ".join(line.strip() for line in str(error).splitlines()[:3])
