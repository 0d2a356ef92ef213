"""Files of lines: each is parsed by itself, and all that can't be are named together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from onevec.errors import InvalidFile, InvalidInput

FilePath: TypeAlias = "str | os.PathLike[str]"
Parse: TypeAlias = Callable[[str], None]

_SHOWN = 20
_HEAD = 60


class Malformed(Exception):
    """A line isn't what it should be; the message is the reason."""


def parse_lines(path: FilePath, parse: Parse, *, skip: int = 0) -> None:
    """Call `parse` with every line that isn't blank, without its end.

    Args:
        path: A file in UTF-8.
        parse: Takes a line; raises `Malformed` for one that is none.
        skip: How many lines to pass by at the start.

    Raises:
        InvalidFile: Lines are malformed; all of them are named with their numbers.
        InvalidInput: There is no such file.
    """
    wrong: list[tuple[int, str]] = []
    for number, raw in islice(enumerate(_raw_lines(path), 1), skip, None):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            if line.strip():
                parse(line)
        except UnicodeDecodeError as error:
            wrong.append((number, f"it isn't UTF-8 ({error.reason} at byte {error.start})"))
        except Malformed as error:
            wrong.append((number, str(error)))
    if wrong:
        raise InvalidFile(_message(path, wrong), lines=tuple(wrong))


def first_line(path: FilePath) -> str:
    """Return the first line, or an empty text.

    Raises:
        InvalidInput: There is no such file.
    """
    return next(_raw_lines(path), b"").decode("utf-8-sig", "replace").strip()


def json_object(line: str) -> dict[str, Any]:  # Any: JSON values
    """Return the object that a line of JSON is.

    Raises:
        Malformed: It is none.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"it isn't JSON ({error})") from None
    if not isinstance(value, dict):
        raise Malformed(f"it is no JSON object but {type(value).__name__}: {line[:_HEAD]}")
    return value


def id_of(row: dict[str, Any]) -> str:  # Any: JSON values
    """Return the `_id` or `id` of a row; a whole number counts as its digits.

    Raises:
        Malformed: There is none.
    """
    id = row.get("_id", row.get("id"))
    if isinstance(id, int) and not isinstance(id, bool):
        return str(id)
    if not isinstance(id, str) or not id:
        raise Malformed("it has no id: a text or a whole number under `_id` or `id`")
    return id


def text_of(row: dict[str, Any], name: str) -> str:  # Any: JSON values
    """Return a text of a row; "" where there is none.

    Raises:
        Malformed: It is something else.
    """
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"its {name} is no text but {type(value).__name__}")
    return value


def _raw_lines(path: FilePath) -> Iterator[bytes]:
    try:
        with Path(path).open("rb") as file:
            yield from file
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InvalidInput(f"can't read {os.fspath(path)!r}: {error.strerror}") from None


def _message(path: FilePath, wrong: list[tuple[int, str]]) -> str:
    shown = "; ".join(f"line {number}: {reason}" for number, reason in wrong[:_SHOWN])
    more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    count = "1 line" if len(wrong) == 1 else f"{len(wrong)} lines"
    return f"{os.fspath(path)!r} has {count} that can't be understood: {shown}{more}"
