"""What an engine is to the core: one class with the calls below.

An adapter holds its capability record, its filter compiler, its error map, and how requests are built and answers
read. It checks no arguments, retries nothing, splits no batches and logs nothing: the pipeline has done that. What it
gets is valid and within its declared limits; a filter holds only operators that it declares.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Self, TypeAlias, TypeVar

from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, IndexSettings, Metadata, Stats
from onevec.errors import OnevecError
from onevec.filters import Filter
from onevec.runtime import Runtime

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

OptionsT = TypeVar("OptionsT")


class Place(NamedTuple):
    """Which documents a call is about."""

    collection: CollectionInfo
    namespace: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents as columns of one length. No id is in it twice.

    Attributes:
        ids: The ids.
        vectors: A C-contiguous float32 matrix of shape (documents, dimension).
        texts: The texts.
        metadata: The metadata: without nulls, datetimes in UTC, the adapter's to keep.
        created: Microseconds since 1970, or None for "now, or what it was".
        now: When the batch is written, in microseconds since 1970.
        wait: False lets the engine return before the documents are durable and visible.
    """

    ids: list[str]
    vectors: npt.NDArray[np.float32]
    texts: list[str | None]
    metadata: list[Metadata]
    created: list[int | None]
    now: int
    wait: bool = True

    def __len__(self) -> int:
        return len(self.ids)

    def piece(self, start: int, stop: int) -> Batch:
        """The documents from `start` up to `stop`, as a batch."""
        part = slice(start, stop)
        return Batch(
            self.ids[part],
            self.vectors[part],
            self.texts[part],
            self.metadata[part],
            self.created[part],
            self.now,
            self.wait,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What `update` does to one document. None leaves a part as it is.

    Attributes:
        id: Which document.
        text: The new text.
        vector: The new vector, float32 of shape (dimension,).
        patch: A JSON merge patch for the metadata (RFC 7396): a null removes a field, an object merges into one.
    """

    id: str
    text: str | None
    vector: npt.NDArray[np.float32] | None
    patch: Metadata


class Request(NamedTuple):
    """One search.

    Attributes:
        vector: float32 of shape (dimension,) for a vector search, None for a text search.
        text: The query text for a text search, None for a vector search.
        top_k: How many hits.
        filter: Lowered, with declared operators only; None for all documents.
        ids: Only these documents; None for all.
        exact: Whether an approximate index must not be used.
        include_vectors: Whether the hits carry their vectors.
        ef_search: How many candidates an HNSW graph keeps during this search; None for the engine's choice.
        nprobe: How many lists of an inverted file this search reads; None for the engine's choice.
        native: A condition in the engine's own language, as the caller gave it, which must hold besides the filter;
            None for none. It comes only to engines that declare `native_filter`.
    """

    vector: npt.NDArray[np.float32] | None
    text: str | None
    top_k: int
    filter: Filter | None = None
    ids: frozenset[str] | None = None
    exact: bool = False
    include_vectors: bool = False
    ef_search: int | None = None
    nprobe: int | None = None
    native: object = None

    @property
    def width(self) -> int | None:
        """How wide the index is searched, whatever it is, as one of the two settings says; None for as is due."""
        return self.nprobe if self.ef_search is None else self.ef_search


# A hit as an adapter gives it: a document, and the distance of a vector search or the score of a text search.
Found: TypeAlias = tuple[Document, float]


class Adapter(ABC, Generic[OptionsT]):
    """One open connection to an engine.

    Attributes:
        name: The engine's name: one lower-case word, the same in the extra, the entry point, the module and the docs.
        requires: The modules that must be importable, e.g. `("qdrant_client",)`.
        options: A frozen dataclass of what a URL or config can set for this engine; each field documented by its name
            and type. `path`, `host`, `port`, `username`, `password` are filled from the parts of a URL.
        capabilities: What it can do.
    """

    name: ClassVar[str]
    requires: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[type[Any]]  # Any: each engine's own dataclass
    capabilities: ClassVar[Capabilities]

    @classmethod
    @abstractmethod
    async def open(cls, io: Runtime, options: OptionsT) -> Self:
        """Connect. The engine's library is imported here and not before."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything. Called once."""

    @property
    def client(self) -> object:
        """The engine library's own object, the way past this API."""
        return None

    @abstractmethod
    async def collections(self) -> list[CollectionInfo]:
        """All collections, by name."""

    @abstractmethod
    async def collection(self, name: str) -> CollectionInfo | None:
        """One collection, or None."""

    @abstractmethod
    async def create_collection(self, info: CollectionInfo) -> bool:
        """Make it; False if one of that name was there already, which is then left as it is."""

    @abstractmethod
    async def delete_collection(self, name: str) -> bool:
        """Remove it with all its documents; False if there was none."""

    @abstractmethod
    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        """The namespaces that hold documents, in order."""

    @abstractmethod
    async def clear(self, place: Place) -> int:
        """Remove every document of the namespace; return how many there were."""

    @abstractmethod
    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        """Write the documents, replacing whole those with the same ids; return those that failed."""

    @abstractmethod
    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        """Change documents that exist; return those that failed, with `DocumentNotFound` for the missing."""

    @abstractmethod
    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        """Those of the documents that exist, in any order."""

    @abstractmethod
    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        """Remove these ids, or what matches the filter; return how many existed."""

    @abstractmethod
    async def count(self, place: Place, filter: Filter | None) -> int:
        """How many documents match."""

    @abstractmethod
    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        """Up to `limit` matching documents after a position, and the position to go on from, or None at the end."""

    @abstractmethod
    async def search(self, place: Place, request: Request) -> list[Found]:
        """The nearest `top_k` documents, or the best by text; in any order."""

    @abstractmethod
    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        """How the search would be run: the native request, without running it."""

    @abstractmethod
    async def stats(self, place: Place) -> Stats:
        """How much is there."""

    @abstractmethod
    async def health(self) -> Health:
        """How the engine is; `response_time` is filled in by the core."""

    async def create_index(self, collection: CollectionInfo, settings: IndexSettings) -> None:
        """Index the collection's vectors this way from now on, in all its namespaces, and remember it in the engine."""
        raise NotImplementedError

    async def optimize(self, place: Place) -> None:
        """Do now what makes later reads fast."""

    async def flush(self, place: Place) -> None:
        """Return when every write so far is durable and visible."""
