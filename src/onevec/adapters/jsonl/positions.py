"""How far a file was read, and what was read of it."""

from __future__ import annotations

import os
from typing import NamedTuple

from onevec.adapters.jsonl.entries import Changes, Entry, weight
from onevec.adapters.jsonl.lines import Header, link_of


class Stamp(NamedTuple):
    """What changes when a file does."""

    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


class Position(NamedTuple):
    """How far a file was read.

    Attributes:
        stamp: The file's, when it was read.
        first: Its first line.
        offset: Bytes of whole lines.
        lines: How many lines that is.
        link: What the next line's checksum starts from.
        weight: How many documents those lines name.
    """

    stamp: Stamp
    first: bytes
    offset: int
    lines: int
    link: int
    weight: int

    @classmethod
    def behind(cls, first: bytes, stamp: Stamp) -> Position:
        """The position behind a file's first line."""
        return cls(stamp, first, len(first), 1, link_of(first), 0)

    def after(self, line: bytes, entry: Entry) -> Position:
        """The position behind one more line, which is this write."""
        return self._replace(
            offset=self.offset + len(line),
            lines=self.lines + 1,
            link=link_of(line),
            weight=self.weight + weight(entry),
        )

    def leads_on(self, first: bytes, stamp: Stamp) -> bool:
        """Whether a file is the same one and has become longer.

        The first line has to be looked at, too: a file system gives a new file the inode of a removed one.
        """
        return (self.first, self.stamp.inode) == (first, stamp.inode) and self.offset < stamp.size


class Reading(NamedTuple):
    """What was read.

    Attributes:
        header: What the collection is.
        fresh: Whether it was read from the beginning.
        changes: What the lines come to.
        position: How far it was read.
        torn: Bytes behind that are a part of a line.
    """

    header: Header
    fresh: bool
    changes: Changes
    position: Position
    torn: int
