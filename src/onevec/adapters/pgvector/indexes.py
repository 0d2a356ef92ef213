"""The index of a collection's vectors: what it is in SQL, and what a search says to use it or not to."""

from __future__ import annotations

import math
from typing import NamedTuple

from onevec.documents import CollectionInfo, IndexSettings
from onevec.errors import Unsupported
from onevec.metrics import Metric

OPERATORS = {Metric.COSINE: "<=>", Metric.DOT: "<#>", Metric.EUCLIDEAN: "<->", Metric.MANHATTAN: "<+>"}
FUNCTIONS = {
    Metric.COSINE: "cosine_distance",
    Metric.DOT: "vector_negative_inner_product",
    Metric.EUCLIDEAN: "l2_distance",
    Metric.MANHATTAN: "l1_distance",
}
_CLASSES = {Metric.COSINE: "cosine", Metric.DOT: "ip", Metric.EUCLIDEAN: "l2", Metric.MANHATTAN: "l1"}

# https://github.com/pgvector/pgvector#hnsw: what an index takes of each type.
_PROBES = 10
_ALL = 1_000_000
_MOST = {"vector": 2_000, "halfvec": 4_000}


class VectorIndex(NamedTuple):
    """An index that a collection has.

    Attributes:
        kind: `"hnsw"` or `"ivf_flat"`.
        half: Whether it holds the vectors as float16.
        lists: How many lists an inverted file has; 0 for another kind.
    """

    kind: str
    half: bool = False
    lists: int = 0

    def settings(self, ef_search: int | None, nprobe: int | None) -> tuple[str, ...]:
        """Return what must be set in a search's transaction; nothing, where the server's own settings will do."""
        if self.kind == "ivf_flat":
            # https://github.com/pgvector/pgvector#ivfflat: the root of the lists, which is too few where they are few.
            probes = nprobe or max(_PROBES, round(math.sqrt(self.lists)))
            return (f"ivfflat.probes = {min(probes, self.lists):d}",)
        return () if ef_search is None else (f"hnsw.ef_search = {ef_search:d}",)


def chosen(info: CollectionInfo, settings: IndexSettings, count: int) -> VectorIndex | None:
    """Return the index that fits the settings; None for none, when every search is exact.

    Args:
        info: The collection.
        settings: As the caller gave them.
        count: How many documents it has.

    Raises:
        Unsupported: pgvector has no such index for these vectors.
    """
    if settings.kind == "flat":
        return None
    if settings.quantization == "int8":
        raise Unsupported("pgvector has no int8 index; take quantization='float16' or 'none'")
    if settings.kind == "ivf_flat" and info.metric is Metric.MANHATTAN:
        raise Unsupported("pgvector has no ivf_flat index for the metric manhattan; take kind='hnsw' or 'flat'")
    half = settings.quantization == "float16" or (settings.quantization is None and info.dimension > _MOST["vector"])
    most = _MOST["halfvec" if half else "vector"]
    if info.dimension > most:
        raise Unsupported(
            f"a pgvector index takes up to {most} numbers a vector, collection {info.name!r} has {info.dimension}; "
            f"{'' if half else 'quantization=float16 takes up to 4000, and '}kind='flat' searches any exactly"
        )
    # https://github.com/pgvector/pgvector#ivfflat: rows / 1000 up to a million rows, their square root above.
    lists = settings.lists or max(1, count // 1000 if count <= _ALL else round(math.sqrt(count)))
    return VectorIndex(settings.kind, half, lists if settings.kind == "ivf_flat" else 0)


def column(info: CollectionInfo, index: VectorIndex | None) -> str:
    """Return what is indexed, as SQL."""
    return f"(vector::halfvec({info.dimension:d}))" if index is not None and index.half else "vector"


def creation(info: CollectionInfo, index: VectorIndex, settings: IndexSettings, *, table: str, name: str) -> str:
    """Return the statement that makes the index. A wide vector isn't in it: it could not be measured there."""
    kind = "halfvec" if index.half else "vector"
    options = {"m": settings.m, "ef_construction": settings.ef_construction}
    if index.kind == "ivf_flat":
        options = {"lists": index.lists}
    given = ", ".join(f"{option} = {value:d}" for option, value in options.items() if value is not None)
    return (
        f"CREATE INDEX {name} ON {table} USING {'ivfflat' if index.kind == 'ivf_flat' else 'hnsw'} "
        f"({column(info, index)} {kind}_{_CLASSES[info.metric]}_ops)"
        f"{f' WITH ({given})' if given else ''} WHERE NOT wide"
    )
