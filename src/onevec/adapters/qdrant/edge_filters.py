"""Conditions of Qdrant's REST API as the objects of qdrant-edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onevec.adapters.qdrant.calls import Json
from onevec.errors import InvalidFilter


def edge_filter(edge: Any, filter: Json) -> Any:  # Any: the module, and its Filter
    """Return the Filter for a filter of the REST API.

    Raises:
        InvalidFilter: It has a condition that a folder doesn't take, such as one of places on the earth.
    """
    words = {word: parts if isinstance(parts, list) else [parts] for word, parts in filter.items()}
    if words.keys() - {"must", "should", "must_not"}:
        raise _unknown(filter)
    return edge.Filter(**{word: [_condition(edge, part) for part in parts] for word, parts in words.items()})


def _condition(edge: Any, condition: Json) -> Any:  # Any: the module, and one of its conditions
    match condition:
        case {"key": key, "match": match}:
            return edge.FieldCondition(key=key, match=_match(edge, match))
        case {"key": key, "range": bounds} if any(isinstance(bound, str) for bound in bounds.values()):
            return edge.FieldCondition(key=key, range=edge.RangeDateTime(**bounds))
        case {"key": key, "range": bounds}:
            return edge.FieldCondition(key=key, range=edge.RangeFloat(**bounds))
        case {"has_id": ids}:
            return edge.HasIdCondition(set(ids))
        case {"is_empty": {"key": key}}:
            return edge.IsEmptyCondition(key)
        case {"is_null": {"key": key}}:
            return edge.IsNullCondition(key)
        case {"nested": {"key": key, "filter": filter}}:
            return edge.NestedCondition(key, edge_filter(edge, filter))
        case {"must": _} | {"should": _} | {"must_not": _}:
            return edge_filter(edge, condition)
        case _:
            raise _unknown(condition)


def _match(edge: Any, match: Json) -> Any:  # Any: the module, and one of its matches
    kinds: Mapping[str, Callable[[Any], Any]] = {
        "value": edge.MatchValue,
        "any": edge.MatchAny,
        "except": edge.MatchExcept,
        "text": edge.MatchText,
        "text_any": edge.MatchTextAny,
        "phrase": edge.MatchPhrase,
        "prefix": edge.MatchPrefix,
        "substring": edge.MatchSubstring,
    }
    for kind, value in match.items():
        if kind in kinds:
            return kinds[kind](value)
    raise _unknown(match)


def _unknown(condition: Json) -> InvalidFilter:
    return InvalidFilter(f"native=: qdrant on a folder takes no condition such as {condition!r:.200}; a server does")
