"""How long a program waits for onevec: child processes, timed from the outside, in turns.

python bench/startup.py [RUNS]
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 30
PYTHON = sys.executable
COMMANDS = {
    "python -c pass": [PYTHON, "-c", "pass"],
    "import onevec": [PYTHON, "-c", "import onevec"],
    "onevec --help": [str(Path(PYTHON).parent / "onevec"), "--help"],
    "open memory://": [PYTHON, "-c", "import onevec; onevec.connect('memory://').close()"],
    "import numpy": [PYTHON, "-c", "import numpy"],
}
MODULES = {
    "python -c pass": "pass",
    "import onevec": "import onevec",
    "onevec --help": "from onevec.cli import main; sys.stdout = open(os.devnull, 'w'); main(['--help'])",
    "open memory://": "import onevec; onevec.connect('memory://').close()",
    "import numpy": "import numpy",
}


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def modules(code: str) -> int:
    counted = f"import os, sys\n{code}\nsys.__stdout__.write(str(len(sys.modules)))"
    return int(subprocess.run([PYTHON, "-c", counted], check=True, capture_output=True, text=True).stdout)


def main() -> None:
    for command in COMMANDS.values():  # once for the file cache and the byte code
        seconds(command)
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(RUNS):
        for name, command in COMMANDS.items():
            taken[name].append(seconds(command))
    bare = median(taken["python -c pass"])
    table = Table(title=f"Start-up, median of {RUNS} runs each (Python {sys.version.split()[0]})")
    table.add_column("command")
    for heading in ("ms", "least", "most", "over bare Python, ms", "modules"):
        table.add_column(heading, justify="right")
    for name, runs in taken.items():
        figures = (median(runs), min(runs), max(runs), median(runs) - bare)
        table.add_row(name, *(f"{figure * 1000:.1f}" for figure in figures), str(modules(MODULES[name])))
    Console().print(table)


if __name__ == "__main__":
    main()
