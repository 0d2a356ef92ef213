"""Shares of a class's objects by their UUIDs, which are hashes, so that equal shares have about as many objects."""

from __future__ import annotations

from uuid import UUID

from onevec.errors import InvalidCursor

FIRST = str(UUID(int=0))  # no object's
_SPACE = 1 << 128


def shares(count: int) -> list[tuple[str, str | None]]:
    """Return the bounds of `count` equal shares: the UUID that a share's are above, and the one that ends it."""
    steps = [str(UUID(int=_SPACE * number // count)) for number in range(count)]
    return list(zip(steps, [*steps[1:], None], strict=True))


def share_after(position: str, part: float) -> str | None:
    """Return the UUID that ends a share which begins after a UUID; None for the end of all.

    Args:
        position: The UUID.
        part: How much of what comes after it.

    Raises:
        InvalidCursor: The position is no UUID.
    """
    try:
        start = UUID(position).int
    except ValueError:
        raise InvalidCursor("this cursor is not of weaviate; start again without one") from None
    return None if part >= 1.0 else str(UUID(int=min(start + 1 + int((_SPACE - start) * part), _SPACE - 1)))
