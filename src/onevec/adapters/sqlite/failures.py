"""What SQLite's errors are in onevec's tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import orjson

from onevec.errors import (
    ConfigError,
    Corrupted,
    EngineBusy,
    EngineError,
    OnevecError,
    ReadOnly,
    StorageFull,
    StoreClosed,
)


class Undecodable(Exception):
    """What a column holds is not what a store writes there."""


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as onevec's, with the file and what to do about it."""
    try:
        yield
    except apsw.Error as error:
        raise as_onevec(error, path) from error
    except (UnicodeDecodeError, orjson.JSONDecodeError, Undecodable) as error:
        raise _damaged(path, error) from error


def as_onevec(error: apsw.Error, path: Path) -> OnevecError:
    """Return the error of onevec's tree for one of SQLite's."""
    match error:
        case apsw.BusyError() | apsw.LockedError():
            return EngineBusy(f"{path} is locked by another writer for too long; try again, or raise busy_timeout")
        case apsw.FullError():
            return StorageFull(
                f"no space is left for {path}; free some: reads go on meanwhile, and deletes where the WAL needn't grow"
            )
        case apsw.NotADBError():
            return Corrupted(f"{path} is not a SQLite database; choose another file, or restore it from a backup")
        case apsw.CorruptError() | apsw.FormatError():
            return _damaged(path, error)
        case apsw.ReadOnlyError() | apsw.PermissionsError() | apsw.AuthError():
            return ReadOnly(f"{path} can't be written; check the rights of the file and its folder, and read_only")
        case apsw.CantOpenError():
            return ConfigError(f"{path} can't be opened; check that the folder exists and may be read and written")
        case apsw.ConnectionClosedError():
            return StoreClosed(f"the store at {path} was closed; open it again")
        case apsw.IOError():
            return EngineError(f"the disk failed at {path} ({error}); nothing of the call was written")
        case _:
            return EngineError(f"SQLite failed at {path}: {type(error).__name__}: {error}")


def _damaged(path: Path, error: Exception) -> Corrupted:
    return Corrupted(
        f"{path} is damaged ({error}); restore it from a backup, or copy what can still be read to a new store, as "
        "'A damaged file' on the sqlite page of the docs shows"
    )
