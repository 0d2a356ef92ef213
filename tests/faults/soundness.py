"""What must hold of a store's file after any fault, with no manual step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import apsw
import numpy as np
import numpy.typing as npt

import onevec
from onevec import Collection, Document, Store
from onevec.metrics import Metric

from .disk import mounted
from .workloads import DIMENSION, IDS, State, everything

FILE = "store.db"
OPENS_WITHIN = 5.0  # seconds

_QUERIES = np.random.default_rng(0).normal(size=(2, DIMENSION)).astype(np.float32)


def assert_sound(folder: Path, allowed: Sequence[State], *, indexes: bool = False) -> None:
    """Open the store of a folder: it holds one of the states whole, finds all of it and nothing else, and writes on."""
    began = time.monotonic()
    with mounted(), onevec.connect(url(folder), index_from=1 if indexes else 0) as store:
        found = everything(store)
        assert time.monotonic() - began < OPENS_WITHIN
        assert found in allowed
        assert_finds(store)
        store.create_collection("after", dimension=2).upsert(Document("1", vector=[1.0, 2.0]))
        assert everything(store).keys() - found.keys() == {("after cosine", "")}
        client = store.client
        assert isinstance(client, apsw.Connection)
        assert client.pragma("integrity_check") == "ok"


def assert_finds(store: Store) -> None:
    """Compare every way to read with what a scan gives."""
    for info in store.collections():
        collection = store.collection(info.name)
        for namespace in {"", *collection.namespaces()}:
            _assert_finds(collection.namespace(namespace), info.metric)


def url(folder: Path) -> str:
    """The address of the store in a folder."""
    return f"sqlite:///{folder / FILE}"


def _assert_finds(papers: Collection, metric: Metric) -> None:
    stored = list(papers.scan())
    assert papers.get_many(IDS) == stored
    assert papers.count() == len(stored)
    for word in ("wing", "flap", "version0", "version1", "rudder"):
        expected = {document.id for document in stored if word in (document.text or "")}
        assert set(papers.search(word, mode="text", top_k=100).ids) == expected, word
    for query in _QUERIES:
        assert [(hit.id, round(hit.score, 4)) for hit in papers.search(query, top_k=100)] == _nearest(
            stored, query, metric
        )
        chosen = [document for document in stored if document.metadata["n"] >= 10]
        assert papers.search(query, top_k=100, filter="n >= 10").ids == [
            id for id, _ in _nearest(chosen, query, metric)
        ]


def _nearest(stored: list[Document], query: npt.NDArray[np.float32], metric: Metric) -> list[tuple[str, float]]:
    """Every document by its score, from the definition of the metric."""
    scored: list[tuple[float, str]] = []
    for document in stored:
        vector = np.asarray(document.vector, np.float64)
        match metric:
            case Metric.COSINE:
                score = vector @ query / np.linalg.norm(vector) / np.linalg.norm(query)
            case Metric.DOT:
                score = vector @ query
            case Metric.EUCLIDEAN:
                score = 1 / (1 + np.linalg.norm(vector - query))
            case Metric.MANHATTAN:
                score = 1 / (1 + np.abs(vector - query).sum())
        scored.append((-float(score), document.id))
    return [(id, round(-negated, 4)) for negated, id in sorted(scored)]
