"""Documents as Elasticsearch's, and how they are measured.

The fields of a document, of which the first five are for everybody to read and to search:

    id, namespace, text        the document's; its `_id` is a UUID made of the first two
    metadata                   what other tools can filter by: flattened, under dotted names
    vector                     the vector, under cosine at length 1
    onevec.document            what reads and searches give back, in one text as `onevec.codec` writes it
    onevec.facets              what filters ask for
    onevec.numbers             what ranges compare: numbers as texts in whose order they are, under keys of any name
    onevec.created, .updated   microseconds since 1970
    onevec.vector              the vector's bytes, as it was given; read back many times faster than `vector`

The document and the vector's bytes are stored beside the source: of that Elasticsearch would have to parse all to give
out a part.

Numbers are texts of one `flattened` field because a field of its own for each would end at a thousand.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import orjson

from onevec.adapter import Found, Place
from onevec.codec import decode, encode
from onevec.documents import CollectionInfo, Document
from onevec.facets import facets_of, flattened, numbers_of
from onevec.metrics import Metric
from onevec.remote import Row, info_to_keep, point_id, units
from onevec.remote.distances import distances
from onevec.values import moment_at

if TYPE_CHECKING:
    import numpy.typing as npt

Json: TypeAlias = dict[str, Any]  # Any: JSON values

DOCUMENT = "onevec.document"
VECTOR = "onevec.vector"

# How Elasticsearch's indexes measure; it has none for manhattan, which a script measures.
SIMILARITIES: Mapping[Metric, str] = {
    Metric.COSINE: "cosine",
    Metric.DOT: "max_inner_product",
    Metric.EUCLIDEAN: "l2_norm",
}

_TOLD_APART = 1e-6  # several times what float32 is off by
_LONGEST_KEY = 256  # of a flattened field; a term has an end
_SIGN = 1 << 63


def mappings_of(info: CollectionInfo) -> Json:
    """Return the fields of a collection's index, and what it remembers."""
    vector: Json = {"type": "dense_vector", "dims": info.dimension, "index": False}
    if info.metric in SIMILARITIES:
        # A graph can be had of what is flat, but never fewer connections of one that is there.
        flat = {"index": True, "similarity": SIMILARITIES[info.metric], "index_options": {"type": "flat"}}
        vector = {**vector, **flat}
    return {
        "dynamic": False,
        "_meta": {"onevec": info_to_keep(info)},
        "properties": {
            "id": {"type": "keyword"},
            "namespace": {"type": "keyword"},
            "text": {"type": "text"},
            "metadata": {"type": "flattened", "ignore_above": 1024},
            "vector": vector,
            "onevec": {
                "properties": {
                    "document": {"type": "text", "index": False, "store": True},
                    "facets": {"type": "keyword", "doc_values": False},
                    "numbers": {"type": "flattened", "doc_values": False},
                    "created": {"type": "long", "index": False, "doc_values": False},
                    "updated": {"type": "long", "index": False},
                    "vector": {"type": "binary", "store": True},
                }
            },
        },
    }


def writes_of(place: Place, rows: Sequence[Row]) -> list[bytes]:
    """Return the lines of a bulk request that writes the rows."""
    vectors = np.stack([row.vector for row in rows])
    if place.collection.metric is Metric.COSINE:
        vectors, _ = units(vectors)
    lines = []
    for row, vector in zip(rows, vectors, strict=True):
        lines.append(orjson.dumps({"index": {"_id": point_id(row.id, place.namespace)}}))
        lines.append(orjson.dumps(_source(row, place.namespace, vector), option=orjson.OPT_SERIALIZE_NUMPY))
    return lines


def document_from(hit: Json) -> Document:
    """Return the document of a hit that has its `DOCUMENT`, and for its vector `VECTOR`."""
    fields = hit["fields"]
    own = decode(fields[DOCUMENT][0])
    vector = None
    if VECTOR in fields:
        vector = np.frombuffer(base64.b64decode(fields[VECTOR][0]), "<f4").astype(np.float32)
    return Document(
        own["id"],
        text=own["text"],
        metadata=own["metadata"],
        created_at=moment_at(own["created"]),
        updated_at=moment_at(own["updated"]),
        vector=vector,
    )


def cosine_distance(score: float, *, exact: bool) -> float:
    """Return the distance that Elasticsearch's score of a hit comes of, to a millionth.

    Args:
        score: A float32, (1 + cosine) / 2 from an index, 1 + cosine from the script of an exact search.
        exact: Which of them.
    """
    return max(0.0, 2.0 - (score if exact else 2.0 * score))


def are_apart(found: Sequence[Found]) -> bool:
    """Return whether the distances of hits differ by so much that those by their scores have the right order."""
    apart = sorted(distance for _, distance in found)
    return all(farther - nearer > _TOLD_APART for nearer, farther in pairwise(apart))


def measured(
    metric: Metric, query: npt.NDArray[np.float32], documents: Sequence[Document], *, keep_vectors: bool
) -> list[Found]:
    """Return documents that have their vectors with the distances from a query, computed in float64.

    Elasticsearch's own are float32, and made of scores in which small distances are all one; where terms of a dot
    product cancel each other, little of its score is true.

    Args:
        metric: What to measure by.
        query: float32 of shape (dimension,).
        documents: Those that were found.
        keep_vectors: Whether they keep their vectors.
    """
    vectors = [np.asarray(document.vector, np.float32) for document in documents]
    apart = distances(metric, query, vectors)
    if not keep_vectors:
        documents = [_without_vector(document) for document in documents]
    return list(zip(documents, apart, strict=True))


def number_key(key: str) -> str:
    """Return the key in `onevec.numbers` for one of `numbers_of`; for a long one its hash."""
    if len(key) <= _LONGEST_KEY:
        return key
    return "#" + blake2b(key.encode(), digest_size=16).hexdigest()


def ordered(number: float) -> str:
    """Return 16 hexadecimal digits: of two floats the larger has the text that sorts later."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))  # -0.0 is 0.0
    return f"{bits ^ (_SIGN * 2 - 1) if bits & _SIGN else bits | _SIGN:016x}"


def _source(row: Row, namespace: str, vector: npt.NDArray[np.float32]) -> Json:
    numbers = numbers_of(row.metadata)
    whole = {"id": row.id, "text": row.text, "metadata": row.metadata, "created": row.created, "updated": row.updated}
    own: Json = {
        "document": encode(whole),
        "facets": facets_of(row.metadata),
        "numbers": {number_key(key): ordered(number) for key, number in numbers.items()},
        "created": row.created,
        "updated": row.updated,
        "vector": base64.b64encode(row.vector.astype("<f4").tobytes()).decode(),
    }
    source: Json = {"id": row.id, "namespace": namespace, "vector": vector, "onevec": own}
    natural = {name: value for name, value in flattened(row.metadata).items() if len(name) <= _LONGEST_KEY}
    if natural:
        source["metadata"] = natural
    if row.text is not None:
        source["text"] = row.text
    return source


def _without_vector(document: Document) -> Document:
    return Document(
        document.id,
        text=document.text,
        metadata=document.metadata,
        created_at=document.created_at,
        updated_at=document.updated_at,
    )
