"""What a document is besides its id, text and vector, as the URI of its record.

A URI is the only part of a record that Chroma gives without all the fields of its metadata. It is `onevec:` and a JSON
object with `created` and `updated`, in microseconds since 1970, `metadata` as `onevec.codec` writes it, and `textless`
where there is no text and Chroma's document is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onevec.codec import decode, encode
from onevec.remote import Row

_SCHEME = "onevec:"


def uri_of(row: Row) -> str:
    """Return the URI for a document."""
    textless = ',"textless":true' if row.text is None else ""
    times = f'"created":{row.created},"updated":{row.updated}'
    return f'{_SCHEME}{{{times},"metadata":{encode(row.metadata)}{textless}}}'


def read(uris: Sequence[str]) -> list[dict[str, Any]]:  # Any: as above
    """Return the objects that `uri_of` wrote."""
    # All at once, which takes half of the time.
    text = ",".join([uri[len(_SCHEME) :] for uri in uris])
    objects: list[dict[str, Any]] = decode(f'{{"all":[{text}]}}')["all"]
    return objects
