"""The base of embedders: what a subclass that gives one method gets."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

import onevec
from onevec.embedders import Embedder
from onevec.embedders.texts import TextEmbedder
from onevec.errors import EmbeddingFailed, InvalidInput, OnevecError, RateLimited


class Lengths(TextEmbedder):
    """Vectors of a text's length and 1; it keeps the batches that it was given."""

    def __init__(self, **options: Any) -> None:
        super().__init__("lengths-1", **options)
        self.batches: list[list[str]] = []

    def embed_batch(self, texts: list[str]) -> Any:
        self.batches.append(texts)
        return [[len(text), 1] for text in texts]


class Told(TextEmbedder):
    """Gives what it is told to."""

    def __init__(self, answer: Any, **options: Any) -> None:
        super().__init__("told", dimension=2, batch_size=2, **options)
        self.answer = answer

    def embed_batch(self, texts: list[str]) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def _failure(embedder: TextEmbedder, texts: Any, match: str | None = None) -> Any:
    """The error of both forms."""
    with pytest.raises(OnevecError, match=match) as blocking:
        embedder.embed(texts)
    with pytest.raises(OnevecError, match=match) as awaited:
        asyncio.run(embedder.embed_async(texts))
    assert str(awaited.value) == str(blocking.value)
    return blocking.value


def test_one_method_makes_an_embedder() -> None:
    """Name, dimension, float32 rows in the order of the texts, sync and async, also for no texts."""
    embedder = Lengths()
    assert isinstance(embedder, Embedder)
    assert (embedder.name, embedder.dimension) == ("lengths-1", 2)
    matrix = embedder.embed(("a", "bcd"))
    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[1, 1], [3, 1]]
    assert asyncio.run(embedder.embed_async(["a", "bcd"])).tolist() == matrix.tolist()
    assert embedder.embed([]).shape == (0, 2)


def test_batches_are_split_by_count_and_by_tokens() -> None:
    """No batch is longer than asked; a text with more tokens than a batch may have goes alone."""
    counted = Lengths(batch_size=2)
    counted.embed(["a", "b", "c", "d", "e"])
    assert counted.batches == [["a", "b"], ["c", "d"], ["e"]]
    weighed = Lengths(batch_tokens=4)  # a text of n bytes has 1 + n // 4 tokens
    weighed.embed(["12345678", "1", "1", "1" * 100, "1"])
    assert weighed.batches == [["12345678", "1"], ["1"], ["1" * 100], ["1"]]


@pytest.mark.parametrize(
    ("texts", "position", "reason"),
    [
        (["a", "b", "c", ""], 3, "text 3 of 4 is empty"),
        (["a", " \n\t"], 1, "text 1 of 2 is empty"),
        (["a", "b\ud800"], 1, "text 1 of 2 has a lone surrogate at 1"),
        (
            ["a", "b" * 1_000_000],
            1,
            "text 1 of 2, 'bbbb.*, has about 250,001 tokens, more than embedder 'lengths-1' takes",
        ),
    ],
    ids=["empty", "blank", "surrogate", "megabyte"],
)
def test_a_text_that_cannot_be_embedded_is_named(texts: list[str], position: int, reason: str) -> None:
    """By its position in the whole call, before the model is asked for anything."""
    embedder = Lengths(batch_size=1, text_tokens=100)
    error = _failure(embedder, texts, reason)
    assert isinstance(error, EmbeddingFailed)
    assert error.position == position
    assert error.__cause__ is None
    assert embedder.batches == []


@pytest.mark.parametrize("texts", ["abc", b"abc", ["a", 3], ["a", None]])
def test_what_is_no_list_of_texts_is_refused(texts: Any) -> None:
    """A text by itself is not taken for a list of letters."""
    assert isinstance(_failure(Lengths(), texts), InvalidInput)


def test_a_megabyte_of_text_is_embedded_where_there_is_no_limit() -> None:
    """The base itself has none."""
    assert Lengths().embed(["b" * 1_000_000]).tolist() == [[1_000_000, 1]]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([[1, 2]], r"gave 1 vectors for 2 texts \(texts 0 to 1 of 4\)"),
        ([[1, 2]] * 3, "gave 3 vectors for 2 texts"),
        ([[1, 2, 3]] * 2, "gave vectors of 3 numbers for texts 0 to 1 of 4, its dimension is 2"),
        ([[1, 2], [1]], "gave no matrix of numbers"),
        ([1, 2], "gave no matrix of numbers"),
        ([["1", "2"]] * 2, "gave no matrix of numbers"),
        (None, "gave no matrix of numbers"),
    ],
)
def test_an_answer_of_another_shape_fails(answer: Any, reason: str) -> None:
    """It is the model's failure, and no text's."""
    error = _failure(Told(answer), ["a", "b", "c", "d"], reason)
    assert isinstance(error, EmbeddingFailed)
    assert error.position is None


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e39])
def test_a_number_that_is_not_finite_fails(number: float) -> None:
    """Also one that is only too large for float32; the text is named by its position in the whole call."""

    class Third(TextEmbedder):
        def embed_batch(self, texts: list[str]) -> Any:
            return [[number if text == "bad" else 1.0] for text in texts]

    error = _failure(Third("third", dimension=1, batch_size=2), ["a", "b", "c", "bad"])
    assert isinstance(error, EmbeddingFailed)
    assert error.position == 3
    assert "text 3 of 4, 'bad'" in str(error)


def test_what_the_model_raises_is_the_cause() -> None:
    """An error of onevec's passes as it is; one about a text of the batch is told as one about a text of the call."""
    error = _failure(Told(ZeroDivisionError("no")), ["a"])
    assert str(error) == "embedder 'told' failed: ZeroDivisionError: no"
    assert isinstance(error.__cause__, ZeroDivisionError)
    limited = RateLimited("slow down", retry_after=2.0)
    assert _failure(Told(limited), ["a"]) is limited

    class Picky(Lengths):
        def embed_batch(self, texts: list[str]) -> Any:
            if "no" in texts:
                raise EmbeddingFailed("not this one", position=texts.index("no"))
            return super().embed_batch(texts)

    error = _failure(Picky(batch_size=2), ["a", "b", "c", "no"])
    assert (error.position, str(error)) == (3, "text 3 of 4: not this one")


def test_vectors_are_normalized_where_asked() -> None:
    """To an L2 norm of 1, also where a square would overflow; zeros stay as they are."""
    given: list[list[float]] = [[3e30, 4e30], [0, 0]]
    assert np.allclose(Told(given, normalize=True).embed(["a", "b"]), np.array([[0.6, 0.8], [0.0, 0.0]]))
    assert Told([[3, 4], [0, 0]]).embed(["a", "b"]).tolist() == [[3, 4], [0, 0]]


def test_batches_run_at_once_up_to_the_limit() -> None:
    """Each of three batches waits for the others; their rows come in the order of the texts."""

    class Meeting(Lengths):
        def embed_batch(self, texts: list[str]) -> Any:
            meeting.wait(10)
            return super().embed_batch(texts)

    embedder = Meeting(dimension=2, batch_size=1, max_concurrency=3)
    meeting = threading.Barrier(3)
    assert embedder.embed(["a", "bb", "ccc"])[:, 0].tolist() == [1, 2, 3]
    assert asyncio.run(embedder.embed_async(["a", "bb", "ccc"]))[:, 0].tolist() == [1, 2, 3]


def test_the_event_loop_runs_on_while_a_model_works() -> None:
    """The model can only end because the loop lets it, in an async store too."""
    let_go = threading.Event()

    class Slow(Lengths):
        def embed_batch(self, texts: list[str]) -> Any:
            assert let_go.wait(10)
            return super().embed_batch(texts)

    async def main() -> None:
        async with onevec.connect_async("memory://") as store:
            papers = await store.create_collection("papers", embedder=Slow(dimension=2))
            write = asyncio.create_task(papers.upsert({"id": "a", "text": "wing"}))
            await asyncio.sleep(0)
            let_go.set()
            assert (await write).written == 1

    asyncio.run(main())


def test_an_async_store_awaits_an_embedders_async_form() -> None:
    """`embed_async` is used where there is one, by any class; a sync store calls `embed`."""

    class Native:
        name = "native"
        dimension = 2
        calls: tuple[str, ...] = ()

        def embed(self, texts: Any) -> Any:
            self.calls += ("embed",)
            return [[1.0, 2.0] for _ in texts]

        async def embed_async(self, texts: Any) -> Any:
            self.calls += ("embed_async",)
            return [[1.0, 2.0] for _ in texts]

    embedder = Native()
    with onevec.connect("memory://", embedder=embedder) as store:
        store.create_collection("papers").upsert({"id": "a", "text": "wing"})

    async def main() -> None:
        async with onevec.connect_async("memory://", embedder=embedder) as store:
            await (await store.create_collection("papers")).upsert({"id": "a", "text": "wing"})

    asyncio.run(main())
    assert embedder.calls == ("embed", "embed_async")


def test_a_store_names_the_document() -> None:
    """Of a text that can't be embedded; nothing of the batch is written."""
    with onevec.connect("memory://", embedder=Lengths()) as store:
        papers = store.create_collection("papers")
        with pytest.raises(EmbeddingFailed, match="document 'b': text 1 of 2 is empty"):
            papers.upsert([{"id": "a", "text": "wing"}, {"id": "b", "text": " "}])
        assert papers.count() == 0


def test_a_collection_gives_the_vectors_of_texts() -> None:
    """Made by its embedder, checked as those of documents, and not written."""

    async def awaited() -> Any:
        async with onevec.connect_async("memory://", embedder=Lengths()) as store:
            return await (await store.create_collection("papers")).embed(["a", "bcd"])

    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", embedder=Lengths())
        assert papers.embed(["a", "bcd"]).tolist() == asyncio.run(awaited()).tolist() == [[1, 1], [3, 1]]
        assert papers.embed([]).shape == (0, 2)
        assert papers.count() == 0
        with pytest.raises(EmbeddingFailed, match=r"^text 1 of 2 is empty") as error:
            papers.embed(["a", ""])
        assert error.value.position == 1
        with pytest.raises(InvalidInput, match="embed takes a list of texts"):
            papers.embed("a")
        with pytest.raises(InvalidInput, match="collection 'vectors' has no embedder"):
            store.create_collection("vectors", dimension=2).embed(["a"])
