"""What goes in and what comes out: documents, hits, reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, overload

from onevec.metrics import Metric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from onevec.diversity import Diversified
    from onevec.errors import OnevecError
    from onevec.filters import FilterLike
    from onevec.fusion import Fused
    from onevec.rerank import Reranked

Vector: TypeAlias = "Sequence[float] | npt.NDArray[np.floating]"
Metadata: TypeAlias = dict[str, Any]  # Any: a JSON object, and datetimes
Mode: TypeAlias = Literal["vector", "text", "hybrid"]
IndexKind: TypeAlias = Literal["flat", "hnsw", "ivf_flat", "ivf_pq", "factory"]
Quantization: TypeAlias = Literal["none", "float16", "int8"]
Progress: TypeAlias = Callable[[int, int | None], None]  # called with what is done, and of how much, if that is known


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Document:
    """A text with its vector and metadata.

    Attributes:
        id: A non-empty string of up to 512 UTF-8 bytes, unique in its namespace.
        text: The text, or None.
        vector: `dimension` finite float32 numbers. None where the collection's embedder is to make it from the text,
            or where a read was asked to leave it out. A vector that is read is a float32 array.
        metadata: A JSON object whose values may also be datetimes. A null value is the same as no value.
        created_at: When the document was first written (UTC). Kept when it is replaced.
        updated_at: When it was last written (UTC). Set by the store.
    """

    id: str
    text: str | None
    vector: Vector | None
    metadata: Metadata
    created_at: datetime | None
    updated_at: datetime | None

    def __init__(
        self,
        id: str,
        *,
        text: str | None = None,
        vector: Vector | None = None,
        metadata: Metadata | None = None,
        created_at: datetime | None = None,
        updated_at: datetime | None = None,
    ) -> None:
        # By the slots' own setters: the generated one of a frozen class takes three times as long, a hit at a time.
        _set_id(self, id)
        _set_text(self, text)
        _set_vector(self, vector)
        _set_metadata(self, {} if metadata is None else metadata)
        _set_created_at(self, created_at)
        _set_updated_at(self, updated_at)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Document):
            return NotImplemented
        return (
            self.id == other.id
            and self.text == other.text
            and self.metadata == other.metadata
            and _same_vector(self.vector, other.vector)
            and self.created_at == other.created_at
            and self.updated_at == other.updated_at
        )

    def __hash__(self) -> int:
        return hash(self.id)


_set_id, _set_text, _set_vector, _set_metadata, _set_created_at, _set_updated_at = (
    Document.__dict__[slot].__set__ for slot in ("id", "text", "vector", "metadata", "created_at", "updated_at")
)


class Hit(NamedTuple):
    """A document that a search found.

    Attributes:
        document: The document; its vector only if the search asked for vectors.
        score: Higher is nearer; see `onevec.metrics.Metric`. In text mode the BM25 score, in hybrid mode the fused one.
        distance: Lower is nearer; None in text mode, and in hybrid mode if the vector search didn't find it.
        rank: 1 for the best hit.
        fused: In hybrid mode, how the score came about.
        reranked: What the reranker said of it, if there was one.
        diversified: Why it is in this place, if the hits were diversified.
    """

    document: Document
    score: float
    distance: float | None
    rank: int
    fused: Fused | None = None
    reranked: Reranked | None = None
    diversified: Diversified | None = None

    @property
    def id(self) -> str:
        return self.document.id

    @property
    def text(self) -> str | None:
        return self.document.text

    @property
    def vector(self) -> Vector | None:
        return self.document.vector

    @property
    def metadata(self) -> Metadata:
        return self.document.metadata

    @property
    def vector_score(self) -> float | None:
        """The score by the vector, also of a hybrid search; None if no vector search found it."""
        if self.fused is not None:
            return None if self.fused.vector is None else self.fused.vector.score
        return None if self.distance is None else self.score

    @property
    def text_score(self) -> float | None:
        """The BM25 score, also of a hybrid search; None if no text search found it."""
        if self.fused is not None:
            return None if self.fused.text is None else self.fused.text.score
        return self.score if self.distance is None else None

    @property
    def rerank_score(self) -> float | None:
        """The reranker's score; None if there was none, or for a document without a text."""
        return None if self.reranked is None else self.reranked.score

    @property
    def explanation(self) -> str:
        """How the score and the rank came about, in words for a person."""
        if self.fused is not None:
            why = str(self.fused)
        else:
            why = f"BM25 {self.score:.4f}" if self.distance is None else f"distance {self.distance:.4f}"
        return "; ".join([why, *(str(after) for after in (self.reranked, self.diversified) if after is not None)])

    @property
    def created_at(self) -> datetime | None:
        return self.document.created_at

    @property
    def updated_at(self) -> datetime | None:
        return self.document.updated_at


@dataclass(frozen=True, slots=True)
class SearchResult(Sequence[Hit]):
    """The hits of one search, best first. It is a sequence: iterate, index, slice, `len()`."""

    hits: tuple[Hit, ...]

    @property
    def ids(self) -> list[str]:
        return [hit.id for hit in self.hits]

    @property
    def scores(self) -> list[float]:
        return [hit.score for hit in self.hits]

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[index]

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search as a value, for `search(query)` and `search_batch(queries)`.

    A field that is None takes the call's own argument. With both a text and a vector, a search by vector takes the
    vector, one by text takes the text, and a hybrid one takes each for its side.
    """

    text: str | None = None
    _: KW_ONLY
    vector: Vector | None = None
    top_k: int | None = None
    filter: FilterLike | None = None
    ids: Sequence[str] | None = None
    min_score: float | None = None
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What a write did.

    Attributes:
        written: How many documents were written. An id given twice in one call counts once.
        failed: `(id, error)` of each that was not.
    """

    written: int
    failed: tuple[tuple[str, OnevecError], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents of a scan, and where to go on.

    Attributes:
        documents: Up to `limit` documents.
        cursor: Opaque; hand it to the next `page()`. None at the end.
    """

    documents: tuple[Document, ...]
    cursor: str | None

    def __len__(self) -> int:
        return len(self.documents)

    def __iter__(self) -> Iterator[Document]:
        return iter(self.documents)


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """What a collection is. It is stored in the engine and never changes.

    Attributes:
        name: The collection's name.
        dimension: How many numbers each vector has.
        metric: How near two vectors are.
        embedder: The name of the embedder whose vectors it holds, or None where the program brings its own vectors.
        created_at: When it was made (UTC).
    """

    name: str
    dimension: int
    metric: Metric
    embedder: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """How a collection's vectors are indexed; see `Collection.create_index`. None where the engine is to choose."""

    kind: IndexKind = "hnsw"
    m: int | None = None
    ef_construction: int | None = None
    quantization: Quantization | None = None
    lists: int | None = None
    subvectors: int | None = None
    bits: int | None = None
    factory: str | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """How much is in a collection. None where the engine doesn't tell.

    Attributes:
        documents: Documents in the handle's namespace.
        dimension: How many numbers each vector has.
        storage_bytes: What the store takes on disk, all collections together.
        index_bytes: What an approximate index of the vectors takes on disk.
        memory_bytes: What this process holds of the namespace for searching.
        updated_at: The newest `updated_at` in the namespace.
        searches: How many searches this store has run in the namespace since it was opened.
        search_seconds: How long one of them took on average, without embedding. This and the next two are of the last
            256 searches.
        search_seconds_p95: How long they took at the 95th percentile.
        searches_per_second: How many there were per second, from the first of them until now.
    """

    documents: int
    dimension: int
    storage_bytes: int | None = None
    index_bytes: int | None = None
    memory_bytes: int | None = None
    updated_at: datetime | None = None
    searches: int | None = None
    search_seconds: float | None = None
    search_seconds_p95: float | None = None
    searches_per_second: float | None = None

    @property
    def vectors(self) -> int:
        """How many vectors there are: every document has one."""
        return self.documents


@dataclass(frozen=True, slots=True)
class Health:
    """How a store is.

    Attributes:
        status: `"healthy"`, `"degraded"` (it works, with the warnings named) or `"unhealthy"` (with the issues named).
        engine: The engine's name.
        version: The version of the engine or of its library, or None.
        response_time: Seconds that one small call took.
        issues: What keeps it from working.
        warnings: What a person should look at.
        details: Engine-specific facts, such as the journal mode.
    """

    status: Literal["healthy", "degraded", "unhealthy"]
    engine: str
    version: str | None
    response_time: float
    issues: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON values


def _same_vector(a: Vector | None, b: Vector | None) -> bool:
    if a is None or b is None:
        return a is b
    return len(a) == len(b) and all(x == y for x, y in zip(a, b, strict=True))
