"""One writer at a time, over all processes of a machine."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onevec.errors import EngineBusy

_LONGEST_PAUSE = 0.005


class FolderLock:
    """A lock on an empty file. Who holds it has a folder to itself; a process that ends lets go of it.

    Args:
        path: The file.
        timeout: Seconds to wait for it.
        shared: Whether others may hold it too, who ask for it in the same way. Then the file isn't made: where there is
            none, nobody writes.
    """

    def __init__(self, path: Path, *, timeout: float, shared: bool) -> None:
        self._path = path
        self._timeout = timeout
        self._shared = shared

    @contextmanager
    def held(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the lock.

        Raises:
            EngineBusy: Somebody else held it for longer than the timeout.
        """
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        descriptor = self._taken(deadline)
        try:
            yield
        finally:
            if descriptor is not None:
                _release(descriptor)

    def _taken(self, deadline: float) -> int | None:
        while True:
            try:
                descriptor = os.open(self._path, os.O_RDONLY if self._shared else os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:
                if self._shared:
                    return None
                raise
            try:
                self._wait(descriptor, deadline)
                if self._is_there(descriptor):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            _release(descriptor)

    def _wait(self, descriptor: int, deadline: float) -> None:
        import fcntl

        kind = fcntl.LOCK_SH if self._shared else fcntl.LOCK_EX
        pause = 0.0001
        while True:
            try:
                return fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise EngineBusy(
                        f"{self._path.parent} is being written by another process for too long; "
                        "try again, or raise lock_timeout"
                    ) from None
            time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 (flock has no timeout of its own)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _is_there(self, descriptor: int) -> bool:
        """Whether the file is still the one that others would lock."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False


def _release(descriptor: int) -> None:
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing it wouldn't do where a forked child has a copy
    os.close(descriptor)
