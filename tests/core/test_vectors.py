"""Arithmetic of vectors: the definitions of the metrics, lengths, centres, outliers and principal axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

import onevec
from onevec import vectors
from onevec.errors import DimensionMismatch, InvalidInput

Numbers = npt.NDArray[np.float64]
Measure = Callable[[npt.ArrayLike, npt.ArrayLike], Any]
MEASURES: list[Measure] = [vectors.dot, vectors.cosine, vectors.euclidean, vectors.manhattan]
SCIPY: dict[Measure, Measure] = {
    vectors.cosine: lambda a, b: 1 - cdist(a, b, "cosine"),
    vectors.dot: lambda a, b: np.asarray(a) @ np.asarray(b).T,
    vectors.euclidean: lambda a, b: cdist(a, b, "euclidean"),
    vectors.manhattan: lambda a, b: cdist(a, b, "cityblock"),
}


def drawn(rows: int, dimension: int, seed: int = 0) -> Numbers:
    return np.random.default_rng(seed).standard_normal((rows, dimension))


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.__name__)
def test_each_with_each_is_what_scipy_finds(measure: Measure) -> None:
    """Two matrices give a matrix, each with each, as SciPy measures it."""
    a, b = drawn(7, 5), drawn(4, 5, seed=1)
    found = measure(a, b)
    assert found.shape == (7, 4)
    np.testing.assert_allclose(found, SCIPY[measure](a, b), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.__name__)
def test_the_shape_of_the_answer_is_that_of_the_question(measure: Measure) -> None:
    """Two vectors give a float, one and several a row of numbers, in either order."""
    a, b = drawn(7, 5), drawn(4, 5, seed=1)
    whole = measure(a, b)
    one = measure(a[2], b[3])
    assert type(one) is float
    assert one == pytest.approx(whole[2, 3])
    np.testing.assert_allclose(measure(a[2], b), whole[2])
    np.testing.assert_allclose(measure(a, b[3]), whole[:, 3])
    assert measure(a[2].tolist(), b.astype(np.float32)).shape == (4,)


@pytest.mark.parametrize("metric", onevec.Metric)
def test_scores_and_distances_are_those_of_hits(metric: onevec.Metric) -> None:
    """`score` and `distance` give the numbers that a search gives."""
    rows, query = drawn(20, 6).astype(np.float32), drawn(1, 6, seed=1)[0].astype(np.float32)
    with onevec.connect("memory://") as store:
        collection = store.create_collection("c", dimension=6, metric=metric)
        collection.upsert(ids=[str(row) for row in range(20)], vectors=rows)
        hits = collection.search(query, top_k=20)
    at = [int(hit.id) for hit in hits]
    np.testing.assert_allclose(vectors.score(query, rows, metric=metric)[at], hits.scores, atol=1e-5)
    distances = [hit.distance or 0 for hit in hits]
    np.testing.assert_allclose(vectors.distance(query, rows, metric=metric)[at], distances, atol=1e-5)
    assert type(vectors.score(query, rows[0], metric=metric)) is float


def test_what_is_near_is_measured_without_loss() -> None:
    """A distance a millionth of the length keeps its digits, and many vectors are measured in parts."""
    far = np.full((1, 300), 1e6)
    near = far + np.eye(1, 300)
    assert vectors.euclidean(far, near)[0, 0] == 1.0
    many = drawn(300, 300)
    np.testing.assert_allclose(vectors.euclidean(many, many), cdist(many, many), atol=1e-12)


def test_lengths_at_the_edges_of_float64() -> None:
    """A cosine is right for numbers whose squares would be infinite or zero."""
    assert vectors.cosine([1e200, 1e200], [1e-200, 1e-200]) == pytest.approx(1)
    np.testing.assert_allclose(np.linalg.norm(vectors.normalized([[3e300, 4e300], [3e-300, 4e-300]]), axis=1), 1)


@pytest.mark.parametrize(("norm", "order"), [("l2", 2), ("l1", 1), ("max", np.inf)])
def test_normalized(norm: vectors.Norm, order: float) -> None:
    """Each vector has the length 1 and its direction; zero stays zero; the input isn't changed."""
    given = np.concatenate([drawn(5, 4), np.zeros((1, 4))])
    before = given.copy()
    found = vectors.normalized(given, norm)
    np.testing.assert_allclose(np.linalg.norm(found, ord=order, axis=1), [1] * 5 + [0])
    np.testing.assert_allclose(vectors.cosine(found[:5], given[:5]).diagonal(), 1)
    np.testing.assert_array_equal(given, before)
    np.testing.assert_array_equal(vectors.normalized(given[0], norm), found[0])


def test_float32_stays_float32() -> None:
    """Vectors to be stored keep their type; lists and integers become float64."""
    assert vectors.normalized(np.ones((2, 3), np.float32)).dtype == np.float32
    assert vectors.normalized([[1, 2]]).dtype == np.float64


def test_centroid() -> None:
    """It is the mean, in float64, so that many float32 vectors lose nothing."""
    np.testing.assert_array_equal(vectors.centroid([[0, 2], [2, 4]]), [1, 3])
    assert vectors.centroid(np.full((100_000, 1), 0.1, np.float32))[0] == pytest.approx(np.float32(0.1), rel=1e-12)


def test_planted_outliers_are_found() -> None:
    """Those far off come first, in order, and nobody else; scores and distances are there of all."""
    rows = drawn(500, 16)
    rows[[40, 7]] *= [[8], [20]]
    found = vectors.outliers(rows)
    assert found.positions.tolist() == [7, 40]
    np.testing.assert_allclose(found.distances, np.linalg.norm(rows - rows.mean(axis=0), axis=1))
    assert found.scores[7] > found.scores[40] > found.threshold == 3.5
    assert vectors.outliers(rows, threshold=found.scores[40]).positions.tolist() == [7]


def test_the_score_of_an_outlier_counts_standard_deviations() -> None:
    """For distances that are normally distributed the score is the z-score."""
    distances = 100 + np.random.default_rng(0).standard_normal(20_000)
    line = np.concatenate([distances, -distances])[:, None]
    scores = vectors.outliers(line).scores
    np.testing.assert_allclose(scores[:20_000], distances - 100, atol=0.1)


def test_outliers_where_most_distances_are_equal() -> None:
    """Without a median deviation the mean one serves; equal vectors have no outlier and score 0."""
    corners = np.repeat([[1.0, 0], [-1, 0]], 20, axis=0)
    assert vectors.outliers(np.concatenate([corners, [[0, 9.0]]])).positions.tolist() == [40]
    equal = vectors.outliers(np.full((50, 3), 0.1))
    assert equal.positions.size == 0
    np.testing.assert_array_equal(equal.scores, 0)
    assert vectors.outliers([[1.0, 2.0]]).positions.size == 0


def test_pca_is_that_of_scikit_learn() -> None:
    """Axes, variances and projections are those of scikit-learn, but for signs, which ours fixes."""
    rows = drawn(60, 8) * np.arange(1, 9)
    ours, theirs = vectors.pca(rows, 3), PCA(3).fit(rows)
    signs = np.sign((ours.components * theirs.components_).sum(axis=1))
    np.testing.assert_allclose(ours.components, theirs.components_ * signs[:, None], atol=1e-10)
    np.testing.assert_allclose(ours.explained_variance, theirs.explained_variance_)
    np.testing.assert_allclose(ours.explained_variance_ratio, theirs.explained_variance_ratio_)
    np.testing.assert_allclose(ours.projected, theirs.transform(rows) * signs, atol=1e-10)
    np.testing.assert_allclose(ours.project(rows[:2]), ours.projected[:2])
    assert (ours.components[np.arange(3), np.abs(ours.components).argmax(axis=1)] > 0).all()


def test_pca_of_equal_vectors() -> None:
    """Where nothing varies every variance is 0, and every vector is at the origin."""
    flat = vectors.pca(np.ones((4, 3)), 2)
    np.testing.assert_array_equal(flat.explained_variance_ratio, 0)
    np.testing.assert_array_equal(flat.projected, 0)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ([], "no number"),
        (np.zeros((0, 3)), "no number"),
        (np.zeros((3, 0)), "no number"),
        (1.0, r"shape .* got \(\)"),
        (np.zeros((2, 2, 2)), r"got \(2, 2, 2\)"),
        ([[1.0], [1.0, 2.0]], "several lengths"),
        (["a"], "are numbers"),
        ([[True]], "are numbers"),
        ([[1j]], "are numbers"),
        (None, "are numbers"),
        ([[0.0], [np.nan]], "vector 1 .* not finite"),
        ([np.inf], "vector 0 .* not finite"),
    ],
    ids=str,
)
def test_what_is_no_vector_is_refused(bad: npt.ArrayLike, said: str) -> None:
    """Each function refuses what is empty, of another shape, no number or not finite, and says what it got."""
    for function in (vectors.centroid, vectors.normalized, vectors.outliers, vectors.pca):
        with pytest.raises(InvalidInput, match=said):
            function(bad)
    for measure in MEASURES:
        for pair in ((bad, [[1.0]]), ([1.0], bad)):
            with pytest.raises(InvalidInput, match=said):
                measure(*pair)


def test_one_vector_where_several_are_needed_is_refused() -> None:
    """A centroid, outliers and axes are of a matrix; one vector is to be put in a list."""
    for function in (vectors.centroid, vectors.outliers, vectors.pca):
        with pytest.raises(InvalidInput, match="put it in a list"):
            function([1.0, 2.0])
    with pytest.raises(InvalidInput, match="two vectors or more"):
        vectors.pca([[1.0, 2.0]], 1)


def test_vectors_of_different_dimensions_are_refused() -> None:
    """Nothing is cut or padded."""
    for measure in MEASURES:
        with pytest.raises(DimensionMismatch, match="2 and 3"):
            measure([1, 2], [[1, 2, 3]])
    with pytest.raises(DimensionMismatch, match="2 and 3"):
        vectors.pca(drawn(4, 3)).project([[1, 2]])


def test_a_zero_vector_has_no_cosine() -> None:
    """It is refused, as a collection under cosine refuses it."""
    with pytest.raises(InvalidInput, match="vector 1 is zero"):
        vectors.cosine([1, 2], [[1, 2], [0, 0]])


@pytest.mark.parametrize("components", [0, 4, 2.0, True])
def test_components_out_of_range_are_refused(components: int) -> None:
    """The message has the most that there can be, or that it is a whole number."""
    with pytest.raises(InvalidInput, match=r"components is (at most 3|a whole number of 1)"):
        vectors.pca(drawn(5, 3), components)


def test_words_that_are_not_known_are_refused() -> None:
    """An unknown norm or metric, and a threshold that is no number, are named with what there is."""
    with pytest.raises(InvalidInput, match="no norm 'l3'; there are \"l2\""):
        vectors.normalized([1.0], "l3")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="one of cosine, dot"):
        vectors.distance([1], [1], metric="hamming")
    with pytest.raises(InvalidInput, match="threshold"):
        vectors.outliers([[1.0]], threshold=np.nan)
