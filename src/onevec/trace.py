"""What a store tells about its calls: one event when a call starts and one when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: `"started"`, `"done"`, `"failed"`, or `"retrying"` between two attempts.
        operation: The verb, such as `"search"`.
        engine: The engine's name.
        collection: The collection's name, or None for a call of the store.
        namespace: The namespace, or None for a call of the store.
        duration: Seconds since the call started; 0 for `"started"`.
        error: The error of `"failed"` and `"retrying"`.
    """

    kind: Literal["started", "done", "failed", "retrying"]
    operation: str
    engine: str
    collection: str | None
    namespace: str | None
    duration: float
    error: BaseException | None = None


Hook: TypeAlias = Callable[[Event], None]
