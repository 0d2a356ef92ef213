"""The exact search over one namespace's vectors, against sums of long doubles, row by row."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from onevec.local.table import Mask, VectorTable
from onevec.local.vectors import Matrix
from onevec.metrics import Metric

Wide = npt.NDArray[np.longdouble]
Scale = Literal["plain", "huge", "tiny", "mixed", "far"]

METRICS = pytest.mark.parametrize("metric", Metric, ids=str)
SCALES = pytest.mark.parametrize("scale", ["plain", "huge", "tiny", "mixed", "far"])
EXACT = pytest.mark.parametrize("metric", [Metric.DOT, Metric.EUCLIDEAN, Metric.MANHATTAN], ids=str)

SIZE, DIMENSION = 300, 24


def table_of(metric: Metric, vectors: Matrix, *, first: int = 0) -> VectorTable:
    table = VectorTable(vectors.shape[1], metric)
    table.append(range(first, first + len(vectors)), vectors)
    return table


def distances(metric: Metric, vectors: Matrix, query: Matrix) -> Wide:
    """By the definitions in `Metric`'s docstring."""
    rows, probe = vectors.astype(np.longdouble), query.astype(np.longdouble)
    products = (rows * probe).sum(axis=1)
    match metric:
        case Metric.COSINE:
            lengths = np.sqrt((rows**2).sum(axis=1)) * np.sqrt((probe**2).sum())
            wide: Wide = 1 - products / lengths
        case Metric.DOT:
            wide = -products
        case Metric.EUCLIDEAN:
            wide = np.sqrt(((rows - probe) ** 2).sum(axis=1))
        case Metric.MANHATTAN:
            wide = np.abs(rows - probe).sum(axis=1)
    return wide


def slack(metric: Metric, vectors: Matrix, query: Matrix) -> float:
    """What float64 may be off by: so many of its last places of the largest sum."""
    longest, length = np.abs(vectors).max(initial=0).astype(float), float(np.abs(query).max())
    largest = {Metric.COSINE: 1.0, Metric.DOT: longest * length}.get(metric, longest + length)
    return float(1e-14 * vectors.shape[1] * largest)


def data(draw: np.random.Generator, scale: Scale) -> tuple[Matrix, Matrix]:
    vectors = draw.standard_normal((SIZE, DIMENSION))
    query = draw.standard_normal(DIMENSION)
    match scale:
        case "plain":
            factor: Any = 1.0
        case "huge":
            factor, query = 1e30, query * 1e30
        case "tiny":
            factor, query = 1e-30, query * 1e-30
        case "mixed":
            factor = 10.0 ** draw.uniform(-30, 30, (SIZE, 1))
        case "far":
            factor, query = 1.0, query + 1e6
    return (vectors * factor).astype(np.float32), query.astype(np.float32)


def check(table: VectorTable, vectors: Matrix, query: Matrix, top_k: int, mask: Mask | None = None) -> None:
    """Compare one search over `vectors`, whose row numbers are their indices, with the definition."""
    among = table.live if mask is None else mask & table.live
    candidates = table.rows[among]
    expected = distances(table.metric, vectors[candidates], query)
    off = slack(table.metric, vectors, query)
    rows, found = table.search(query, top_k, mask)
    assert len(set(rows.tolist())) == len(rows) >= min(top_k, len(candidates))
    assert set(rows.tolist()) <= set(candidates.tolist())
    np.testing.assert_allclose(found, distances(table.metric, vectors[rows], query), rtol=1e-9, atol=off)
    if len(candidates) > top_k:
        last = np.partition(expected, top_k - 1)[top_k - 1]
        surely = set(candidates[expected < last - 2 * off].tolist())
        at_most = set(candidates[expected <= last + 2 * off].tolist())
        assert surely <= set(rows.tolist()) <= at_most


@METRICS
@SCALES
def test_finds_the_nearest(metric: Metric, scale: Scale) -> None:
    """All rows at least as near as the k-th are found, whatever the size of the numbers, the mask, or k."""
    draw = np.random.default_rng(7)
    vectors, query = data(draw, scale)
    table = table_of(metric, vectors)
    for share in (None, 0.9, 0.5, 0.05, 0.0):
        mask = None if share is None else draw.random(SIZE) < share
        for top_k in (1, 10, SIZE - 1, SIZE, SIZE + 5):
            check(table, vectors, query, top_k, mask)


@METRICS
@SCALES
def test_dead_slots_are_not_looked_at(metric: Metric, scale: Scale) -> None:
    """The nearest rows are removed, again and again, then compacted away, then others are added."""
    draw = np.random.default_rng(8)
    vectors, query = data(draw, scale)
    table = table_of(metric, vectors[:200])
    for _ in range(6):
        gone, _ = table.search(query, 20)
        table.remove(gone)
        assert not set(gone.tolist()) & set(table.search(query, 200)[0].tolist())
        check(table, vectors, query, 10)
        check(table, vectors, query, 10, draw.random(200) < 0.5)
    assert (len(table), table.size) == (200 - table.dead, 200)
    table.compact()
    assert (table.dead, len(table)) == (0, table.size)
    check(table, vectors, query, 10)
    table.append(range(200, SIZE), vectors[200:])
    check(table, vectors, query, 10)
    check(table, vectors, query, SIZE)


@METRICS
@pytest.mark.parametrize("factor", [1.0, 1e30], ids=["plain", "huge"])
def test_finds_the_nearest_among_many(metric: Metric, factor: float) -> None:
    """More rows than are looked at together."""
    draw = np.random.default_rng(13)
    vectors = (draw.standard_normal((5001, 3)) * factor).astype(np.float32)
    query = (draw.standard_normal(3) * factor).astype(np.float32)
    table = table_of(metric, vectors)
    check(table, vectors, query, 10)
    check(table, vectors, query, 4000, draw.random(5001) < 0.9)


@EXACT
@given(
    vectors=arrays.arrays(np.float32, st.tuples(st.integers(1, 40), st.just(3)), elements=st.integers(-2, 2)),
    query=arrays.arrays(np.float32, 3, elements=st.integers(-2, 2)),
    top_k=st.integers(1, 45),
    removed=st.sets(st.integers(0, 39)),
)
def test_all_ties_come_along(metric: Metric, vectors: Matrix, query: Matrix, top_k: int, removed: set[int]) -> None:
    """With small whole numbers every sum is exact: the rows found are exactly those as near as the k-th."""
    table = table_of(metric, vectors)
    table.remove(sorted(removed))
    left = [row for row in range(len(vectors)) if row not in removed]
    expected = distances(metric, vectors[left], query)
    last = np.sort(expected)[:top_k].max(initial=-np.inf)
    rows, _ = table.search(query, top_k)
    assert sorted(rows.tolist()) == [row for row, distance in zip(left, expected, strict=True) if distance <= last]


@METRICS
@pytest.mark.parametrize("dimension", [1, 2, 7, 33, 384])
def test_equal_vectors_have_equal_distances(metric: Metric, dimension: int) -> None:
    """Copies of one vector all come along, with the same distance to the bit, wherever they stand."""
    draw = np.random.default_rng(dimension)
    vectors = draw.standard_normal((500, dimension)).astype(np.float32)
    query = draw.standard_normal(dimension).astype(np.float32)
    copies = np.sort(draw.choice(500, 61, replace=False))
    vectors[copies] = query * 100 if metric is Metric.DOT else query
    for mask in (None, draw.random(500) < 0.9, draw.random(500) < 0.1):
        table = table_of(metric, vectors)
        rows, found = table.search(query, 1, mask)
        expected = copies if mask is None else copies[mask[copies]]
        if dimension > 1 or metric is not Metric.COSINE:  # in one dimension half of all directions are the same
            assert rows.tolist() == expected.tolist()
        assert len(set(found.tolist())) == 1


@METRICS
def test_rounding_in_float32_hides_nothing(metric: Metric) -> None:
    """What differs is far below the last place of a float32 product: the order is still the true one."""
    draw = np.random.default_rng(9)
    large = np.tile(np.concatenate([draw.standard_normal(8) * 1e6, [0]]), (200, 1))
    large = np.concatenate([draw.permuted(large, axis=1), draw.permuted(-large, axis=1)], axis=1)
    vectors = np.concatenate([large, draw.uniform(-1, 1, (200, 8))], axis=1).astype(np.float32)
    query = np.concatenate([np.ones(18), draw.uniform(-1, 1, 8)]).astype(np.float32)
    table = table_of(metric, vectors)
    for top_k in (1, 5, 50):
        check(table, vectors, query, top_k)


@METRICS
def test_long_sums_of_one_sign_hide_nothing(metric: Metric) -> None:
    """Many numbers, all positive, nearly alike: rounding adds up in one direction."""
    draw = np.random.default_rng(10)
    vectors = (1 + 1e-4 * draw.standard_normal((400, 4096))).astype(np.float32)
    query = (1 + 1e-4 * draw.standard_normal(4096)).astype(np.float32)
    table = table_of(metric, vectors)
    for top_k in (1, 10, 100):
        check(table, vectors, query, top_k)


@pytest.mark.parametrize("metric", [Metric.DOT, Metric.EUCLIDEAN, Metric.MANHATTAN], ids=str)
def test_zero_vectors(metric: Metric) -> None:
    """A zero vector, as a row or as the query, is a vector like another where the metric has a meaning for it."""
    vectors = np.array([[0, 0], [3, 4], [-1, 0]], np.float32)
    table = table_of(metric, vectors)
    for query in np.array([[0, 0], [1, 1]], np.float32):
        for top_k in (1, 2, 3):
            check(table, vectors, query, top_k)


def test_cosine_stays_in_its_range() -> None:
    """Rounding never makes a distance below 0 or above 2."""
    draw = np.random.default_rng(11)
    vectors = draw.standard_normal((300, 7)).astype(np.float32)
    for query in vectors[:50]:
        _, found = table_of(Metric.COSINE, np.concatenate([vectors, -vectors])).search(query, 600)
        assert found.min() >= 0.0
        assert found.max() <= 2.0


@METRICS
def test_growing_in_pieces_is_growing_at_once(metric: Metric) -> None:
    """One row at a time, in odd pieces, or all together: the same rows at the same distances."""
    draw = np.random.default_rng(12)
    vectors, query = data(draw, "plain")
    whole = table_of(metric, vectors)
    for sizes in ([1] * SIZE, [0, 7, 0, 93, 150, 50]):
        table = VectorTable(DIMENSION, metric)
        for size in sizes:
            table.append(range(table.size, table.size + size), vectors[table.size : table.size + size])
        assert table.size == len(table) == SIZE
        for ours, theirs in zip(table.search(query, 25), whole.search(query, 25), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@METRICS
def test_nothing_to_find(metric: Metric) -> None:
    """An empty table, one whose rows are all gone, and a mask of nothing give no rows."""
    query = np.ones(3, np.float32)
    empty = VectorTable(3, metric)
    gone = table_of(metric, np.ones((5, 3), np.float32))
    gone.remove(range(5))
    masked = table_of(metric, np.ones((5, 3), np.float32))
    for table, mask in ((empty, None), (gone, None), (masked, np.zeros(5, np.bool_))):
        for top_k in (1, 10):
            rows, found = table.search(query, top_k, mask)
            assert (rows.tolist(), found.tolist()) == ([], [])
    gone.compact()
    assert (gone.size, len(gone)) == (0, 0)
    assert gone.search(query, 3)[0].tolist() == []


def test_rows_are_known_by_their_numbers() -> None:
    """Row numbers with gaps: looked up, removed, and unknown ones ignored; vectors are given out as copies."""
    vectors = np.arange(12, dtype=np.float32).reshape(4, 3)
    table = VectorTable(3, Metric.DOT)
    table.append([10, 20, 30, 40], vectors)
    assert table.slots_of([5, 10, 15, 40, 99]).tolist() == [0, 3]
    table.remove([5, 20, 99])
    assert (len(table), table.live.tolist()) == (3, [True, False, True, True])
    table.remove([20])
    assert len(table) == 3
    copy = table.vectors_of([30, 10])
    np.testing.assert_array_equal(copy, vectors[[2, 0]])
    copy[:] = 7
    np.testing.assert_array_equal(table.vectors_of([30, 10]), vectors[[2, 0]])
    table.compact()
    assert table.rows.tolist() == [10, 30, 40]
    assert table.slots_of([20, 30]).tolist() == [1]
    assert VectorTable(3, Metric.DOT).slots_of([1]).tolist() == []


def test_memory_is_counted() -> None:
    """The bytes told are at least those of the vectors, and grow with them."""
    table = VectorTable(16, Metric.COSINE)
    assert table.memory_bytes == 0
    table.append(range(1000), np.ones((1000, 16), np.float32))
    assert 1000 * 16 * 4 <= table.memory_bytes <= 3 * 1000 * 16 * 4


@pytest.mark.parametrize("metric", list(Metric))
def test_slots_without_vectors_are_not_measured(metric: Metric) -> None:
    """Reserved ones have none yet, and so no direction: no warning, also where numbers are too long for float32."""
    vectors = np.arange(1, 241, dtype=np.float32).reshape(80, 3) * np.float32(1e25)
    table = table_of(metric, vectors)
    table.reserve(range(80, 100))
    query = np.array([1, 2, 3], np.float32)
    rows, _ = table.search(query, 5)
    assert len(rows) >= 5
    assert rows.max() < 80


def test_rows_are_added_to_those_that_were_restored() -> None:
    """A table that was restored grows as any other, and knows the rows that were gone."""
    vectors = np.random.default_rng(3).standard_normal((5, 4)).astype(np.float32)
    table = VectorTable(4, Metric.COSINE)
    table.restore(np.array([2, 3, 7]), vectors[:3].copy())
    table.revive(np.array([2, 7]))
    table.append([8, 9], vectors[3:])
    assert len(table) == 4
    for row, vector in zip((2, 7, 8, 9), vectors[[0, 2, 3, 4]], strict=True):
        rows, distances = table.search(vector, 1)
        assert rows.tolist() == [row]
        assert distances[0] == pytest.approx(0, abs=1e-6)
    assert 3 not in table.search(vectors[1], 5)[0]
