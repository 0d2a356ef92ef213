"""Metadata that is merged and metadata that is copied."""

from __future__ import annotations

from typing import Any

from onevec.documents import Metadata


def merge_patch(metadata: Metadata, patch: Metadata) -> Metadata:
    """Return the metadata with a JSON merge patch applied (RFC 7396); neither argument is changed.

    A null removes a field; an object merges into an object, and takes the place of anything else.
    """
    merged = dict(metadata)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            old = merged.get(name)
            merged[name] = merge_patch(old if isinstance(old, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def copied(metadata: Metadata) -> Metadata:
    """Return a deep copy of clean metadata: everything in it but lists and objects is immutable."""
    copy = metadata.copy()
    for name in metadata:
        value = copy[name]
        kind = type(value)
        if kind is list or kind is dict:
            copy[name] = _copied(value)
    return copy


def _copied(value: Any) -> Any:  # Any: a JSON value or a datetime
    if type(value) is dict:
        return copied(value)
    if type(value) is list:
        return [_copied(item) for item in value]
    return value
