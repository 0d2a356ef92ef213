"""From vectors to the numbers that say how good they are."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
import numpy.typing as npt

from onevec.errors import InvalidInput
from onevec.metrics import Metric
from onevec.quality.dimensionality import intrinsic_dimension
from onevec.quality.drawing import Drawing, Map, similarities
from onevec.quality.grouping import Silhouettes, clusters, grouping, mean_cosine
from onevec.quality.labels import Labels, numbered, of_clusters
from onevec.quality.libraries import check_libraries
from onevec.quality.neighbours import LISTED, near_duplicates, nearest, random_pairs, surroundings
from onevec.quality.result import EmbeddingQuality, Norms, Outlier, Outlying
from onevec.quality.settings import NEAR_DUPLICATE, SAMPLE, Settings, metric_of
from onevec.vectors import outliers
from onevec.vectors.checks import Matrix, checked_matrix
from onevec.vectors.scaling import scaled

_NEIGHBOURS = 10
_NEAR_ONE = 1e-3
_LEAST_FOR_PAIRS, _LEAST_FOR_OUTLIERS = 2, 3


def embedding_quality(
    vectors: npt.ArrayLike,
    labels: Sequence[Hashable] | None = None,
    *,
    ids: Sequence[str] | None = None,
    metric: Metric | str = "cosine",
    sample: int | None = SAMPLE,
    seed: int = 0,
    clusters: int | None = None,
    near_duplicate: float = NEAR_DUPLICATE,
) -> EmbeddingQuality:
    """Measure how good embeddings are, as far as their vectors tell.

    Time grows with the square of the sample, memory with the sample.

    Args:
        vectors: Shape (vectors, dimension). There may be none.
        labels: What kind each vector is of, such as its topic; None where that isn't known.
        ids: What to call the vectors in the lists of outliers and near-duplicates. Default: "0", "1", ...
        metric: What they are searched by. Under cosine they are measured at length 1.
        sample: How many to measure at most, chosen at random; None for all.
        seed: What random choices are made with: the same one gives the same numbers.
        clusters: How many clusters to look for. Default: as many as give the highest silhouette.
        near_duplicate: The cosine from which on two vectors are near-duplicates.

    Raises:
        InvalidInput: Vectors are of another shape or not finite, labels or ids are not as many, or a setting is outside
            its range.
        EngineNotInstalled: scikit-learn is missing.
    """
    settings = Settings(
        metric=metric_of(metric), sample=sample, seed=seed, clusters=clusters, near_duplicate=near_duplicate
    )
    check_libraries()
    matrix = checked_matrix(vectors) if np.size(vectors) else _empty(vectors)
    names = list(map(str, range(len(matrix)))) if ids is None else list(ids)
    labelled = numbered([None] * len(matrix) if labels is None else labels)
    for what, given in (("ids", len(names)), ("labels", len(labelled.groups))):
        if given != len(matrix):
            raise InvalidInput(f"there are {len(matrix)} vectors and {given} {what}; give one for each")
    total = len(matrix)
    if sample is not None and total > sample:
        rows = np.sort(np.random.default_rng(seed).choice(total, sample, replace=False))
        matrix, names = matrix[rows], [names[row] for row in rows]
        labelled = labelled._replace(groups=labelled.groups[rows])
    return measured(matrix, names, labelled, settings, total=total)


def measured(matrix: Matrix, ids: Sequence[str], labels: Labels, settings: Settings, *, total: int) -> EmbeddingQuality:
    """Return the numbers of a sample.

    Args:
        matrix: The vectors of the sample.
        ids: Whose they are.
        labels: What kind each is of.
        settings: What is measured, and how.
        total: How many vectors the sample is of.
    """
    there: npt.NDArray[np.bool_] = np.any(matrix, axis=1)
    lengths = np.linalg.norm(matrix, axis=1)
    quality = EmbeddingQuality(
        metric=settings.metric,
        total=total,
        vectors=len(matrix),
        seed=settings.seed,
        dimension=matrix.shape[1] or None,
        zero_vectors=int((~there).sum()),
    )
    if not len(matrix):
        return quality
    quality = replace(
        quality,
        norms=_norms(lengths),
        sparsity=float((matrix == 0).mean()),
        constant_dimensions=int((np.ptp(matrix, axis=0) == 0).sum()) if len(matrix) > 1 else None,
    )
    if there.sum() < _LEAST_FOR_PAIRS:
        return quality
    units = scaled(matrix[there])
    points = units if settings.metric is Metric.COSINE else matrix[there]
    sample = Directed(points, units, list(compress(ids, there)), labels._replace(groups=labels.groups[there]))
    return _with_pairs(quality, sample, lengths, settings)


@dataclass(frozen=True, slots=True, eq=False)
class Directed:
    """The vectors of a sample that aren't zero: as they are measured, at length 1, their ids and labels."""

    points: Matrix
    units: Matrix
    ids: list[str]
    labels: Labels


def _with_pairs(quality: EmbeddingQuality, sample: Directed, lengths: Matrix, settings: Settings) -> EmbeddingQuality:
    """Add what is measured between vectors."""
    points, units, labels = sample.points, sample.units, sample.labels
    dimension, interval = intrinsic_dimension(points) or (None, None)
    distances, _ = nearest(points, min(_NEIGHBOURS, len(points) - 1))
    pairs = random_pairs(len(points), settings.seed)
    silhouettes = Silhouettes.of(points, settings.seed)
    clustered = clusters(points, silhouettes, settings.clusters, settings.seed)
    groups = labels if labels.names else of_clusters(clustered)
    return replace(
        quality,
        intrinsic_dimension=dimension,
        intrinsic_dimension_interval=interval,
        anisotropy=mean_cosine(units),
        surroundings=surroundings(distances, points, pairs),
        labels=grouping(units, labels.groups, silhouettes),
        clusters=None if clustered is None else grouping(units, clustered, silhouettes),
        outliers=_outlying(points, sample.ids),
        near_duplicates=near_duplicates(units, sample.ids, settings.near_duplicate),
        drawing=Drawing(
            norms=lengths,
            similarities=similarities(units, pairs, groups),
            nearest=distances[:, 0],
            map=Map.of(points),
            groups=groups,
        ),
    )


def _norms(lengths: Matrix) -> Norms:
    return Norms(
        least=float(lengths.min()),
        mean=float(lengths.mean()),
        deviation=float(lengths.std()),
        most=float(lengths.max()),
        normalized=bool((np.abs(lengths - 1) <= _NEAR_ONE).all()),
    )


def _outlying(points: Matrix, ids: Sequence[str]) -> Outlying | None:
    if len(points) < _LEAST_FOR_OUTLIERS:
        return None
    found = outliers(points)
    farthest = tuple(
        Outlier(ids[at], float(found.distances[at]), float(found.scores[at])) for at in found.positions[:LISTED]
    )
    return Outlying(found.threshold, len(found.positions), farthest)


def _empty(vectors: npt.ArrayLike) -> Matrix:
    """No vectors, of the dimension that their shape says."""
    shape = np.shape(vectors)
    if len(shape) > 2 or (len(shape) == 2 and shape[0] > 0):  # noqa: PLR2004
        raise InvalidInput(f"vectors have the shape (vectors, dimension), got {shape}")
    return np.zeros((0, shape[1] if len(shape) == 2 else 0))  # noqa: PLR2004
