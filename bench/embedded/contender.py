"""What the benchmark asks of a contender, and the words it asks in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Vectors: TypeAlias = npt.NDArray[np.float32]
TOP_K = 10


class Metadata(NamedTuple):
    """A document's metadata; `asdict` is what contenders store.

    Attributes:
        year: 1950 to 2025.
        lang: One of five languages.
        tags: One to three of twenty words.
        reviewed: True for four in ten.
        bucket: 0 to 999, drawn without regard to the vector; the filters of a given share compare it.
        region: 0 to 9, the tenth of the documents that the vector lies in along the direction they vary most in.
    """

    year: int
    lang: str
    tags: list[str]
    reviewed: bool
    bucket: int
    region: int

    def asdict(self) -> dict[str, Any]:  # Any: JSON values
        return self._asdict()


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents of one call, as columns.

    Attributes:
        rows: The documents' numbers, ascending; the id of document 7 is `"7"`.
        vectors: float32 of shape (documents, dimension), of length one.
        texts: The texts.
        metadata: The metadata.
    """

    rows: range
    vectors: Vectors
    texts: list[str]
    metadata: list[dict[str, Any]]  # Any: JSON values

    @property
    def ids(self) -> list[str]:
        return list(map(str, self.rows))


class Condition(NamedTuple):
    """A filter: documents whose integer field is below the value, or equal to it."""

    field: Literal["bucket", "region"]
    op: Literal["<", "=="]
    value: int


class Hit(NamedTuple):
    """What a search must have given back, as Python values; the contenders that know ids only leave out the rest."""

    id: str
    text: str | None = None
    metadata: dict[str, Any] | None = None  # Any: JSON values


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page says of a contender.

    Attributes:
        library: The distribution whose version is given.
        imports: What a program imports before it opens a store.
        batch: How many documents one call of `ingest` has; the fastest of those tried.
        acknowledged: What has happened to documents when `ingest` returns.
        searchable: What `make_searchable` does.
        settings: The index and its settings.
        effort: The name of the setting that trades recall for speed; None where the contender sets it itself.
        efforts: The values to try, from the quickest to the most thorough.
        persistent: Whether `reopen` finds what was written.
        ids_only: Whether a search gives only ids.
    """

    library: str
    imports: str
    batch: int
    acknowledged: str
    searchable: str
    settings: str
    effort: str | None = None
    efforts: tuple[int, ...] = ()
    persistent: bool = True
    ids_only: bool = False


class Contender(Protocol):
    """A vector store under measurement. Everything is by cosine, `TOP_K` hits a search."""

    @property
    def facts(self) -> Facts: ...

    def create(self, folder: Path, dimension: int) -> None:
        """Open a new store in an empty folder. Its searches have the first of `facts.efforts`."""

    def ingest(self, batch: Batch) -> None:
        """Write documents."""

    def make_searchable(self) -> None:
        """Return when searches are as quick as they get, and the store can be reopened."""

    def reopen(self, folder: Path) -> None:
        """Open the store that another process made."""

    def filter(self, condition: Condition) -> Any:  # Any: what `search` of this contender takes
        """Return the contender's own form of a filter, which is made once and used in many searches."""

    def set_effort(self, effort: int) -> None:
        """Search with this value of the setting that trades recall for speed."""

    def search(self, query: Vectors, filter: Any) -> list[Hit]:  # Any: what `filter` returned, or None
        """Return the nearest documents that match.

        Args:
            query: float32 of shape (dimension,), of length one.
            filter: What `filter` returned; None for no filter.
        """

    def close(self) -> None:
        """Let go of everything."""
