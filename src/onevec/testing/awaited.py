"""The sync API under the names of the async one, so that each test of the kit is written once."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self, cast

from onevec.aio import AsyncCollection, AsyncStore
from onevec.collection import Collection
from onevec.store import Store


def awaited(store: Store) -> AsyncStore:
    """Return an object that takes the calls of an `AsyncStore` and runs them on a `Store`.

    Nothing it returns ever suspends: `onevec.runtime.run` drives a whole test over it, without an event loop.
    """
    return cast("AsyncStore", _Awaited(store, AsyncStore))


class _Awaited:
    """What `surface` has as a coroutine is one here; what it has as a plain method or a property stays plain."""

    def __init__(self, sync: Store | Collection, surface: type) -> None:
        self._sync = sync
        self._surface = surface

    def __getattr__(self, name: str) -> Any:  # Any: whatever the sync object has there
        value = getattr(self._sync, name)
        shape = inspect.getattr_static(self._surface, name)

        async def coroutine(*args: Any, **kwargs: Any) -> Any:  # Any: passed through, as in the next one
            return _shown(value(*args, **kwargs))

        def method(*args: Any, **kwargs: Any) -> Any:
            return _shown(value(*args, **kwargs))

        if inspect.iscoroutinefunction(shape):
            return coroutine
        return method if inspect.isfunction(shape) else value

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self._sync.close()  # type: ignore[union-attr]  # only a store is used as a context

    def __repr__(self) -> str:
        return repr(self._sync)


def _shown(result: object) -> object:
    match result:
        case Collection():
            return _Awaited(result, AsyncCollection)
        case Iterator():
            return _items(result)
        case _:
            return result


async def _items(iterator: Iterator[object]) -> AsyncIterator[object]:
    for item in iterator:
        yield item
