"""The numbers as people read them, each with what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from onevec.quality.result import EmbeddingQuality, Grouping

UNKNOWN = "unknown"


class Fact(NamedTuple):
    """A number by its name, and what it tells."""

    name: str
    value: str
    meaning: str


def facts(quality: EmbeddingQuality) -> list[Fact]:
    """Return what there is to say, in order; a number that isn't known is "unknown"."""
    return [*_of_each(quality), *_of_pairs(quality), *_of_groups(quality), *_of_oddities(quality)]


def number(value: float | None) -> str:
    """Return a number with three significant digits, as in "0.0512", "12.3" or "1,240"."""
    if value is None:
        return UNKNOWN
    if abs(value) < 1e-9:  # noqa: PLR2004 (what rounding leaves)
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004


def _of_each(quality: EmbeddingQuality) -> Iterator[Fact]:
    all_of_them = quality.vectors == quality.total
    of = "all there are" if all_of_them else f"a random sample of {quality.total:,}, by the seed {quality.seed}"
    yield Fact("vectors", f"{quality.vectors:,}", of)
    yield Fact("dimension", UNKNOWN if quality.dimension is None else f"{quality.dimension:,}", "numbers in a vector")
    norms = quality.norms
    if norms is None:
        yield Fact("norm", UNKNOWN, "the length of a vector")
    elif norms.normalized:
        yield Fact("norm", number(norms.mean), "the length of every vector: they are normalised")
    else:
        spread = f"{number(norms.least)} to {number(norms.most)}, standard deviation {number(norms.deviation)}"
        yield Fact("norm", number(norms.mean), f"mean length; {spread}: not normalised")
    yield Fact("zero vectors", f"{quality.zero_vectors:,}", "texts that the model knows nothing of")
    sparsity = UNKNOWN if quality.sparsity is None else f"{100 * quality.sparsity:.3g} %"
    yield Fact("sparsity", sparsity, "numbers that are 0")
    constant = UNKNOWN if quality.constant_dimensions is None else f"{quality.constant_dimensions:,}"
    yield Fact("constant dimensions", constant, "the same in every vector, and so of no use")


def _of_pairs(quality: EmbeddingQuality) -> Iterator[Fact]:
    interval = quality.intrinsic_dimension_interval
    between = "" if interval is None else f"; 95 % confidence {number(interval[0])} to {number(interval[1])}"
    yield Fact("intrinsic dimension", number(quality.intrinsic_dimension), f"coordinates that would do{between}")
    yield Fact(
        "anisotropy", number(quality.anisotropy), "mean cosine of all pairs: 0 if they point everywhere, 1 one way"
    )
    around = quality.surroundings
    if around is None:
        yield Fact("neighbour distance", UNKNOWN, "mean distance to the nearest")
        yield Fact("contrast", UNKNOWN, "how much nearer these are than other vectors")
        return
    of_pairs = f"that of random pairs is {number(around.pair_distance)}"
    yield Fact(
        "neighbour distance", number(around.distance), f"mean distance to the {around.neighbours} nearest; {of_pairs}"
    )
    yield Fact("contrast", number(around.contrast), "how much nearer these are: 0 not at all, 1 equal")


def _of_groups(quality: EmbeddingQuality) -> Iterator[Fact]:
    for kind, groups in (("label", quality.labels), ("cluster", quality.clusters)):
        if groups is None:
            if kind == "cluster":
                yield Fact("clusters", UNKNOWN, "by k-means")
            continue
        some = "" if groups.vectors == quality.vectors else f"; {groups.vectors:,} vectors have one"
        how = "as given" if kind == "label" else "by k-means"
        yield Fact(f"{kind}s", f"{groups.groups:,}", f"{how}{some}")
        yield Fact(f"{kind} coherence", number(groups.coherence), _coherence(kind, groups))
        yield Fact(f"{kind} silhouette", number(groups.silhouette), "1 compact and apart, 0 overlapping, below 0 mixed")


def _coherence(kind: str, groups: Grouping) -> str:
    return f"mean cosine {number(groups.within)} within a {kind}, less {number(groups.between)} across"


def _of_oddities(quality: EmbeddingQuality) -> Iterator[Fact]:
    found, twins = quality.outliers, quality.near_duplicates
    yield Fact(
        "outliers",
        UNKNOWN if found is None else f"{found.count:,}",
        "far from the centre" + ("" if found is None else f": robust z-score above {number(found.threshold)}"),
    )
    yield Fact(
        "near-duplicates",
        UNKNOWN if twins is None else f"{twins.pairs:,}",
        "pairs of almost one direction"
        + ("" if twins is None else f": cosine {twins.threshold:g} or more; {twins.vectors:,} vectors are in one"),
    )
