"""A Chroma server for the length of a test run: the one that the wheel of Chroma carries."""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import pytest
from tests.servers.absent import absent

_RUN = "import sys, chromadb_rust_bindings; chromadb_rust_bindings.cli(['chroma', 'run', *sys.argv[1:]])"


@pytest.fixture(scope="session")
def chroma() -> Iterator[ChromaServer]:
    """A server for all tests of a run."""
    if find_spec("chromadb_rust_bindings") is None:
        absent("chroma", "there is no chromadb to run a server of", 'pip install "onevec[chroma]"')
    with ChromaServer() as server:
        yield server


class ChromaServer:
    """It listens on loopback, and keeps its data in memory where there is room, until the end.

    Attributes:
        port: Where it listens.
    """

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        self._folder = Path(tempfile.mkdtemp(prefix="onevec-chroma-", dir=memory if memory.is_dir() else None))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        where = ("--path", str(self._folder / "data"), "--host", "127.0.0.1", "--port", str(self.port))
        with (self._folder / "log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-c", _RUN, *where], stdout=log, stderr=log, cwd=self._folder)
        self._process = process
        while not self._listens():
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
                raise RuntimeError((self._folder / "log").read_text("utf-8", "replace"))
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder)

    def url(self, folder: Path) -> str:
        """Return the URL of the store that belongs to a folder, a database of its own, which is empty at first."""
        name = hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest()
        return f"chroma://127.0.0.1:{self.port}?database={name}"

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
