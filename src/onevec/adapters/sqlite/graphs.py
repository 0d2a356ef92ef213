"""Graphs saved beside the file: a cache, checked before it is read, that can be deleted at any time."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import orjson

from onevec.documents import CollectionInfo
from onevec.local.graph import Graph, GraphSettings
from onevec.local.planner import Plan
from onevec.local.table import Rows

_MAGIC = b"onevec graph 1\n"
_DIGEST = 32


def path_of(store: Path, number: int) -> Path:
    """Return where the graph of a namespace is saved."""
    return store.with_name(f"{store.name}-graph-{number}")


def save(path: Path, info: CollectionInfo, settings: GraphSettings, plan: Plan, rows: Rows) -> None:
    """Write a graph; a reader sees the old file or the new one. On a full disk there is none."""
    header = {**_identity(info, settings), "ef": plan.ef, "step": plan.step_seconds, "scan": plan.scan_seconds}
    header["rows"] = len(rows)
    encoded = orjson.dumps(header)
    payload = b"".join((len(encoded).to_bytes(4, "little"), encoded, rows.astype("<i8").tobytes(), plan.graph.dump()))
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(_MAGIC + _digest(payload))
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        for stray in path.parent.glob(f"{path.name}.*"):  # of a process that was killed while it saved
            stray.unlink(missing_ok=True)
    except OSError:
        beside.unlink(missing_ok=True)


def load(path: Path, info: CollectionInfo, settings: GraphSettings) -> tuple[Plan, Rows] | None:
    """Return a saved graph and the rows of its slots; None if there is none, or none to be trusted."""
    try:
        saved = path.read_bytes()
    except OSError:
        return None
    start = len(_MAGIC) + _DIGEST
    payload = memoryview(saved)[start:]
    # FAISS trusts what it reads: damaged bytes could make it write outside its memory.
    if saved[: len(_MAGIC)] != _MAGIC or saved[len(_MAGIC) : start] != _digest(payload):
        return None
    size = 4 + int.from_bytes(payload[:4], "little")
    header = orjson.loads(payload[4:size])
    if any(header.get(name) != value for name, value in _identity(info, settings).items()):
        return None
    rows = np.frombuffer(payload, "<i8", header["rows"], size)
    graph = Graph.load(bytes(payload[size + rows.nbytes :]), info.metric)
    return Plan(graph, header["ef"], header["step"], header["scan"]), rows


def _identity(info: CollectionInfo, settings: GraphSettings) -> dict[str, object]:
    """What a graph must have been made for to be used."""
    import faiss

    return {
        "faiss": faiss.__version__,
        "created": info.created_at.isoformat(),
        "dimension": info.dimension,
        "metric": info.metric.value,
        "settings": asdict(settings),
    }


def _digest(payload: bytes | memoryview) -> bytes:
    return hashlib.blake2b(payload, digest_size=_DIGEST).digest()
