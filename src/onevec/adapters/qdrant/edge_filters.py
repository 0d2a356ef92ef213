"""Conditions of Qdrant's REST API as the objects of qdrant-edge."""

from __future__ import annotations

from typing import Any

from onevec.adapters.qdrant.calls import Json


def edge_filter(edge: Any, filter: Json) -> Any:  # Any: the module, and its Filter
    """Return the Filter for a filter of the forms that `QdrantCompiler` and `matching` make."""
    return edge.Filter(**{word: [_condition(edge, part) for part in parts] for word, parts in filter.items()})


def _condition(edge: Any, condition: Json) -> Any:  # Any: the module, and one of its conditions
    match condition:
        case {"key": key, "match": match}:
            return edge.FieldCondition(key=key, match=_match(edge, match))
        case {"key": key, "range": bounds}:
            return edge.FieldCondition(key=key, range=edge.RangeFloat(**bounds))
        case {"has_id": ids}:
            return edge.HasIdCondition(set(ids))
        case _:
            return edge_filter(edge, condition)


def _match(edge: Any, match: Json) -> Any:  # Any: the module, and one of its matches
    match match:
        case {"value": value}:
            return edge.MatchValue(value)
        case {"any": values}:
            return edge.MatchAny(values)
        case {"prefix": prefix}:
            return edge.MatchPrefix(prefix)
        case {"substring": substring}:
            return edge.MatchSubstring(substring)
        case _:
            raise ValueError(f"no such match: {match}")
