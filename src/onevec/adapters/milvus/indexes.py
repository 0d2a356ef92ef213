"""Indexes of vectors as Milvus describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from onevec.documents import CollectionInfo, IndexKind, IndexSettings
from onevec.errors import InvalidQuery, Unsupported
from onevec.metrics import Metric

_METRICS = {Metric.COSINE: "COSINE", Metric.DOT: "IP", Metric.EUCLIDEAN: "L2"}
_TYPES: Mapping[IndexKind, Mapping[str, str]] = {
    "flat": {"none": "FLAT"},
    "hnsw": {"none": "HNSW", "int8": "HNSW_SQ"},
    "ivf_flat": {"none": "IVF_FLAT", "int8": "IVF_SQ8"},
    "ivf_pq": {"none": "IVF_PQ"},
}
# Milvus asks for these.
_DEFAULTS: Mapping[IndexKind, Mapping[str, int]] = {
    "hnsw": {"M": 16, "efConstruction": 200},
    "ivf_flat": {"nlist": 128},
    "ivf_pq": {"nlist": 128, "m": 8, "nbits": 8},
}
_MOST = 32_768  # candidates of a search by a graph
_REFINED = 4  # times as many as hits are looked at, where the call doesn't say
_LISTS = 16  # read by a search of an inverted file, where the call doesn't say


class Index(NamedTuple):
    """An index of the field `vector`."""

    index_type: str
    metric_type: str
    params: Mapping[str, Any]  # Any: numbers and texts


def exact_index(info: CollectionInfo) -> Index:
    """Return the index that measures every vector, which a collection has at first."""
    return Index("FLAT", _METRICS[info.metric], {})


def index_of(info: CollectionInfo, settings: IndexSettings) -> Index:
    """Return the index for settings.

    Raises:
        Unsupported: Milvus has no such index.
        InvalidQuery: The settings don't fit the collection's dimension.
    """
    types = _TYPES[settings.kind]
    kind = types.get(settings.quantization or "none")
    if kind is None:
        raise Unsupported(
            f"milvus has {settings.kind} with quantization {' or '.join(types)}, not {settings.quantization}"
        )
    if settings.kind == "ivf_pq" and info.dimension % (settings.subvectors or 8):
        raise InvalidQuery(f"subvectors must divide the dimension, {info.dimension}; say subvectors=")
    said = {
        "M": settings.m,
        "efConstruction": settings.ef_construction,
        "nlist": settings.lists,
        "m": settings.subvectors,
        "nbits": settings.bits,
    }
    params: dict[str, Any] = {
        name: default if said[name] is None else said[name]
        for name, default in _DEFAULTS.get(settings.kind, {}).items()
    }
    if kind == "HNSW_SQ":
        params["sq_type"] = "SQ8"
    return Index(kind, _METRICS[info.metric], params)


def search_params(limit: int, *, exact: bool, ef: int | None, nprobe: int | None) -> dict[str, int]:
    """Return what a search says to an index, of whichever kind it is; exactly is as far as the index can go."""
    if exact:
        return {"ef": _MOST, "nprobe": 65_536}
    return {"ef": min(_MOST, max(ef or limit * _REFINED, limit)), "nprobe": nprobe or _LISTS}
