"""Running a command in this process or in another one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onevec import Document


@dataclass(frozen=True, slots=True)
class Run:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # Any: what the command promises
        assert self.err == "", self.err
        return json.loads(self.out)

    @property
    def error(self) -> Any:  # Any: what the command promises
        assert self.out == "", self.out
        return json.loads(self.err)["error"]

    def fails(self, code: int, *said: str) -> None:
        """Check that it said one line on stderr, nothing on stdout, and ended with that code."""
        assert (self.code, self.out) == (code, ""), self
        assert self.err.startswith("onevec: "), self.err
        assert self.err.endswith("\n"), self.err
        assert len(self.err.splitlines()) == 1, self.err
        for text in said:
            assert text in self.err


Cli = Callable[..., Run]


def child(*words: str, python: tuple[str, ...] = (), **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m onevec` as a process of its own."""
    return subprocess.run(
        [sys.executable, *python, "-m", "onevec", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={**os.environ, **variables},
    )


PAPERS = [
    Document(
        "wing-1",
        text="Experimental investigation of the aerodynamics of a wing in a slipstream.",
        vector=[1.0, 0.0, 0.0],
        metadata={"year": 1958, "tags": ["wing", "slipstream"], "author": {"name": "brenckman,m."}},
    ),
    Document("plate-2", text="Simple shear flow past a flat plate.", vector=[0.6, 0.8, 0.0], metadata={"year": 1956}),
    Document("layer-3", text="The boundary layer in an incompressible fluid.", vector=[0.0, 1.0, 0.0]),
]
