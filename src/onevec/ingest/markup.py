"""The text of an HTML file, each line of it with its line in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from onevec.ingest.reading import BLOCK, Block, Source, Unreadable

_HIDDEN = frozenset(("noscript", "script", "style", "template"))
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "dialog", "div", "dl", "dt"),
        *("fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header"),
        *("hr", "li", "main", "nav", "ol", "option", "p", "pre", "section", "summary", "table", "title", "tr", "ul"),
    )
)
_CELLS = frozenset(("td", "th"))
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
_LONGEST_TAG = 16 << 20  # characters; the parser starts again at an open tag or comment with each block


def text_blocks(source: Source) -> Iterator[Block]:
    """Yield the visible text block by block: paragraphs apart by an empty line, `script` and `style` left out.

    Raises:
        Unreadable: A tag or comment isn't closed within 16 million characters.
    """
    parser, reader = _Text(), source.reader()
    while read := reader.read(BLOCK):
        parser.feed(read)
        if len(parser.rawdata) > _LONGEST_TAG:
            raise Unreadable(f"the tag or comment at line {parser.getpos()[0]} doesn't end")
        if parser.size >= BLOCK:
            yield parser.taken()
    parser.close()
    yield parser.taken()


class _Text(HTMLParser):
    """Collects lines of text and their numbers in the file."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.size = 0
        self._lines: list[str] = []
        self._numbers: list[int] = []
        self._hidden: list[str] = []
        self._new_paragraph = self._new_line = True
        self._preformatted = 0

    def taken(self) -> Block:
        """Return the text so far, and start anew."""
        block = Block("\n".join(line.rstrip() for line in self._lines), self._numbers)
        self._lines, self._numbers, self.size, self._new_paragraph = [], [], 0, True
        return block

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _HIDDEN:
            self._hidden.append(tag)
        elif tag == "pre":
            self._preformatted += 1
        self._separate(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass
        elif tag == "pre" and self._preformatted:
            self._preformatted -= 1
        self._separate(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._separate(tag)

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        first = self.getpos()[0]
        for number, line in enumerate(data.split("\n"), first):
            text = line.rstrip("\r") if self._preformatted else _SPACES.sub(" ", line)
            if text and not text.isspace():
                self._append(text, number)
            elif text and self._numbers and self._numbers[-1] == number and not self._new_line:
                self._lines[-1] += " "

    def _append(self, text: str, number: int) -> None:
        self.size += len(text)
        if self._new_paragraph and self._lines:
            self._lines.append("")
            self._numbers.append(number)
        if self._new_paragraph or self._new_line or self._numbers[-1] != number:
            self._lines.append(text if self._preformatted else text.lstrip())
            self._numbers.append(number)
        else:
            self._lines[-1] += text
        self._new_paragraph = self._new_line = False

    def _separate(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._new_paragraph = True
        elif tag == "br":
            self._new_line = True
        elif tag in _CELLS and self._lines and not self._lines[-1].endswith(" "):
            self._lines[-1] += " "
