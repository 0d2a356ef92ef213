"""Documents to write, and what is in a collection."""

from __future__ import annotations

import random
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from onevec.aio import AsyncCollection
from onevec.documents import Document, Vector
from onevec.errors import OnevecError

DIMENSION = 4


def doc(id: str, *, text: str | None = None, vector: Vector | None = None, **metadata: Any) -> Document:  # Any: JSON
    """Return a document with this metadata; without a vector it gets one that its id decides."""
    return Document(id, text=text, vector=vector_of(id) if vector is None else vector, metadata=metadata)


def vector_of(seed: str, dimension: int = DIMENSION) -> list[float]:
    """Return a vector of float32 numbers in [-1, 1] without zeros, the same for the same seed."""
    numbers = random.Random(seed)  # noqa: S311 (test data)
    return [numbers.choice([-1, 1]) * numbers.randint(1, 1 << 20) / (1 << 20) for _ in range(dimension)]


def matrix(count: int, dimension: int = DIMENSION, *, seed: int = 1) -> npt.NDArray[np.float32]:
    """Return a float32 matrix of shape (count, dimension), normally distributed, the same for the same seed."""
    return np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)


@contextmanager
def case(what: object) -> Iterator[None]:
    """Say of a failure inside which of several cases it was in."""
    try:
        yield
    except BaseException as failure:
        failure.add_note(f"in the case {ascii(what)[:200]}")
        raise


async def assert_refused(
    error: type[OnevecError],
    what: object,
    *calls: Coroutine[Any, Any, object],  # Any: what an event loop sends
) -> None:
    """Assert that every call raises the error, with a message for a person; `what` names the case if one doesn't."""
    try:
        for call in calls:
            with case(what), pytest.raises(error) as refused:
                await call
            assert 10 < len(str(refused.value)) < 2_000
    finally:
        for call in calls:
            call.close()


async def contents(collection: AsyncCollection) -> dict[str, Document]:
    """Return every document of the handle's namespace, by id."""
    return {document.id: document async for document in collection.scan()}


async def ids_of(collection: AsyncCollection) -> set[str]:
    """Return every id of the handle's namespace."""
    return set(await contents(collection))


def undated(documents: Sequence[Document]) -> list[Document]:
    """Return the documents without the times the store gave them, to compare across stores."""
    return [
        Document(document.id, text=document.text, vector=document.vector, metadata=document.metadata)
        for document in documents
    ]


def after(moment: datetime | None) -> datetime:
    """Return the time as soon as the clock shows a later microsecond than `moment`."""
    assert moment is not None
    while (now := datetime.now(UTC)) <= moment:
        pass
    return now


def counted(texts: Sequence[str]) -> list[list[float]]:
    """An embedder for tests: words, characters and vowels of each text, and a one, so that no vector is zero."""
    return [
        [float(len(text.split())), float(len(text)), float(sum(letter in "aeiou" for letter in text)), 1.0]
        for text in texts
    ]
