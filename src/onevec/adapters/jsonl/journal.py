"""One collection's file: how it is read, appended to, cut off and written anew."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from onevec.adapters.jsonl.entries import Changes, Entry
from onevec.adapters.jsonl.files import ASIDE, Files, file_name
from onevec.adapters.jsonl.lines import (
    Header,
    entry_body,
    header_body,
    is_sealed,
    link_of,
    read_entry,
    read_header,
    seal,
)
from onevec.adapters.jsonl.positions import Position, Reading, Stamp
from onevec.errors import Corrupted, OnevecError

_CHUNK = 1 << 20


class UnsettledError(Exception):
    """A line isn't whole. Read again with the folder's lock held: it may be one that is just being written."""


class Journal:
    """A collection's file. Except for reading, every call needs the folder's lock."""

    def __init__(self, path: Path, files: Files) -> None:
        self.path = path
        self._files = files
        self._refused: tuple[int, int] | None = None  # inode and offset of a failed write that couldn't be taken back

    def stamp(self) -> Stamp:
        """Return the file's stamp."""
        return Stamp.of(self.path.stat())

    def header(self) -> Header:
        """Return what the collection is.

        Raises:
            Corrupted: The file is damaged, or isn't a collection's.
            UnsupportedVersion: A newer onevec wrote it.
        """
        with self._files.read(self.path) as file:
            return self._header(file.readline())

    def read(self, after: Position | None, *, alone: bool) -> Reading:
        """Read what is new after a position; everything if there is none, or if the file is another one by now.

        Args:
            after: How far it was read before.
            alone: Whether the caller holds the folder's lock.

        Raises:
            UnsettledError: A line isn't whole, and the caller doesn't hold the lock.
            Corrupted: A line in the middle isn't whole, or isn't a write.
        """
        with self._files.read(self.path) as file:
            stamp, first = Stamp.of(os.fstat(file.fileno())), file.readline()
            header, changes = self._header(first), Changes()
            fresh, position = True, Position.behind(first, stamp)
            if after is not None and after.leads_on(first, stamp):
                fresh, position = False, after._replace(stamp=stamp)
                file.seek(position.offset)
            for line in file:
                if self._refused == (stamp.inode, position.offset):
                    break
                if not is_sealed(line, position.link):
                    last = not file.read(1)
                    if not alone:
                        if fresh or not last or line.endswith(b"\n"):
                            raise UnsettledError
                        break  # it is being written
                    if not fresh:
                        return self.read(None, alone=True)
                    if not last:
                        raise self._damaged(position.lines + 1)
                    return Reading(header, fresh, changes, position, len(line))
                entry = self._entry(line, header, position.lines + 1)
                changes.add(entry)
                position = position.after(line, entry)
        return Reading(header, fresh, changes, position, 0)

    def check(self, *, alone: bool) -> int:
        """Check every line's checksum; return how many bytes at the end are a part of a line.

        The argument and the errors are those of `read`.
        """
        with self._files.read(self.path) as file:
            first = file.readline()
            self._header(first)
            link = link_of(first)
            for number, line in enumerate(file, 2):
                if not is_sealed(line, link):
                    if not alone:
                        raise UnsettledError
                    if file.read(1):
                        raise self._damaged(number)
                    return len(line)
                link = link_of(line)
        return 0

    def append(self, position: Position, entry: Entry) -> Position:
        """Write one more line behind the position, which is the file's end; return the position behind it.

        When this returns the line would outlive a power loss. When it raises, the line isn't there.
        """
        line = seal(entry_body(entry), position.link)
        descriptor = self._files.append(self.path)
        try:
            self._write(descriptor, line)
            self._files.sync(descriptor)
            stamp = Stamp.of(os.fstat(descriptor))
        except BaseException:
            self._take_back(descriptor, position.offset)
            raise
        finally:
            os.close(descriptor)
        return position.after(line, entry)._replace(stamp=stamp)

    def cut(self, position: Position) -> Position:
        """Cut off what stands behind the position."""
        descriptor = self._files.append(self.path)
        try:
            self._files.truncate(descriptor, position.offset)
            self._files.sync(descriptor)
            stamp = Stamp.of(os.fstat(descriptor))
        finally:
            os.close(descriptor)
        self._refused = None
        return position._replace(stamp=stamp)

    def rewrite(self, header: Header, entries: Iterable[Entry]) -> Position:
        """Put a new file in the place of the old one, in one step; return the position at its end."""
        with self._new() as descriptor:
            first = seal(header_body(header), 0)
            position = Position.behind(first, Stamp(0, 0, 0))
            pending, size = [first], len(first)
            for entry in entries:
                line = seal(entry_body(entry), position.link)
                position = position.after(line, entry)
                pending.append(line)
                size += len(line)
                if size >= _CHUNK:
                    self._write(descriptor, b"".join(pending))
                    pending, size = [], 0
            self._write(descriptor, b"".join(pending))
            self._files.sync(descriptor)
            stamp = Stamp.of(os.fstat(descriptor))
        self._refused = None
        return position._replace(stamp=stamp)

    def put_aside(self) -> None:
        """Take the file's name away: the collection is deleted, but can still be brought back."""
        self._files.replace(self.path, self._aside)

    def bring_back(self) -> None:
        """Undo `put_aside`."""
        self._files.replace(self._aside, self.path)

    def remove(self) -> None:
        """Remove the file that was put aside."""
        self._files.remove(self._aside)

    @property
    def _aside(self) -> Path:
        return self.path.with_name(f".{self.path.name}{ASIDE}")

    def _header(self, first: bytes) -> Header:
        try:
            header = read_header(first)
        except OnevecError as error:
            raise type(error)(f"{self.path} {error}") from error.__cause__
        if self.path.name != file_name(header.info.name):
            raise Corrupted(
                f"{self.path} is the file of a collection {header.info.name!r}; "
                f"move it out of the folder, or rename it to {file_name(header.info.name)}"
            )
        return header

    def _entry(self, line: bytes, header: Header, number: int) -> Entry:
        try:
            return read_entry(line, header.info.dimension)
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(number) from error

    def _damaged(self, number: int) -> Corrupted:
        return Corrupted(
            f"{self.path} is damaged in line {number}; restore it from a backup, "
            f"or go back to what stands above that line: head -n {number - 1} {self.path}"
        )

    def _write(self, descriptor: int, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._files.write(descriptor, left) :]

    def _take_back(self, descriptor: int, offset: int) -> None:
        """Take a failed line off the file's end; if that fails, spoil its checksum; else remember not to read it."""
        status = os.fstat(descriptor)
        if status.st_size <= offset:
            return
        try:
            self._files.truncate(descriptor, offset)
        except OSError:
            try:
                self._files.overwrite(self.path, offset, b"\0")
            except OSError:
                self._refused = (status.st_ino, offset)
        with suppress(OSError):
            self._files.sync(descriptor)

    @contextmanager
    def _new(self) -> Iterator[int]:
        """A new file to write, that takes the place of this one if all goes well."""
        try:
            descriptor = self._files.create(self._aside)
            try:
                with suppress(FileNotFoundError):
                    os.fchmod(descriptor, self.path.stat().st_mode & 0o777)
                yield descriptor
            finally:
                os.close(descriptor)
            self._files.replace(self._aside, self.path)
        except BaseException:
            with suppress(OSError):
                self.remove()
            raise
