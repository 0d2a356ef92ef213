"""Documents as Chroma's records.

A record's id and document are the document's id and text, its embedding is the vector, and its URI has all else, see
`onevec.adapters.chroma.uris`. Its metadata is there to be filtered by, and for other tools:

    year, tags=, number:at:time, onevec:facets    see `onevec.adapters.chroma.fields`
    onevec:shape                                  see `onevec.adapters.chroma.shapes`
    onevec:vector                                 the vector's bytes, under cosine and where it isn't of length 1

Under cosine the embeddings have length 1 and the distance is that of `ip`, which is then the same: under Chroma's own
`cosine`, vectors come back from its index changed by rounding errors.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from onevec.adapter import Found
from onevec.adapters.chroma.fields import FACETS, fields_of
from onevec.adapters.chroma.shapes import SHAPE, SHAPELESS, Kinds, shape_of
from onevec.adapters.chroma.uris import read, uri_of
from onevec.documents import Document, Metadata
from onevec.facets import Flat
from onevec.metrics import Metric
from onevec.remote import Row, units
from onevec.values import moment_at

if TYPE_CHECKING:
    import numpy.typing as npt

# Chroma's names for how it measures: https://docs.trychroma.com/docs/collections/configure
SPACES: Mapping[Metric, str] = {Metric.COSINE: "ip", Metric.DOT: "ip", Metric.EUCLIDEAN: "l2"}

TEXTS = ["uris", "documents"]
VECTORS = ["metadatas", "embeddings"]
_VECTOR = "onevec:vector"


def records_of(
    rows: Sequence[Row], metric: Metric, old: Mapping[str, Metadata], shapes: dict[str, Kinds]
) -> dict[str, Any]:  # Any: the arguments of Chroma's `upsert`
    """Return the rows as records.

    Args:
        rows: What is to be written.
        metric: What the vectors are measured by.
        old: The metadata of the records that are there already: Chroma merges, so what isn't new is set to None.
        shapes: Those of the collection; new ones are added.
    """
    vectors, changed = _measured(metric, np.stack([row.vector for row in rows]))
    return {
        "ids": [row.id for row in rows],
        "embeddings": vectors,
        "metadatas": [
            {**dict.fromkeys(old.get(row.id) or ()), **_metadata(row, shapes, keeps_vector=kept)}
            for row, kept in zip(rows, changed.tolist(), strict=True)
        ],
        "documents": [row.text or "" for row in rows],
        "uris": [uri_of(row) for row in rows],
    }


def documents_of(answer: Mapping[str, Any]) -> list[Document]:  # Any: what Chroma's `get` returns
    """Return the documents of an answer with `TEXTS`, and with their vectors if it has `VECTORS`."""
    ids, embeddings = answer["ids"], answer["embeddings"]
    vectors = [None] * len(ids) if embeddings is None else map(_vector, embeddings, answer["metadatas"])
    return [
        Document(
            id,
            text=None if "textless" in kept else text,
            vector=vector,
            metadata=kept["metadata"],
            created_at=moment_at(kept["created"]),
            updated_at=moment_at(kept["updated"]),
        )
        for id, text, kept, vector in zip(ids, answer["documents"], read(answer["uris"]), vectors, strict=True)
    ]


def found_in(answer: Mapping[str, Any], metric: Metric) -> list[Found]:  # Any: what `Calls.nearest` returns
    """Return what a search found, with its distances."""
    return list(zip(documents_of(answer), _distances(metric, answer["distances"]), strict=True))


def _measured(
    metric: Metric, vectors: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """The vectors as Chroma measures them, and which are not what they were."""
    return units(vectors) if metric is Metric.COSINE else (vectors, np.zeros(len(vectors), np.bool_))


def _distances(metric: Metric, distances: Sequence[float]) -> list[float]:
    match metric:
        case Metric.COSINE:
            return [min(max(distance, 0.0), 2.0) for distance in distances]
        case Metric.DOT:
            return [distance - 1.0 for distance in distances]
        case _:
            return [max(distance, 0.0) ** 0.5 for distance in distances]  # Chroma's is squared


def _metadata(row: Row, shapes: dict[str, Kinds], *, keeps_vector: bool) -> dict[str, Flat]:
    stored, kinds, elements = fields_of(row.metadata)
    stored[SHAPE] = shape_of(kinds, shapes)
    if stored[SHAPE] == SHAPELESS:
        elements += kinds
    if elements:
        stored[FACETS] = list(dict.fromkeys(elements))
    if keeps_vector:
        stored[_VECTOR] = base64.b64encode(row.vector.astype("<f4").tobytes()).decode()
    return stored


def _vector(embedding: Any, fields: Mapping[str, Any]) -> npt.NDArray[np.float32]:  # Any: Chroma's
    kept = fields.get(_VECTOR)
    return np.array(embedding if kept is None else np.frombuffer(base64.b64decode(kept), "<f4"), np.float32)
