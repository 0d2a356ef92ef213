"""Documents as Weaviate's objects.

An object has a UUID made of the document's id and namespace, is in a tenant of its namespace, and has these properties:

    document_id, namespace, text         the document's
    metadata                             the metadata as JSON text, as `onevec.codec` writes it
    onevec_facets, onevec_numbers        what filters ask for, the only ones with an index
    onevec_created, onevec_updated       microseconds since 1970, in digits: Weaviate's integers are float64 inside
    onevec_vector                        the vector's bytes, where the object's vector isn't the document's

Under cosine Weaviate divides a vector by its length when it searches, and keeps it as it was. It does so in float32,
which fails for the longest and the shortest vectors; of those the object has the direction only.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from onevec.adapter import Found, Place
from onevec.adapters.weaviate.filters import (
    FACETS,
    NUMBERS,
    UUID,
    Json,
    WeaviateCompiler,
    both,
    facet_term,
    number_terms,
    one_of,
)
from onevec.adapters.weaviate.native import own_filter
from onevec.codec import encode
from onevec.documents import Document
from onevec.facets import facets_of, numbers_of
from onevec.filters import Filter
from onevec.metrics import Metric
from onevec.remote import Row, document_of, point_id, units

if TYPE_CHECKING:
    import numpy.typing as npt

ID, NAMESPACE, TEXT, METADATA = "document_id", "namespace", "text", "metadata"
CREATED, UPDATED, VECTOR = "onevec_created", "onevec_updated", "onevec_vector"

WITHOUT_VECTOR = (ID, TEXT, METADATA, CREATED, UPDATED)
WITH_VECTOR = (*WITHOUT_VECTOR, VECTOR)

# Weaviate's names of the metrics; euclidean distances come squared.
DISTANCES: Mapping[Metric, str] = {
    Metric.COSINE: "cosine",
    Metric.DOT: "dot",
    Metric.EUCLIDEAN: "l2-squared",
    Metric.MANHATTAN: "manhattan",
}
_MEASURABLE = (1e-15, 1e15)  # lengths whose squares are float32 numbers of full precision


class Object(NamedTuple):
    """An object to write. `lists` are its properties that are lists of strings."""

    uuid: str
    vector: bytes
    texts: dict[str, str]
    lists: dict[str, list[str]]


class Read(NamedTuple):
    """An object that was read; `distance` is a search's, in Weaviate's own sense."""

    uuid: str
    properties: Mapping[str, str]
    vector: bytes
    distance: float


def objects_of(place: Place, rows: Sequence[Row]) -> Iterator[Object]:
    """Yield the objects of rows."""
    vectors, changed = measured(place.collection.metric, np.stack([row.vector for row in rows]))
    for row, vector, is_changed in zip(rows, vectors, changed, strict=True):
        texts = {
            ID: row.id,
            NAMESPACE: place.namespace,
            METADATA: encode(row.metadata),
            CREATED: str(row.created),
            UPDATED: str(row.updated),
        }
        if row.text is not None:
            texts[TEXT] = row.text
        if is_changed:
            texts[VECTOR] = base64.b64encode(row.vector.astype("<f4").tobytes()).decode()
        lists = {FACETS: list(map(facet_term, facets_of(row.metadata)))}
        if numbers := number_terms(numbers_of(row.metadata)):
            lists[NUMBERS] = numbers
        yield Object(point_id(row.id, place.namespace), vector.astype("<f4").tobytes(), texts, lists)


def measured(metric: Metric, vectors: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return the vectors as Weaviate can measure them, and which are not what they were."""
    if metric is Metric.COSINE:
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        extreme = (lengths < _MEASURABLE[0]) | (lengths > _MEASURABLE[1])
        if extreme.any():
            return np.where(extreme[:, None], units(vectors)[0], vectors), extreme
    return vectors, np.zeros(len(vectors), np.bool_)


def document(read: Read) -> Document:
    """Return the document of an object that was read `WITHOUT_VECTOR` or `WITH_VECTOR`."""
    properties = read.properties
    vector = None
    if read.vector:
        kept = properties.get(VECTOR)
        vector = np.frombuffer(read.vector if kept is None else base64.b64decode(kept), "<f4").astype(np.float32)
    return document_of(
        properties[ID],
        text=properties.get(TEXT),
        metadata=properties[METADATA],
        created=int(properties[CREATED]),
        updated=int(properties[UPDATED]),
        vector=vector,
    )


def found(read: Read, metric: Metric) -> Found:
    """Return an object that was found, with its distance."""
    match metric:
        case Metric.COSINE:
            return document(read), min(max(read.distance, 0.0), 2.0)
        case Metric.EUCLIDEAN:
            return document(read), math.sqrt(max(read.distance, 0.0))
        case _:
            return document(read), read.distance


def matching(
    place: Place, filter: Filter | None = None, ids: Iterable[str] | None = None, native: object = None
) -> Json | None:
    """Return the condition for the documents that match, are of these ids, and match a Filter; None for all."""
    parts: list[Json] = []
    if filter is not None:
        parts.append(WeaviateCompiler().compile(filter))
    if ids is not None:
        parts.append(one_of(UUID, [point_id(id, place.namespace) for id in ids]))
    if native is not None:
        parts.append({"native": own_filter(native)})
    return both(*parts) if parts else None
