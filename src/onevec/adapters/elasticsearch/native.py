"""Conditions that a caller wrote as Elasticsearch's own queries."""

from __future__ import annotations

from onevec.adapters.elasticsearch.sources import Json
from onevec.errors import InvalidFilter
from onevec.remote.native import checked_dict

# Parts of queries that are answered from other documents than the one at hand, of any index, or can't be looked into:
# `index` is that of a terms lookup; `knn` is of the nearest of all namespaces; a `wrapper` is in base64.
_BEYOND = frozenset({"index", "_index", "indexed_shape", "knn", "more_like_this", "percolate", "wrapper"})


def own_query(native: object) -> Json:
    """Return a caller's query, to stand in the filter of a `bool` query.

    Raises:
        InvalidFilter: It is no dict, or a query that reads other documents.
    """
    query = checked_dict(native, "a query dict of Elasticsearch")
    _check(query)
    return query


def _check(value: object) -> None:
    match value:
        case dict():
            for name, part in value.items():
                if name in _BEYOND:
                    raise InvalidFilter(
                        f"native= can't have {name!r}: it would read other documents, or hide what it is"
                    )
                _check(part)
        case list():
            for part in value:
                _check(part)
        case _:
            pass
