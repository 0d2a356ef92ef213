"""What a model of the embedded engines draws: places, documents, changes, filters, and many vectors at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from onevec import Document, Metric
from onevec.testing import strategies

DIMENSION = 3
QUERY = [1.0, 2.0, 3.0]
NAMES = ("papers", "Papers")

PLACES = st.sampled_from([("papers", ""), ("papers", "acme"), ("papers", "\n"), ("Papers", ""), ("Papers", "acme")])
IDS = st.sampled_from(["1", "01", "a", "A", "é", "\n", "../a", "x" * 512, "005", "012"])
DOCUMENTS = st.builds(
    Document,
    id=IDS,
    text=st.none() | strategies.texts(),
    vector=strategies.vectors(DIMENSION),
    metadata=strategies.metadata(),
)
CHANGES = st.builds(
    Document,
    id=IDS,
    text=st.none() | strategies.texts(),
    vector=st.none() | strategies.vectors(DIMENSION),
    metadata=strategies.metadata(),
)
FILTERS = st.none() | strategies.filters()
KINDS = st.sampled_from(["spread", "spread", "near", "equal", "zero", "long"])
INDEXES = st.sampled_from(
    [
        {"kind": "flat"},
        {"kind": "hnsw"},
        {"kind": "hnsw", "m": 4, "ef_construction": 8},
        {"kind": "hnsw", "quantization": "none"},
        {"kind": "hnsw", "quantization": "int8"},
        {"kind": "ivf_flat", "lists": 2},
    ]
)


def matrix(kind: str, seed: int, count: int, metric: Metric) -> npt.NDArray[np.float32]:
    """Vectors that are spread out, near one another, all equal, all zero, or too long for squares in float32."""
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    match kind:
        case "near":
            return np.float32(1) + vectors / np.float32(1000)
        case "zero" if metric is not Metric.COSINE:
            return np.zeros_like(vectors)
        case "equal" | "zero":
            return np.ones_like(vectors)
        case "long":
            return vectors * np.float32(1e25)
        case _:
            return vectors
