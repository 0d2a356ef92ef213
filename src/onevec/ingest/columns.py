"""A row's columns to the parts of a document."""

from __future__ import annotations

from typing import Any

import orjson

from onevec.documents import Metadata, Vector
from onevec.errors import InvalidDocument
from onevec.ingest.pieces import OWN_FIELDS, IngestOptions, Piece, Skipped, fitting_id
from onevec.ingest.rows import Row, number_or_text
from onevec.validate import checked_id

_ID_FIELDS = ("id", "_id")
_TEXT_FIELDS = ("text", "content", "body", "abstract")


def piece_of(row: Row, options: IngestOptions) -> Piece | Skipped:
    """Return the row as a piece.

    The id is the column `id_field`, by default `id` or `_id`, if there is one. The text is the column `text_field`, or
    several of them, a line each; by default `text`, `content`, `body` or `abstract`, else all columns of text as
    `name: value` lines. An object in the column `metadata` is merged into the metadata, and so are the columns left.
    Metadata named as one of ingest's own fields is kept inside an object `row`.
    """
    values = dict(row.values)
    try:
        id = _id(values, options.id_field)
        vector = _vector(values, options.vector_field, table=row.is_table)
        members = _members(values, table=row.is_table)
        text = _named_text(values, options.text_field)
    except InvalidDocument as error:
        return Skipped(row.start_line, str(error))
    if row.is_table:
        values = {name: number_or_text(value) for name, value in values.items() if value}
    if text is None:
        text = "\n".join(f"{name}: {value}" for name, value in values.items() if _is_text(value))
    if not text.strip() and vector is None:
        return Skipped(row.start_line, "its text is empty, and it has no vector")
    metadata = {**values, **members}
    if options.metadata_fields is not None:
        metadata = {name: value for name, value in metadata.items() if name in options.metadata_fields}
    return Piece(
        row.number,
        text or None,
        start_line=row.start_line,
        end_line=row.end_line,
        id=id,
        vector=vector,
        metadata=_without_collisions(metadata),
    )


def _id(values: dict[str, Any], field: str | None) -> str | None:  # Any: JSON values, in all of these
    name = field if field is not None else next((name for name in _ID_FIELDS if name in values), None)
    if name is None:
        return None
    value = values.pop(name, "")
    if value == "":
        if field is None:
            return None
        raise InvalidDocument(f"it has no value in the id column {field!r}")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidDocument(f"an id is a string or an integer, its id is a {type(value).__name__}")
    return checked_id(fitting_id(str(value)))


def _vector(values: dict[str, Any], field: str | None, *, table: bool) -> Vector | None:
    value = None if field is None else values.get(field)
    if table and isinstance(value, str) and value.startswith("["):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise InvalidDocument(f"its vector isn't a JSON list of numbers: {error.msg}") from error
    if not isinstance(value, list):
        return None
    del values[field]  # type: ignore[arg-type]  # there is a value, so there is a field
    return value


def _members(values: dict[str, Any], *, table: bool) -> Metadata:
    """The members of the object in the column `metadata`; what isn't an object stays a column."""
    value = values.get("metadata")
    if table and isinstance(value, str) and value.startswith("{"):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    if not isinstance(value, dict):
        return {}
    del values["metadata"]
    return value


def _named_text(values: dict[str, Any], fields: tuple[str, ...]) -> str | None:
    """The text of the columns named, or of the first that has a usual name; None where there is none."""
    names = fields or [name for name in _TEXT_FIELDS if isinstance(values.get(name), str)][:1]
    if not names:
        return None
    texts = [values.pop(name, "") for name in names]
    for name, text in zip(names, texts, strict=True):
        if isinstance(text, bool) or not isinstance(text, str | int | float):
            raise InvalidDocument(f"its text in {name!r} is no text but a {type(text).__name__}")
    return "\n".join(str(text) for text in texts if text != "")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _without_collisions(metadata: Metadata) -> Metadata:
    if metadata.keys().isdisjoint(OWN_FIELDS):
        return metadata
    names = (*OWN_FIELDS, "row")
    kept = {name: value for name, value in metadata.items() if name not in names}
    return {**kept, "row": {name: metadata[name] for name in names if name in metadata}}
