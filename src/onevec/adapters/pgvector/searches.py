"""A search as SQL, and its hits.

There are three statements for it. The exact one measures every vector that matches. The approximate one goes by the
index. Both measure in float32, as pgvector does; where that can't (see `documents.is_wide`), the third measures in
float64, in SQL: slowly, and rightly.
"""

# ruff: noqa: S608 (the texts are made of constants, checked names and numbers; values are bound)

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from onevec.adapter import Found, Request
from onevec.adapters.pgvector import values
from onevec.adapters.pgvector.documents import COLUMNS, document_of, is_wide, of_namespace, where
from onevec.adapters.pgvector.indexes import FUNCTIONS, OPERATORS, column
from onevec.metrics import Metric

if TYPE_CHECKING:
    from onevec.adapters.pgvector.collections import Table
    from onevec.adapters.pgvector.connections import Row
    from onevec.adapters.pgvector.link import Link
    from onevec.adapters.pgvector.values import VectorTypes

MOST = 2**62  # of a LIMIT, also when it is doubled

# Over the numbers `a` of a stored vector and `b` of the query.
_IN_FLOAT64 = {
    Metric.COSINE: "greatest(0, 1 - sum(a::float8 * b) / (sqrt(sum(a::float8 * a)) * sqrt(sum(b * b))))",
    Metric.DOT: "-sum(a::float8 * b)",
    Metric.EUCLIDEAN: "sqrt(sum((a - b) * (a - b)))",
    Metric.MANHATTAN: "sum(abs(a - b))",
}


class Way(Enum):
    """How a search measures."""

    EXACT = "exact"
    APPROXIMATE = "approximate"
    FLOAT64 = "float64"


class Statement(NamedTuple):
    """SQL and the values of its `%s`; its columns are `COLUMNS`, the vector or NULL, the distance, is a vector wide."""

    text: str
    values: list[object]


async def search(link: Link, types: VectorTypes, table: Table, namespace: str, request: Request) -> list[Found]:
    """Return the nearest documents; those that are as near as the last of them may come with them."""

    def said(way: Way) -> Statement:
        return statement(types, table, namespace, request, way)

    rows: list[Row] = []
    index = table.vectors
    query = np.asarray(request.vector, np.float64)
    wide = is_wide(math.sqrt(query.dot(query)))
    if not wide and index is not None and not request.exact:
        rows = await _by_index(link, said(Way.APPROXIMATE), index.settings(request.ef_search, request.nprobe))
    if not wide and len(rows) < request.top_k:  # an index can run out before the documents that match do
        rows = await link.fetch(*said(Way.EXACT))
    if wide or (rows and rows[0][-1]):
        rows = await link.fetch(*said(Way.FLOAT64))
        return _found(rows, include_vectors=request.include_vectors)
    if table.info.metric is Metric.DOT:
        rows = _measured(rows, query)
    return _found(rows, include_vectors=request.include_vectors)


def shown(types: VectorTypes, table: Table, namespace: str, request: Request) -> Mapping[str, Any]:  # Any: JSON
    """Return the statement that a search begins with, and what is set for it, as JSON."""
    index = table.vectors
    way = Way.EXACT if index is None or request.exact else Way.APPROXIMATE
    text, bound = statement(types, table._replace(name="documents"), namespace, request, way)
    settings = index.settings(request.ef_search, request.nprobe) if index and way is Way.APPROXIMATE else ()
    return {"plan": way.value, "settings": list(settings), "sql": text, "values": list(map(_shown, bound))}


def statement(types: VectorTypes, table: Table, namespace: str, request: Request, way: Way) -> Statement:
    """Return a search in SQL."""
    info, index = table.info, table.vectors
    vector = np.asarray(request.vector, np.float32)
    ids = None if request.ids is None else sorted(request.ids)
    matching, bound = where(namespace, request.filter, ids, request.native, own_plan=way is Way.APPROXIMATE)
    operator, query, limit = OPERATORS[info.metric], types.vector(vector), min(request.top_k, MOST)
    there, wide_values = of_namespace(namespace)
    has_wide = f"EXISTS (SELECT FROM {table.name} WHERE {there} AND wide)"
    order, order_values = f"distance, id LIMIT {limit:d}", list[object]()
    match way:
        case Way.EXACT:
            distance = f"{FUNCTIONS[info.metric]}(vector, %s)"  # an index is ordered by the operator only
        case Way.FLOAT64:
            distance = f"(SELECT {_IN_FLOAT64[info.metric]} FROM unnest(vector::real[], %s) AS pair (a, b))"
            query, has_wide, wide_values = values.doubles(vector.astype(np.float64)), "false", []
        case Way.APPROXIMATE:
            distance = f"vector {operator} %s"
            matching += " AND NOT wide"
            order = f"distance FETCH FIRST {limit:d} ROWS WITH TIES"
            if index is not None and index.half:
                # By float16 some change places: twice as many are measured again.
                order = f"{column(info, index)} {operator} %s::halfvec({info.dimension:d}) LIMIT {2 * limit:d}"
                order_values = [query]
    vectors = request.include_vectors or (info.metric is Metric.DOT and way is not Way.FLOAT64)
    # What is sorted is copied first, for every row that matches: the rest of a row is read where it is a hit.
    nearest = f"SELECT ctid AS place, {distance} AS distance FROM {table.name} WHERE {matching} ORDER BY {order}"
    return Statement(
        f"SELECT {COLUMNS}, {'vector' if vectors else 'NULL'}, distance, {has_wide} "
        f"FROM ({nearest}) AS nearest JOIN {table.name} AS hit ON hit.ctid = place",
        [*wide_values, query, *bound, *order_values],
    )


def _shown(value: object) -> object:
    return f"<{len(value.data)} bytes>" if isinstance(value, values.Value) else value


async def _by_index(link: Link, statement: Statement, settings: tuple[str, ...]) -> list[Row]:
    if not settings:
        return await link.fetch(*statement)
    async with link.transaction(*settings) as transaction:
        return await transaction.fetch(*statement)


def _measured(rows: list[Row], query: values.Doubles) -> list[Row]:
    """Dot products of long vectors anew: where terms cancel each other, little of a float32 sum is true."""
    if not rows:
        return rows
    vectors = np.stack([values.read_vector(row[5]) for row in rows]).astype(np.float64)
    distances = (-np.vecdot(vectors, query)).tolist()
    return [(*row[:6], distance) for row, distance in zip(rows, distances, strict=True)]


def _found(rows: list[Row], *, include_vectors: bool) -> list[Found]:
    return [(document_of(row[:6] if include_vectors else row[:5]), row[6]) for row in rows]
