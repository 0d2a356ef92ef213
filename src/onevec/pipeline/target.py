"""What every call on a collection knows: the store, the collection, the namespace, the embedder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from onevec.adapter import Adapter, Place
from onevec.batches import Matrix
from onevec.documents import CollectionInfo
from onevec.embedders import Embedder
from onevec.errors import EmbedderMismatch, InvalidDocument, UnknownEmbedder, UnsupportedFilter
from onevec.filter_syntax import parse_filter
from onevec.filters import ALWAYS, Condition, Filter, FilterLike
from onevec.lower import lower, unsupported
from onevec.pipeline.embedding import embed
from onevec.registry import load_embedder

if TYPE_CHECKING:
    from onevec.pipeline.store import StorePipeline

P = ParamSpec("P")
T = TypeVar("T")


class Target:
    """One namespace of one collection.

    Attributes:
        store: The store's pipeline.
        info: What the collection is.
        namespace: Which namespace every call of this handle is about.
        bound: Whether the handle was made by `namespace(...)`, and so reaches no other one.
    """

    def __init__(
        self, store: StorePipeline, info: CollectionInfo, embedder: Embedder | None, *, namespace: str | None = None
    ) -> None:
        self.store = store
        self.info = info
        self.bound = namespace is not None
        self.namespace = namespace or ""
        self._place = Place(info, self.namespace)
        self._embedder = embedder

    @property
    def adapter(self) -> Adapter[Any]:  # Any: each engine's own options
        return self.store.adapter

    @property
    def engine(self) -> str:
        return self.store.engine

    def check_open(self) -> None:
        self.store.check_open()

    async def call(self, operation: str, method: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.store.call(operation, self._place, method, *args, **kwargs)

    async def embedded(self, texts: Sequence[str], owners: Sequence[str]) -> Matrix:
        """The vectors of texts, made by the collection's embedder."""
        return await embed(self.store.io, await self.embedder(owners[0]), texts, owners, self.info)

    async def embedder(self, owner: str) -> Embedder:
        """The collection's embedder: the one given, or the one whose name it recorded."""
        if self._embedder is None:
            name = self.info.embedder
            if name is None:
                raise InvalidDocument(
                    f"{owner} has a text and no vector, and collection {self.info.name!r} has no embedder; "
                    "give a vector, or make the collection with embedder="
                )
            try:
                self._embedder = await self.store.io.offload(load_embedder, name)
            except UnknownEmbedder:
                raise EmbedderMismatch(
                    f"collection {self.info.name!r} was made with embedder {name!r}, which can't be found by its name; "
                    f"open it with collection({self.info.name!r}, embedder=...)"
                ) from None
        return self._embedder

    def lowered(self, filter: FilterLike | None) -> Filter | None:
        """The filter as a tree of the engine's operators where it has them; None for all documents."""
        tree = parse_filter(filter)
        if tree is None:
            return None
        tree = lower(tree, self.store.capabilities.operators)
        return None if tree == ALWAYS else tree

    def native(self, filter: FilterLike | None) -> Filter | None:
        """The lowered filter, refused if the engine can't run all of it."""
        tree = self.lowered(filter)
        lacking = [] if tree is None else unsupported(tree, self.store.capabilities.operators)
        if lacking:
            raise self.refusal(lacking[0], "filter with another operator")
        return tree

    def refusal(self, condition: Condition, way_out: str) -> UnsupportedFilter:
        return UnsupportedFilter(
            f"{self.store.engine} cannot filter with {condition.op} (field {condition.field!r}); "
            f"{way_out}, or use an engine that has it: memory, sqlite"
        )
