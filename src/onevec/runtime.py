"""One core, two ways to run it.

Pipeline and adapters are written once, as `async def`, and await nothing but the verbs of a runtime.
`BlockingRuntime` does each verb in place and never suspends, so `run` drives a coroutine to its end with one
`send(None)`: no event loop, no thread. `AsyncRuntime` suspends as asyncio code does.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from onevec.ahead import Ahead, InTask, Later, end_of
from onevec.deadline import seconds_left
from onevec.errors import EngineTimeout

T = TypeVar("T")
P = ParamSpec("P")

# Seconds for a client that heeds the deadline itself, and knows better how to end a request.
_GRACE = 0.2

# Seconds of one turn of the event loop that may be spent in place before the next call goes to a thread.
_IN_PLACE = 0.0005


class Closable(Protocol):
    """What holds something, such as an open file, until it is closed."""

    def close(self) -> None:
        """Let go of it."""


C = TypeVar("C", bound=Closable)


class Rest(Generic[T]):
    """What is left of work that was begun in place.

    Attributes:
        function: Gives the result; may block.
    """

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], T]) -> None:
        self.function = function


class Runtime(Protocol):
    """The verbs, `begin` and `close`."""

    async def call(self, method: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:  # Any: a vendor's reply
        """Call a client's method that returns its result in the sync client and an awaitable in the async one."""

    async def offload(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking code where it doesn't hold up an event loop."""

    async def briefly(self, brief: Callable[[], T | Rest[T]], whole: Callable[[], T]) -> T:
        """Run `whole` as `offload` does; or `brief` in place and its `Rest` so, where that saves a turn of a thread.

        Args:
            brief: Does what takes some tenths of a millisecond and never waits, and leaves the rest.
            whole: Does all of it.
        """

    async def acquire(self, function: Callable[P, C], *args: P.args, **kwargs: P.kwargs) -> C:
        """Run blocking code that opens something, which is closed if the caller is cancelled meanwhile."""

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:  # Any: what an event loop yields and sends
        """Await what must come to its end, such as closing: a cancellation of the caller is raised after it."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def gather(self, calls: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T]:
        """Run the calls, at most `limit` at once, and return their results in order."""

    def begin(self, work: Coroutine[Any, Any, T]) -> Ahead[T]:  # Any: what an event loop yields and sends
        """Let work go on while other work is awaited; where nothing can, it is done when its result is asked for."""

    async def close(self) -> None:
        """Let what is under way come to its end, then end the runtime's threads."""


class BlockingRuntime:
    """Runs everything in place."""

    async def call(self, method: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:  # Any: a vendor's reply
        return method(*args, **kwargs)

    async def offload(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    async def briefly(self, brief: Callable[[], T | Rest[T]], whole: Callable[[], T]) -> T:  # noqa: ARG002 (a loop's)
        return whole()

    async def acquire(self, function: Callable[P, C], *args: P.args, **kwargs: P.kwargs) -> C:
        return function(*args, **kwargs)

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:  # Any: as above
        return await work

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 (blocking in place is this runtime's purpose)

    async def gather(self, calls: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T]:  # noqa: ARG002 (one at a time)
        return [await call() for call in calls]

    def begin(self, work: Coroutine[Any, Any, T]) -> Ahead[T]:  # Any: as above
        return Later(work)

    async def close(self) -> None:
        pass


class AsyncRuntime:
    """Awaits, and offloads to a few worker threads of its own."""

    def __init__(self, workers: int = 4) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="onevec")
        self._running: set[Future[Any]] = set()  # Any: whatever the calls return
        self._in_place = 0.0  # seconds of this turn of the event loop that were spent in it

    async def call(self, method: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:  # Any: a vendor's reply
        left = seconds_left()
        if left == math.inf:
            return await method(*args, **kwargs)
        limit = asyncio.timeout(left + _GRACE)
        try:
            async with limit:
                return await method(*args, **kwargs)
        except TimeoutError:
            if not limit.expired():
                raise
            raise EngineTimeout("the engine didn't answer within the call's timeout; raise it, or try later") from None

    async def offload(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._result(self._submit(function, *args, **kwargs))

    async def briefly(self, brief: Callable[[], T | Rest[T]], whole: Callable[[], T]) -> T:
        # A thread's turn takes two to four tenths of a millisecond, more than many a search.
        if self._in_place > _IN_PLACE:
            return await self.offload(whole)
        if not self._in_place:
            asyncio.get_running_loop().call_soon(self._turned)
        started = time.perf_counter()
        try:
            found = brief()
        finally:
            self._in_place += time.perf_counter() - started
        return await self.offload(found.function) if isinstance(found, Rest) else found

    async def acquire(self, function: Callable[P, C], *args: P.args, **kwargs: P.kwargs) -> C:
        work = self._submit(function, *args, **kwargs)
        try:
            return await self._result(work)
        except asyncio.CancelledError:
            if not work.cancelled() and work.exception() is None:
                await self.finish(self.offload(work.result().close))
            raise

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:  # Any: as above
        task = asyncio.create_task(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await end_of(task)
            raise

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def gather(self, calls: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T]:
        places = asyncio.Semaphore(limit)

        async def one(call: Callable[[], Awaitable[T]]) -> T:
            async with places:
                return await call()

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(call)) for call in calls]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures.exceptions[0].__cause__
        return [task.result() for task in tasks]

    def begin(self, work: Coroutine[Any, Any, T]) -> Ahead[T]:  # Any: as above
        return InTask(work)

    async def close(self) -> None:
        try:
            # A thread can't be stopped in the middle of a call, even one whose caller was cancelled.
            await asyncio.gather(*map(asyncio.wrap_future, self._running.copy()), return_exceptions=True)
        finally:
            self._threads.shutdown(wait=False)  # they have nothing left to do; waiting would hold up the loop

    def _turned(self) -> None:
        self._in_place = 0.0

    def _submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        work = self._threads.submit(copy_context().run, partial(function, *args, **kwargs))
        self._running.add(work)
        work.add_done_callback(self._running.discard)
        return work

    async def _result(self, work: Future[T]) -> T:
        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            # A call that has begun can't be stopped: without waiting, a cancelled write could come after a later call.
            if not work.done():
                await end_of(asyncio.wrap_future(work))
            raise


def run(coroutine: Coroutine[Any, Any, T]) -> T:  # Any: what a coroutine yields and is sent; nothing, here
    """Drive a coroutine over a `BlockingRuntime` to its end and return its result.

    Raises:
        RuntimeError: The coroutine awaited something else than a runtime's verb.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError(
        "code of the sync API awaited something outside its runtime; this is a bug in onevec or an adapter"
    )


def drained(iterator: AsyncIterator[T]) -> Iterator[T]:
    """Yield what an async iterator over a `BlockingRuntime` yields."""

    async def following() -> T:
        return await anext(iterator)

    while True:
        try:
            item = run(following())
        except StopAsyncIteration:
            return
        yield item
