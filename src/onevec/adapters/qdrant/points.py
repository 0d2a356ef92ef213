"""Documents as Qdrant's points, and filters as its conditions.

A point's payload, of which `metadata`, `text`, `id` and `namespace` are for everybody to read:

    id, namespace, text   the document's; its point has a UUID made of the first two
    metadata              the metadata as JSON, datetimes as ISO 8601 text
    facets                what filters ask for, without `?year` where there is `?year:n`, and without `*`
    numbers               what ranges compare, where there is any
    onevec                what documents are made of beside `text`, as a JSON text: the id, the namespace, the times in
                          microseconds since 1970, and the metadata as `onevec.codec` writes it, which comes back equal
    vector                the vector's bytes, under cosine and where it isn't of length 1

Qdrant reads, copies and sends each value of a payload on its own: one text takes it less than the values in it.

Under cosine, the stored vectors have length 1 and the collection measures their dot product: that is how Qdrant's own
cosine works, but it would change vectors that have length 1 already, by a rounding error.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import orjson

from onevec.adapter import Place
from onevec.adapters.qdrant.calls import Json, Point, Record, Wanted, number_path
from onevec.codec import DATETIME, encode, iso, untagged
from onevec.compile import FacetCompiler, compiles
from onevec.documents import Document, Metadata
from onevec.facets import EVERY, dated, facts_of, listed, numeric, present
from onevec.filters import Condition, Filter, Op
from onevec.metrics import Metric
from onevec.remote import Row, point_id, units
from onevec.values import moment_at

if TYPE_CHECKING:
    import numpy.typing as npt

WITHOUT_VECTOR = Wanted(("text", "onevec"))
WITH_VECTOR = Wanted(("text", "onevec", "vector"), vector=True)
CREATED = Wanted(("onevec",))
# A float32's shortest decimal, read as a double and rounded, is that float32 again: all were tried, and of the positive
# ones only this isn't.
_MISREAD = np.uint32(0x15AE43FD).view(np.float32)  # 7.038531e-26
_KINDS = (":n", ":l", ":d")  # of a number, a list, a datetime
_NOBODY: Json = {"has_id": []}
_RANGES = {Op.LT: "lt", Op.LE: "lte", Op.GT: "gt", Op.GE: "gte"}


def points_of(place: Place, rows: Sequence[Row]) -> list[Point]:
    """Return the points of rows."""
    vectors = np.stack([row.vector for row in rows])
    changed = [False] * len(rows)
    if place.collection.metric is Metric.COSINE:
        vectors, others = units(vectors)
        changed = others.tolist()
    if (np.abs(vectors) == _MISREAD).any():
        vectors = vectors.astype(np.float64)
    return [
        Point(point_id(row.id, place.namespace), vector, _payload(row, place.namespace, keeps_vector=kept))
        for row, vector, kept in zip(rows, vectors, changed, strict=True)
    ]


def kept_in(records: Sequence[Record]) -> list[Json]:
    """Return what the points have in `onevec`."""
    text = ",".join([record.payload["onevec"] for record in records])
    kept: list[Json] = orjson.loads(f"[{text}]")
    if DATETIME in text:
        for one in kept:
            one["metadata"] = untagged(one["metadata"])
    return kept


def documents(records: Sequence[Record], kept: Sequence[Json] | None = None) -> list[Document]:
    """Return the documents of points that were read `WITHOUT_VECTOR` or `WITH_VECTOR`.

    Args:
        records: The points.
        kept: What is `kept_in` them, if it was looked at already.
    """
    return [
        Document(
            own["id"],
            text=record.payload.get("text"),
            vector=_vector(record),
            metadata=own["metadata"],
            created_at=moment_at(own["created"]),
            updated_at=moment_at(own["updated"]),
        )
        for record, own in zip(records, kept_in(records) if kept is None else kept, strict=True)
    ]


def distance(score: float, metric: Metric) -> float:
    """Return the distance for what Qdrant's search gives."""
    match metric:
        case Metric.COSINE:
            return 1.0 - min(max(score, -1.0), 1.0)
        case Metric.DOT:
            return 0.0 - score
        case _:
            return score


def matching(
    place: Place,
    filter: Filter | None = None,
    ids: Iterable[str] | None = None,
    native: Json | None = None,
    *,
    everywhere: bool = False,
) -> Json:
    """Return the condition for the documents of a place that match, are of these ids, and match another filter.

    With `everywhere`, those of other namespaces fulfil it, too; it is empty then, if there is nothing else to it.
    """
    must: list[Json] = [] if everywhere else [{"key": "namespace", "match": {"value": place.namespace}}]
    if filter is not None:
        must.append(QdrantCompiler().compile(filter))
    if ids is not None:
        must.append({"has_id": [point_id(id, place.namespace) for id in ids]})
    if native is not None:
        must.append(native)
    return {"must": must} if must else {}


class QdrantCompiler(FacetCompiler[Json]):
    """Conditions on the payload, in the form of Qdrant's REST API."""

    def has(self, some: Sequence[str]) -> Json:
        if EVERY in some:  # which isn't stored, as only a filter that says nothing asks for it
            return {"must_not": [_NOBODY]}
        match = {"value": some[0]} if len(some) == 1 else {"any": list(some)}
        return {"key": "facets", "match": match}

    def lacks(self, all: Sequence[str]) -> Json:
        return _NOBODY if EVERY in all else self.negate(self.has(all))

    def _condition(self, condition: Condition, *, truth: bool) -> Json:
        name, op = condition.field, condition.op
        if op not in (Op.EXISTS, Op.MISSING):
            return super()._condition(condition, truth=truth)
        return self._any([present(name), numeric(name), listed(name), dated(name)], truth=truth is (op is Op.EXISTS))

    def compare_number(self, key: str, op: Op, bound: float) -> Json:
        return {"key": number_path(key), "range": {_RANGES[op]: bound}}

    @compiles(Op.STARTS_WITH, Op.HAS_TEXT)
    def part_of_text(self, condition: Condition) -> Json:
        path = ".".join(f'"{name}"' for name in ("metadata", *condition.path))
        kind = "prefix" if condition.op is Op.STARTS_WITH else "substring"
        # A datetime is a text in `metadata`, and of a list one element would do.
        others = self.lacks([listed(condition.field), dated(condition.field)])
        return self.all_of([others, {"key": path, "match": {kind: condition.value}}])

    def all_of(self, parts: Sequence[Json]) -> Json:
        return {"must": list(parts)}

    def any_of(self, parts: Sequence[Json]) -> Json:
        return {"should": list(parts)}

    def negate(self, part: Json) -> Json:
        return {"must_not": [part]}


def _payload(row: Row, namespace: str, *, keeps_vector: bool) -> Json:
    text, facts = encode(row.metadata), facts_of(row.metadata)
    kept = {
        "id": row.id,
        "namespace": namespace,
        "created": row.created,
        "updated": row.updated,
        "metadata": orjson.Fragment(text),
    }
    payload: Json = {"id": row.id, "namespace": namespace, "onevec": orjson.dumps(kept).decode()}
    implied = {EVERY, *[facet[:-2] for facet in facts.facets if facet[0] == "?" and facet.endswith(_KINDS)]}
    payload["facets"] = [facet for facet in facts.facets if facet not in implied]
    if facts.numbers:
        payload["numbers"] = facts.numbers
    if keeps_vector:
        payload["vector"] = base64.b64encode(row.vector.astype("<f4").tobytes()).decode()
    if row.metadata:
        payload["metadata"] = _readable(row.metadata) if DATETIME in text else row.metadata
    if row.text is not None:
        payload["text"] = row.text
    return payload


def _vector(record: Record) -> npt.NDArray[np.float32] | None:
    kept = record.payload.get("vector")
    if kept is not None:
        return np.frombuffer(base64.b64decode(kept), "<f4").astype(np.float32)
    return None if record.vector is None else np.array(record.vector, np.float32)


def _readable(metadata: Metadata) -> Json:
    readable: Json = orjson.loads(orjson.dumps(metadata, default=iso, option=orjson.OPT_PASSTHROUGH_DATETIME))
    return readable
