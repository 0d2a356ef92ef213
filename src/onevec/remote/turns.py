"""Engines that run inside this process: one call at a time, and never on an event loop's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from onevec.runtime import Runtime, run

P = ParamSpec("P")
T = TypeVar("T")


class Turns:
    """Lets one verb after another run, each whole: in place for the sync API, in a worker thread for the async one.

    What a verb reads before it writes is then still true when it writes. It awaits nothing but calls that block.
    """

    def __init__(self, io: Runtime) -> None:
        self._io = io
        self._lock = threading.Lock()

    async def take(self, verb: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the verb when it is its turn, and return what it returns."""

        def locked() -> T:
            with self._lock:
                return run(verb(*args, **kwargs))

        return await self._io.offload(locked)


class TakesTurns(Protocol):
    """An adapter; None where its engine is a server, which sees to order itself."""

    @property
    def turns(self) -> Turns | None: ...


A = TypeVar("A", bound=TakesTurns)


def in_turn(
    verb: Callable[Concatenate[A, P], Coroutine[Any, Any, T]],  # Any: what an event loop yields and sends
) -> Callable[Concatenate[A, P], Coroutine[Any, Any, T]]:
    """Let a verb of an adapter wait for its turn, where the adapter has `turns`."""

    @wraps(verb)
    async def waiting(self: A, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if self.turns is None:
            return await verb(self, *args, **kwargs)
        return await self.turns.take(verb, self, *args, **kwargs)

    return waiting
