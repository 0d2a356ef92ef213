"""The files of a store: their names, and what is asked of the operating system."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".jsonl"
ASIDE = ".aside"  # of files that are not there yet, or no more: the next one who opens the store removes them


def file_name(name: str) -> str:
    """Return the name of a collection's file: another one for each collection, on any file system, and never hidden.

    It is the name in lower case. Behind a `%` stands which letters were capitals, as the bits of a hexadecimal number;
    a dot at the beginning counts as the capital of `_`.
    """
    changed = sum(1 << at for at, letter in enumerate(name) if letter.isupper() or (at == 0 and letter == "."))
    lower = ("_" + name[1:] if name[0] == "." else name).lower()
    return f"{lower}%{changed:x}{SUFFIX}" if changed else lower + SUFFIX


class Files:
    """The calls that read and change files, one a method: a test can put a disk that fails in their place."""

    def read(self, path: Path) -> BinaryIO:
        """Open a file for reading."""
        return path.open("rb")

    def append(self, path: Path) -> int:
        """Open a file whose every write goes to its end; return the descriptor."""
        return os.open(path, os.O_WRONLY | os.O_APPEND)

    def create(self, path: Path) -> int:
        """Open an empty file for writing, whatever was there before; return the descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)

    def write(self, descriptor: int, data: memoryview) -> int:
        """Write some of the data, at least a byte; return how many."""
        return os.write(descriptor, data)

    def overwrite(self, path: Path, offset: int, data: bytes) -> None:
        """Write in the middle of a file."""
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, data, offset)
        finally:
            os.close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file off."""
        os.ftruncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        """Return when what was written would outlive a power loss."""
        if sys.platform == "darwin":
            import fcntl

            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # fsync alone leaves it in the disk's cache there
        else:
            os.fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Give a file the name of another one, in one step."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def sync_folder(self, path: Path) -> None:
        """Return when the names in a folder would outlive a power loss."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
