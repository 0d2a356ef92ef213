"""The rows of a collection's table: how they are chosen, and the documents that are in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from onevec.adapters.pgvector import values
from onevec.compile.dialects import POSTGRES
from onevec.compile.jsonb import coded, decode, decoded
from onevec.compile.native import condition
from onevec.compile.postgres import PostgresCompiler
from onevec.documents import Document
from onevec.errors import Corrupted, Unsupported
from onevec.filters import Filter
from onevec.values import moment_at

if TYPE_CHECKING:
    from onevec.adapters.pgvector.connections import Row

COLUMNS = "id, text, metadata::text, created, updated"

# Float32 squares and products of numbers beyond these overflow or vanish.
_LARGEST = 1e15
_SMALLEST = 1e-15

# With this condition and the value True, a prepared statement is planned for its values each time: how many rows match
# decides whether an index helps. For a plan made once for any values PostgreSQL would reckon with the counting, which
# no plan for True has; so it never prefers that one. Nothing is counted in any case.
OWN_PLAN = "(%s OR (SELECT count(*) FROM generate_series(1, 1000000000)) = 0)"

_MOST_VALUES = 65_000  # of a statement; its other values are few

# Each is looked up in the primary key after the one before it: DISTINCT would read every row.
NAMESPACES = """
WITH RECURSIVE seen AS (
    (SELECT namespace FROM {table} ORDER BY namespace LIMIT 1)
    UNION ALL
    SELECT (SELECT namespace FROM {table} WHERE namespace > seen.namespace ORDER BY namespace LIMIT 1)
    FROM seen WHERE seen.namespace IS NOT NULL
)
SELECT namespace FROM seen WHERE namespace IS NOT NULL
"""

EXTENT = """
SELECT count(*), max(updated), (
    SELECT sum(pg_total_relation_size(pg_class.oid))::bigint FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace AND pg_namespace.nspname = %s
    WHERE pg_class.relkind = 'r'
), (
    SELECT sum(pg_relation_size(pg_class.oid))::bigint FROM pg_index
    JOIN pg_class ON pg_class.oid = pg_index.indexrelid
    JOIN pg_am ON pg_am.oid = pg_class.relam AND pg_am.amname IN ('hnsw', 'ivfflat')
    WHERE pg_index.indrelid = %s::regclass
) FROM {table} WHERE namespace = %s
"""


def of_namespace(namespace: str) -> tuple[str, list[object]]:
    """Return the condition that a row is of the namespace, and its values."""
    return ("namespace = %s", [coded(namespace)]) if namespace else ("namespace = ''", [])


def where(
    namespace: str,
    filter: Filter | None = None,
    ids: Sequence[str] | None = None,
    native: object = None,
    *,
    own_plan: bool = False,
) -> tuple[str, list[object]]:
    """Return the condition that a row is of the namespace, matches, and has one of the ids; and its values.

    Args:
        namespace: The namespace.
        filter: What it matches.
        ids: The ids.
        native: What must hold besides, as a caller wrote it.
        own_plan: Whether the statement is to be planned for its values; with a filter it always is.
    """
    text, bound = of_namespace(namespace)
    conditions = [text]
    if own_plan or namespace or filter is not None or native is not None:
        conditions.append(OWN_PLAN)
        bound.append(True)
    if ids is not None:
        conditions.append("id = ANY(%s)")
        bound.append(values.texts(ids))
    if filter is not None:
        sql = PostgresCompiler().compile(filter)
        conditions.append(sql.text)
        bound += sql.values
    if native is not None:
        own = condition(native, POSTGRES)
        conditions.append(own.text)
        bound += own.values
    if len(bound) > _MOST_VALUES:
        raise Unsupported(
            f"pgvector takes a filter with up to {_MOST_VALUES} values, got {len(bound)}; is_in([...]) is one"
        )
    return " AND ".join(conditions), bound


def columns(*, include_vectors: bool) -> str:
    """Return the columns that `document_of` reads."""
    return f"{COLUMNS}, vector" if include_vectors else COLUMNS


def document_of(row: Row) -> Document:
    """Return the document of a row of `COLUMNS`, and of the vector where it is the next one."""
    id, text, metadata, created, updated, *rest = row
    try:
        return Document(
            id,
            text=None if text is None else decoded(text),
            vector=values.read_vector(rest[0]) if rest and rest[0] is not None else None,
            metadata=decode(metadata),
            created_at=moment_at(created),
            updated_at=moment_at(updated),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise Corrupted(f"document {id!r} is not as onevec writes it ({error}); write it again") from error


def is_wide(lengths: Any) -> Any:  # Any: a float64 or an array of them, then a bool or an array of them
    """Return which vectors, by their Euclidean lengths, float32 arithmetic can't measure."""
    return (lengths > _LARGEST) | ((lengths < _SMALLEST) & (lengths > 0))
