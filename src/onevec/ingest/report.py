"""What an ingest did."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field

_SHOWN = 10
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row, or a chunk, that was not written.

    Attributes:
        path: The file, as recorded in the metadata.
        line: Its first line in the file, from 1.
        reason: Why, in a sentence without a full stop.
    """

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did. `str(report)` is for people.

    Attributes:
        added: Files that the collection held nothing of.
        changed: Files whose stored chunks were replaced, also those that an interrupted ingest had left half written.
        unchanged: Files whose stored chunks are as the file is; a file without any text has none.
        removed: Files that were gone, whose chunks were deleted.
        ignored: Files found in folders whose suffix is not one that ingest reads.
        failed: `(path, reason)` of each file or folder that could not be read. What the collection held of it is kept.
        chunks_written: Documents written with a new vector.
        chunks_reused: Documents of changed files written with the vector they had.
        chunks_removed: Documents deleted.
        rows_skipped: How many rows were malformed, empty, or refused by the contract.
        skipped: The first thousand of them.
    """

    _: KW_ONLY
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    ignored: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    chunks_written: int = 0
    chunks_reused: int = 0
    chunks_removed: int = 0
    rows_skipped: int = 0
    skipped: tuple[SkippedRow, ...] = ()

    def __str__(self) -> str:
        files = (
            f"files: {self.added} added, {self.changed} changed, {self.unchanged} unchanged, {self.removed} removed, "
            f"{len(self.failed)} failed, {self.ignored} of other kinds ignored"
        )
        chunks = (
            f"chunks: {self.chunks_written} written, {self.chunks_reused} with the vector they had, "
            f"{self.chunks_removed} removed"
        )
        lines = [files, chunks]
        lines += _listed("failed", [f"{path}: {reason}" for path, reason in self.failed], len(self.failed))
        lines += _listed("rows skipped", list(map(str, self.skipped)), self.rows_skipped)
        return "\n".join(lines)


@dataclass(slots=True)
class Tally:
    """The counts of a report in the making, under its names."""

    ignored: int
    failed: list[tuple[str, str]]
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    chunks_written: int = 0
    chunks_reused: int = 0
    chunks_removed: int = 0
    rows_skipped: int = 0
    skipped: list[SkippedRow] = field(default_factory=list)

    def skip(self, path: str, line: int, reason: str) -> None:
        """Count a row that is not written; memory stays flat however many there are."""
        self.rows_skipped += 1
        if len(self.skipped) < _KEPT:
            self.skipped.append(SkippedRow(path, line, reason))

    def report(self) -> IngestReport:
        return IngestReport(
            added=self.added,
            changed=self.changed,
            unchanged=self.unchanged,
            removed=self.removed,
            ignored=self.ignored,
            failed=tuple(self.failed),
            chunks_written=self.chunks_written,
            chunks_reused=self.chunks_reused,
            chunks_removed=self.chunks_removed,
            rows_skipped=self.rows_skipped,
            skipped=tuple(self.skipped),
        )


def _listed(title: str, lines: list[str], count: int) -> list[str]:
    if not count:
        return []
    shown = [f"  {line}" for line in lines[:_SHOWN]]
    return [f"{title}: {count}", *shown, *([f"  and {count - _SHOWN} more"] if count > _SHOWN else [])]
