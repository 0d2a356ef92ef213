"""An open file to its pieces, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from onevec.ingest import markup
from onevec.ingest.chunks import Chunker
from onevec.ingest.columns import piece_of
from onevec.ingest.files import Kind, SourceFile
from onevec.ingest.pieces import IngestOptions, Piece, Skipped
from onevec.ingest.reading import Source
from onevec.ingest.rows import Row, has_rows, rows

_ALWAYS_ROWS = frozenset((Kind.JSONL, Kind.CSV, Kind.TSV))


class Contents:
    """Reads files as the options say. Nothing of it awaits; it runs where blocking is allowed."""

    def __init__(self, options: IngestOptions) -> None:
        self._options = options

    @cached_property
    def _chunker(self) -> Chunker:
        return Chunker(max_tokens=self._options.chunk_tokens, overlap_tokens=self._options.overlap_tokens)

    def prepare(self, files: Iterable[SourceFile]) -> None:
        """Load what reading the files will need.

        Raises:
            EngineNotInstalled: The library that splits text is missing.
        """
        if not all(file.kind in _ALWAYS_ROWS for file in files):
            _ = self._chunker

    def pieces(self, source: Source) -> Iterator[Piece | Skipped]:
        """Yield the pieces in their order.

        Raises:
            Unreadable: Reading fails, part-way too.
        """
        if has_rows(source):
            for row in rows(source):
                yield piece_of(row, self._options) if isinstance(row, Row) else row
            return
        kind = source.file.kind
        blocks = markup.text_blocks(source) if kind is Kind.HTML else source.blocks()
        for number, chunk in enumerate(self._chunker.chunks(blocks, kind)):
            yield Piece(
                number,
                chunk.text,
                start_line=chunk.start_line,
                end_line=chunk.end_line,
                metadata={"heading": chunk.heading} if chunk.heading else {},
            )
