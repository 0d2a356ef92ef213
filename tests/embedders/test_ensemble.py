"""Several embedders as one: what each way of combining gives, and what is refused."""

from __future__ import annotations

import asyncio
import math
import threading
from typing import Any

import numpy as np
import pytest

import onevec
from onevec import FunctionEmbedder
from onevec.embedders import Embedder
from onevec.embedders.ensemble import EnsembleEmbedder, load
from onevec.embedders.texts import TextEmbedder
from onevec.errors import ConfigError, EmbeddingFailed, UnknownEmbedder

TEXTS = ["wing", "a slab of bread", "heat"]


def drawn(name: str, *, dimension: int = 6, scale: float = 1.0) -> FunctionEmbedder:
    """An embedder whose vectors look random, and are of the text alone."""

    def embed(texts: list[str]) -> Any:
        seeds = [sum(map(ord, name + text)) for text in texts]
        return [scale * np.random.default_rng(seed).normal(size=dimension) for seed in seeds]

    return FunctionEmbedder(embed, name=name, dimension=dimension)


def unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


A, B = drawn("a", scale=100.0), drawn("b")
UNIT_A, UNIT_B = unit(np.array(A.embed(TEXTS))), unit(np.array(B.embed(TEXTS)))


def test_the_average_counts_directions_by_weight() -> None:
    """Weights are shares of their sum, and a member with long vectors counts no more than its weight."""
    ensemble = EnsembleEmbedder([(A, 3), (B, 1)])
    assert isinstance(ensemble, Embedder)
    np.testing.assert_allclose(ensemble.embed(TEXTS), unit(0.75 * UNIT_A + 0.25 * UNIT_B), atol=1e-6)
    plain = EnsembleEmbedder([(A, 3), (B, 1)], normalize=False)
    np.testing.assert_allclose(plain.embed(TEXTS), 0.75 * UNIT_A + 0.25 * UNIT_B, atol=1e-6)


def test_concatenation_makes_the_cosine_the_weighted_mean_of_cosines() -> None:
    """Also of members of different dimensions, of which nothing is lost."""
    wide = drawn("wide", dimension=9)
    ensemble = EnsembleEmbedder([(A, 1), (wide, 3)], combine="concatenate")
    assert ensemble.dimension == 15
    vectors = ensemble.embed(TEXTS)
    unit_wide = unit(np.array(wide.embed(TEXTS)))
    cosines = 0.25 * UNIT_A @ UNIT_A.T + 0.75 * unit_wide @ unit_wide.T
    np.testing.assert_allclose(vectors @ vectors.T, cosines, atol=1e-6)


def test_max_takes_the_largest_number_at_each_place() -> None:
    """Of the members' unit vectors, all alike."""
    np.testing.assert_allclose(
        EnsembleEmbedder([A, B], combine="max").embed(TEXTS), unit(np.maximum(UNIT_A, UNIT_B)), atol=1e-6
    )


def test_attention_listens_to_members_that_agree() -> None:
    """Its shares are those of the definition: an outlier among three counts less than in the average."""
    twin = FunctionEmbedder(A.embed, name="twin", dimension=6)
    ensemble = EnsembleEmbedder([(A, 1), (twin, 1), (B, 1)], combine="attention", temperature=0.5, normalize=False)
    mean = (2 * UNIT_A + UNIT_B) / 3
    agreement = [np.sum(one * unit(mean), axis=1) for one in (UNIT_A, UNIT_A, UNIT_B)]
    shares = np.exp(np.array(agreement) / 0.5)
    shares /= shares.sum(axis=0)
    assert (shares[2] < 1 / 3).all()
    expected = (shares[0] + shares[1])[:, None] * UNIT_A + shares[2][:, None] * UNIT_B
    np.testing.assert_allclose(ensemble.embed(TEXTS), expected, atol=1e-6)


def test_attention_is_the_average_at_a_high_temperature_and_one_member_at_a_low_one() -> None:
    """And nothing overflows on the way."""
    average = EnsembleEmbedder([(A, 2), (B, 1)]).embed(TEXTS)
    hot = EnsembleEmbedder([(A, 2), (B, 1)], combine="attention", temperature=1e6)
    cold = EnsembleEmbedder([(A, 2), (B, 1)], combine="attention", temperature=1e-6)
    np.testing.assert_allclose(hot.embed(TEXTS), average, atol=1e-5)
    np.testing.assert_allclose(cold.embed(TEXTS), UNIT_A, atol=1e-5)


@pytest.mark.parametrize("combine", ["average", "max", "attention"])
def test_members_of_different_dimensions_are_refused(combine: Any) -> None:
    """Nothing is cut off or filled up; the message has the dimensions."""
    with pytest.raises(ConfigError, match=r"'a' 6, 'wide' 9; use combine='concatenate'"):
        EnsembleEmbedder([A, drawn("wide", dimension=9)], combine=combine)


@pytest.mark.parametrize(
    ("members", "options", "match"),
    [
        ([], {}, "has members"),
        ([(A, 0)], {}, "weight is a number above 0, got 0"),
        ([(A, -1.0)], {}, "got -1"),
        ([(A, math.nan)], {}, "got nan"),
        ([(A, True)], {}, "got True"),
        ([A], {"combine": "median"}, "combine is one of average, concatenate, max, attention"),
        ([(A, 1), (B, 2)], {"combine": "max"}, "has no weights"),
        ([A], {"combine": "attention", "temperature": 0}, "temperature"),
        (["wordlama"], {}, "did you mean 'wordllama'"),
    ],
)
def test_what_cannot_be_an_ensemble_is_refused(members: Any, options: Any, match: str) -> None:
    """When it is made, not with the first text."""
    with pytest.raises(ConfigError, match=match):
        EnsembleEmbedder(members, **options)


def test_the_name_holds_members_weights_and_way() -> None:
    """The same ensemble has the same name, however its weights were written; another one has another."""
    name = EnsembleEmbedder([(A, 2), (B, 2)]).name
    assert name == "ensemble:average(a*0.5,b*0.5)" == EnsembleEmbedder([A, B]).name
    others = [
        EnsembleEmbedder([(A, 1), (B, 2)]),
        EnsembleEmbedder([B, A]),
        EnsembleEmbedder([A, B], combine="max"),
        EnsembleEmbedder([A, B], normalize=False),
        EnsembleEmbedder([A, B], combine="attention"),
        EnsembleEmbedder([A, B], combine="attention", temperature=0.2),
    ]
    assert len({name, *(other.name for other in others)}) == 7


@pytest.mark.parametrize(
    "spec",
    [
        "average(wordllama*0.333333,wordllama*0.666667)",
        "concatenate(wordllama*0.25,ensemble:attention(wordllama*0.5,wordllama*0.5,temperature=0.3)*0.75)",
        "max(wordllama*1,normalize=false)",
    ],
)
def test_a_name_opens_the_ensemble_again(spec: str) -> None:
    """Where names open its members; an ensemble in an ensemble, too."""
    assert load(spec).name == f"ensemble:{spec}"


def test_a_collection_finds_its_ensemble_by_the_name_it_recorded() -> None:
    """Weights needn't be normalised by hand, and nobody has to say the ensemble again."""
    with onevec.connect("memory://") as store:
        made = store.create_collection("papers", embedder="ensemble:average(wordllama*1,wordllama*3)")
        made.upsert([{"id": "1", "text": "the lift of a wing"}, {"id": "2", "text": "baking bread"}])
        assert store.collection("papers").info().embedder == "ensemble:average(wordllama*0.25,wordllama*0.75)"
        assert store.collection("papers").search("an aeroplane", top_k=1)[0].id == "1"


@pytest.mark.parametrize("spec", [None, "", "wordllama", "average", "average(wordllama*0.5", "average(wordllama*half)"])
def test_a_name_that_is_not_understood_is_refused(spec: str | None) -> None:
    """With a name that is."""
    with pytest.raises(UnknownEmbedder, match=r"ensemble:average\(wordllama\*0\.4"):
        load(spec)


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        ([[1.0] * 6] * 2, r"member 'bad' gave float64 of shape \(2, 6\) for 3 texts"),
        ([[1.0] * 5] * 3, r"not numbers of shape \(3, 6\)"),
        ([[1.0] * 6, [math.nan] * 6, [1.0] * 6], "member 'bad' gave a vector with a number that is not finite"),
    ],
)
def test_a_member_that_fails_is_named(answer: Any, match: str) -> None:
    """And the text, where it was one."""
    ensemble = EnsembleEmbedder([A, FunctionEmbedder(lambda _: answer, name="bad", dimension=6)])
    with pytest.raises(EmbeddingFailed, match=match) as raised:
        ensemble.embed(TEXTS)
    assert raised.value.position == (1 if "finite" in match else None)


class Meeting(TextEmbedder):
    """Embeds only while all of its kind do."""

    def __init__(self, name: str, barrier: threading.Barrier) -> None:
        super().__init__(name, dimension=2)
        self._barrier = barrier

    def embed_batch(self, texts: list[str]) -> Any:
        self._barrier.wait(timeout=30)
        return [[len(text), 1] for text in texts]


def test_on_an_event_loop_the_members_run_at_once() -> None:
    """Two members that wait for each other both come to their end, and the vectors are those of the blocking form."""
    barrier = threading.Barrier(2)
    ensemble = EnsembleEmbedder([Meeting("one", barrier), Meeting("two", barrier)])
    vectors = asyncio.run(ensemble.embed_async(TEXTS))
    np.testing.assert_allclose(vectors, unit(np.array([[len(text), 1] for text in TEXTS])), atol=1e-6)
