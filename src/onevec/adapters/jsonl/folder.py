"""A store's folder: a file for each collection, what is loaded of them, and who may write."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from onevec.adapters.jsonl.contents import Contents
from onevec.adapters.jsonl.entries import Entry
from onevec.adapters.jsonl.failures import mapped
from onevec.adapters.jsonl.files import ASIDE, SUFFIX, Files, file_name
from onevec.adapters.jsonl.journal import Journal, UnsettledError
from onevec.adapters.jsonl.lines import Header
from onevec.adapters.jsonl.lock import FolderLock
from onevec.documents import CollectionInfo
from onevec.errors import CollectionNotFound, ConfigError, EngineBusy, NotFound, OnevecError, ReadOnly, StoreNotFound
from onevec.local.records import Records

T = TypeVar("T")

LOCK = ".lock"


class TornLineWarning(UserWarning):
    """The end of a file was a part of a line: a write that was torn off, or one that was damaged later."""


class Folder:
    """An open store. Readers don't wait for writers; writers take turns, over all threads and processes."""

    def __init__(self, path: Path, *, create: bool, read_only: bool, lock_timeout: float, files: Files) -> None:
        self.path = path.expanduser()
        self._notes: list[str] = []
        self._files = files
        self._read_only = read_only
        self._lock = FolderLock(self.path / LOCK, timeout=lock_timeout, shared=read_only)
        self._turn = threading.RLock()  # taken before the folder's lock, and that before `_state`
        self._state = threading.RLock()
        self._contents: dict[str, Contents] = {}
        self._unsynced = False  # a file's name may not outlive a power loss yet
        with mapped(self.path, writing=not read_only):
            self._open(create=create and not read_only)

    def infos(self) -> list[CollectionInfo]:
        """Return what collections there are, by name."""
        with mapped(self.path, writing=False):
            found = []
            for journal in self._journals():
                with suppress(FileNotFoundError):
                    found.append(journal.header().info)
            return sorted(found, key=lambda info: info.name)

    def info(self, name: str) -> CollectionInfo | None:
        """Return what a collection is, None if there is none."""
        with mapped(self.path, writing=False):
            try:
                return self._journal(name).header().info
            except FileNotFoundError:
                return None

    def create(self, info: CollectionInfo) -> bool:
        """Make a collection; return False if there is one of that name."""
        with self._writing():
            journal = self._journal(info.name)
            if journal.path.exists():
                return False
            journal.rewrite(Header(info, 1), ())
            self._sync(undo=journal.put_aside)
            return True

    def delete(self, name: str) -> bool:
        """Remove a collection; return False if there is none."""
        with self._writing():
            journal = self._journal(name)
            try:
                journal.put_aside()
            except FileNotFoundError:
                return False
            self._sync(undo=journal.bring_back)
            with self._state:
                self._contents.pop(name, None)
            with suppress(OSError):  # then the next one who opens the store does it
                journal.remove()
            return True

    def read(self, info: CollectionInfo, function: Callable[[Contents], T]) -> T:
        """Return what the function makes of a collection, as it is in its file now."""
        with mapped(self.path, writing=False):
            try:
                with self._state:
                    return function(self._current(info, alone=False))
            except UnsettledError:
                with self._turn, self._lock.held(), self._state:
                    return function(self._current(info, alone=True))

    def write(self, info: CollectionInfo, namespace: str, make: Callable[[Records], tuple[Entry | None, T]]) -> T:
        """Make a write of what a namespace holds, put it into the file, then do it.

        Args:
            info: The collection.
            namespace: Which namespace.
            make: Returns the write, or None if there is nothing to do, and what this call is to return.
        """
        with self._writing():
            with self._state:
                contents = self._current(info, alone=True)
                contents.cut()
                entry, result = make(contents.space(namespace))
                position = contents.position
            if entry is not None:
                position = contents.journal.append(position, entry)
                with self._state:  # not before: readers don't wait for the disk, and may have read the line by now
                    contents.done(entry, position)
                if contents.wants_compaction:
                    self._compact_after(contents)
            return result

    def compact(self, info: CollectionInfo) -> None:
        """Write a collection's file anew, a line for each document."""
        with self._writing():
            with self._state:
                contents = self._current(info, alone=True)
                contents.cut()
            if not contents.is_compact:
                self._compact(contents)

    def examine(self) -> tuple[list[str], list[str]]:
        """Check every line of every file; return what is damaged and what a person should look at."""
        issues, remarks = [], list(self._notes)
        with mapped(self.path, writing=False):
            for journal in self._journals():
                try:
                    torn = self._torn_bytes(journal)
                except FileNotFoundError:
                    continue
                except OnevecError as error:
                    issues.append(str(error))
                else:
                    if torn:
                        remarks.append(_torn(journal.path, torn))
        return issues, list(dict.fromkeys(remarks))

    def bytes_on_disk(self) -> int:
        """Return what the files take."""
        with mapped(self.path, writing=False):
            return sum(journal.stamp().size for journal in self._journals())

    def close(self) -> None:
        """Let go of what is loaded."""
        with self._state:
            self._contents.clear()

    def _open(self, *, create: bool) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError(f"{self.path} is a file; a jsonl store is a folder: jsonl:///{self.path.parent}/store")
        if not create and not (self.path.exists() and ((self.path / LOCK).exists() or any(self._journals()))):
            raise StoreNotFound(f"there is no store at {self.path}; make one by opening it with create=True")
        if not self.path.exists():
            if not self.path.parent.is_dir():
                raise ConfigError(
                    f"the folder {self.path.parent} doesn't exist; make it first: mkdir -p {self.path.parent}"
                )
            self.path.mkdir(exist_ok=True)
            self._files.sync_folder(self.path.parent)
        if not self._read_only:
            # Who holds the lock may be writing such a file; then it is left for the next one who opens the store.
            with suppress(EngineBusy), self._lock.held(timeout=0):
                for path in self.path.iterdir():
                    if path.name.startswith(".") and path.name.endswith(SUFFIX + ASIDE):
                        self._files.remove(path)

    def _journals(self) -> Iterator[Journal]:
        for path in sorted(self.path.iterdir()):
            if path.name.endswith(SUFFIX) and not path.name.startswith("."):
                yield Journal(path, self._files)

    def _journal(self, name: str) -> Journal:
        return Journal(self.path / file_name(name), self._files)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._read_only:
            raise ReadOnly(f"{self.path} was opened with read_only=True; open it again without")
        with mapped(self.path, writing=True), self._turn, self._lock.held():
            if self._unsynced:
                self._sync()
            yield

    def _current(self, info: CollectionInfo, *, alone: bool) -> Contents:
        """What is loaded of a collection, brought up to the file."""
        try:
            contents = self._contents.get(info.name)
            if contents is None:
                contents = self._contents[info.name] = Contents(self._journal(info.name), alone=alone)
            else:
                contents.catch_up(alone=alone)
        except FileNotFoundError:
            self._contents.pop(info.name, None)
            raise self._deleted(info) from None
        if contents.info.created_at != info.created_at:
            raise self._deleted(info)
        if contents.torn:
            note = _torn(contents.journal.path, contents.torn)
            if note not in self._notes:
                self._notes.append(note)
                warnings.warn(note, TornLineWarning, stacklevel=2)
        return contents

    def _deleted(self, info: CollectionInfo) -> NotFound:
        if not self.path.is_dir():
            return StoreNotFound(f"{self.path} is gone; open the store again where it is now")
        return CollectionNotFound(f"collection {info.name!r} was deleted; open or create it again")

    def _compact(self, contents: Contents) -> None:
        header, position = contents.rewritten()
        with self._state:
            contents.moved(header, position)
        self._sync()

    def _compact_after(self, contents: Contents) -> None:
        """Compact a file after a write; the write is done, so that a failure isn't its own."""
        try:
            self._compact(contents)
        except OSError as error:
            contents.put_off_compaction()
            self._notes.append(
                f"{contents.journal.path} couldn't be compacted ({error.strerror}); it is tried again later"
            )

    def _sync(self, undo: Callable[[], None] = lambda: None) -> None:
        """Return when the names of the files would outlive a power loss; if that fails, undo what changed them."""
        self._unsynced = True
        try:
            self._files.sync_folder(self.path)
        except OSError:
            with suppress(OSError):
                undo()
            raise
        self._unsynced = False

    def _torn_bytes(self, journal: Journal) -> int:
        try:
            return journal.check(alone=False)
        except UnsettledError:
            with self._turn, self._lock.held():
                return journal.check(alone=True)


def _torn(path: Path, size: int) -> str:
    return (
        f"the last {size} bytes of {path} are a part of a line, as a write leaves it that is interrupted, "
        "or a line that was damaged; they are left out, and the next write cuts them off"
    )
