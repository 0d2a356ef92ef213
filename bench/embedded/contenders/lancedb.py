"""LanceDB."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import cast

import lancedb
import pyarrow as pa  # type: ignore[import-untyped]  # it carries no types
from bench.embedded.contender import TOP_K, Batch, Condition, Facts, Hit, Vectors
from lancedb.index import BTree, HnswSq
from lancedb.query import LanceVectorQueryBuilder

_FIELDS = {
    "year": pa.int64(),
    "lang": pa.string(),
    "tags": pa.list_(pa.string()),
    "reviewed": pa.bool_(),
    "bucket": pa.int64(),
    "region": pa.int64(),
}
_WAIT = timedelta(hours=1)


class Lancedb:
    """A table with a column for each field."""

    facts = Facts(
        library="lancedb",
        imports="import lancedb",
        batch=10_000,
        acknowledged="in its files, not synced",
        searchable="`create_index` of the vectors and of two fields, then `optimize()`",
        settings="HNSW-SQ, one partition, m=16, ef_construction=100, refine_factor=4; B-trees",
        effort="ef",
        efforts=(40, 64, 96, 128, 192, 256, 384, 512),
    )

    def __init__(self) -> None:
        self.set_effort(self.facts.efforts[0])

    def create(self, folder: Path, dimension: int) -> None:
        schema = pa.schema(
            {"id": pa.string(), "vector": pa.list_(pa.float32(), dimension), "text": pa.string(), **_FIELDS}
        )
        self._table = lancedb.connect(str(folder / "store")).create_table("documents", schema=schema)

    def reopen(self, folder: Path) -> None:
        self._table = lancedb.connect(str(folder / "store")).open_table("documents")

    def ingest(self, batch: Batch) -> None:
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(batch.vectors.ravel()), batch.vectors.shape[1])
        fields = {name: pa.array([row[name] for row in batch.metadata], kind) for name, kind in _FIELDS.items()}
        self._table.add(pa.table({"id": batch.ids, "vector": vectors, "text": batch.texts, **fields}))

    def make_searchable(self) -> None:
        self._table.create_index(
            "vector",
            config=HnswSq(distance_type="cosine", num_partitions=1, m=16, ef_construction=100),
            wait_timeout=_WAIT,
        )
        for field in ("bucket", "region"):
            self._table.create_index(field, config=BTree(), wait_timeout=_WAIT)
        self._table.optimize()

    def filter(self, condition: Condition) -> str:
        return f"{condition.field} {'=' if condition.op == '==' else '<'} {condition.value}"

    def set_effort(self, effort: int) -> None:
        self._effort = effort

    def search(self, query: Vectors, filter: str | None) -> list[Hit]:
        search = (
            cast("LanceVectorQueryBuilder", self._table.search(query))
            .distance_type("cosine")
            .ef(self._effort)
            .refine_factor(4)
            .limit(TOP_K)
        )
        if filter:
            search = search.where(filter, prefilter=True)
        rows = search.select(["id", "text", *_FIELDS, "_distance"]).to_list()
        return [Hit(row["id"], row["text"], {name: row[name] for name in _FIELDS}) for row in rows]

    def close(self) -> None:
        del self._table
