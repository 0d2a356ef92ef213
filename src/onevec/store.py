"""The sync API. Every method is one line over the pipeline, driven in place: no event loop, no thread."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from onevec.capabilities import Capabilities
from onevec.collection import Collection
from onevec.documents import (
    CollectionInfo,
    Health,
    Progress,
)
from onevec.operations import Operation, done
from onevec.runtime import run

if TYPE_CHECKING:
    from onevec.choosing import Candidate
    from onevec.embedders import EmbedderLike
    from onevec.metrics import Metric
    from onevec.pipeline import StorePipeline

T = TypeVar("T")


class Store:
    """An open connection to one engine, made by `onevec.connect`.

    Safe to share between threads. Close it, or use `with`.
    """

    __slots__ = ("_core",)

    def __init__(self, core: StorePipeline) -> None:
        self._core = core

    def create_collection(
        self,
        name: str,
        *,
        dimension: int | None = None,
        metric: Metric | str = "cosine",
        embedder: EmbedderLike | None = None,
        if_exists: Literal["error", "open", "replace"] = "error",
    ) -> Collection:
        """Make a collection and return its handle.

        Args:
            name: 1 to 128 letters, digits, `.`, `_`, `-`.
            dimension: How many numbers each vector has. May be left out where an embedder says it.
            metric: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`.
            embedder: What makes vectors of texts: a name such as `"wordllama"`, a function, or an `Embedder`. Its name
                is recorded, and the collection refuses another one. Default: the store's embedder, if it has one.
            if_exists: `"open"` takes one that is there, if it has the same dimension, metric and embedder;
                `"replace"` deletes it first; `"error"` refuses.

        Raises:
            CollectionExists: It is there, or there with another dimension or metric.
            EmbedderMismatch: It is there with another embedder.
            InvalidName: The name is outside the contract.
        """
        return Collection(
            run(
                self._core.create_collection(
                    name, dimension=dimension, metric=metric, embedder=embedder, if_exists=if_exists
                )
            )
        )

    def collection(self, name: str, *, embedder: EmbedderLike | None = None) -> Collection:
        """Return the handle of a collection that exists.

        Args:
            name: The collection's name.
            embedder: Needed only where the recorded name can't be found by itself, as with a function.

        Raises:
            CollectionNotFound: There is none of that name.
            EmbedderMismatch: It was made with another embedder.
        """
        return Collection(run(self._core.collection(name, embedder=embedder)))

    def collections(self) -> list[CollectionInfo]:
        """Return what collections there are, by name."""
        return run(self._core.collections())

    def has_collection(self, name: str) -> bool:
        """Return whether there is a collection of that name."""
        return run(self._core.has_collection(name))

    def delete_collection(self, name: str) -> bool:
        """Delete a collection with all its namespaces; return whether it existed."""
        return run(self._core.delete_collection(name))

    def copy_collection(self, source: str, target: str, *, on_progress: Progress | None = None) -> int:
        """Copy a collection with all its namespaces to a new one; return how many documents it has.

        Raises:
            CollectionNotFound: There is no `source`.
            CollectionExists: There is a `target`.
        """
        return run(self._core.copy_collection(source, target, on_progress=on_progress))

    def health(self) -> Health:
        """Return how the store is. It doesn't raise for an engine that is ill: the status says so."""
        return run(self._core.health())

    def do(self, operation: Operation[T]) -> T:
        """Let the engine do something of its own, and return what comes of it; its page lists what there is.

        Raises:
            Unsupported: The operation is another engine's.
        """
        return run(done(self._core, operation))

    @property
    def engine(self) -> str:
        """The engine's name."""
        return self._core.engine

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do."""
        return self._core.capabilities

    @property
    def client(self) -> object:
        """The engine library's own object."""
        return self._core.client

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """How the stores were that `create_production_store` asked; empty for a store of `connect`."""
        return self._core.candidates

    def close(self) -> None:
        """Let go of everything. A second call does nothing; any other call then raises `StoreClosed`."""
        run(self._core.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self._core.engine}>"
