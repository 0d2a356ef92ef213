"""What the operating system's errors are in onevec's tree."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onevec.errors import ConfigError, EngineError, OnevecError, ReadOnly, StorageFull, StoreNotFound


@contextmanager
def mapped(folder: Path, *, writing: bool) -> Iterator[None]:
    """Raise the operating system's errors as onevec's, with the file and what to do about it."""
    try:
        yield
    except OSError as error:
        if isinstance(error, OnevecError):
            raise
        raise _as_onevec(error, folder, writing=writing) from error


def _as_onevec(error: OSError, folder: Path, *, writing: bool) -> OnevecError:
    where = error.filename or folder
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return StorageFull(
                f"no space is left for {where}; free some, then call again: nothing of this call was written, "
                "and everything before it can be read"
            )
        case errno.EROFS | errno.EACCES | errno.EPERM if writing:
            return ReadOnly(f"{where} may not be written; check the rights of {folder}, or open it with read_only=True")
        case errno.EACCES | errno.EPERM:
            return ConfigError(f"{where} may not be read; check the rights of the folder and its files")
        case errno.ENOENT | errno.ENOTDIR:
            return StoreNotFound(f"{where} is gone; open the store again where it is now")
        case errno.EMFILE | errno.ENFILE:
            return EngineError(f"{where} can't be opened, too many files are open; close some, or raise ulimit -n")
        case errno.ENOLCK | errno.EOPNOTSUPP:
            return EngineError(f"{where} can't be locked, its file system has no locks; put the store on a local disk")
        case _ if writing:
            return EngineError(f"the disk failed at {where} ({error.strerror}); nothing of this call was written")
        case _:
            return EngineError(f"the disk failed at {where} ({error.strerror}); check it, or restore from a backup")
