"""Documents as Milvus's entities, which are for everybody to read.

key                 a UUID made of the namespace and the id, the primary key
namespace, id, text the document's
metadata            JSON, with datetimes as `onevec.codec` writes them; it comes back equal
vector              the vector, if need be with a zero behind it: Milvus's have two numbers or more
facets              what filters ask for
numbers             what ranges compare
created, updated    microseconds since 1970
whole               pieces of the text, the metadata or the vector, where one is not itself above: see `_whole`
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from onevec.codec import encode
from onevec.documents import CollectionInfo, Document
from onevec.errors import InvalidDocument
from onevec.facets import facets_of, numbers_of
from onevec.metrics import Metric
from onevec.remote import Row, document_of, point_id, units

if TYPE_CHECKING:
    import numpy.typing as npt

    Vector = npt.NDArray[np.float32]

PARTS = ("id", "text", "metadata", "created", "updated", "whole")
MOST_FACETS = 4096  # elements of an array
LONGEST = 65_535  # bytes of a text, and of JSON
_PIECE = 16_000  # characters, of up to four bytes each
# Milvus squares the numbers of a vector as float32; lengths within these have room for that.
_SHORT, _LONG = 1e-12, 1e12


def schema_of(info: CollectionInfo) -> Any:  # Any: pymilvus's CollectionSchema
    """Return what the collection looks like in Milvus."""
    from pymilvus import DataType, MilvusClient

    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", DataType.VARCHAR, max_length=36, is_primary=True)
    schema.add_field("namespace", DataType.VARCHAR, max_length=512)
    schema.add_field("id", DataType.VARCHAR, max_length=512)
    schema.add_field("text", DataType.VARCHAR, max_length=LONGEST, nullable=True)
    schema.add_field("metadata", DataType.JSON)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=max(2, info.dimension))
    texts = {"element_type": DataType.VARCHAR, "max_capacity": MOST_FACETS}
    schema.add_field("facets", DataType.ARRAY, max_length=512, **texts)
    schema.add_field("numbers", DataType.JSON)
    schema.add_field("created", DataType.INT64)
    schema.add_field("updated", DataType.INT64)
    schema.add_field("whole", DataType.ARRAY, max_length=LONGEST, **texts)
    return schema


def entity_of(info: CollectionInfo, namespace: str, row: Row) -> dict[str, Any]:  # Any: what pymilvus takes
    """Return the entity of a row.

    Raises:
        InvalidDocument: Milvus can't hold it.
    """
    facets, numbers, metadata = facets_of(row.metadata), numbers_of(row.metadata), encode(row.metadata)
    if len(facets) > MOST_FACETS or len(orjson.dumps(numbers)) > LONGEST:
        raise InvalidDocument(
            f"document {row.id!r} has {len(facets)} facets, and Milvus holds {MOST_FACETS} of a document: "
            "leave out fields or list elements that no filter needs, or put them into one text"
        )
    measured = measurable(info.metric, row.vector)
    whole: dict[str, str] = {}
    if row.text is not None and len(row.text.encode()) > LONGEST:
        whole["text"] = row.text
    if len(metadata.encode()) > LONGEST:
        whole["metadata"] = metadata
    if measured is not row.vector:
        whole["vector"] = base64.b64encode(row.vector.astype("<f4").tobytes()).decode()
    return {
        "key": point_id(row.id, namespace),
        "namespace": namespace,
        "id": row.id,
        "text": None if "text" in whole else row.text,
        "metadata": {} if "metadata" in whole else orjson.loads(metadata),
        "vector": padded(measured),
        "facets": facets,
        "numbers": numbers,
        "created": row.created,
        "updated": row.updated,
        "whole": _pieces(whole),
    }


def document(entity: Mapping[str, Any], info: CollectionInfo, *, include_vector: bool) -> Document:
    """Return the document of an entity that was read with its `PARTS`, and `vector` where that is included."""
    whole: dict[str, str] = orjson.loads("".join(entity["whole"]) or "{}")
    vector: Vector | None = None
    if include_vector and "vector" in whole:
        vector = np.frombuffer(base64.b64decode(whole["vector"]), "<f4").astype(np.float32)
    elif include_vector:
        vector = np.array(entity["vector"], np.float32)[: info.dimension]
    metadata = entity["metadata"]
    return document_of(
        entity["id"],
        text=whole.get("text", entity["text"]),
        metadata=whole.get("metadata") or orjson.dumps(metadata).decode(),
        created=entity["created"],
        updated=entity["updated"],
        vector=vector,
    )


def measurable(metric: Metric, vector: Vector) -> Vector:
    """Return the vector itself, or under cosine another one of its direction where Milvus couldn't measure it."""
    if metric is not Metric.COSINE or _SHORT < float(np.linalg.norm(vector.astype(np.float64))) < _LONG:
        return vector
    made: Vector = units(vector[None])[0][0]
    return made


def padded(vector: Vector) -> Vector:
    """Return the vector with two numbers or more; a zero changes no distance."""
    return vector if len(vector) > 1 else np.append(vector, np.float32(0.0))


def _pieces(whole: Mapping[str, str]) -> list[str]:
    """What doesn't fit elsewhere, as a JSON text in pieces."""
    text = orjson.dumps(whole).decode() if whole else ""
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
