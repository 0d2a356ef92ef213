"""Handles of collections that may be gone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from onevec.adapter import Place
from onevec.documents import CollectionInfo
from onevec.errors import CollectionNotFound, EngineError
from onevec.remote.turns import TakesTurns, in_turn

P = ParamSpec("P")
T = TypeVar("T")


class Missing(Exception):
    """The engine has no such collection. An adapter's map of errors raises it; `about` turns it into the user's."""


class Checks(TakesTurns, Protocol):
    """An adapter that can tell whether a handle is still about what is there."""

    async def check(self, collection: CollectionInfo) -> None:
        """Ask the engine what the collection is by now.

        Raises:
            CollectionNotFound: It was deleted, and perhaps made again: `deleted(collection)`.
        """


A = TypeVar("A", bound=Checks)


def deleted(info: CollectionInfo) -> CollectionNotFound:
    """Return the error of a handle whose collection is gone, or is another one by now."""
    return CollectionNotFound(f"collection {info.name!r} was deleted; open or create it again")


def about(
    verb: Callable[Concatenate[A, Place, P], Coroutine[Any, Any, T]],  # Any: what an event loop yields and sends
) -> Callable[Concatenate[A, Place, P], Coroutine[Any, Any, T]]:
    """Let a verb about a place run in its turn, and say so where the handle's collection is gone.

    A verb that writes awaits `check` itself, before it writes. One that reads need not: what is there now is what it
    may show, and where the engine refuses, as it does a query of another dimension, `check` says why.
    """

    @in_turn
    @wraps(verb)
    async def told(self: A, place: Place, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await verb(self, place, *args, **kwargs)
        except Missing:
            raise deleted(place.collection) from None
        except EngineError as error:
            if not error.retryable:
                await self.check(place.collection)
            raise

    return told
