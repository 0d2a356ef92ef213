"""What is loaded of one collection."""

from __future__ import annotations

from onevec.adapters.jsonl.entries import Entry, Spaces, apply, snapshot
from onevec.adapters.jsonl.journal import Journal
from onevec.adapters.jsonl.lines import Header
from onevec.adapters.jsonl.positions import Position, Reading
from onevec.documents import CollectionInfo
from onevec.local.records import Records

# A file that names fewer documents than this is not worth the work.
_COMPACT_FROM = 1000


class Contents:
    """The documents of one file, as they are at a position in it.

    Attributes:
        journal: The file.
        header: What the collection is.
        position: How far the file was read.
        torn: Bytes behind that are a part of a line.
    """

    def __init__(self, journal: Journal, *, alone: bool) -> None:
        self.journal = journal
        self.header: Header
        self.position: Position
        self.torn: int
        self._spaces: Spaces = {}
        self._compact_from = _COMPACT_FROM
        self._take(journal.read(None, alone=alone))

    @property
    def info(self) -> CollectionInfo:
        """What the collection is."""
        return self.header.info

    @property
    def namespaces(self) -> list[str]:
        """The namespaces that hold documents, in order."""
        return sorted(name for name, space in self._spaces.items() if len(space))

    @property
    def is_compact(self) -> bool:
        """Whether the file is a line for each document."""
        return self.position.weight == len(self) == self.position.lines - 1

    @property
    def wants_compaction(self) -> bool:
        """Whether more than half of what the file names is gone."""
        return self.position.weight >= self._compact_from and self.position.weight > 2 * len(self)

    def __len__(self) -> int:
        return sum(map(len, self._spaces.values()))

    def space(self, namespace: str) -> Records:
        """Return the documents of a namespace."""
        space = self._spaces.get(namespace)
        return Records(self.info) if space is None else space

    def catch_up(self, *, alone: bool) -> None:
        """Read what is new in the file. The arguments and errors are those of `Journal.read`."""
        stamp = self.journal.stamp()
        seen = stamp == self.position.stamp
        if not seen or (alone and stamp.size != self.position.offset):
            self._take(self.journal.read(self.position, alone=alone))

    def cut(self) -> None:
        """Cut off what stands behind the last whole line."""
        if self.position.stamp.size != self.position.offset:
            self.position = self.journal.cut(self.position)
            self.torn = 0

    def done(self, entry: Entry, position: Position) -> None:
        """Do a write that was put into the file, up to this position. To do one again changes nothing."""
        apply(entry, self._spaces, self.info)
        self.position = position

    def rewritten(self) -> tuple[Header, Position]:
        """Write the file anew; return what `moved` takes."""
        header = Header(self.info, self.header.generation + 1)
        return header, self.journal.rewrite(header, snapshot(self._spaces))

    def moved(self, header: Header, position: Position) -> None:
        """Go on with the new file."""
        self.header, self.position, self._compact_from = header, position, _COMPACT_FROM

    def put_off_compaction(self) -> None:
        """Don't want it again before the file names twice as much."""
        self._compact_from = 2 * self.position.weight

    def _take(self, reading: Reading) -> None:
        spaces: Spaces = {} if reading.fresh else self._spaces
        for entry in reading.changes.entries():
            apply(entry, spaces, reading.header.info)
        self.header, self.position, self.torn, self._spaces = reading.header, reading.position, reading.torn, spaces
