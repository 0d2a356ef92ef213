"""The numbers that say how good embeddings are, and what each of them tells."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from onevec.metrics import Metric

if TYPE_CHECKING:
    from onevec.quality.drawing import Drawing


@dataclass(frozen=True, slots=True)
class Norms:
    """Euclidean lengths of the vectors, as they are stored.

    Attributes:
        least: The shortest, 0 or more.
        mean: The mean.
        deviation: The standard deviation. Lengths that differ much dominate a search by dot product.
        most: The longest.
        normalized: Whether every length is 1 to within a thousandth, as half-precision numbers allow. Then the metrics
            cosine, dot and euclidean give the same order.
    """

    least: float
    mean: float
    deviation: float
    most: float
    normalized: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How densely the vectors lie.

    Attributes:
        neighbours: How many nearest neighbours of each vector were looked at.
        distance: The mean distance to them, 0 or more. Smaller is denser.
        pair_distance: The mean distance of random pairs.
        contrast: 1 - distance / pair_distance, at most 1: how much nearer a neighbour is than just any vector. Near 0
            every vector is as far as any other, and a search finds little; 1 if neighbours are equal. None if all
            vectors are, or if there are no others than the neighbours.
    """

    neighbours: int
    distance: float
    pair_distance: float
    contrast: float | None


@dataclass(frozen=True, slots=True)
class Grouping:
    """How well groups of vectors hold together: those of one label, or of one cluster.

    Attributes:
        groups: How many groups there are.
        vectors: How many vectors are in one of them.
        within: The mean cosine of the pairs within one group, in [-1, 1]. None if every group is one vector.
        between: The mean cosine of the pairs across groups, in [-1, 1]. None if there is one group.
        coherence: within - between, in [-2, 2]. The higher, the better the vectors tell the groups apart; near 0 they
            don't.
        silhouette: The mean silhouette coefficient, in [-1, 1]: near 1 groups are compact and apart, near 0 they
            overlap, below 0 vectors are nearer to another group. Over up to 2,000 vectors. None unless there are two
            groups or more and fewer than vectors.
            Source: Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis
            (1987).
    """

    groups: int
    vectors: int
    within: float | None
    between: float | None
    coherence: float | None
    silhouette: float | None


@dataclass(frozen=True, slots=True)
class Outlier:
    """A vector that is unusually far from the centroid: its id, how far, and the robust z-score of that distance."""

    id: str
    distance: float
    score: float


@dataclass(frozen=True, slots=True)
class Outlying:
    """What `onevec.vectors.outliers` finds. Often a text that is empty, garbled, or in another language.

    Attributes:
        threshold: The score above which a vector counts.
        count: How many there are.
        farthest: The 100 with the highest scores.
    """

    threshold: float
    count: int
    farthest: tuple[Outlier, ...]


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Two vectors of almost one direction: their ids, and their cosine."""

    first: str
    second: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Pairs of vectors of almost one direction, mostly of texts that are the same but for a word.

    They are looked for within the sample only; of a sample of a tenth, that is a hundredth of the pairs.

    Attributes:
        threshold: The cosine from which on a pair counts.
        pairs: How many there are.
        vectors: How many vectors are in such a pair.
        nearest: The 100 pairs with the highest cosines.
    """

    threshold: float
    pairs: int
    vectors: int
    nearest: tuple[NearDuplicate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingQuality:
    """What the vectors of a model say about it. A number that can't be known from so few or such vectors is None.

    Distances are Euclidean; under the metric cosine they are between the vectors scaled to length 1, where
    `distance ** 2 == 2 - 2 * cosine`. A zero vector has no direction: it counts in `vectors`, `zero_vectors`, `norms`
    and `sparsity`, and in nothing else.

    Attributes:
        metric: What the vectors are searched by.
        total: How many vectors there are.
        vectors: How many of them were measured: the sample.
        seed: What the sample was drawn with, and all else that is random.
        dimension: How many numbers a vector has.
        zero_vectors: How many vectors are all 0: texts that the model knows nothing of.
        norms: The lengths.
        sparsity: The share of numbers that are exactly 0, in [0, 1]: 0 for dense models, near 1 for bags of words.
        constant_dimensions: How many of the dimensions have the same number in every vector, and tell nothing.
        intrinsic_dimension: How many coordinates it takes to describe where the vectors lie, among their neighbours; 0
            or more. Far below `dimension`, smaller vectors could do as well. It comes out too low where it is above 20
            or so, as no sample is dense enough then, and where much is nearly the same. Source: TwoNN, Facco et al.,
            Estimating the intrinsic dimension of datasets by a minimal neighborhood information (2017).
        intrinsic_dimension_interval: Its 95 % confidence interval.
        anisotropy: The mean cosine of all pairs, in [-1, 1]. Near 0 the vectors point everywhere; near 1 they all
            point one way, and cosines are high for unrelated texts.
            Source: Ethayarajh, How contextual are contextualized word representations? (2019).
        surroundings: How dense the vectors are.
        labels: How well the vectors of one label hold together, where labels were given.
        clusters: The same of clusters that k-means finds. Where their number isn't given, it is that of 2 to 20 with
            the highest silhouette.
        outliers: Vectors far from the centroid.
        near_duplicates: Pairs of almost equal vectors.
        drawing: What a report draws; not in `to_json`.
    """

    metric: Metric
    total: int
    vectors: int
    seed: int
    dimension: int | None
    zero_vectors: int
    norms: Norms | None = None
    sparsity: float | None = None
    constant_dimensions: int | None = None
    intrinsic_dimension: float | None = None
    intrinsic_dimension_interval: tuple[float, float] | None = None
    anisotropy: float | None = None
    surroundings: Surroundings | None = None
    labels: Grouping | None = None
    clusters: Grouping | None = None
    outliers: Outlying | None = None
    near_duplicates: Duplicates | None = None
    drawing: Drawing | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:  # Any: JSON values
        """Return the numbers as a JSON object, with the names that they have here; what is unknown is null."""
        numbers = asdict(replace(self, drawing=None))
        del numbers["drawing"]
        return numbers | {"metric": self.metric.value}
