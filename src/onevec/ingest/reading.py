"""One open file: its hash, whether it is text, and the text in blocks of lines."""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from onevec.ingest.files import Kind, SourceFile

BLOCK = 1 << 15  # characters; the splitters slow down on larger texts
_BYTES = 1 << 20
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)


class Unreadable(Exception):
    """Why a file can't be ingested."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a file's text, cut where a line ends if it has lines.

    Attributes:
        text: Its lines, with `\\n` between them.
        lines: The number of each of its lines in the file.
    """

    text: str
    lines: Sequence[int]


class Source:
    """A file, opened once for its hash and its text, so that both are of the same bytes."""

    def __init__(self, file: SourceFile, handle: BinaryIO) -> None:
        self.file = file
        self.handle = handle
        self._reader: io.TextIOWrapper | None = None
        self._stamp = self._status()
        head = handle.read(4096)
        self.encoding = _encoding(head, file.kind)
        self.hash = self._checked()

    def reader(self, newline: str | None = None) -> io.TextIOWrapper:
        """Return the text from its start. A reader that was returned before is of no more use."""
        if self._reader is not None:
            self._reader.detach()  # or its end would close the file
        self.handle.seek(0)
        self._reader = io.TextIOWrapper(self.handle, self.encoding, newline=newline)
        return self._reader

    def blocks(self) -> Iterator[Block]:
        """Yield the text block by block. Line ends are `\\n`, `\\r\\n` or `\\r`."""
        reader, rest, line, ended = self.reader(), "", 1, False
        while not ended:
            read = reader.read(BLOCK)
            ended = len(read) < BLOCK
            text = rest + read
            cut = len(text) if ended else _cut(text)
            line_after = line + text.count("\n", 0, cut)
            if cut:
                yield Block(text[:cut], range(line, line_after + 1))
            rest, line = text[cut:], line_after

    def position(self) -> int:
        """Return how many bytes have been read, about."""
        return 0 if self.handle.closed else self.handle.tell()

    def check_unchanged(self) -> None:
        """Raise `Unreadable` if the file was written to since it was opened."""
        if self._status() != self._stamp:
            raise Unreadable("it was written to while it was read; ingest it again")

    def close(self) -> None:
        (self._reader or self.handle).close()

    def _status(self) -> tuple[int, int]:
        status = os.fstat(self.handle.fileno())
        return (status.st_size, status.st_mtime_ns)

    def _checked(self) -> str:
        """The hash; every byte is decoded on the way, so that a file is refused before anything of it is written."""
        digest = hashlib.sha256()
        # A line of JSONL is decoded by itself: a bad one is one bad row.
        decoder = None if self.file.kind is Kind.JSONL else codecs.getincrementaldecoder(self.encoding)()
        self.handle.seek(0)
        try:
            while data := self.handle.read(_BYTES):
                digest.update(data)
                if decoder is not None and "\0" in decoder.decode(data):
                    raise Unreadable("it is binary, not text")
            if decoder is not None:
                decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise Unreadable(f"it is not {self.encoding} text ({error.reason})") from error
        return digest.hexdigest()[:32]


def open_source(file: SourceFile) -> Source:
    """Open a file for ingest.

    Raises:
        Unreadable: It can't be opened, or isn't text.
    """
    try:
        handle = file.location.open("rb")
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    try:
        return Source(file, handle)
    except OSError as error:
        handle.close()
        raise Unreadable(error.strerror or str(error)) from error
    except Unreadable:
        handle.close()
        raise


def _encoding(head: bytes, kind: Kind) -> str:
    for bom, encoding in _BOMS.items():
        if head.startswith(bom):
            return encoding
    named = _CHARSET.search(head) if kind is Kind.HTML else None
    try:
        if named and b"<meta".decode(encoding := named[1].decode()) == "<meta":
            return encoding
    except (LookupError, UnicodeError):
        pass
    return "utf-8"


def _cut(text: str) -> int:
    """Where to end a block: at two empty lines, one, a line, a word; in its second half, so that blocks stay large."""
    half = len(text) // 2
    for mark in ("\n\n\n", "\n\n", "\n", " "):
        at = text.rfind(mark, half)
        if at >= 0:
            return at + len(mark)
    return len(text)
