"""Indexing a test collection with each embedder in each engine, and measuring what searches find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import onevec
from onevec import Collection, Document, Embedder, Evaluation
from onevec.evaluation import Search, read_corpus, read_judgements, read_queries

METRICS = ("nDCG@10", "recall@100", "MAP", "MRR")
TOP_K = 100

# Engines that need no server, and the URL of a store in a folder.
ENGINES = {
    "sqlite": "sqlite:///{folder}/sqlite.db",
    "memory": "memory://",
    "jsonl": "jsonl:///{folder}/jsonl",
    "faiss": "faiss:///{folder}/faiss",
    "chroma": "chroma:///{folder}/chroma",
    "lancedb": "lancedb:///{folder}/lancedb",
    "milvus": "milvus:///{folder}/milvus.db",
    "qdrant": "qdrant:///{folder}/qdrant",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A test collection, as far as its texts can be embedded: documents without a text are left out."""

    documents: list[Document]
    queries: dict[str, str]
    judgements: dict[str, dict[str, int]]

    @classmethod
    def read(cls, folder: Path) -> Judged:
        documents = read_corpus(folder / "corpus.jsonl")
        return cls(
            [document for document in documents if (document.text or "").strip()],
            read_queries(folder / "queries.jsonl"),
            read_judgements(folder / "qrels.tsv"),
        )


def side_by_side(judged: Judged, embedders: dict[str, Embedder], url: str, cache: Path) -> Evaluation:
    """Return text search once, and of each embedder vector search, hybrid search and a brute-force reference."""
    with onevec.connect(url, embedding_cache=str(cache), timeout=None) as store:
        systems: dict[str, object] = {}
        for name, embedder in embedders.items():
            collection = store.create_collection(f"quality-{len(systems)}", embedder=embedder)
            collection.upsert(judged.documents)
            systems.setdefault("text", Search(collection, {"mode": "text"}))
            systems[f"{name}: vector"] = Search(collection, {"mode": "vector"})
            systems[f"{name}: vector, brute force"] = _brute_force(judged, collection, embedder)
            systems[f"{name}: hybrid"] = Search(collection, {"mode": "hybrid"})
            systems[f"{name}: hybrid, weighted"] = Search(collection, {"mode": "hybrid", "fusion": "weighted"})
        return onevec.evaluate(systems, judged.queries, judged.judgements, metrics=METRICS, top_k=TOP_K)


def by_engine(
    judged: Judged, embedder: Embedder, urls: dict[str, str], cache: Path, say: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    """Return nDCG@10 by engine and mode, for the modes that the engine has."""
    found: dict[str, dict[str, float]] = {}
    for engine, url in urls.items():
        try:
            with onevec.connect(url, embedding_cache=str(cache), timeout=None) as store:
                modes = ("vector", "text", "hybrid") if store.capabilities.text_search else ("vector",)
                collection = store.create_collection("quality", embedder=embedder, if_exists="replace")
                collection.upsert(judged.documents)
                evaluation = onevec.evaluate(
                    collection, judged.queries, judged.judgements, modes=modes, metrics=["nDCG@10"], top_k=TOP_K
                )
                store.delete_collection("quality")
        except onevec.OnevecError as error:
            say(f"{engine} is left out: {error}")
            continue
        found[engine] = {system.name: system.mean("nDCG@10").value for system in evaluation.systems}
        say(f"{engine}: " + ", ".join(f"{mode} {value:.5f}" for mode, value in found[engine].items()))
    return found


def _brute_force(judged: Judged, collection: Collection, embedder: Embedder) -> dict[str, list[str]]:
    """What a product of matrices ranks, ties by id."""
    documents = sorted(collection.scan(), key=lambda document: document.id)
    matrix = _normalised([document.vector for document in documents])
    found = _normalised(embedder.embed(list(judged.queries.values()))) @ matrix.T
    return {
        query: [documents[row].id for row in np.argsort(-scores, kind="stable")[:TOP_K]]
        for query, scores in zip(judged.queries, found, strict=True)
    }


def _normalised(vectors: Sequence[object]) -> np.ndarray:
    matrix = np.asarray(vectors, np.float64)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def without_runs(evaluation: Evaluation) -> Evaluation:
    """Return the figures alone."""
    return replace(evaluation, systems=tuple(replace(system, run={}) for system in evaluation.systems))
