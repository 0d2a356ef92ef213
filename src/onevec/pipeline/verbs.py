"""Errors that say which verb failed, and on which engine, wherever below it they were raised."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from onevec.errors import OnevecError


class Pipeline(Protocol):
    """What has verbs: the pipeline of a store or of a collection."""

    @property
    def engine(self) -> str: ...

    def check_open(self) -> None: ...


P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=Pipeline)


def verb(
    method: Callable[Concatenate[E, P], Coroutine[Any, Any, T]],  # Any: what an event loop yields and sends
) -> Callable[Concatenate[E, P], Coroutine[Any, Any, T]]:
    """Let a method refuse when the store was closed, and its errors name it, also those of the verbs it runs."""
    operation = method.__name__

    @wraps(method)
    async def told(self: E, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            self.check_open()
            return await method(self, *args, **kwargs)
        except OnevecError as error:
            named(error, self.engine, operation)
            raise

    return told


def named(error: OnevecError, engine: str, operation: str) -> OnevecError:
    """Let an error say where it comes from; return it."""
    error.engine = error.engine or engine
    error.operation = operation
    return error
