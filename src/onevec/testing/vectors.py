"""Vectors: finite float32 numbers, as many as the collection's dimension, given back exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onevec.aio import AsyncCollection, AsyncStore
from onevec.errors import DimensionMismatch, InvalidDocument, InvalidInput
from onevec.metrics import Metric
from onevec.testing.samples import case, contents, doc
from onevec.testing.site import contract


@pytest.mark.parametrize(
    "given",
    [
        [1, -2, 3, 0],
        (0.1, -0.25, 1e-30, 3e38),
        np.array([0.1, 0.2, 0.3, 0.4], np.float64),
        np.array([0.1, 0.2, 0.3, 0.4], np.float32),
        np.array([0.1, 0.2, 0.3, 0.4], np.float16),
        np.array([1, 2, 3, 4], np.int64),
        np.arange(8, dtype=np.float32)[::2],
        np.array([1, 2, 3, 4], ">f4"),
    ],
    ids=["list", "tuple", "float64", "float32", "float16", "int64", "strided", "big_endian"],
)
@contract
async def test_vectors_come_back_as_float32(papers: AsyncCollection, given: Any) -> None:
    """A vector of any numbers comes back as the float32 numbers it was given as, not normalised."""
    await papers.upsert(doc("a", vector=given))
    document = await papers.get("a")
    assert document is not None
    assert isinstance(document.vector, np.ndarray)
    assert document.vector.dtype == np.float32
    np.testing.assert_array_equal(document.vector, np.asarray(given, np.float32))


BAD_VECTORS: dict[str, Any] = {
    "nan": [1, 2, 3, float("nan")],
    "infinity": [1, 2, 3, float("inf")],
    "float32_nan": np.array([1, 2, 3, np.nan], np.float32),
    "beyond_float32": [1, 2, 3, 1e39],
    "zero": [0, 0, 0, 0],
    "zero_in_float32": [1e-60, 0, 0, 0],
    "text": ["1", "2", "3", "4"],
    "nulls": [1, 2, 3, None],
    "complex": [1j, 2, 3, 4],
    "number": 5,
    "object": {"a": 1},
}
BAD_SHAPES: dict[str, Any] = {
    "empty": [],
    "short": [1, 2, 3],
    "long": [1, 2, 3, 4, 5],
    "two_dimensional": [[1, 2, 3, 4]],
    "column": np.ones((4, 1), np.float32),
}


@contract
async def test_what_is_no_vector_is_refused(papers: AsyncCollection) -> None:
    """A vector with NaN, infinity, other things than numbers, or without a direction, is refused everywhere."""
    for name, vector in BAD_VECTORS.items():
        with case(name):
            await _refuses(papers, vector, InvalidDocument)


@contract
async def test_another_dimension_is_refused(papers: AsyncCollection) -> None:
    """A vector of another length or shape than the collection's is refused everywhere."""
    for name, vector in BAD_SHAPES.items():
        with case(name):
            await _refuses(papers, vector, DimensionMismatch)


async def _refuses(papers: AsyncCollection, vector: Any, error: type[InvalidDocument]) -> None:
    await papers.upsert(doc("there", vector=[1, 2, 3, 4]))
    with pytest.raises(error):
        await papers.upsert([doc("good"), doc("bad", vector=vector)])
    with pytest.raises(InvalidInput):
        await papers.upsert(ids=["good", "bad"], vectors=[[1, 2, 3, 4], vector])
    with pytest.raises(error):
        await papers.update("there", vector=vector)
    with pytest.raises(InvalidInput):
        await papers.search(vector)
    found = await contents(papers)
    assert found.keys() == {"there"}
    np.testing.assert_array_equal(np.asarray(found["there"].vector), [1, 2, 3, 4])


@pytest.mark.parametrize("metric", [metric for metric in Metric if metric is not Metric.COSINE])
@contract
async def test_a_zero_vector_has_a_place_where_it_needs_no_direction(store: AsyncStore, metric: Metric) -> None:
    """Under every metric but cosine the zero vector is a vector like any other."""
    if metric not in store.capabilities.metrics:
        pytest.skip(f"{store.engine} doesn't have the metric {metric}")
    points = await store.create_collection("points", dimension=2, metric=metric)
    await points.upsert([doc("zero", vector=[0, 0]), doc("one", vector=[1, 1])])
    hits = await points.search([0, 0])
    assert {hit.id: hit.distance for hit in hits}["zero"] == 0


@contract
async def test_one_dimension_is_enough(store: AsyncStore) -> None:
    """A collection can have vectors of a single number."""
    points = await store.create_collection("points", dimension=1)
    await points.upsert([doc("up", vector=[2]), doc("down", vector=[-3])])
    hits = await points.search([1])
    assert [(hit.id, round(hit.score, 4)) for hit in hits] == [("up", 1), ("down", -1)]
