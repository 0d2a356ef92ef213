"""How an index is built by what `create_index` was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from onevec.documents import IndexKind, IndexSettings
from onevec.errors import InvalidQuery
from onevec.local.graph import GraphSettings
from onevec.local.index import IndexMaker
from onevec.local.lists import ListSettings

# What each kind of index takes.
_TAKES: Mapping[IndexKind, frozenset[str]] = {
    "flat": frozenset(),
    "hnsw": frozenset({"m", "ef_construction", "quantization"}),
    "ivf_pq": frozenset({"lists", "subvectors"}),
}

KINDS = frozenset(_TAKES)
SETTINGS = frozenset[str]().union(*_TAKES.values())


def chosen(settings: IndexSettings, dimension: int) -> tuple[IndexMaker, ...]:
    """Return how an index is built, none for a flat one: a search then measures all vectors.

    Raises:
        InvalidQuery: A setting is not of this kind, or doesn't suit the dimension.
    """
    given = {field.name for field in fields(settings) if getattr(settings, field.name) is not None} - {"kind"}
    for name in sorted(given - _TAKES[settings.kind]):
        takes = ", ".join(sorted(_TAKES[settings.kind])) or "no settings"
        raise InvalidQuery(f"an index of kind {settings.kind!r} has no {name}; it has {takes}")
    if settings.subvectors is not None and dimension % settings.subvectors:
        raise InvalidQuery(f"subvectors divides the dimension: {dimension} is no multiple of {settings.subvectors}")
    match settings.kind:
        case "flat":
            return ()
        case "ivf_pq":
            return (ListSettings.of(settings),)
        case _:
            return (GraphSettings.of(settings),)
