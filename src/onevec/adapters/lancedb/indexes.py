"""Indexes of a table: those for vectors that `create_index` describes, and those that filters go by."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from onevec.adapters.lancedb.link import Link
from onevec.documents import CollectionInfo, IndexSettings
from onevec.errors import EngineBusy, InvalidQuery, Unsupported
from onevec.metrics import Metric

if TYPE_CHECKING:
    from lancedb.table import AsyncTable

# How LanceDB measures. Under cosine the vectors that it gets have length 1.
DISTANCES = {Metric.COSINE: "dot", Metric.DOT: "dot", Metric.EUCLIDEAN: "l2"}
_NAME = "vector_idx"
# After so many commits the small files they left are merged: reads open each of them.
_COMMITS = 32


def config_of(info: CollectionInfo, settings: IndexSettings) -> Any:  # Any: one of LanceDB's classes
    """Return an index as LanceDB describes it; None for no index.

    Raises:
        Unsupported: LanceDB has no such index.
        InvalidQuery: The settings don't fit the collection's dimension.
    """
    from lancedb import index

    said: dict[str, Any] = {"distance_type": DISTANCES[info.metric]}
    kinds: dict[str, dict[str, Any]] = {
        "hnsw": {"none": index.HnswFlat, "int8": index.HnswSq},
        "ivf_flat": {"none": index.IvfFlat, "int8": index.IvfSq},
        "ivf_pq": {"none": index.IvfPq},
    }
    if settings.kind == "flat":
        return None
    kind = kinds[settings.kind].get(settings.quantization or "none")
    if kind is None:
        has = " or ".join(kinds[settings.kind])
        raise Unsupported(f"lancedb has {settings.kind} with quantization {has}, not {settings.quantization}")
    if settings.kind == "hnsw":
        said |= {"m": settings.m, "ef_construction": settings.ef_construction}
    else:
        said["num_partitions"] = settings.lists
    if settings.kind == "ivf_pq":
        if settings.bits not in (None, 4, 8):
            raise Unsupported(f"lancedb has ivf_pq with 4 or 8 bits, not {settings.bits}")
        if settings.subvectors is not None and info.dimension % settings.subvectors:
            raise InvalidQuery(f"subvectors must divide the dimension, {info.dimension}; {settings.subvectors} doesn't")
        said |= {"num_sub_vectors": settings.subvectors, "num_bits": settings.bits}
    return kind(**{name: value for name, value in said.items() if value is not None})


async def create_index(link: Link, table: AsyncTable, info: CollectionInfo, settings: IndexSettings) -> None:
    """Give the vectors this index, in place of the one they have."""
    config = config_of(info, settings)
    if config is not None:
        await link.write(table.create_index, "vector", config=config, replace=True, name=_NAME)
    elif _NAME in await _names(link, table):
        await link.write(table.drop_index, _NAME)


async def optimize(link: Link, table: AsyncTable) -> None:
    """Merge small files, bring every index up to date, and make those that filters and ids go by."""
    from lancedb.index import Bitmap, BTree, LabelList

    known = await _names(link, table)
    for column, config in (("id", BTree()), ("namespace", Bitmap()), ("facets", LabelList())):
        if f"{column}_idx" not in known:
            await link.write(table.create_index, column, config=config, name=f"{column}_idx")
    await link.write(table.optimize)


async def tidy(link: Link, table: AsyncTable, version: int) -> None:
    """Merge small files after every so many commits, of which a table's version is the number."""
    if version % _COMMITS == 0:
        with suppress(EngineBusy):  # others write, or do the same
            await link.write(table.optimize)


async def _names(link: Link, table: AsyncTable) -> set[str]:
    return {index.name for index in await link.call(table.list_indices)}
