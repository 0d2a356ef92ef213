"""Conditions that a caller wrote as Weaviate's own filters."""

from __future__ import annotations

from typing import Any

from onevec.errors import InvalidFilter

_DEEPEST = 32


def own_filter(native: object) -> Any:  # Any: the client's filters have no public class
    """Return a filter that `weaviate.classes.query.Filter` made.

    Raises:
        InvalidFilter: It is none, or reaches into other collections by a reference.
    """
    from weaviate.collections.classes import filters

    _check(native, filters, 0)
    return native


def message_of(native: Any) -> Any:  # Any: as above, and a message, which has no types
    """Return it as a message of the gRPC API."""
    from weaviate.collections.filters import _FilterToGRPC

    return _FilterToGRPC.convert(native)


def _check(native: object, filters: Any, depth: int) -> None:
    """Go through a filter; its classes are private, and all that `Filter` makes."""
    if depth > _DEEPEST:
        raise InvalidFilter(f"native= is a Filter up to {_DEEPEST} levels deep")
    kind: Any = native
    match type(native).__name__ if isinstance(native, filters._Filters) else "":  # noqa: SLF001 (as said above)
        case "_FilterAnd" | "_FilterOr" | "_FilterNot":
            for part in kind.filters:
                _check(part, filters, depth + 1)
        case "_FilterValue" if not isinstance(kind.target, str):
            raise InvalidFilter("native= is a Filter of the collection's own properties, not of references")
        case "_FilterValue" if kind.value == []:
            raise InvalidFilter("native=: Weaviate compares with no empty list")
        case "_FilterValue":
            pass
        case _:
            raise InvalidFilter(f"native= is what weaviate.classes.query.Filter makes, got {native!r:.80}")
