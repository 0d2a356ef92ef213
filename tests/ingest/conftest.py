"""A folder to work in, and collections with an embedder that counts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import onevec
from onevec.collection import Collection

State = dict[str, tuple[Any, ...]]


class Digests:
    """An embedder whose vectors are digests of the texts. It remembers what it was given."""

    name = "digests"
    dimension = 8

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.texts += texts
        return np.array([vector_of(text) for text in texts], np.float32)


def vector_of(text: str) -> list[float]:
    """Whole numbers, so that every engine gives them back as they were; zeros for a text of zeros."""
    if text.strip("0 \n") == "":
        return [0.0] * 8
    return [float(byte) for byte in hashlib.sha256(text.encode()).digest()[:8]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the test."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def digests() -> Digests:
    return Digests()


@pytest.fixture(params=["memory", "sqlite"])
def collection(request: pytest.FixtureRequest, tmp_path: Path, digests: Digests) -> Iterator[Collection]:
    """An empty collection with the embedder `digests`."""
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/store.db"
    with onevec.connect(url) as store:
        yield store.create_collection("files", embedder=digests)


@pytest.fixture
def new_collection() -> Iterator[Callable[..., Collection]]:
    """Makes empty collections in memory, by default with an embedder `digests`."""
    with onevec.connect("memory://") as store:
        names = (f"c{number}" for number in count())

        def make(**options: Any) -> Collection:
            return store.create_collection(next(names), **{"embedder": Digests(), **options})

        yield make


@pytest.fixture
def state_of() -> Callable[[Collection], State]:
    """What a collection holds, without the times."""

    def read(collection: Collection) -> State:
        held: State = {}
        for document in collection.scan():
            assert document.vector is not None
            held[document.id] = (document.text, [float(number) for number in document.vector], document.metadata)
        return held

    return read
