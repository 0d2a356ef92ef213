"""The messages of Weaviate's gRPC API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weaviate.proto.v1 import base_pb2, base_search_pb2, batch_pb2, search_get_pb2

from onevec.adapters.weaviate.native import message_of
from onevec.adapters.weaviate.objects import VECTOR, Object, Read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onevec.adapters.weaviate.filters import Json

_OPERATORS = {
    "And": base_pb2.Filters.OPERATOR_AND,
    "Or": base_pb2.Filters.OPERATOR_OR,
    "ContainsAny": base_pb2.Filters.OPERATOR_CONTAINS_ANY,
    "ContainsNone": base_pb2.Filters.OPERATOR_CONTAINS_NONE,
    "GreaterThan": base_pb2.Filters.OPERATOR_GREATER_THAN,
    "LessThanEqual": base_pb2.Filters.OPERATOR_LESS_THAN_EQUAL,
}


def of_filter(condition: Json | None) -> Any:  # Any: messages have no types here, as in all of this module
    """Return a condition as a message; None for none."""
    match condition:
        case None:
            return None
        case {"native": native}:
            return message_of(native)
        case {"operator": operator, "operands": operands}:
            return base_pb2.Filters(operator=_OPERATORS[operator], filters=list(map(of_filter, operands)))
        case {"operator": operator, "path": [field], "valueTextArray": values}:
            return base_pb2.Filters(
                operator=_OPERATORS[operator],
                target=base_pb2.FilterTarget(property=field),
                value_text_array=base_pb2.TextArray(values=values),
            )
        case {"operator": operator, "path": [field], "valueText": value}:
            return base_pb2.Filters(
                operator=_OPERATORS[operator], target=base_pb2.FilterTarget(property=field), value_text=value
            )
        case _:
            raise ValueError(f"no such condition: {condition}")


def of_object(made: Object, collection: str, tenant: str) -> Any:
    """Return an object to write as a message."""
    properties = batch_pb2.BatchObject.Properties()
    fields = properties.non_ref_properties.fields
    for name, text in made.texts.items():
        fields[name].string_value = text
    for name, values in made.lists.items():
        properties.text_array_properties.add(prop_name=name, values=values)
    return batch_pb2.BatchObject(
        uuid=made.uuid, collection=collection, tenant=tenant, properties=properties, vector_bytes=made.vector
    )


def of_search(
    collection: str,
    tenant: str,
    *,
    limit: int,
    wanted: Sequence[str],
    condition: Json | None,
    vector: bytes | None = None,
    after: str = "",
) -> Any:
    """Return a search as a message: by a vector, or after a UUID, or for what matches.

    Args:
        collection: The class.
        tenant: The tenant.
        limit: How many objects at most.
        wanted: Their properties to read; with `VECTOR` among them also their vectors.
        condition: What they match; None for all.
        vector: The bytes of the query's vector.
        after: The UUID before the first, to go through all objects by UUID.
    """
    near = None if vector is None else base_search_pb2.NearVector(vector_bytes=vector)
    return search_get_pb2.SearchRequest(
        collection=collection,
        tenant=tenant,
        limit=limit,
        after=after,
        properties=search_get_pb2.PropertiesRequest(non_ref_properties=wanted),
        metadata=search_get_pb2.MetadataRequest(uuid=True, vector=VECTOR in wanted, distance=vector is not None),
        filters=of_filter(condition),
        near_vector=near,
        uses_127_api=True,
    )


def read_of(result: Any) -> Read:
    """Return an object that a search found."""
    fields = result.properties.non_ref_props.fields
    texts = {name: value.text_value for name, value in fields.items() if value.WhichOneof("kind") == "text_value"}
    metadata = result.metadata
    return Read(metadata.id, texts, metadata.vector_bytes, metadata.distance)
