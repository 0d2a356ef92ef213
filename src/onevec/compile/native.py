"""Conditions that a caller wrote in an engine's own language, made safe to stand beside others.

A text is looked through token by token before it becomes a part of a query. What passes is one expression that can't
end the query's, nor read anything but the document it is asked about: quotes and parentheses are closed, there is no
comment, no second statement and no subquery. So a condition joined to it by AND holds, whatever the text says.

What one dialect takes for a string and another for something else is refused in all: prefixes such as `E'...'`, dollar
quotes, quoted names with anything but letters, digits, `_`, `-`, `.` and blanks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from onevec.compile.dialects import POSTGRES, TextDialect
from onevec.errors import InvalidFilter

_DEEPEST = 32  # parentheses in each other: the parsers of engines recurse
_LONGEST = 100_000
_INT64 = 1 << 63

_TOKENS = r"(?P<space>[ \t\r\n]+)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>[0-9][A-Za-z0-9_.]*)"
_CLOSES = {")": "(", "]": "["}


class NativeText(NamedTuple):
    """A condition in parentheses, and the values of its placeholders in their order."""

    text: str
    values: tuple[object, ...] = ()


def condition(native: object, dialect: TextDialect) -> NativeText:
    """Return a caller's condition in parentheses, and its values.

    Args:
        native: A text; where the language has placeholders also `(text, values)`.
        dialect: The language.

    Raises:
        InvalidFilter: It isn't one, or isn't one closed expression.
    """
    text, values = _parts(native, dialect)
    if len(text) > _LONGEST:
        raise _wrong(dialect, f"is {len(text)} characters long, and can be {_LONGEST}")
    checked, count = _checked(text, dialect)
    if count != len(values):
        raise _wrong(dialect, f"has {count} of {dialect.placeholder} and {len(values)} values")
    return NativeText(f"({checked})", values)


def _parts(native: object, dialect: TextDialect) -> tuple[str, tuple[object, ...]]:
    match native:
        case str():
            return native, ()
        case (str() as text, list() | tuple() as values) if dialect.placeholder is not None:
            return text, tuple(_value(value, dialect) for value in values)
        case _:
            pair = "" if dialect.placeholder is None else f", or (text, values) with {dialect.placeholder} for each"
            raise InvalidFilter(f"native= is a text in {dialect.language}{pair}; got {type(native).__name__}")


def _value(value: object, dialect: TextDialect) -> object:
    match value:
        case None | bool() | float() | bytes():
            return value
        case int() if -_INT64 <= value < _INT64:
            return value
        case str() if _encodes(value):
            return value
        case date() if dialect is POSTGRES:
            return value
        case list() | tuple() if dialect is POSTGRES:
            return [_value(item, dialect) for item in value]
        case _:
            raise _wrong(dialect, f"can't have a value such as {value!r:.80}")


def _checked(text: str, dialect: TextDialect) -> tuple[str, int]:
    """The text as it is sent, and how many values it has."""
    made: list[str] = []
    open_: list[str] = []
    values, before, last = 0, "", ""  # the token just before, and the last one that wasn't a blank
    for kind, piece, at in _tokens(text, dialect):
        if kind == "space":
            made.append(piece)
            before = ""
            continue
        if dialect.lists and last.lower() == "in" and piece != "(":
            raise _wrong(dialect, "has IN, which a list in parentheses must follow", at)
        match kind:
            case "word":
                if piece.lower() in dialect.words:
                    raise _wrong(dialect, f"can't have {piece}, as in a subquery: it is about one document", at)
            case "string":
                if before and (before[-1].isalnum() or before[-1] in "_&'\"`]"):
                    raise _wrong(dialect, "has a quote right after a word or a quote", at)
            case "open":
                if piece == "(":
                    _check_call(text[:at], last, dialect, at)
                open_.append(piece)
                if len(open_) > _DEEPEST:
                    raise _wrong(dialect, f"has more than {_DEEPEST} parentheses in each other", at)
            case "close":
                if not open_ or open_.pop() != _CLOSES[piece]:
                    raise _wrong(dialect, f"has a {piece} that closes nothing", at)
            case "value":
                values += 1
            case _ if piece == "," and not open_:
                raise _wrong(dialect, "is more than one expression", at)
        made.append(piece.replace("%", "%%") if dialect.placeholder == "%s" and kind != "value" else piece)
        before = last = piece
    if open_:
        raise _wrong(dialect, f"has a {open_[-1]} that isn't closed")
    if not last:
        raise _wrong(dialect, "is empty")
    return "".join(made), values


def _tokens(text: str, dialect: TextDialect) -> Sequence[tuple[str, str, int]]:
    """The kinds of the tokens, the tokens, and where they are; what belongs to none is refused."""
    value = "(?!)" if dialect.placeholder is None else re.escape(dialect.placeholder) + r"(?![A-Za-z0-9_])"
    pattern = re.compile(
        rf"{_TOKENS}|(?P<string>{dialect.strings})|(?P<comment>--|/\*|\*/|//)|(?P<value>{value})"
        rf"|(?P<cast>::)|(?P<open>[(\[])|(?P<close>[)\]])|(?P<symbol>[{re.escape(dialect.symbols)}])"
    )
    found: list[tuple[str, str, int]] = []
    at = 0
    while at < len(text):
        piece = pattern.match(text, at)
        if piece is None:
            raise _wrong(dialect, f"can't have {text[at]!r} there, or has a quote that isn't closed", at)
        kind = str(piece.lastgroup)
        if kind == "comment":
            raise _wrong(dialect, f"can't have a comment, {piece[0]!r}", at)
        if kind == "string" and ("\0" in piece[0] or not _encodes(piece[0])):
            raise _wrong(dialect, "has a text that is no Unicode, or has a NUL", at)
        found.append((kind, piece[0], at))
        at = piece.end()
    return found


def _check_call(before: str, last: str, dialect: TextDialect, at: int) -> None:
    """Refuse a parenthesis that calls what isn't known to be harmless."""
    if dialect.calls is None or not re.match(r'[A-Za-z_"]', last):
        return
    qualified = before.rstrip()[: -len(last)].rstrip().endswith(".")
    if qualified or last.lower() not in dialect.calls:
        raise _wrong(dialect, f"can't call {last}: only functions that are known to read nothing else", at)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong(dialect: TextDialect, what: str, at: int | None = None) -> InvalidFilter:
    where = "" if at is None else f" (column {at + 1})"
    return InvalidFilter(f"native=, {dialect.language}, {what}{where}")
