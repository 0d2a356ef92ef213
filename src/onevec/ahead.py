"""Work that goes on while other work is awaited: each of a runtime's ways to do so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Ahead(Protocol[T_co]):
    """Work that was begun. One of its methods is awaited, or both."""

    async def result(self) -> T_co:
        """Wait for its end; return its result or raise its error."""

    async def cancel(self) -> None:
        """Have it end, if it hasn't; when this returns, nothing of it runs on."""


class Later(Generic[T]):
    """Work that waits until its result is asked for: nothing can go on in the meantime."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:  # Any: what a coroutine yields and is sent
        self._work = work

    async def result(self) -> T:
        return await self._work

    async def cancel(self) -> None:
        self._work.close()


class InTask(Generic[T]):
    """Work in a task of the running event loop."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:  # Any: as above
        self._task = asyncio.create_task(work)

    async def result(self) -> T:
        return await self._task

    async def cancel(self) -> None:
        self._task.cancel()
        await end_of(self._task)


class InThread(Generic[T]):
    """Work that never suspends, in a thread.

    Args:
        thread: Where.
        run: What drives a coroutine to its end.
        work: The work.
    """

    def __init__(
        self,
        thread: ThreadPoolExecutor,
        run: Callable[[Coroutine[Any, Any, T]], T],  # Any: as above
        work: Coroutine[Any, Any, T],  # Any: as above
    ) -> None:
        self._work = work
        self._done = thread.submit(copy_context().run, run, work)

    async def result(self) -> T:
        return self._done.result()

    async def cancel(self) -> None:
        if self._done.cancel():
            self._work.close()
        else:
            self._done.exception()  # waits: a thread can't be stopped


async def end_of(work: asyncio.Future[Any]) -> None:  # Any: whatever it returns
    """Wait for what can't be stopped, however often the caller is cancelled."""
    while not work.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([work])
    _ = work.cancelled() or work.exception()  # taken note of
