"""The tests' server for qdrant in a process of its own: `python -m bench.wrappers.qdrant_server FOLDER`.

It prints its port, and ends when its input does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.servers.qdrant import QdrantServer

if __name__ == "__main__":
    with QdrantServer(Path(sys.argv[1])) as server:
        print(server.port, flush=True)
        sys.stdin.read()
