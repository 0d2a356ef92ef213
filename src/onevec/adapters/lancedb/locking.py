"""One upsert at a time into a table of a folder, whichever store, thread or process it is of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from onevec.deadline import seconds_left
from onevec.errors import EngineBusy

if TYPE_CHECKING:
    from onevec.runtime import Runtime

_SHORTEST, _LONGEST = 0.001, 0.02  # seconds between two looks whether a lock is free


class Locks:
    """The lock files of a folder, `onevec.<table>.lock`. The system frees the locks of a process that ends.

    Lance itself lets two commits that only add rows both succeed, also where they add the same ids.
    """

    def __init__(self, io: Runtime, folder: Path | None) -> None:
        self._io = io
        self._folder = folder

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[bool]:
        """Whether nobody else has the table's lock during the block; False without a folder, where there are none.

        Raises:
            EngineBusy: Somebody else has it until the call's deadline.
        """
        if self._folder is None:
            yield False
            return
        path = self._folder / f"onevec.{name}.lock"
        pause = _SHORTEST
        while True:
            try:
                lock = await self._io.acquire(_locked, path)
                break
            except BlockingIOError:
                if seconds_left() <= pause:
                    raise EngineBusy(f"another upsert into the table {name!r} has not ended; try again") from None
            await self._io.sleep(pause)
            pause = min(2 * pause, _LONGEST)
        with lock:
            yield True


def _locked(path: Path) -> IO[bytes]:
    """Return a lock file that is open, and locked until it is closed.

    Raises:
        BlockingIOError: It is locked.
    """
    import portalocker

    lock = path.open("ab")
    try:
        portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.LockException:
        lock.close()
        raise BlockingIOError from None
    except BaseException:
        lock.close()
        raise
    return lock
