"""Qdrant's engine in the process: qdrant-edge."""

from __future__ import annotations

from pathlib import Path

import qdrant_edge as edge
from bench.embedded.contender import TOP_K, Batch, Condition, Facts, Hit, Vectors


class Qdrant:
    """A shard with payload indexes on the fields, made before the graph so that it links by them."""

    facts = Facts(
        library="qdrant-edge-py",
        imports="import qdrant_edge",
        batch=1_000,
        acknowledged="in its write-ahead log",
        searchable="`optimize()` until it has nothing to do: segments merged, graphs built; then `flush()`",
        settings="HNSW, m=16, ef_construct=100, full_scan_threshold=10,000 KB; integer payload indexes",
        effort="hnsw_ef",
        efforts=(16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512),
    )

    def __init__(self) -> None:
        self.set_effort(self.facts.efforts[0])

    def create(self, folder: Path, dimension: int) -> None:
        path = folder / "store"
        path.mkdir()
        config = edge.EdgeConfig(
            vectors=edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine),
            hnsw_config=edge.HnswIndexConfig(m=16, ef_construct=100, full_scan_threshold=10_000),
        )
        self._shard = edge.EdgeShard.create(str(path), config)
        for field in ("bucket", "region"):
            self._shard.update(edge.UpdateOperation.create_field_index(field, edge.PayloadSchemaType.Integer))

    def reopen(self, folder: Path) -> None:
        self._shard = edge.EdgeShard.load(str(folder / "store"))

    def ingest(self, batch: Batch) -> None:
        columns = zip(batch.rows, batch.vectors.tolist(), batch.texts, batch.metadata, strict=True)
        points = [edge.Point(row, vector, {"text": text, **metadata}) for row, vector, text, metadata in columns]
        self._shard.update(edge.UpdateOperation.upsert_points(points))

    def make_searchable(self) -> None:
        while self._shard.optimize():
            pass
        self._shard.flush()

    def filter(self, condition: Condition) -> edge.Filter:
        if condition.op == "==":
            wanted = edge.FieldCondition(condition.field, match=edge.MatchValue(condition.value))
        else:
            wanted = edge.FieldCondition(condition.field, range=edge.RangeFloat(lt=condition.value))
        return edge.Filter(must=[wanted])

    def set_effort(self, effort: int) -> None:
        self._parameters = edge.SearchParams(hnsw_ef=effort)

    def search(self, query: Vectors, filter: edge.Filter | None) -> list[Hit]:
        points = self._shard.search(
            edge.SearchRequest(
                edge.Query.Nearest(query.tolist()),
                TOP_K,
                filter=filter,
                params=self._parameters,
                with_payload=True,
            )
        )
        hits = []
        for point in points:
            payload = point.payload or {}
            hits.append(Hit(str(point.id), payload.pop("text"), payload))
        return hits

    def close(self) -> None:
        self._shard.close()
