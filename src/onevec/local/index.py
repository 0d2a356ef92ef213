"""What approximate indexes over the slots of a table have in common; the table then measures what they find exactly."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np

from onevec.local.table import Mask
from onevec.local.vectors import Matrix, Slots
from onevec.metrics import Metric

# Manhattan is not among them: FAISS has no quantized vectors for it.
METRICS = frozenset({Metric.COSINE, Metric.DOT, Metric.EUCLIDEAN})

# Bytes of a saved index that are in memory at once.
_PIECE = 2**20

TINY = float(np.finfo(np.float32).tiny)


class Way(NamedTuple):
    """How an index is searched.

    Attributes:
        width: How wide: candidates of a graph, lists of inverted lists.
        slots: How many slots it gives.
        page: With a filter, how many of them, the first ones, must have a whole page of those that match. Where they
            have not, what matches lies elsewhere, as far away as the index may not have looked.
    """

    width: int
    slots: int
    page: int


class Index(ABC):
    """An approximate index over the first slots of a table, which finds what is near and knows nothing of filters.

    It is built by one thread, and read by any number once it is built.

    Args:
        metric: How near two vectors are.
        settings: How it is built.
        index: FAISS's, empty; Any: it has no types.

    Attributes:
        settings: The same.
        size: How many slots it covers.
        spare: How many times as many slots it gives as it would where its order is good.
        spares: What `spare` may be, for who looks for one that is enough.
    """

    spares: ClassVar[tuple[int, ...]] = (1,)

    def __init__(self, metric: Metric, settings: IndexMaker, index: Any) -> None:
        self.settings = settings
        # Cosine is the inner product of vectors of length 1, and the nearest by it are the nearest by L2.
        self._unit = metric is Metric.COSINE
        self._index = index
        self._by_width: dict[int, Any] = {}
        self.size = 0
        self.spare = self.spares[0]

    @property
    @abstractmethod
    def memory_bytes(self) -> int:
        """About how many bytes it takes."""

    @property
    @abstractmethod
    def widths(self) -> Sequence[int]:
        """How wide searches may be, ascending, for who looks for one that is wide enough."""

    @property
    @abstractmethod
    def wanted(self) -> int:
        """How many vectors are enough to `learn` from."""

    @abstractmethod
    def learn(self, vectors: Matrix) -> None:
        """Take from some vectors what is to be known before the first is added."""

    def add(self, vectors: Matrix) -> None:
        """Take in the vectors of the slots that follow."""
        self._index.add(self._prepared(vectors))
        self.size += len(vectors)

    @abstractmethod
    def is_outgrown(self, size: int) -> bool:
        """Whether for so many slots another one is built anew, instead of adding to this."""

    @abstractmethod
    def way(self, width: int, depth: float, page: int = 0) -> Way:
        """Return how to search it.

        Args:
            width: How wide a search should be.
            depth: How many of the nearest are to be found.
            page: How many slots must come, so that enough of them match.
        """

    @abstractmethod
    def worth_measuring(self, top_k: int) -> int:
        """Return how many of what it finds must be measured exactly, the first ones, to have so many of the nearest."""

    def nearest(self, query: Matrix, way: Way) -> Slots:
        """Return slots near the query, about the nearest first; dead ones are among them."""
        _, slots = self._index.search(self._asked(query), way.slots, params=self._remembered(way.width))
        found: Slots = slots[0]
        return found if found[-1] >= 0 else found[found >= 0]

    @abstractmethod
    def nearest_among(self, query: Matrix, mask: Mask, top_k: int) -> Slots:
        """Return slots near the query among those in the mask of shape (size,), by all that it keeps of vectors.

        They are enough to have the `top_k` nearest among them; fewer if fewer are in the mask.
        """

    def twin(self) -> Self:
        """Return an index of its own that covers the same slots."""
        return self._with(library().clone_index(self._index))

    def write(self, write: Callable[[bytes], object]) -> None:
        """Hand it over in bytes, a piece at a time: whole, it would take its memory again."""
        faiss = library()
        faiss.write_index(self._index, faiss.PyCallbackIOWriter(write, _PIECE))

    def read(self, read: Callable[[int], bytes]) -> Self:
        """Return what `write` handed over, of an index made by the same settings.

        FAISS trusts these bytes: verify a checksum before.

        Args:
            read: Gives as many of the bytes that follow as it is asked for, or fewer.
        """
        faiss = library()
        return self._with(faiss.read_index(faiss.PyCallbackIOReader(read, _PIECE)))

    @abstractmethod
    def _parameters(self, width: int) -> Any:
        """FAISS's parameters of a search of this width."""

    def _remembered(self, width: int) -> Any:
        """The same, made once."""
        parameters = self._by_width.get(width)
        if parameters is None:
            parameters = self._by_width[width] = self._parameters(width)
        return parameters

    def _asked(self, query: Matrix) -> Matrix:
        """A query as FAISS's index takes it, of shape (1, dimension)."""
        if self._unit:
            query = query / np.float32(max(math.sqrt(query.dot(query)), TINY))
        return query[np.newaxis]

    def _prepared(self, vectors: Matrix) -> Matrix:
        """Vectors as FAISS's index takes them."""
        if not self._unit:
            return vectors
        lengths = np.sqrt(np.vecdot(vectors, vectors))
        unit: Matrix = vectors / np.maximum(lengths, np.float32(TINY))[:, np.newaxis]
        return unit

    def _with(self, index: Any) -> Self:
        other = copy(self)
        other._index = index  # noqa: SLF001 (its own class)
        other.size = int(index.ntotal)
        return other


class IndexMaker(Protocol):
    """The settings of one kind of index: a dataclass of what can be written as JSON."""

    __dataclass_fields__: ClassVar[dict[str, Any]]  # Any: as typeshed has it

    def make(self, dimension: int, metric: Metric, size: int) -> Index:
        """Return an empty index, to be built over so many slots."""
        ...


def use_one_thread() -> None:
    """Let FAISS use no other thread than this one, for what this one calls."""
    library().omp_set_num_threads(1)


def among(mask: Mask) -> Any:  # Any: as below
    """Return FAISS's selector of the slots in a mask."""
    return library().IDSelectorBitmap(np.packbits(mask, bitorder="little"))


def library() -> Any:  # Any: its types don't name what its SWIG layer has
    """Return FAISS, loaded when an index is first made."""
    import faiss

    return faiss
