"""The other side of `questions`: a process that is asked about folders, and replaced when it dies or hangs."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .questions import Visit

_ROOT = Path(__file__).parents[2]
_PATIENCE = 60.0  # seconds, for what takes some tenths of one


class Asked:
    """Runs the process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def about(self, visit: Visit) -> dict[str, Any]:  # Any: as `questions.asked` gives it
        """Return the answers, or under `died` how the process ended."""
        if self._process is None:
            command = [sys.executable, "-m", "tests.faults.questions"]
            self._process = subprocess.Popen(
                command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asdict(visit)) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], _PATIENCE)
        line = process.stdout.readline() if ready else ""
        if not line:
            self.close()
            return {"died": f"ended with {process.returncode}" if ready else f"no answer in {_PATIENCE} s"}
        answers: dict[str, Any] = json.loads(line)
        return answers

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@contextmanager
def asking() -> Iterator[Asked]:
    """Have a process asked."""
    asked = Asked()
    try:
        yield asked
    finally:
        asked.close()
