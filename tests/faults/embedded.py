"""The embedded engines, opened so that they index namespaces of any size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import apsw
import pytest

from onevec import AsyncStore, Store

# The URL of the store in a folder, which is there and empty at first.
ENGINES: Mapping[str, Callable[[Path], str]] = {
    "memory": lambda _: "memory://",
    "sqlite": lambda folder: f"sqlite:///{folder}/store.db?index_from=1",
    "jsonl": lambda folder: f"jsonl:///{folder}/store",
    "faiss": lambda folder: f"faiss:///{folder}/store",
}

# Those that several processes can open at once, and what keeps a store from waiting while another one writes.
AT_ONCE: Mapping[str, Mapping[str, Any]] = {
    "sqlite": {"busy_timeout": 0, "max_retries": 0},
    "jsonl": {"lock_timeout": 0, "max_retries": 0},
    "faiss": {"busy_timeout": 0, "max_retries": 0},
}


@pytest.fixture
def no_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python wait for no disk, in tests that pull no plug."""
    monkeypatch.setattr("os.fsync", lambda _: None)


def without_syncs(store: Store | AsyncStore) -> None:
    """Let SQLite wait for no disk."""
    if isinstance(store.client, apsw.Connection):
        store.client.pragma("synchronous", 0)
