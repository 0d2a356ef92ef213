"""Processes that run a workload and are killed at one of its calls to the disk.

As a program it reads one JSON object a line, a life each, forks it, and answers with what became of it: a fork takes
some milliseconds, where a new process would take a second to load everything.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onevec
from onevec.adapters.sqlite import documents
from onevec.errors import OnevecError

from .disk import Call, Fault, at, mounted
from .soundness import url
from .workloads import KEPT_GONE, WORKLOADS

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Life:
    """What a process is to do.

    Attributes:
        workload: Its name.
        folder: Where the store is.
        first: The number of the step to begin with.
        point: The number of the call at which it is killed; None for never.
        fault: How it is killed; a call that fails instead has it killed when its step raises.
        anew: Whether the store is closed and opened again after each step.
        indexes: Whether searches get an index, and its file's calls are counted too.
    """

    workload: str
    folder: str
    first: int = 0
    point: int | None = None
    fault: Fault = "kill"
    anew: bool = False
    indexes: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """What became of a process.

    Attributes:
        killed: Whether it was killed.
        acknowledged: How many steps returned.
        calls: How many calls to the disk it made; 0 if it was killed.
    """

    killed: bool
    acknowledged: int
    calls: int


class Server:
    """The other side of `main`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, life: Life) -> End:
        """Have a life lived."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(life)) + "\n")
        self._process.stdin.flush()
        return End(**json.loads(self._process.stdout.readline()))


@contextmanager
def serving() -> Iterator[Server]:
    """Run the program."""
    command = [sys.executable, "-m", "tests.faults.lives"]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


def main() -> None:
    """Live each life that is asked for."""
    documents._KEPT_GONE = KEPT_GONE
    for line in sys.stdin:
        life = Life(**json.loads(line))
        if life.indexes:
            import faiss  # noqa: F401 (loaded once, not by each life)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                _live(life, writer)
            except BaseException as error:  # noqa: BLE001 (told, and the process ends)
                if life.fault == "io" and isinstance(error, OnevecError):
                    os.kill(os.getpid(), signal.SIGKILL)
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as told:
            words = told.read().split()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        steps = [word for word in words if word == b"step"]
        calls = 0 if killed else int(words[-1])
        sys.stdout.write(json.dumps(asdict(End(killed, len(steps), calls))) + "\n")
        sys.stdout.flush()


def _live(life: Life, writer: int) -> None:
    with mounted() as disk:
        if life.point is not None:
            disk.fails = at(life.point, life.fault)
        options: dict[str, Any] = {"index_from": 1 if life.indexes else 0}  # Any: as `connect` takes them
        if life.indexes:
            _count_index_calls(disk.begin)
        store = onevec.connect(url(Path(life.folder)), **options)
        for step in WORKLOADS[life.workload][life.first :]:
            step(store)
            os.write(writer, b"step ")
            if life.anew:
                store.close()
                store = onevec.connect(url(Path(life.folder)), **options)
        store.close()
        os.write(writer, b"%d" % len(disk.calls))


def _count_index_calls(begin: Callable[[Call], None]) -> None:
    """Count what writes the file of an index, which Python does and not SQLite, for as long as this process lives."""
    fsync, replace = os.fsync, Path.replace

    def counted_fsync(descriptor: int) -> None:
        begin(Call("sync", "index"))
        fsync(descriptor)

    def counted_replace(path: Path, target: Path) -> Path:
        begin(Call("create", "index"))
        return replace(path, target)

    os.fsync = counted_fsync  # type: ignore[assignment]
    Path.replace = counted_replace  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    main()
