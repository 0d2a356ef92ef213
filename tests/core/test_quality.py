"""The quality of embeddings, on vectors whose answers are known."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import silhouette_score
from sklearn.metrics.pairwise import cosine_similarity
from threadpoolctl import threadpool_limits

import onevec
from onevec import Collection
from onevec.errors import EngineNotInstalled, InvalidFilter, InvalidInput, InvalidQuery
from onevec.quality import (
    EmbeddingQuality,
    collection_quality,
    collection_quality_async,
    embedding_quality,
    write_report,
)
from onevec.quality.collections import Sample

Numbers = npt.NDArray[np.float64]
DIMENSION = 16


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Workers that run beside each other have no cores to spare for threads, which would wait for each other."""
    with threadpool_limits(1):
        yield


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def manifold(dimension: int, rows: int = 1200) -> Numbers:
    """Points of so many dimensions, curved, in a space of more."""
    flat = rng().random((rows, dimension))
    return np.concatenate([flat, np.sin(3 * flat), flat**2], axis=1) @ rng(1).standard_normal((3 * dimension, 40))


def blobs(rows: int = 300, groups: int = 3, spread: float = 0.1) -> tuple[Numbers, list[int]]:
    """Directions around a few centres at right angles, and which centre each is of."""
    labels = [row % groups for row in range(rows)]
    return np.eye(groups, DIMENSION)[labels] + spread * rng().standard_normal((rows, DIMENSION)), labels


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_the_dimension_of_a_manifold(dimension: int) -> None:
    """The intrinsic dimension is the manifold's, to a tenth, inside its interval, whatever space it lies in."""
    quality = embedding_quality(manifold(dimension), metric="euclidean", clusters=2)
    assert quality.dimension == 40
    assert quality.intrinsic_dimension == pytest.approx(dimension, rel=0.1)
    low, high = quality.intrinsic_dimension_interval or (0, 0)
    assert low < (quality.intrinsic_dimension or 0) < high


def test_the_dimension_is_of_different_vectors() -> None:
    """Duplicates, to the bit or to rounding, change nothing; under cosine neither do lengths."""
    points = manifold(2, 400)
    alone = embedding_quality(points, metric="euclidean", clusters=2).intrinsic_dimension
    doubled = np.concatenate([points, points[:200], points[:100] * (1 + 1e-12)])
    assert embedding_quality(doubled, metric="euclidean", clusters=2).intrinsic_dimension == pytest.approx(
        alone, rel=0.02
    )
    scaled = points * rng(2).uniform(0.1, 10, (400, 1))
    by_cosine = [embedding_quality(each, clusters=2).intrinsic_dimension for each in (points, scaled)]
    assert by_cosine[0] == pytest.approx(by_cosine[1], rel=1e-6)


def test_a_few_near_duplicates_hardly_change_the_dimension() -> None:
    """Near-twins, one vector in twenty, which would halve an estimate of all ratios, are not fitted."""
    points = manifold(5, 800)
    twins = points[:20] + 1e-4 * rng(3).standard_normal((20, 40))
    alone, found = (
        embedding_quality(each, metric="euclidean", clusters=2).intrinsic_dimension
        for each in (points, np.concatenate([points, twins]))
    )
    assert found == pytest.approx(alone, rel=0.15)


def test_a_grid_has_no_dimension_by_neighbours() -> None:
    """Where first and second neighbours are equally far there is no estimate, and none is made up."""
    assert embedding_quality(np.eye(10)).intrinsic_dimension is None
    assert embedding_quality(np.eye(10)).intrinsic_dimension_interval is None


def test_coherence_is_the_mean_cosine_within_less_that_between() -> None:
    """Within, between, coherence and anisotropy are the means of pairs' cosines; unlabelled vectors are left out."""
    vectors, labels = blobs(60)
    known: list[str | None] = [f"topic {label}" for label in labels]
    known[10:15] = [None] * 5
    found = embedding_quality(vectors, known).labels
    assert found is not None
    cosines = cosine_similarity(vectors)
    rows = np.array([label is not None for label in known])
    same = np.array(known)[:, None] == np.array(known)
    pairs = np.triu(np.outer(rows, rows), 1)
    assert (found.groups, found.vectors) == (3, 55)
    assert found.within == pytest.approx(cosines[pairs & same].mean())
    assert found.between == pytest.approx(cosines[pairs & ~same].mean())
    assert found.coherence == pytest.approx(cosines[pairs & same].mean() - cosines[pairs & ~same].mean())
    assert found.silhouette == pytest.approx(silhouette_score(_units(vectors)[rows], np.array(known)[rows]))
    assert embedding_quality(vectors).anisotropy == pytest.approx(cosines[np.triu_indices(60, 1)].mean())


def test_labels_that_say_nothing_cohere_in_nothing() -> None:
    """For labels by chance coherence and silhouette are about 0; for those of the clusters they are high."""
    vectors, labels = blobs()
    right, wrong = (embedding_quality(vectors, each).labels for each in (labels, rng().permutation(labels).tolist()))
    assert right is not None
    assert wrong is not None
    assert right.coherence == pytest.approx(0.86, abs=0.05)
    assert (right.silhouette or 0) > 0.5
    assert wrong.coherence == pytest.approx(0, abs=0.02)
    assert (wrong.silhouette or 0) < 0.02


def test_clusters_are_found_and_counted() -> None:
    """k-means with the number of highest silhouette finds the groups that there are; a number given is taken."""
    vectors, labels = blobs(groups=4)
    found = embedding_quality(vectors)
    assert found.labels is None
    assert found.clusters is not None
    assert found.clusters.groups == 4
    assert found.clusters.vectors == 300
    assert found.clusters.silhouette == pytest.approx(silhouette_score(_units(vectors), labels))
    given = embedding_quality(vectors, clusters=2).clusters
    assert given is not None
    assert given.groups == 2
    assert (given.silhouette or 0) < (found.clusters.silhouette or 0)


def test_planted_outliers_are_found_by_id() -> None:
    """Those that lie far off come with id, distance and score, the farthest first."""
    vectors = np.array([10.0] + [0.0] * (DIMENSION - 1)) + 0.1 * rng().standard_normal((300, DIMENSION))
    vectors[[3, 200]] = np.eye(DIMENSION)[1] * [[20], [40]]
    found = embedding_quality(vectors, ids=[f"d{row}" for row in range(300)], metric="euclidean").outliers
    assert found is not None
    assert [each.id for each in found.farthest][:2] == ["d200", "d3"]
    assert found.count == len(found.farthest)
    assert found.farthest[0].score > found.farthest[1].score > found.threshold
    assert found.farthest[0].distance == pytest.approx(np.linalg.norm(vectors[200] - vectors.mean(axis=0)))


def test_planted_duplicates_are_found_by_id() -> None:
    """Pairs of the threshold's cosine or more come with ids, the nearest first, whatever their lengths."""
    vectors = rng().standard_normal((300, 64))
    vectors[7] = 3 * vectors[5]
    vectors[290] = vectors[5] + 0.05 * rng(1).standard_normal(64)
    found = embedding_quality(vectors, ids=[f"d{row}" for row in range(300)]).near_duplicates
    assert found is not None
    assert (found.pairs, found.vectors, found.threshold) == (3, 3, 0.98)
    assert [(each.first, each.second) for each in found.nearest] == [("d5", "d7"), ("d5", "d290"), ("d7", "d290")]
    assert found.nearest[0].cosine == pytest.approx(1)
    stricter = embedding_quality(vectors, near_duplicate=1).near_duplicates
    assert stricter is not None
    assert stricter.pairs == 1


def test_many_duplicates_are_counted_and_the_nearest_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pairs count, over parts of the matrix of pairs too; a hundred are listed, each once."""
    monkeypatch.setattr("onevec.quality.neighbours._MEGABYTES", 1)
    found = embedding_quality(np.tile([[1.0, 2.0]], (600, 1))).near_duplicates
    assert found is not None
    assert (found.pairs, found.vectors) == (600 * 599 // 2, 600)
    assert [(each.first, each.second) for each in found.nearest[:2]] == [("0", "1"), ("0", "2")]
    assert len(set(found.nearest)) == 100
    three = rng().standard_normal((600, 64))
    three[[500, 550, 560]] = 1
    later = embedding_quality(three, clusters=2).near_duplicates
    assert later is not None
    assert (later.pairs, later.vectors) == (3, 3)


def test_norms_and_sparsity() -> None:
    """Lengths are of the vectors as given; zeros and dimensions that never change are counted."""
    vectors = np.array([[3, 4, 0, 7], [0, 0, 0, 7], [6, 8, 0, 7.0]])
    quality = embedding_quality(vectors)
    lengths = np.linalg.norm(vectors, axis=1)
    assert quality.norms is not None
    assert quality.norms.least == 7
    assert quality.norms.most == pytest.approx(lengths[2])
    assert quality.norms.mean == pytest.approx(lengths.mean())
    assert quality.norms.deviation == pytest.approx(lengths.std())
    assert not quality.norms.normalized
    assert quality.sparsity == pytest.approx(5 / 12)
    assert quality.constant_dimensions == 2
    units = embedding_quality(_units(vectors).astype(np.float16)).norms
    assert units is not None
    assert units.normalized


def test_what_is_dense_and_what_is_not() -> None:
    """Clusters have near neighbours; vectors of noise in many dimensions are all equally far."""
    tight, loose = embedding_quality(blobs(spread=0.01)[0]), embedding_quality(rng().standard_normal((300, 500)))
    assert tight.surroundings is not None
    assert loose.surroundings is not None
    assert tight.surroundings.neighbours == 10
    assert (tight.surroundings.contrast or 0) > 0.9
    assert (loose.surroundings.contrast or 1) < 0.1
    few = embedding_quality(blobs(11)[0]).surroundings
    assert few is not None
    assert (few.neighbours, few.contrast) == (10, None)
    assert loose.surroundings.pair_distance == pytest.approx(2**0.5, rel=0.01)
    angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    circle = embedding_quality(np.stack([np.cos(angles), np.sin(angles)], axis=1), clusters=2).surroundings
    assert circle is not None
    assert circle.distance == pytest.approx(np.mean([2 * np.sin(np.pi * step / 100) for step in range(1, 6)]))


def test_anisotropy_of_vectors_that_point_one_way() -> None:
    """It is near 1 for vectors with a large part in common, and near 0 for those that point everywhere."""
    noise = rng().standard_normal((400, 50))
    assert embedding_quality(noise).anisotropy == pytest.approx(0, abs=0.01)
    assert embedding_quality(noise + 5).anisotropy == pytest.approx(25 / 26, abs=0.01)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean", "manhattan"])
@pytest.mark.parametrize(
    "vectors",
    [
        [],
        np.zeros((0, 3)),
        [[1.0, 2.0]],
        [[1.0, 2.0], [3.0, 5.0]],
        [[1.0, 2.0], [0.0, 0.0]],
        np.zeros((5, 2)),
        np.ones((20, 4)),
        [[1.0], [2.0], [3.0]],
        [[1.0], [-1.0], [0.0]],
        [[1e-30, 0], [1e30, 0], [0, 1e-30]],
        np.eye(3),
    ],
    ids=["none", "0x3", "one", "two", "zero", "zeros", "equal", "numbers", "signs", "sizes", "grid"],
)
def test_what_cannot_be_known_is_none(vectors: npt.ArrayLike, metric: str) -> None:
    """From too few vectors, equal ones, or those of one dimension, no number is made up and nothing warns."""
    quality = embedding_quality(vectors, metric=metric)
    numbers = json.dumps(quality.to_json(), allow_nan=False)
    assert "Infinity" not in numbers
    rows = len(np.asarray(vectors))
    assert (quality.vectors, quality.total) == (rows, rows)
    usable = sum(any(row) for row in np.asarray(vectors).tolist()) if rows else 0
    if rows == 0:
        assert (quality.norms, quality.sparsity) == (None, None)
    if rows < 2:
        assert quality.constant_dimensions is None
    if usable < 2:
        assert {quality.anisotropy, quality.surroundings, quality.near_duplicates, quality.drawing} == {None}
    if usable < 3 or np.ptp(np.asarray(vectors)) == 0:
        assert {quality.intrinsic_dimension, quality.clusters} == {None}
        assert not quality.outliers or not quality.outliers.count


def test_equal_vectors() -> None:
    """They are one point: no distance, no contrast, no cluster, and every pair a duplicate."""
    quality = embedding_quality(np.ones((20, 4)), ["a", "b"] * 10)
    assert quality.anisotropy == pytest.approx(1)
    assert quality.surroundings is not None
    assert (quality.surroundings.distance, quality.surroundings.contrast) == (0, None)
    assert quality.labels is not None
    assert quality.labels.coherence == pytest.approx(0)
    assert quality.near_duplicates is not None
    assert quality.near_duplicates.pairs == 190


def test_labels_of_one_kind_only() -> None:
    """One label has nothing across, and labels of one vector each have nothing within."""
    vectors, _ = blobs(10)
    one, each = (embedding_quality(vectors, labels).labels for labels in (["a"] * 10, list(range(10))))
    assert one is not None
    assert (one.groups, one.between, one.coherence, one.silhouette) == (1, None, None, None)
    assert each is not None
    assert (each.groups, each.within, each.coherence, each.silhouette) == (10, None, None, None)
    assert embedding_quality(vectors, [None] * 10).labels is None


def test_true_is_another_label_than_one() -> None:
    """Labels are equal as values of metadata are: 1 and 1.0, but not True, nor "1"; NaN is none."""
    vectors, _ = blobs(6)
    found = embedding_quality(vectors, [1, 1.0, True, "1", float("nan"), 1])
    assert found.labels is not None
    assert (found.labels.groups, found.labels.vectors) == (3, 5)


def test_zero_vectors_are_counted_and_left_out() -> None:
    """A vector without direction changes nothing of what is between vectors."""
    vectors, labels = blobs(60)
    without = embedding_quality(vectors, labels)
    rows = np.concatenate([np.zeros((2, DIMENSION)), vectors])
    found = embedding_quality(rows, [0, 1, *labels])
    assert (found.zero_vectors, found.vectors) == (2, 62)
    assert (found.anisotropy, found.labels, found.intrinsic_dimension) == (
        without.anisotropy,
        without.labels,
        without.intrinsic_dimension,
    )
    assert found.norms is not None
    assert found.norms.least == 0


def test_a_sample_is_by_its_seed() -> None:
    """The same seed measures the same vectors and gives the same numbers; another one others."""
    vectors, labels = blobs(400, spread=0.5)
    one, again, other = (embedding_quality(vectors, labels, sample=100, seed=seed) for seed in (1, 1, 2))
    assert (one.vectors, one.total, one.seed) == (100, 400, 1)
    assert one == again
    assert one.anisotropy != other.anisotropy
    assert embedding_quality(vectors, labels, sample=None).vectors == 400


def test_large_samples_measure_some_silhouettes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many vectors silhouettes and the number of clusters are of a part, and the clusters of all."""
    monkeypatch.setattr("onevec.quality.grouping._SILHOUETTES", 100)
    vectors, labels = blobs()
    found = embedding_quality(vectors, labels)
    assert found.labels is not None
    assert found.clusters is not None
    assert found.clusters.vectors == 300
    assert found.clusters.within == pytest.approx(found.labels.within)
    assert found.clusters.silhouette == pytest.approx(found.labels.silhouette)
    assert found.labels.silhouette != pytest.approx(silhouette_score(_units(vectors), labels), abs=1e-9)


def test_the_result_is_frozen_and_is_json() -> None:
    """It can't be changed; as JSON it has the names of the fields, and null for what is unknown."""
    vectors, labels = blobs(60)
    quality = embedding_quality(vectors, labels)
    with pytest.raises(FrozenInstanceError):
        quality.seed = 1  # type: ignore[misc]
    found = json.loads(json.dumps(quality.to_json()))
    assert set(found) == set(EmbeddingQuality.__slots__) - {"drawing"}
    assert found["metric"] == "cosine"
    assert found["clusters"]["silhouette"] == quality.clusters.silhouette if quality.clusters else None
    assert json.loads(json.dumps(embedding_quality([]).to_json()))["norms"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"vectors": [1.0, 2.0]}, "put it in a list"),
        ({"vectors": [[np.nan]]}, "vector 0"),
        ({"vectors": np.zeros((2, 2, 2))}, "shape"),
        ({"vectors": np.zeros((3, 0))}, "shape"),
        ({"labels": ["a"]}, "2 vectors and 1 labels"),
        ({"labels": [["a"], ["b"]]}, "a label is"),
        ({"ids": ["a"]}, "2 vectors and 1 ids"),
        ({"sample": 0}, "sample is a whole number"),
        ({"sample": 2.5}, "sample is a whole number"),
        ({"seed": -1}, "seed is a whole number"),
        ({"seed": None}, "seed is a whole number"),
        ({"seed": 2**32}, "seed is a whole number"),
        ({"clusters": 1}, "clusters is a whole number from 2"),
        ({"near_duplicate": 1.5}, "near_duplicate is a cosine"),
        ({"near_duplicate": np.nan}, "near_duplicate is a cosine"),
        ({"metric": "hamming"}, "a metric is one of"),
    ],
    ids=str,
)
def test_what_is_outside_its_range_is_refused(arguments: dict[str, object], said: str) -> None:
    """Each argument is checked, and the message says what it may be."""
    with pytest.raises(InvalidInput, match=said):
        embedding_quality(**{"vectors": [[1.0, 2.0], [3.0, 4.0]], **arguments})  # type: ignore[arg-type]


def test_missing_libraries_are_named_with_the_way_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the error has the command that installs it."""
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(EngineNotInstalled, match=r'scikit-learn: pip install "onevec\[quality\]"'):
        embedding_quality([[1.0]])


@pytest.fixture
def papers() -> Iterator[Collection]:
    """A collection of 90 documents in three topics, and in another namespace one."""
    vectors, labels = blobs(90)
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        papers.upsert(
            ids=[f"d{row:02}" for row in range(90)],
            vectors=vectors,
            metadata=[{"about": {"topic": "abc"[label]}, "half": row < 45} for row, label in enumerate(labels)],
        )
        papers.namespace("other").upsert({"id": "x", "vector": vectors[0]})
        yield papers


def test_a_collection_is_its_vectors(papers: Collection) -> None:
    """A collection gives the numbers of its vectors, labels from metadata, those of its namespace that match."""
    vectors, labels = blobs(90)
    found = collection_quality(papers, label="about.topic")
    expected = embedding_quality(vectors.astype(np.float32), labels, ids=[f"d{row:02}" for row in range(90)])
    assert found == expected
    assert collection_quality(papers, filter={"half": True}).vectors == 45
    assert collection_quality(papers.namespace("other")).vectors == 1
    nothing = collection_quality(papers.namespace("nobody"), label="about.topic")
    assert (nothing.vectors, nothing.dimension, nothing.norms) == (0, DIMENSION, None)


def test_the_sample_of_a_collection_is_the_same_everywhere(papers: Collection, tmp_path: Path) -> None:
    """Two engines that hold the same documents, written in another order, give the same numbers."""
    with onevec.connect(f"sqlite:///{tmp_path / 'papers.db'}") as store:
        other = store.create_collection("papers", dimension=DIMENSION)
        other.upsert(list(papers.scan())[::-1])
        ours, theirs = (collection_quality(each, label="about.topic", sample=40) for each in (papers, other))
    assert (ours.vectors, ours.total) == (40, 90)
    assert ours.to_json() == theirs.to_json()
    assert ours.anisotropy != collection_quality(papers, sample=40, seed=1).anisotropy


def test_the_async_form_gives_the_same(papers: Collection) -> None:
    """`collection_quality_async` gives the numbers of `collection_quality`."""
    documents = list(papers.scan())

    async def measured() -> EmbeddingQuality:
        async with onevec.connect_async("memory://") as store:
            same = await store.create_collection("papers", dimension=DIMENSION)
            await same.upsert(documents)
            return await collection_quality_async(same, label="about.topic", sample=40)

    assert asyncio.run(measured()).to_json() == collection_quality(papers, label="about.topic", sample=40).to_json()


def test_every_id_is_as_likely_to_be_drawn() -> None:
    """Over many seeds each of ten ids is among the three drawn three times of ten, in whatever order they come."""
    ids = [f"{row}" for row in range(10)]
    counts = dict.fromkeys(ids, 0)
    for seed in range(2000):
        forwards, backwards = Sample(3, seed), Sample(3, seed)
        for one, other in zip(ids, reversed(ids), strict=True):
            forwards.see(one)
            backwards.see(other)
        assert forwards.ids() == backwards.ids()
        for id in forwards.ids():
            counts[id] += 1
    assert all(count == pytest.approx(600, abs=90) for count in counts.values()), counts


def test_a_field_without_labels_is_refused(papers: Collection) -> None:
    """A field that nobody has, or that holds lists or objects, is named; a name that is none is refused."""
    with pytest.raises(InvalidQuery, match=r"none of the 90 documents .* 'topc'"):
        collection_quality(papers, label="topc")
    with pytest.raises(InvalidQuery, match="'about'"):
        collection_quality(papers, label="about")
    with pytest.raises(InvalidFilter, match="field"):
        collection_quality(papers, label="a b")
    with pytest.raises(InvalidInput, match="sample"):
        collection_quality(papers, sample=0)


def test_progress_is_told(papers: Collection) -> None:
    """`on_progress` hears of every thousandth document."""
    papers.upsert(ids=[f"more{row}" for row in range(2000)], vectors=rng().standard_normal((2000, DIMENSION)))
    told: list[tuple[int, int | None]] = []
    collection_quality(papers, sample=10, on_progress=lambda *progress: told.append(progress))
    assert told == [(1000, None), (2000, None)]


def test_the_report_is_one_page_that_loads_nothing(tmp_path: Path) -> None:
    """It has the numbers and four pictures, no script, no address of anything else, and each name of a part once."""
    vectors, labels = blobs()
    quality = embedding_quality(vectors, [f"topic {label}" for label in labels])
    path = tmp_path / "report.html"
    write_report(quality, path, title="papers")
    page = path.read_text("utf-8")
    write_report(quality, path, title="papers")
    assert path.read_text("utf-8") == page
    assert page.count("<svg ") == 4
    assert "intrinsic dimension" in page
    assert "topic 2</bdi>" in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    addresses = re.findall(r'(?:src|href|url)\s*[=(]\s*"?([^")]+)', page)
    assert all(address.startswith("#") for address in addresses)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in addresses} <= set(ids)


@pytest.mark.parametrize(
    ("vectors", "pictures"),
    [([], 0), ([[1.0, 2.0]], 0), (np.ones((20, 4)), 4), ([[1.0], [2.0], [3.0]], 3)],
    ids=["none", "one", "equal", "numbers"],
)
def test_a_report_of_little(vectors: npt.ArrayLike, pictures: int, tmp_path: Path) -> None:
    """What can't be drawn is left out, and what is unknown is called so."""
    write_report(embedding_quality(vectors, metric="euclidean"), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("<svg ") == pictures
    assert "<bdi>unknown</bdi>" in page


def test_nothing_in_a_report_is_markup_but_ours(tmp_path: Path) -> None:
    """Titles, labels and ids with tags, formulas, directions or lone surrogates are text."""
    vectors, _ = blobs(60)
    vectors[1] = vectors[0]
    odd = ["<script>alert(1)</script>", "$x^2$ & 日本", "right\u202eleft\x1b\udc80"]
    labels = [odd[row % 3] for row in range(60)]
    quality = embedding_quality(vectors, labels, ids=['"><img src=x>'] * 60)
    write_report(quality, tmp_path / "report.html", title="</title><script>")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "$x^2$ &amp; 日本" in page


def _units(vectors: Numbers) -> Numbers:
    units: Numbers = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units
