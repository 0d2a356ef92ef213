"""Work in a thread of its own, that can be waited for and stopped."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from onevec.errors import EngineError

T = TypeVar("T")


class Task(Generic[T]):
    """One piece of work.

    Args:
        work: Does it; it is handed a function that says whether to stop.
        name: The thread's.

    Attributes:
        result: What it returned; None before, and if it failed.
        error: What it raised.
    """

    def __init__(self, work: Callable[[Callable[[], bool]], T], *, name: str) -> None:
        self.result: T | None = None
        self.error: BaseException | None = None
        cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work, cancelled.is_set), name=name, daemon=True)
        # A program that ends without closing its stores must not end while the work is under way.
        self._stop = weakref.finalize(self, _stop, cancelled, self._thread)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def wait(self) -> None:
        """Return when it is done."""
        self._thread.join()

    def finish(self, failed: str) -> None:
        """Return when it is done.

        Args:
            failed: What to say if it failed, such as "the index could not be made".

        Raises:
            EngineError: It failed.
        """
        self.wait()
        if self.error is not None:
            raise EngineError(f"{failed}: {self.error}") from self.error

    def cancel(self) -> None:
        """Stop it, and return when it has stopped."""
        self._stop()

    def _run(self, work: Callable[[Callable[[], bool]], T], cancelled: Callable[[], bool]) -> None:
        try:
            self.result = work(cancelled)
        except BaseException as error:  # noqa: BLE001 (kept, for the thread that asks)
            self.error = error


def _stop(cancelled: threading.Event, thread: threading.Thread) -> None:
    cancelled.set()
    if thread.is_alive() and thread is not threading.current_thread():
        thread.join()
