"""What the tests of the jsonl engine share: disks that fail or lose power, and a program that calls every write."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import onevec
from onevec import Document, Store
from onevec.adapters.jsonl import JsonlAdapter
from onevec.adapters.jsonl.files import Files

QUERY = [1.0, 2.0]

State: TypeAlias = dict[tuple[str, str], list[Document]]
Content: TypeAlias = Mapping[str, bytes]


class QuickFiles(Files):
    """A disk that nobody pulls the plug of, so that nothing needs to be synced."""

    def sync(self, descriptor: int) -> None:
        pass

    def sync_folder(self, path: Path) -> None:
        pass


class FailingFiles(QuickFiles):
    """A disk on which some of the calls that change files fail.

    Attributes:
        calls: The names of the calls so far.
        fails: Says of a call's number whether it fails, and how: "ENOSPC", "EIO", or "short", which writes a half
            before the disk is full.
        lasting: Whether every call fails once one did.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fails: Callable[[int], str | None] = lambda _: None
        self.lasting = False

    def fail(self, point: int, how: str, *, lasting: bool) -> None:
        """Let the call of this number fail."""
        self.lasting = lasting
        self.fails = lambda number: how if number == point or (lasting and number > point) else None

    def _call(self, name: str) -> str | None:
        self.calls.append(name)
        how = self.fails(len(self.calls) - 1)
        if how is None or (how == "short" and name == "write"):
            return how
        code = errno.EIO if how == "EIO" else errno.ENOSPC
        raise OSError(code, os.strerror(code))

    def append(self, path: Path) -> int:
        self._call("append")
        return super().append(path)

    def create(self, path: Path) -> int:
        self._call("create")
        return super().create(path)

    def write(self, descriptor: int, data: memoryview) -> int:
        if self._call("write") == "short":
            super().write(descriptor, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(descriptor, data[: max(100, len(data) // 3)])

    def overwrite(self, path: Path, offset: int, data: bytes) -> None:
        self._call("overwrite")
        super().overwrite(path, offset, data)

    def truncate(self, descriptor: int, size: int) -> None:
        self._call("truncate")
        super().truncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        self._call("sync")

    def replace(self, source: Path, target: Path) -> None:
        self._call("replace")
        super().replace(source, target)

    def remove(self, path: Path) -> None:
        self._call("remove")
        super().remove(path)

    def sync_folder(self, path: Path) -> None:
        self._call("sync_folder")


class LosingFiles(Files):
    """A disk whose power can go at any call: what isn't synced then is there, or not, or in part.

    Attributes:
        crashes: What could be found in the folder after a loss of power, for each call so far.
    """

    def __init__(self, folder: Path) -> None:
        self.crashes: list[Content] = []
        self._folder = folder
        self._safe: dict[int, bytes] = {}  # by inode, as of its last sync
        self._safe_names: dict[str, int] = {}  # as of the folder's last sync

    def _collect(self) -> None:
        now = {path.name: path.stat().st_ino for path in self._folder.iterdir()}
        content = {path.stat().st_ino: path.read_bytes() for path in self._folder.iterdir()}
        for names in (now, self._safe_names):
            for left in (_all, _none, _half, _zeros):
                self.crashes.append(
                    {
                        name: left(self._safe.get(inode, b""), content.get(inode, self._safe.get(inode, b"")))
                        for name, inode in names.items()
                    }
                )

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self._safe[os.fstat(descriptor).st_ino] = b""
        self._collect()
        return descriptor

    def write(self, descriptor: int, data: memoryview) -> int:
        written = super().write(descriptor, data[: max(100, len(data) // 2)])
        self._collect()
        return written

    def truncate(self, descriptor: int, size: int) -> None:
        super().truncate(descriptor, size)
        self._collect()

    def sync(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        path = next(path for path in self._folder.iterdir() if path.stat().st_ino == status.st_ino)
        self._safe[status.st_ino] = path.read_bytes()
        self._collect()

    def replace(self, source: Path, target: Path) -> None:
        super().replace(source, target)
        self._collect()

    def remove(self, path: Path) -> None:
        super().remove(path)
        self._collect()

    def sync_folder(self, path: Path) -> None:
        if path == self._folder:
            self._safe_names = {path.name: path.stat().st_ino for path in self._folder.iterdir()}
            self._collect()


def _all(_: bytes, content: bytes) -> bytes:
    return content


def _none(safe: bytes, _: bytes) -> bytes:
    return safe


def _half(safe: bytes, content: bytes) -> bytes:
    return content[: (len(safe) + len(content)) // 2] if len(content) > len(safe) else safe


def _zeros(safe: bytes, content: bytes) -> bytes:
    """The file has its new size, but not what was written there, except for the end."""
    new = len(content) - len(safe)
    return safe + bytes(new - new // 3) + content[len(content) - new // 3 :] if new > 0 else safe


def on(files: Files) -> type[JsonlAdapter]:
    """Return the jsonl engine, on this disk."""

    class OnDisk(JsonlAdapter):
        pass

    OnDisk.files = files
    return OnDisk


def opened(folder: Path, files: Files | None = None) -> Store:
    return onevec.connect(on(files or QuickFiles()), path=folder, max_retries=0)


def everything(store: Store) -> State:
    """Return every document, by collection and namespace, without the times, which differ from store to store."""
    found: State = {}
    for info in store.collections():
        collection = store.collection(info.name)
        found[info.name, ""] = []
        for namespace in collection.namespaces():
            found[info.name, namespace] = [
                Document(one.id, text=one.text, vector=one.vector, metadata=one.metadata)
                for one in collection.namespace(namespace).scan()
            ]
    return found


def documents(numbers: Sequence[int], **metadata: object) -> list[Document]:
    return [Document(f"{n:03}", text="a wing", vector=[1.0, n + 0.1], metadata={"n": n, **metadata}) for n in numbers]


# Every write there is.
STEPS: tuple[Callable[[Store], object], ...] = (
    lambda store: store.create_collection("papers", dimension=2, if_exists="open"),
    lambda store: store.collection("papers").upsert(documents(range(6))),
    lambda store: store.collection("papers").namespace("acme").upsert(documents(range(3), tenant="acme")),
    lambda store: store.collection("papers").update("002", text="flap", metadata={"n": None}),
    lambda store: store.collection("papers").delete(["000", "001"]),
    lambda store: store.collection("papers").upsert(documents(range(4, 9), again=True)),
    lambda store: store.collection("papers").optimize(),
    lambda store: store.collection("papers").delete(filter={"again": True}),
    lambda store: store.create_collection("Papers", dimension=2, if_exists="open"),
    lambda store: store.collection("Papers").upsert(documents(range(2))),
    lambda store: store.collection("papers").namespace("acme").clear(),
    lambda store: store.collection("Papers").optimize(),
    lambda store: store.delete_collection("Papers"),
    lambda store: store.collection("papers").upsert(documents(range(20, 25))),
)

# Those that give a file its name or take it away: on a disk on which nothing works any more that can't be undone.
NAMING = frozenset({0, 8, 12})
