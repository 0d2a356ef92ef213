"""Calls of one surface of the API in a thread of their own, so that a test can tell when one doesn't end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias, TypeVar

import onevec
from onevec import AsyncStore
from onevec.runtime import run
from onevec.testing.awaited import awaited

T = TypeVar("T")
Surface: TypeAlias = Literal["sync", "async"]
Start: TypeAlias = Callable[[Coroutine[Any, Any, T]], Future[T]]


class Caller:
    """One surface of the API.

    Attributes:
        surface: Which one.
    """

    def __init__(self, surface: Surface, start: Start[Any]) -> None:
        self.surface = surface
        self._start = start

    def start(self, call: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin a call."""
        return self._start(call)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Return what a call returns."""
        return self.start(call).result()

    async def opened(self, url: str, **options: Any) -> AsyncStore:
        """Open a store by this surface."""
        if self.surface == "sync":
            return awaited(onevec.connect(url, **options))
        return await onevec.connect_async(url, **options)


@contextmanager
def calling(surface: Surface) -> Iterator[Caller]:
    """A thread for the calls of a surface: with an event loop, or without one."""
    if surface == "sync":
        with ThreadPoolExecutor(1) as thread:
            yield Caller(surface, lambda call: thread.submit(run, call))
        return
    loop = asyncio.new_event_loop()
    thread_of_loop = threading.Thread(target=loop.run_forever)
    thread_of_loop.start()
    try:
        yield Caller(surface, lambda call: asyncio.run_coroutine_threadsafe(call, loop))
    finally:
        asyncio.run_coroutine_threadsafe(loop.shutdown_asyncgens(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread_of_loop.join()
        loop.close()
