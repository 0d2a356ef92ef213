"""Starts and stops the servers that the tests use, for trying engines out: `make servers`, `make servers-stop`.

python -m tests.servers start      start those that can be had, in the background, and print their URLs
python -m tests.servers stop       stop them, with all they hold
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".servers"
_KEEPER = Path(__file__).with_name("keeper.py")


def main(arguments: list[str]) -> int:
    match arguments:
        case ["start"]:
            return start()
        case ["stop"]:
            return stop()
        case _:
            print(__doc__)
            return 2


def start() -> int:
    """Start a process that keeps the servers, and wait until it has said which there are."""
    if _keeper() is not None:
        print("they run already; `make servers-stop` stops them")
        return _shown()
    STATE.mkdir(exist_ok=True)
    for path in STATE.iterdir():
        path.unlink()
    print("starting; a server that has to be built or fetched first takes minutes, once", flush=True)
    with (STATE / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", str(_KEEPER)],
            cwd=ROOT,
            env={**os.environ, "ONEVEC_REQUIRE_ENGINES": "weaviate"},  # which has it built, where it isn't there
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (STATE / "pid").write_text(str(process.pid), "utf-8")
    while not (STATE / "urls.json").exists():
        if process.poll() is not None:
            print((STATE / "log").read_text("utf-8", "replace"))
            return 1
        time.sleep(0.1)
    return _shown()


def stop() -> int:
    """Stop that process, and wait until it is gone."""
    pid = _keeper()
    if pid is None:
        print("no servers run")
        return 0
    os.kill(pid, signal.SIGTERM)
    while _keeper() is not None:
        time.sleep(0.1)
    for path in STATE.iterdir():
        path.unlink()
    STATE.rmdir()
    return 0


def _keeper() -> int | None:
    """The process that keeps the servers, if it runs."""
    try:
        pid = int((STATE / "pid").read_text("utf-8"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if str(_KEEPER).encode() in command else None


def _shown() -> int:
    for engine, url in json.loads((STATE / "urls.json").read_text("utf-8")).items():
        print(f"{engine:14} {url}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
