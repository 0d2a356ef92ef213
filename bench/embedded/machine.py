"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine and its Python."""

    processor: str
    cores: int
    memory: int
    system: str
    python: str

    @classmethod
    def here(cls) -> Machine:
        """Return this one."""
        return cls(
            processor=_field("/proc/cpuinfo", "model name") or platform.machine(),
            cores=len(os.sched_getaffinity(0)),
            memory=int(_field("/proc/meminfo", "MemTotal").split()[0]) * 1024,
            system=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
        )

    def __str__(self) -> str:
        return (
            f"{self.processor}, {self.cores} cores, {self.memory / 2**30:.0f} GiB of memory, "
            f"{self.system}, Python {self.python}"
        )


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text("utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
