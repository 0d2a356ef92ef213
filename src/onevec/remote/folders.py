"""Folders that an engine keeps its store in, for one process at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onevec.errors import ConfigError, EngineBusy, StoreNotFound

_LOCK = "onevec.lock"


def store_folder(path: Path, *, create: bool, example: str) -> Path:
    """Return the folder of a store.

    Args:
        path: Where it is; `~` is the home folder.
        create: Whether to make it if it isn't there; the folder it is in must be.
        example: A URL that names a folder, for the message.

    Raises:
        ConfigError: It is a file, or in a folder that doesn't exist.
        StoreNotFound: It isn't there, and is not to be made.
    """
    folder = path.expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise ConfigError(f"{path} is a file; name a folder, such as {example}")
    if not create:
        raise StoreNotFound(f"there is no store at {path}; make one by writing to it, or open it with create=True")
    if not folder.parent.is_dir():
        raise ConfigError(f"the folder {folder.parent} doesn't exist; make it first: mkdir -p {folder.parent}")
    folder.mkdir()
    return folder


def locked(folder: Path, *, server: str) -> Any:  # Any: an open file
    """Return the folder's open lock file, which keeps everybody else from opening the store until it is closed.

    Args:
        folder: The store's folder.
        server: What serves several processes, for the message.

    Raises:
        EngineBusy: It is locked already.
    """
    import portalocker

    lock = (folder / _LOCK).open("wb")
    try:
        portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.LockException:
        lock.close()
        raise EngineBusy(f"{folder} is open already; close it there, or run {server} for both") from None
    return lock
