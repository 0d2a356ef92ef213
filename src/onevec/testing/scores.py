"""Scores: every metric against its formula in float64, to 1e-4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt
import pytest

from onevec.aio import AsyncCollection, AsyncStore
from onevec.documents import Hit, Vector
from onevec.errors import Unsupported
from onevec.metrics import Metric
from onevec.testing.samples import matrix
from onevec.testing.site import Site, contract

TOLERANCE = 1e-4


def distances(
    metric: Metric, query: Vector, vectors: Sequence[Vector] | npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Return the distances of `vectors` (count, dimension) from `query` by the textbook, in float64."""
    one, many = np.asarray(query, np.float64), np.asarray(vectors, np.float64)
    match metric:
        case Metric.COSINE:
            directions = many / np.linalg.norm(many, axis=1, keepdims=True)
            return np.asarray(1 - np.vecdot(directions, one / np.linalg.norm(one)))
        case Metric.DOT:
            return np.asarray(-np.vecdot(many, one))
        case Metric.EUCLIDEAN:
            return np.asarray(np.sqrt(((many - one) ** 2).sum(axis=1)))
        case Metric.MANHATTAN:
            return np.asarray(np.abs(many - one).sum(axis=1))
        case _:
            assert_never(metric)


def score(metric: Metric, distance: float) -> float:
    """Return the score that the contract gives a distance."""
    match metric:
        case Metric.COSINE:
            return 1 - distance
        case Metric.DOT:
            return -distance
        case Metric.EUCLIDEAN | Metric.MANHATTAN:
            return 1 / (1 + distance)
        case _:
            assert_never(metric)


def assert_nearest(hits: Sequence[Hit], metric: Metric, true: Mapping[str, float], top_k: int) -> None:
    """Assert that these are the best `top_k` of the documents with these true distances, rightly scored and ordered.

    Documents whose true distances differ by less than the tolerance may stand in either order.
    """
    assert len(hits) == min(top_k, len(true))
    assert len({hit.id for hit in hits}) == len(hits)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    keys = [(-hit.score, hit.id) for hit in hits]
    assert keys == sorted(keys)
    for hit in hits:
        assert hit.id in true
        assert hit.distance == pytest.approx(true[hit.id], rel=TOLERANCE, abs=TOLERANCE)
        assert hit.score == pytest.approx(score(metric, true[hit.id]), rel=TOLERANCE, abs=TOLERANCE)
        if metric is Metric.COSINE:
            assert -1 <= hit.score <= 1
        if metric is not Metric.DOT:
            assert hit.distance is not None
            assert hit.distance >= 0
    for hit, distance in zip(hits, sorted(true.values()), strict=False):
        assert true[hit.id] == pytest.approx(distance, rel=TOLERANCE, abs=TOLERANCE)


def _clusters() -> npt.NDArray[np.float32]:
    centres = matrix(10, 16, seed=3)
    return np.asarray(centres[np.arange(300) % 10] + matrix(300, 16, seed=4) * np.float32(0.01), np.float32)


def _unit() -> npt.NDArray[np.float32]:
    rows = matrix(300, 16, seed=5)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


VECTORS = {
    "normal": matrix(300, 16),
    "unit": _unit(),
    "clustered": _clusters(),
    "far_from_the_origin": np.asarray(matrix(300, 16) + 100, np.float32),
    "of_many_lengths": np.asarray(matrix(300, 16) * 10.0 ** np.arange(-3, 3)[np.arange(300) % 6, None], np.float32),
}


@pytest.mark.parametrize("vectors", VECTORS.values(), ids=VECTORS.keys())
@pytest.mark.parametrize("metric", list(Metric))
@contract
async def test_scores_are_those_of_the_textbook(
    site: Site, store: AsyncStore, metric: Metric, vectors: npt.NDArray[np.float32]
) -> None:
    """Hits are the nearest, with the score and distance of the metric's definition, best first."""
    points = await _points(store, metric, vectors)
    for query in site.some((-vectors[5], vectors[0], vectors[17] * 2, matrix(1, 16, seed=6)[0])):
        true = dict(zip(_ids(vectors), distances(metric, query, vectors).tolist(), strict=True))
        assert_nearest(await points.search(query, top_k=10, exact=True), metric, true, 10)
        assert_nearest(await points.search(query, top_k=1_000, exact=True), metric, true, 1_000)
        for hit in await points.search(query, top_k=20):
            assert hit.distance == pytest.approx(true[hit.id], rel=TOLERANCE, abs=TOLERANCE)


@pytest.mark.parametrize("metric", [metric for metric in Metric if metric is not Metric.DOT])
@contract
async def test_a_document_is_nearest_to_itself(store: AsyncStore, metric: Metric) -> None:
    """Under every metric but dot, the vector of a document finds it first, at distance 0."""
    vectors = matrix(50, 16)
    points = await _points(store, metric, vectors)
    for number, vector in enumerate(vectors):
        hit = (await points.search(vector, top_k=1))[0]
        assert hit.id == f"{number:04}"
        assert hit.distance == pytest.approx(0, abs=TOLERANCE)
        assert hit.score == pytest.approx(1, abs=TOLERANCE)


@contract
async def test_length_means_nothing_to_cosine(store: AsyncStore) -> None:
    """Cosine scores of vectors as short and as long as float32 holds are those of their directions."""
    vectors = np.array([[1e-30, 1e-30], [1e30, 1e30], [1e-38, 0], [3e38, -3e38], [1, 1]], np.float32)
    points = await _points(store, Metric.COSINE, vectors)
    for query in vectors:
        true = dict(zip(_ids(vectors), distances(Metric.COSINE, query, vectors).tolist(), strict=True))
        assert_nearest(await points.search(query), Metric.COSINE, true, 10)


@pytest.mark.parametrize("metric", list(Metric))
@contract
async def test_scores_of_long_vectors_are_numbers(store: AsyncStore, metric: Metric) -> None:
    """A score is right where its squares don't fit into a float32."""
    vectors = np.array([[1e25, 0], [-1e25, 2e25], [3e25, 1e24], [1, 1]], np.float32)
    points = await _points(store, metric, vectors)
    true = dict(zip(_ids(vectors), distances(metric, vectors[0], vectors).tolist(), strict=True))
    assert_nearest(await points.search(vectors[0]), metric, true, 10)


@contract
async def test_a_metric_that_is_not_declared_is_refused(store: AsyncStore) -> None:
    """A metric that the engine lacks is refused, and no collection is made."""
    for metric in set(Metric) - store.capabilities.metrics:
        with pytest.raises(Unsupported, match=metric):
            await store.create_collection("points", dimension=4, metric=metric)
    assert await store.collections() == []


async def _points(store: AsyncStore, metric: Metric, vectors: npt.NDArray[np.float32]) -> AsyncCollection:
    if metric not in store.capabilities.metrics:
        pytest.skip(f"{store.engine} doesn't have the metric {metric}")
    points = await store.create_collection("points", dimension=vectors.shape[1], metric=metric)
    await points.upsert(ids=_ids(vectors), vectors=vectors)
    return points


def _ids(rows: Sequence[Any] | npt.NDArray[np.float32]) -> list[str]:
    return [f"{number:04}" for number in range(len(rows))]
