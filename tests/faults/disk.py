"""A disk that SQLite writes through: it counts the calls that change files, and fails or kills at any of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import apsw

Kind: TypeAlias = Literal["create", "write", "truncate", "sync", "delete"]
Fault: TypeAlias = Literal["kill", "kill after half", "full", "short", "io"]

_IO_CODES = {
    "create": apsw.SQLITE_CANTOPEN,
    "write": apsw.SQLITE_IOERR_WRITE,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "delete": apsw.SQLITE_IOERR_DELETE,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call that changes a file.

    Attributes:
        kind: What it does.
        file: The file's name in its folder, such as `store.db-wal`; empty for one that has none.
        offset: Where a write begins; the new length for a truncate.
        data: What a write writes.
        folder_too: Whether a delete is synced with its folder.
    """

    kind: Kind
    file: str
    offset: int = 0
    data: bytes = b""
    folder_too: bool = False


Fails: TypeAlias = Callable[[int, Call], Fault | None]


class Disk(apsw.VFS):
    """SQLite's own way to the files, with faults.

    Attributes:
        calls: The calls so far.
        fails: Says which fault a call is to have, by its number and itself.
    """

    def __init__(self, fails: Fails | None = None) -> None:
        self.vfs_name = f"onevec-faults-{id(self)}"
        super().__init__(self.vfs_name, "unix", makedefault=True)
        self.calls: list[Call] = []
        self.fails: Fails = fails or works

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 (apsw's name)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is not None and flags[0] & apsw.SQLITE_OPEN_CREATE and not Path(path).exists():
            self.begin(Call("create", Path(path).name))
        return _File(self, name, flags, "" if path is None else Path(path).name)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 (apsw's name)
        self.begin(Call("delete", Path(filename).name, folder_too=bool(syncdir)))
        super().xDelete(filename, syncdir)

    def begin(self, call: Call, half: Callable[[], None] = lambda: None) -> None:
        """Count a call, and fail or end the process if it is its turn; `half` does half of the call."""
        self.calls.append(call)
        fault = self.fails(len(self.calls) - 1, call)
        if fault in {"kill after half", "short"}:
            half()
        if fault in {"kill", "kill after half"}:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "short" or (fault == "full" and call.kind == "write"):
            raise apsw.FullError("injected")
        if fault is not None:
            raise apsw.exception_for(_IO_CODES[call.kind])

    def excepthook(self, *_: object) -> bool:
        """Keep quiet about the errors that SQLite passes over, as it does about the system's."""
        return True


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int], file: str) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._file = file

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 (apsw's name)
        write = super().xWrite
        whole = bytes(data)
        self._disk.begin(Call("write", self._file, offset, whole), lambda: write(whole[: len(whole) // 2], offset))
        write(whole, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 (apsw's name)
        self._disk.begin(Call("truncate", self._file, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 (apsw's name)
        """Count it only: nobody pulls the plug of the machine that runs the tests."""
        self._disk.begin(Call("sync", self._file))

    def excepthook(self, *_: object) -> bool:
        """Keep quiet about the errors that SQLite passes over, as it does about the system's."""
        return True


@contextmanager
def mounted(fails: Fails | None = None) -> Iterator[Disk]:
    """Have every connection that is opened meanwhile use a disk with faults."""
    disk = Disk(fails)
    try:
        yield disk
    finally:
        disk.fails = works
        disk.unregister()


def works(number: int, call: Call) -> Fault | None:
    """Let every call through."""
    return None


def at(point: int, fault: Fault, *, lasting: bool = False) -> Fails:
    """Fail the call of that number, or all from it on."""
    return lambda number, _: fault if number == point or (lasting and number > point) else None


def full_at(folder: Path, size: int) -> Fails:
    """Fail each write that would take the files of a folder over this many bytes in all."""

    def fails(_: int, call: Call) -> Fault | None:
        if call.kind != "write":
            return None
        held = {path.name: path.stat().st_size for path in folder.iterdir()}
        growth = call.offset + len(call.data) - held.get(call.file, 0)
        return "full" if growth > 0 and sum(held.values()) + growth > size else None

    return fails
