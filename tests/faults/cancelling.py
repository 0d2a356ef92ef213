"""Cancelling a call of the async API at a chosen step: of its event loop, or of the threads that do its work."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any, Literal, NamedTuple, TypeAlias

import onevec

_PACKAGE = str(Path(onevec.__file__).parent)
_OPEN_FILES = Path("/proc/self/fd")


class Point(NamedTuple):
    """When a call is cancelled.

    Attributes:
        where: "loop" for a turn of the event loop, during which the threads run on; "thread" for a step of the threads
            that onevec starts, at which they are held until the cancellation has reached the call.
        step: Which one.
        times: How often it is cancelled, one turn after another.
    """

    where: Literal["loop", "thread"]
    step: int
    times: int = 1


End: TypeAlias = Literal["cancelled", "done"]


class Steps:
    """Counts the steps of threads that start from now on: each function that onevec's code calls is one.

    Attributes:
        taken: How many steps the last call took in threads.
    """

    def __init__(self) -> None:
        self.taken = 0
        self._numbers: Iterator[int] | None = None
        self._held_at: int | None = None
        self._holds_worker = False  # else it is a thread that builds an index
        self._reached = asyncio.Event()
        self._let_go = threading.Event()
        self._loop = asyncio.get_running_loop()

    async def run(self, call: Coroutine[Any, Any, object], point: Point | None = None) -> End:
        """Run a call, and cancel it at a point; say whether it came that far."""
        self._holds_worker = False
        self._reached.clear()
        self._let_go.clear()
        self._held_at = point.step if point is not None and point.where == "thread" else None
        self._numbers = count()
        task = asyncio.create_task(call)
        try:
            if point is not None and await self._comes_to(point, task):
                for _ in range(point.times):
                    task.cancel()
                    await asyncio.sleep(0)
                assert not (task.done() and self._holds_worker), "the call ended before its work"
                self._let_go.set()
            await task
        except asyncio.CancelledError:
            return "cancelled"
        else:
            return "done"
        finally:
            self._let_go.set()
            self.taken, self._numbers = next(self._numbers), None

    async def _comes_to(self, point: Point, task: asyncio.Task[object]) -> bool:
        if point.where == "loop":
            for _ in range(point.step):
                await asyncio.sleep(0)
        else:
            reached = asyncio.create_task(self._reached.wait())
            await asyncio.wait([task, reached], return_when=asyncio.FIRST_COMPLETED)
            reached.cancel()
        return not task.done()

    def take(self, frame: FrameType, event: str, _: object) -> None:
        """Take a step: what `threading.setprofile` calls."""
        numbers = self._numbers
        if numbers is not None and is_step(frame, event) and next(numbers) == self._held_at:
            self._holds_worker = threading.current_thread().name.startswith("onevec_")
            self._loop.call_soon_threadsafe(self._reached.set)
            self._let_go.wait()


def is_step(frame: FrameType, event: str, part: str = "") -> bool:
    """Whether an event of `sys.setprofile` is a call of or by onevec's code, or of a part of it."""
    return event in {"call", "c_call"} and frame.f_code.co_filename.startswith(f"{_PACKAGE}/{part}")


@contextmanager
def counting() -> Iterator[Steps]:
    """Count the steps of threads that start meanwhile."""
    steps = Steps()
    threading.setprofile(steps.take)
    try:
        yield steps
    finally:
        threading.setprofile(None)


@contextmanager
def nothing_left() -> Iterator[None]:
    """Assert that every file that is opened meanwhile is closed at the end, and every thread comes to its end."""
    files, threads = open_files(), set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(timeout=5)
        assert not thread.is_alive(), thread.name
    leaked = open_files() - files
    assert not leaked, leaked


def open_files() -> Counter[str]:
    """What this process has open."""
    found: Counter[str] = Counter()
    for descriptor in os.listdir(_OPEN_FILES):  # noqa: PTH208 (this one's own is gone when it is looked at)
        try:
            found[str((_OPEN_FILES / descriptor).readlink())] += 1
        except FileNotFoundError:
            continue
    return found
