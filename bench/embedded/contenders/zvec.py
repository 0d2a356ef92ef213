"""zvec."""

from __future__ import annotations

from pathlib import Path

import zvec
from bench.embedded.contender import TOP_K, Batch, Condition, Facts, Hit, Vectors


class Zvec:
    """A collection with a column for each field, and inverted indexes on the two that the filters ask for."""

    facts = Facts(
        library="zvec",
        imports="import zvec",
        batch=1_000,  # it refuses more
        acknowledged="in its write-ahead log",
        searchable="`optimize()`: segments merged, the graph built; then `flush()`",
        settings="HNSW, m=16, ef_construction=100, INT8 refined by the originals, contiguous memory; inverted indexes",
        effort="ef",
        efforts=(16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512),
    )

    def __init__(self) -> None:
        self.set_effort(self.facts.efforts[0])

    def create(self, folder: Path, dimension: int) -> None:
        kinds = zvec.DataType
        indexed = zvec.InvertIndexParam(enable_range_optimization=True)
        schema = zvec.CollectionSchema(
            name="documents",
            fields=[
                zvec.FieldSchema("text", kinds.STRING),
                zvec.FieldSchema("year", kinds.INT64),
                zvec.FieldSchema("lang", kinds.STRING),
                zvec.FieldSchema("tags", kinds.ARRAY_STRING),
                zvec.FieldSchema("reviewed", kinds.BOOL),
                zvec.FieldSchema("bucket", kinds.INT64, index_param=indexed),
                zvec.FieldSchema("region", kinds.INT64, index_param=indexed),
            ],
            vectors=zvec.VectorSchema(
                "vector",
                kinds.VECTOR_FP32,
                dimension,
                zvec.HnswIndexParam(
                    metric_type=zvec.MetricType.COSINE,
                    m=16,
                    ef_construction=100,
                    quantize_type=zvec.QuantizeType.INT8,
                    use_contiguous_memory=True,
                ),
            ),
        )
        self._documents = zvec.create_and_open(str(folder / "store"), schema)

    def reopen(self, folder: Path) -> None:
        self._documents = zvec.open(str(folder / "store"))

    def ingest(self, batch: Batch) -> None:
        columns = zip(batch.ids, batch.vectors, batch.texts, batch.metadata, strict=True)
        documents = [
            zvec.Doc(id=id, vectors={"vector": vector}, fields={"text": text, **metadata})
            for id, vector, text, metadata in columns
        ]
        for status in self._documents.upsert(documents):
            if not status.ok():
                raise RuntimeError(f"zvec refused a document: {status.message()}")

    def make_searchable(self) -> None:
        self._documents.optimize()
        self._documents.flush()

    def filter(self, condition: Condition) -> str:
        return f"{condition.field} {'=' if condition.op == '==' else '<'} {condition.value}"

    def set_effort(self, effort: int) -> None:
        self._parameters = zvec.HnswQueryParam(ef=effort, is_using_refiner=True)

    def search(self, query: Vectors, filter: str | None) -> list[Hit]:
        documents = self._documents.query(
            zvec.Query("vector", vector=query, param=self._parameters), topk=TOP_K, filter=filter
        )
        return [Hit(document.id, document.fields.pop("text"), document.fields) for document in documents]

    def close(self) -> None:
        self._documents.close()
