"""What the adapter asks of Qdrant, whichever way it runs. Filters are in the form of Qdrant's REST API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

from onevec.documents import CollectionInfo, IndexSettings
from onevec.metrics import Metric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Json: TypeAlias = dict[str, Any]  # Any: JSON values

# How Qdrant measures. Under cosine the vectors that it gets have length 1.
DISTANCES: Mapping[Metric, Literal["Dot", "Euclid", "Manhattan"]] = {
    Metric.COSINE: "Dot",
    Metric.DOT: "Dot",
    Metric.EUCLIDEAN: "Euclid",
    Metric.MANHATTAN: "Manhattan",
}


class Point(NamedTuple):
    """A point to write; `id` is a UUID, the vector float32 of shape (dimension,)."""

    id: str
    vector: npt.NDArray[np.float32]
    payload: Json


class Record(NamedTuple):
    """A point that was read; `score` is a search's, in Qdrant's own sense."""

    payload: Json
    vector: Sequence[float] | None
    score: float = 0.0


class Wanted(NamedTuple):
    """Which parts of a point to read: keys of the payload, and whether the vector."""

    payload: Sequence[str]
    vector: bool = False


class Search(NamedTuple):
    """A search by a vector, float32 of shape (dimension,)."""

    vector: npt.NDArray[np.float32]
    filter: Json
    limit: int
    exact: bool
    ef: int | None
    wanted: Wanted


MOST_INDEXES = 64  # of a collection's payload; numbers without one are compared point by point


def number_path(key: str) -> str:
    """Return where in the payload a key of `numbers_of` is."""
    return f'numbers."{key}"'


def new_numbers(points: Sequence[Point], indexed: Iterable[str]) -> list[str]:
    """Return where the points have numbers without an index, and are to get one.

    Args:
        points: What is about to be written.
        indexed: Where there is an index; Qdrant shows a path without the quotes that it can do without.
    """
    known = {path.replace('"', "") for path in indexed}
    keys = dict.fromkeys(key for point in points for key in point.payload.get("numbers", ()))
    new = [path for path in map(number_path, keys) if path.replace('"', "") not in known]
    return new[: max(0, MOST_INDEXES - len(known))]


class Calls(Protocol):
    """Collections go by their name in Qdrant; where one is missing, every call raises `onevec.remote.Missing`."""

    @property
    def plain(self) -> re.Pattern[str]:
        """Which names of collections Qdrant can have, too."""

    @property
    def client(self) -> object:
        """The library's own object."""

    async def close(self) -> None: ...

    async def version(self) -> str:
        """The version of what runs."""

    async def names(self) -> list[str]:
        """All collections, also those of other software."""

    async def info(self, name: str) -> CollectionInfo | None:
        """What a collection is; None if there is none, or onevec didn't make it."""

    async def create(self, name: str, info: CollectionInfo) -> bool:
        """Make a collection, with indexes of `namespace` and `facets`; False if there is one."""

    async def drop(self, name: str) -> None: ...

    async def upsert(self, name: str, points: Sequence[Point], *, wait: bool) -> None:
        """Write whole points; what is a number in them gets an index, as long as there are few such fields."""

    async def retrieve(self, name: str, ids: Sequence[str], wanted: Wanted) -> list[Record]: ...

    async def scroll(
        self, name: str, filter: Json, *, offset: str | None, limit: int, wanted: Wanted
    ) -> tuple[list[Record], str | None]:
        """Up to `limit` points from the offset on, by their ids, and the id to go on from."""

    async def count(self, name: str, filter: Json) -> int: ...

    async def namespaces(self, name: str) -> list[str]:
        """The values of `namespace`, in any order."""

    async def delete(self, name: str, filter: Json) -> None: ...

    async def search(self, name: str, search: Search) -> list[Record]: ...

    async def index(self, name: str, settings: IndexSettings) -> None:
        """Index the vectors anew, with these settings."""

    async def index_field(self, name: str, path: str, kind: str) -> None:
        """Index a field of the payload; `kind` as Qdrant names it."""

    async def field_indexes(self, name: str) -> dict[str, str]:
        """The fields of the payload that have an index, and its kind."""

    async def optimize(self, name: str) -> None: ...

    async def flush(self, name: str) -> None: ...
