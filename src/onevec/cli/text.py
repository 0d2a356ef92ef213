"""Text as a terminal may show it: no control characters, the part that matters, no longer than there is room."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

_JOINERS = "\u200c\u200d"  # invisible, but without them Persian, Hindi and many emoji are spelled wrong
_WORD = re.compile(r"\w+")


def printable(text: str) -> str:
    """Return the text on one line, so that a stored escape sequence or direction mark can't act on the terminal."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign in _JOINERS else " " if sign.isspace() else "\ufffd" for sign in text
    )


def lines(text: str) -> str:
    """Return the text made printable line by line."""
    return "\n".join(printable(line) for line in text.expandtabs(4).splitlines())


def words(query: str) -> list[str]:
    """Return the words of a query that are worth looking for in a text; the longest first."""
    return sorted({word.lower() for word in _WORD.findall(query) if len(word) > 2}, key=lambda word: (-len(word), word))  # noqa: PLR2004


def shortened(text: str, width: int) -> str:
    """Return the text, its end replaced by an ellipsis where it is longer than `width`."""
    return text if len(text) <= width else text[: width - 1].rstrip(" …") + "…"


def snippet(text: str, query: str, width: int) -> str:
    """Return the passage of about `width` characters with the most different words of the query, else the beginning."""
    text = " ".join(printable(text).split())
    if len(text) <= width:
        return text
    wanted = words(query)
    found = [match for match in _WORD.finditer(text) if match[0].lower() in wanted] if wanted else []
    start, most = 0, 0
    for first in found:
        inside = {
            match[0].lower()
            for match in found
            if first.start() <= match.start() and match.end() <= first.start() + width
        }
        if len(inside) > most:
            start, most = first.start(), len(inside)
    if start <= width // 2:
        return shortened(text, width)
    start = _word_start(text, min(start - width // 6, len(text) - width))
    return "…" + shortened(text[start:], width - 1)


def brief(metadata: Mapping[str, Any]) -> str:  # Any: JSON values and datetimes
    """Return metadata as `name=value  name=value`, long values cut."""
    return "  ".join(
        f"{printable(name)}={shortened(printable(metadata_value(value)), 40)}" for name, value in metadata.items()
    )


def metadata_value(value: Any) -> str:  # Any: a JSON value or a datetime
    """Return a value as people write it: a string as it is, a time with its zone, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S%z}"
    return json.dumps(value, ensure_ascii=False, default=str)


def score_text(score: float) -> str:
    """Return a score with three decimals, or what is left of one that is smaller."""
    return f"{score:.3f}" if score == 0 or abs(score) >= 0.001 else f"{score:.0e}"  # noqa: PLR2004


def _word_start(text: str, near: int) -> int:
    space = text.rfind(" ", 0, near)
    return space + 1
