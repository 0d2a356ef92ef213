"""Metadata as JSON text and back, with datetimes as `{"$datetime": "2020-01-01T00:00:00.000000Z"}`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson

from onevec.documents import Metadata

DATETIME = "$datetime"

# An object of the user's own whose key looks like the tag gets one more `$`, and loses it when it is read.
_LIKE_TAG = re.compile(r"\$+datetime")


def encode(metadata: Metadata) -> str:
    """Return the JSON text of clean metadata (no NaN, no infinity, string keys, datetimes in UTC)."""
    try:
        text = orjson.dumps(metadata, option=orjson.OPT_PASSTHROUGH_DATETIME)
        if b"$datetime" not in text:
            return text.decode()
    except TypeError:
        pass  # a datetime is in it
    return orjson.dumps(_tagged(metadata)).decode()


def decode(text: str) -> Metadata:
    """Return the metadata that `encode` made the text of."""
    metadata: Metadata = orjson.loads(text)
    return untagged(metadata) if DATETIME in text else metadata


def untagged(value: Any) -> Any:  # Any: a JSON value, then a JSON value or a datetime
    """Return what the JSON text of metadata says, with its datetimes; a text without `DATETIME` says it as it is."""
    match value:
        case {"$datetime": str(text)} if len(value) == 1:
            return datetime.fromisoformat(text)
        case dict():
            return {name[1:] if _LIKE_TAG.fullmatch(name) else name: untagged(item) for name, item in value.items()}
        case list():
            return [untagged(item) for item in value]
        case _:
            return value


def iso(moment: datetime) -> str:
    """Return a UTC datetime in the one form in which text order is time order."""
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S.%f}Z"


def _tagged(value: Any) -> Any:  # Any: a JSON value or a datetime, then a JSON value
    match value:
        case datetime():
            return {DATETIME: iso(value)}
        case dict():
            return {f"${name}" if _LIKE_TAG.fullmatch(name) else name: _tagged(item) for name, item in value.items()}
        case list():
            return [_tagged(item) for item in value]
        case _:
            return value
