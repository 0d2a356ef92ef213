"""What a file is made of, on its way to being documents, and how the caller wants it."""

from __future__ import annotations

import hashlib
from dataclasses import KW_ONLY, dataclass, field

from onevec.documents import Metadata, Vector
from onevec.errors import InvalidInput
from onevec.validate import MAX_ID_BYTES

OWN_FIELDS = ("path", "start_line", "end_line", "file_hash", "file_chunks", "chunk_hash")


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk or a row.

    Attributes:
        number: Its place in the file, from 0.
        text: Its text; None for a row that has only a vector.
        start_line: The number of its first line in the file, from 1.
        end_line: The number of its last line.
        id: The row's own id, or None.
        vector: The row's own vector, or None.
        metadata: What belongs to it beside its place.
    """

    number: int
    text: str | None
    _: KW_ONLY
    start_line: int
    end_line: int
    id: str | None = None
    vector: Vector | None = None
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that can't be a document, with its line and the reason."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How files become documents; the arguments of `ingest`."""

    _: KW_ONLY
    chunk_tokens: int
    overlap_tokens: int
    id_field: str | None
    text_field: tuple[str, ...]
    vector_field: str | None
    metadata_fields: frozenset[str] | None

    def __post_init__(self) -> None:
        if self.chunk_tokens < 1 or not 0 <= self.overlap_tokens < self.chunk_tokens:
            raise InvalidInput(
                "chunk_tokens is 1 or more and overlap_tokens less than it, "
                f"got {self.chunk_tokens} and {self.overlap_tokens}"
            )


def fitting_id(id: str) -> str:
    """Return the id, or the hash that stands for one that is too long."""
    data = id.encode(errors="surrogatepass")
    return id if len(data) <= MAX_ID_BYTES else f"sha256-{hashlib.sha256(data).hexdigest()}"


def chunk_id(path: str, number: int) -> str:
    """Return the id of a file's chunk, or of a row without an id."""
    return fitting_id(f"{path}#{number}")


def chunk_hash(text: str | None) -> str:
    """Return the hash by which a text is known again, and with it its vector."""
    return hashlib.sha256((text or "").encode(errors="surrogatepass")).hexdigest()[:32]
