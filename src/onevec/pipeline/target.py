"""What every call on a collection knows: the store, the collection, the namespace, the embedder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from onevec.adapter import Adapter, Place
from onevec.batches import Matrix
from onevec.documents import CollectionInfo
from onevec.embedders import Embedder
from onevec.errors import EmbedderMismatch, InvalidDocument, InvalidQuery, UnknownEmbedder, UnsupportedFilter
from onevec.filter_syntax import parse_filter
from onevec.filters import ALWAYS, Condition, Filter, FilterLike
from onevec.lower import lower, unsupported
from onevec.pipeline.embedding import embed
from onevec.pipeline.timing import SearchTimes
from onevec.pipeline.verbs import verb

if TYPE_CHECKING:
    from onevec.pipeline.store import StorePipeline

P = ParamSpec("P")
T = TypeVar("T")


# Filters that a handle remembers the lowered form of.
_KNOWN = 64


class Lowered(NamedTuple):
    """A filter as an engine gets it.

    Attributes:
        tree: The tree, of the engine's operators where it has them; None for all documents.
        lacking: The conditions that the engine can't run.
    """

    tree: Filter | None
    lacking: tuple[Condition, ...] = ()


_EVERYTHING = Lowered(None)


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
        self._known: dict[int, tuple[object, Lowered]] = {}

    @property
    def adapter(self) -> Adapter[Any]:  # Any: each engine's own options
        return self.store.adapter

    @cached_property
    def times(self) -> SearchTimes:
        """The searches of this namespace, by whichever handle of this store."""
        return self.store.search_times(self._place)

    @property
    def engine(self) -> str:
        return self.store.engine

    def check_open(self) -> None:
        self.store.check_open()

    async def call(self, operation: str, method: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.store.call(operation, self._place, method, *args, **kwargs)

    @verb
    async def embed(self, texts: Sequence[str]) -> Matrix:
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise InvalidQuery("embed takes a list of texts")
        return await embed(self.store.io, await self.embedder("the call"), texts, None, self.info)

    async def embedded(self, texts: Sequence[str], owners: Sequence[str], *, queries: bool = False) -> Matrix:
        """The vectors of texts, made by the collection's embedder, or by the one it has for queries."""
        embedder = await self.embedder(owners[0])
        if queries:
            embedder = getattr(embedder, "for_queries", embedder)
        return await embed(self.store.io, embedder, texts, owners, self.info)

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
                self._embedder = await self.store.io.offload(self.store.embedders.load, name)
            except UnknownEmbedder:
                raise EmbedderMismatch(
                    f"collection {self.info.name!r} was made with embedder {name!r}, which can't be found by its name; "
                    f"open it with collection({self.info.name!r}, embedder=...)"
                ) from None
        return self._embedder

    def lowered(self, filter: FilterLike | None) -> Lowered:
        """The filter as a tree of the engine's operators where it has them."""
        if filter is None:
            return _EVERYTHING
        known = self._known.get(id(filter))
        if known is not None and known[0] is filter:
            return known[1]
        tree = parse_filter(filter)
        operators = self.store.capabilities.operators
        tree = None if tree is None else lower(tree, operators)
        found = _EVERYTHING if tree is None or tree == ALWAYS else Lowered(tree, tuple(unsupported(tree, operators)))
        if isinstance(filter, Filter):  # it can't change, as a dict can
            if len(self._known) == _KNOWN:
                self._known.clear()
            self._known[id(filter)] = filter, found
        return found

    def native(self, filter: FilterLike | None) -> Filter | None:
        """The lowered filter, refused if the engine can't run all of it."""
        tree, lacking = self.lowered(filter)
        if lacking:
            raise self.refusal(lacking[0], "filter with another operator")
        return tree

    def refusal(self, condition: Condition, way_out: str) -> UnsupportedFilter:
        return UnsupportedFilter(
            f"{self.store.engine} cannot filter with {condition.op} (field {condition.field!r}); "
            f"{way_out}, or use an engine that has it: memory, sqlite"
        )
