"""Texts and images in one space, by a pair of the user's own functions."""

from __future__ import annotations

import asyncio
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onevec
from onevec.embedders import Embedder
from onevec.embedders.clip import load
from onevec.embedders.multimodal import MultimodalEmbedder
from onevec.errors import EmbeddingFailed, EngineNotInstalled, InvalidInput

COLOURS = ("red", "green", "blue")


def by_text(texts: list[str]) -> Any:
    return [[text.count(colour) + 0.1 for colour in COLOURS] for text in texts]


def by_image(images: list[Any]) -> Any:
    """An image here is the mean of its three colours, as three bytes, or a file of them."""
    return [list(image if isinstance(image, bytes) else Path(image).read_bytes()) for image in images]


RED, BLUE, PURPLE = b"\xff\x01\x01", b"\x01\x01\xff", b"\x80\x01\x80"


@pytest.fixture
def embedder() -> MultimodalEmbedder:
    return MultimodalEmbedder(by_text, by_image, name="colours-1", batch_size=2)


def unit(vectors: Any) -> Any:
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_texts_and_images_have_vectors_of_one_space(embedder: MultimodalEmbedder) -> None:
    """Float32 rows at norm 1, in the order given, in batches that the functions can take."""
    assert isinstance(embedder, Embedder)
    assert (embedder.name, embedder.dimension) == ("colours-1", 3)
    images = embedder.embed_images([RED, BLUE, PURPLE])
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, unit([list(RED), list(BLUE), list(PURPLE)]), atol=1e-6)
    assert (embedder.embed(["red", "blue", "red and blue"]) @ images.T).argmax(axis=1).tolist() == [0, 1, 2]
    assert embedder.embed_images([]).shape == (0, 3)
    assert np.array_equal(asyncio.run(embedder.embed_images_async([RED, BLUE, PURPLE])), images)


def test_a_text_finds_image_documents(embedder: MultimodalEmbedder, tmp_path: Path) -> None:
    """A collection takes images with their vectors, and texts without; both are found by text."""
    paths = [tmp_path / "red.img", tmp_path / "blue.img"]
    for path, colour in zip(paths, (RED, BLUE), strict=True):
        path.write_bytes(colour)
    with onevec.connect("memory://") as store:
        pictures = store.create_collection("pictures", embedder=embedder)
        pictures.upsert(ids=[path.name for path in paths], vectors=embedder.embed_images(paths))
        pictures.upsert({"id": "note", "text": "green"})
        assert [hit.id for hit in pictures.search("something blue", top_k=2)] == ["blue.img", "note"]
        assert pictures.search("green", top_k=1)[0].id == "note"


def test_the_average_of_a_pair_is_the_mean_of_its_directions(embedder: MultimodalEmbedder) -> None:
    """However long the vectors were."""
    pairs = embedder.embed_pairs(["red", "blue"], [BLUE, BLUE])
    expected = unit(unit(by_text(["red", "blue"])) + unit(by_image([BLUE, BLUE])))
    np.testing.assert_allclose(pairs, expected, atol=1e-6)
    assert np.array_equal(asyncio.run(embedder.embed_pairs_async(["red", "blue"], [BLUE, BLUE])), pairs)


def test_the_average_of_a_pair_that_lacks_one_is_the_other(embedder: MultimodalEmbedder) -> None:
    """Nothing is made up for what isn't there."""
    pairs = embedder.embed_pairs(["red", None, "blue"], [None, BLUE, RED])
    np.testing.assert_allclose(pairs[0], embedder.embed(["red"])[0], atol=1e-6)
    np.testing.assert_allclose(pairs[1], embedder.embed_images([BLUE])[0], atol=1e-6)


def test_both_sides_of_a_pair_are_brought_to_norm_1_where_the_result_is_not() -> None:
    """So without `normalize`, too, a function with long vectors counts no more than the other."""
    plain = MultimodalEmbedder(by_text, by_image, name="plain", normalize=False)
    np.testing.assert_allclose(plain.embed_images([RED]), [list(RED)])
    text, image = unit(by_text(["red"]))[0], unit(by_image([BLUE]))[0]
    average = plain.embed_pairs(["red", "red", None], [BLUE, None, BLUE])
    np.testing.assert_allclose(average, [(text + image) / 2, text, image], atol=1e-6)
    both = plain.embed_pairs(["red"], [BLUE], fusion="concatenate")
    np.testing.assert_allclose(both, [np.concatenate([text, image])], atol=1e-6)


def test_a_function_can_say_which_image_it_was() -> None:
    """By its position in the batch that it got."""

    def images(given: list[Any]) -> Any:
        if BLUE in given:
            raise EmbeddingFailed("too blue", position=given.index(BLUE))
        return by_image(given)

    embedder = MultimodalEmbedder(by_text, images, name="fussy", batch_size=2)
    with pytest.raises(EmbeddingFailed, match="image 3 of 4: too blue") as raised:
        embedder.embed_images([RED, RED, RED, BLUE])
    assert raised.value.position == 3


def test_a_concatenated_pair_has_both_halves(embedder: MultimodalEmbedder) -> None:
    """Its cosine with another is the mean of those of texts and of images; a text alone asks both halves."""
    pairs = embedder.embed_pairs(["red", "blue"], [BLUE, RED], fusion="concatenate")
    texts, images = embedder.embed(["red", "blue"]), embedder.embed_images([BLUE, RED])
    assert pairs.shape == (2, 6)
    np.testing.assert_allclose(pairs @ pairs.T, (texts @ texts.T + images @ images.T) / 2, atol=1e-6)
    query = embedder.embed(["red"])
    with onevec.connect("memory://") as store:
        collection = store.create_collection("pairs", dimension=6)
        collection.upsert(ids=["red, blue", "blue, red"], vectors=pairs)
        hits = collection.search(np.hstack([query, query])[0])
    scores = {hit.id: hit.score for hit in hits}
    assert scores["red, blue"] == pytest.approx(float(query[0] @ (texts[0] + images[0])) / 2, abs=1e-5)
    assert scores["blue, red"] == pytest.approx(float(query[0] @ (texts[1] + images[1])) / 2, abs=1e-5)


@pytest.mark.parametrize(
    ("texts", "images", "fusion", "match", "position"),
    [
        (["red", None], [RED, None], "average", "pair 1 of 2 has neither text nor image", 1),
        (["red", "blue"], [RED, None], "concatenate", "pair 1 of 2 has not both", 1),
        ([None, "blue"], [RED, BLUE], "concatenate", "pair 0 of 2 has not both", 0),
        (["red", None, ""], [None, RED, BLUE], "average", "pair 2 of 3: text 1 of 2 is empty", 2),
        (["red", None, "blue"], [None, "nowhere.img", "no.img"], "average", "pair 1 of 3: image 0 of 2: no file", 1),
    ],
)
def test_a_pair_that_cannot_be_embedded_is_named(
    embedder: MultimodalEmbedder, *, texts: Any, images: Any, fusion: Any, match: str, position: int
) -> None:
    """By its position among the pairs."""
    with pytest.raises(EmbeddingFailed, match=match) as raised:
        embedder.embed_pairs(texts, images, fusion=fusion)
    assert raised.value.position == position


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda one: one.embed_images("red.img"), "takes a list of images, got str"),
        (lambda one: one.embed_images(RED), "takes a list of images, got bytes"),
        (lambda one: one.embed_images([RED, None]), "image 1 of 2 is a path, bytes or an image, got None"),
        (lambda one: one.embed_images([b""]), "image 0 of 1"),
        (lambda one: one.embed_pairs(["red"], []), "got 1 texts and 0 images"),
        (lambda one: one.embed_pairs(["red"], [RED], fusion="max"), "fusion is one of average, concatenate"),
    ],
)
def test_what_is_no_image_is_refused(embedder: MultimodalEmbedder, call: Any, match: str) -> None:
    """Before a function is called."""
    with pytest.raises(InvalidInput, match=match):
        call(embedder)


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        ([[1.0, 2.0, 3.0]], r"of shape \(1, 3\) for images 0 to 1 of 3"),
        ([[1.0, 2.0]] * 2, r"not numbers of shape \(2, 3\)"),
        ([[1.0] * 3, [math.inf] * 3], "image 1 of 3: .* not finite"),
        (OSError("the camera is off"), "failed: OSError: the camera is off"),
    ],
)
def test_a_function_that_fails_is_an_error(answer: Any, match: str) -> None:
    """Too few vectors, others than its dimension, numbers that are none, and what it raises."""

    def images(_: list[Any]) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    embedder = MultimodalEmbedder(by_text, images, name="bad", dimension=3, batch_size=2)
    with pytest.raises(EmbeddingFailed, match=match):
        embedder.embed_images([RED, BLUE, PURPLE])


def test_images_are_embedded_off_the_event_loop() -> None:
    """In another thread than the loop's."""
    seen: list[str] = []

    def images(given: list[Any]) -> Any:
        seen.append(threading.current_thread().name)
        return by_image(given)

    embedder = MultimodalEmbedder(by_text, images, name="seen")
    asyncio.run(embedder.embed_pairs_async(["red"], [RED]))
    assert seen != [threading.current_thread().name]


def test_a_missing_library_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither comes with the base."""
    monkeypatch.setattr("onevec.embedders.hub.find_spec", lambda _: None)
    with pytest.raises(EngineNotInstalled, match=r'sentence_transformers, PIL: pip install "onevec\[multimodal\]"'):
        load("clip-ViT-B-32")
