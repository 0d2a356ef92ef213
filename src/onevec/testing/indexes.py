"""Indexes: those that an engine declares can be made and change no answer, the others are refused."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from onevec.aio import AsyncCollection, AsyncStore
from onevec.documents import IndexKind
from onevec.errors import InvalidQuery, Unsupported
from onevec.filters import field
from onevec.metrics import Metric
from onevec.testing.site import contract

_SIZE, _DIMENSION = 400, 8

# Taken in this order: under all but the last, a vector is the nearest to itself.
_METRICS = (Metric.EUCLIDEAN, Metric.COSINE, Metric.MANHATTAN, Metric.DOT)

# Settings that fit a collection of this size and dimension, by the kind they belong to.
_SETTINGS: dict[str, dict[str, Any]] = {
    "flat": {},
    "hnsw": {"m": 8, "ef_construction": 40, "quantization": "none"},
    "ivf_flat": {"lists": 4},
    "ivf_pq": {"lists": 4, "subvectors": 4, "bits": 4},
    "factory": {"factory": "HNSW8"},
}


async def _filled(store: AsyncStore) -> tuple[AsyncCollection, Any]:
    metric = next(metric for metric in _METRICS if metric in store.capabilities.metrics)
    indexed = await store.create_collection("indexed", dimension=_DIMENSION, metric=metric)
    vectors = np.random.default_rng(5).standard_normal((_SIZE, _DIMENSION), dtype=np.float32)
    await indexed.upsert(
        ids=[f"{row:03}" for row in range(_SIZE)],
        vectors=vectors,
        metadata=[{"n": row, "half": row % 2, "rare": row % 40} for row in range(_SIZE)],
    )
    return indexed, vectors


@contract
async def test_an_index_changes_no_answer(store: AsyncStore) -> None:
    """With each kind that is declared: full pages, right scores, deleted documents gone, at any selectivity."""
    for kind in sorted(store.capabilities.index_kinds):
        indexed, vectors = await _filled(store)
        settings = {name: value for name, value in _SETTINGS[kind].items() if name in store.capabilities.index_settings}
        await indexed.create_index(kind, **settings)
        await indexed.delete(["000", "001"])
        await indexed.upsert(ids=["002"], vectors=-vectors[2:3], metadata=[{"n": 2, "half": 0, "rare": 2}])
        for query in vectors[:3]:
            for filter, matching in ((None, 398), (field("half") == 0, 199), (field("rare") == 7, 10)):
                exact = await indexed.search(query, filter=filter, exact=True)
                hits = await indexed.search(query, filter=filter)
                assert len(hits) == len(exact) == min(10, matching)
                assert not {"000", "001"} & set(hits.ids)
                scores = dict(zip(exact.ids, exact.scores, strict=True))
                assert all(hit.score == pytest.approx(scores.get(hit.id, hit.score), abs=1e-4) for hit in hits)
                assert len(set(hits.ids) & set(exact.ids)) >= 8
        await store.delete_collection("indexed")


@contract
async def test_a_kind_or_setting_that_is_not_declared_is_refused(store: AsyncStore, papers: AsyncCollection) -> None:
    """By name, with what there is instead, before anything is done."""
    can = store.capabilities
    for kind in set(get_args(IndexKind)) - can.index_kinds:
        settings: dict[str, Any] = {"factory": "Flat"} if kind == "factory" else {}
        with pytest.raises(Unsupported, match=kind):
            await papers.create_index(kind, **settings)
    values: dict[str, Any] = {"m": 8, "ef_construction": 50, "quantization": "none", "lists": 4, "subvectors": 2}
    for kind in sorted(can.index_kinds - {"factory"})[:1]:
        for name in values.keys() - can.index_settings:
            with pytest.raises(Unsupported, match=name):
                await papers.create_index(kind, **{name: values[name]})
    settings = {"ef_search": 50, "nprobe": 4}
    for name in settings.keys() - can.search_settings:
        with pytest.raises(Unsupported, match=name):
            await papers.search([1.0, 0.0, 0.0, 0.0], **{name: settings[name]})


@contract
async def test_a_search_setting_is_taken(store: AsyncStore) -> None:
    """What is declared is a number of 1 or more, and makes a search neither shorter nor wrong."""
    indexed, vectors = await _filled(store)
    settings: dict[str, Any]
    for name in sorted(store.capabilities.search_settings):
        for kind in store.capabilities.index_kinds & {"hnsw" if name == "ef_search" else "ivf_flat"}:
            await indexed.create_index(kind)
        values: tuple[Any, ...] = (1, 5, 500)
        for value in values:
            settings = {name: value}
            hits = await indexed.search(vectors[0], **settings)
            assert len(hits) == 10
            assert hits[0].id == "000" or store.capabilities.metrics == {Metric.DOT}
        values = (0, -1, 1.5, "many", True)
        for value in values:
            settings = {name: value}
            with pytest.raises(InvalidQuery, match=name):
                await indexed.search(vectors[0], **settings)


@contract
async def test_settings_out_of_range_are_refused(store: AsyncStore, papers: AsyncCollection) -> None:
    """Before anything is built."""
    if not store.capabilities.index_kinds:
        pytest.skip(f"{store.engine} makes no index")
    unknown: Any = "tree"
    with pytest.raises(InvalidQuery, match="tree"):
        await papers.create_index(unknown)
    if "hnsw" not in store.capabilities.index_kinds:
        return
    for settings in ({"m": 0}, {"m": 1}, {"m": 10**6}, {"m": "8"}, {"ef_construction": -1}, {"quantization": "int4"}):
        if settings.keys() <= store.capabilities.index_settings:
            wrong: Any = settings
            with pytest.raises(InvalidQuery, match=next(iter(settings))):
                await papers.create_index("hnsw", **wrong)
