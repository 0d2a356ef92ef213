"""The words of a filter's text form, what they stand for, and where an error is."""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

from onevec.errors import InvalidFilter

_SHOWN = 60

# No two repetitions can match the same text, so reading takes time linear in it, whatever it is. Possessive quantifiers
# would say so, but in Python 3.11.2 an optional possessive group keeps what it failed on.
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
      | (?P<word>[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*)
      | (?P<quoted>`[^`]*`)
      | (?P<string>"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')
      | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.]))
      | (?P<symbol>[=!<>]=|[=<>()\[\],])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"} | {char: char for char in "\"'\\/"}


class Token(NamedTuple):
    """One word of the text.

    Attributes:
        kind: `word`, `quoted` (a name in backquotes), `string`, `number`, `symbol`, `unknown` or `end`.
        text: As it is written.
        at: Where it starts, from 0.
        key: A word in lower case, a symbol as it is; empty for the rest, which can't be a keyword.
    """

    kind: str
    text: str
    at: int
    key: str


class Tokens:
    """The text, word by word. `current` is the one not yet taken."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0
        self.current = self._scanned()

    def take(self) -> Token:
        """Return the current token and go on to the next."""
        token = self.current
        self.current = self._scanned()
        return token

    def taken(self, key: str) -> bool:
        """Go on if the current token is this keyword or symbol; return whether it was."""
        if self.current.key != key:
            return False
        self.take()
        return True

    def expect(self, key: str) -> None:
        """Go on if the current token is this keyword or symbol, and refuse any other."""
        if not self.taken(key):
            raise self.unexpected(f"'{key}'")

    def string(self, token: Token) -> str:
        """Return the text that a string token stands for."""

        def plain(escape: re.Match[str]) -> str:
            code = escape[1]
            if len(code) > 1:
                return chr(int(code[1:], 16))
            if code not in _ESCAPED:
                raise self.error(
                    r"expected \" \' \\ \/ \b \f \n \r \t or \u and four digits", token.at + 1 + escape.start()
                )
            return _ESCAPED[code]

        text = _ESCAPE.sub(plain, token.text[1:-1])
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")  # joins a pair such as \ud83d\ude00
        except UnicodeDecodeError:
            raise self.error("expected valid Unicode; this text has a lone surrogate", token.at) from None

    def number(self, token: Token) -> int | float:
        """Return the number that a number token stands for."""
        if not token.text.lstrip("-").isdigit():
            return float(token.text)
        if len(token.text) > len(str(-(2**63))):
            raise self.error("expected an integer of up to 64 bits", token.at)
        return int(token.text)

    def unexpected(self, expected: str) -> InvalidFilter:
        """Return the error that the current token is not what was expected."""
        got = repr(self.current.text[:_SHOWN]) if self.current.text else "the end"
        return self.error(f"expected {expected}, got {got}", self.current.at)

    def error(self, message: str, at: int) -> InvalidFilter:
        """Return the error that has the column, and shows the place."""
        start = max(0, at - _SHOWN // 2)
        line = "".join(char if char.isprintable() else "?" for char in self._text[start : start + _SHOWN])
        return InvalidFilter(f"column {at + 1}: {message}\n    {line}\n    {' ' * (at - start)}^")

    def _scanned(self) -> Token:
        while match := _TOKEN.match(self._text, self._end):
            start, self._end = match.span()
            kind, text = str(match.lastgroup), match[0]
            if kind != "space":
                return Token(kind, text, start, text.lower() if kind == "word" else text if kind == "symbol" else "")
        if self._end == len(self._text):
            return Token("end", "", self._end, "")
        char = self._text[self._end]
        if char in "\"'`":
            raise self.error(f"expected a closing {char}", self._end)
        if char in "-0123456789":
            raise self.error("expected a number such as 12, -3.5 or 1e9", self._end)
        return Token("unknown", char, self._end, "")


def quoted(text: str) -> str:
    """Return the string literal of a text: in double quotes, on one line, what can't be seen escaped."""
    literal = json.dumps(text, ensure_ascii=False)
    if literal.isprintable():
        return literal
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in literal)
