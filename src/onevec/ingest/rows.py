"""Files of rows, row by row: JSON lines, CSV, TSV, and JSON that is an array of objects."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from onevec.ingest.files import Kind
from onevec.ingest.pieces import Skipped
from onevec.ingest.reading import BLOCK, Source, Unreadable

LONGEST_ROW = 64 << 20  # bytes, or characters; a longer one is reported, so that memory stays flat
_BETWEEN = re.compile(r"[\s,]*")
_ARRAY_OF_OBJECTS = re.compile(r"\s*\[\s*\{")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        number: Its place among the rows of the file, from 0.
        start_line: The number of its first line in the file.
        end_line: The number of its last line.
        values: Its columns by name, nulls left out.
        is_table: Whether the values are the strings of a table, and not JSON.
    """

    number: int
    start_line: int
    end_line: int
    values: Mapping[str, Any]  # Any: JSON values
    is_table: bool = False


def has_rows(source: Source) -> bool:
    """Return whether the file is read as rows, and not as text."""
    match source.file.kind:
        case Kind.JSONL | Kind.CSV | Kind.TSV:
            return True
        case Kind.JSON:
            return _ARRAY_OF_OBJECTS.match(source.reader().read(BLOCK)) is not None
        case _:
            return False


def rows(source: Source) -> Iterator[Row | Skipped]:
    """Yield the rows. One that can't be read doesn't end the file, but no next one is found in a JSON array."""
    match source.file.kind:
        case Kind.JSONL:
            return _json_lines(source)
        case Kind.JSON:
            return _json_array(source.reader())
        case kind:
            return _table(source.reader(newline=""), "\t" if kind is Kind.TSV else None)


def number_or_text(value: str) -> int | float | str:
    """Return a CSV value as the number it is written as.

    `7`, `-1.5` and `2e3` are numbers; `007`, `+1`, `1_000`, `nan` and integers beyond 64 bits stay text.
    """
    if _INTEGER.fullmatch(value) and -(2**63) <= int(value) < 2**63:
        return int(value)
    if _FLOAT.fullmatch(value) and not value.lstrip("-").isdecimal():
        return float(value)
    return value


def _json_lines(source: Source) -> Iterator[Row | Skipped]:
    source.handle.seek(0)
    number = line = 0
    while data := source.handle.readline(LONGEST_ROW):
        line += 1
        if len(data) == LONGEST_ROW and not data.endswith(b"\n"):
            while (rest := source.handle.readline(LONGEST_ROW)) and not rest.endswith(b"\n"):
                pass
            yield Skipped(line, f"the row is longer than {LONGEST_ROW >> 20} MB")
        elif (data := data.removeprefix(b"\xef\xbb\xbf") if line == 1 else data).strip():
            try:
                yield _json_row(orjson.loads(data), number, line, line)
            except orjson.JSONDecodeError as error:
                yield Skipped(line, f"it isn't JSON: {error.msg} at column {error.colno}")
        else:
            continue
        number += 1


def _json_array(reader: io.TextIOWrapper) -> Iterator[Row | Skipped]:
    decoder, line, number = json.JSONDecoder(), 1, 0
    buffer, at, ended = reader.read(BLOCK), 0, False
    at = buffer.index("[") + 1
    line += buffer.count("\n", 0, at)
    while True:
        after = _BETWEEN.match(buffer, at).end()  # type: ignore[union-attr]  # it matches the empty string
        line += buffer.count("\n", at, after)
        at = after
        if buffer.startswith("]", at):
            return
        try:
            value, after = decoder.raw_decode(buffer, at)
        except (json.JSONDecodeError, RecursionError) as error:
            if not ended and len(buffer) - at < LONGEST_ROW and _is_cut(error, len(buffer)):
                buffer, at = buffer[at:], 0
                read = reader.read(max(BLOCK, len(buffer)))
                buffer, ended = buffer + read, not read
                continue
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deep"
            yield Skipped(line, f"it isn't JSON: {reason}; the rest of the file was not read")
            return
        last = line + buffer.count("\n", at, after)
        yield _json_row(value, number, line, last)
        line, at, number = last, after, number + 1


def _is_cut(error: json.JSONDecodeError | RecursionError, end: int) -> bool:
    """Whether more text could mend it: it is where the text ends, or is a string that doesn't."""
    if isinstance(error, RecursionError):
        return False
    return error.pos >= end - len("-Infinity") or error.msg.startswith("Unterminated string")


def _json_row(value: Any, number: int, start: int, end: int) -> Row | Skipped:  # Any: JSON
    if not isinstance(value, dict):
        return Skipped(start, f"a row is a JSON object, got {type(value).__name__}")
    return Row(number, start, end, {name: item for name, item in value.items() if item is not None})


def _table(reader: io.TextIOWrapper, delimiter: str | None) -> Iterator[Row | Skipped]:
    """A file whose first row names the columns. Without a delimiter, it is the one that stands there most often."""
    if delimiter is None:
        delimiter = max(",;\t|", key=reader.readline(LONGEST_ROW).count)
        reader.seek(0)
    lines = iter(lambda: reader.readline(LONGEST_ROW), "")
    cells, number, line = csv.reader(lines, delimiter=delimiter), 0, 0
    names: list[str] = []
    while True:
        start = line + 1
        try:
            row = next(cells, None)
            failure = ""
        except csv.Error as error:
            row, failure = [], str(error)
        line = cells.line_num
        if row is None:
            return
        if not names:
            names = _column_names(row, failure)
            continue
        if failure or len(row) > len(names):
            yield Skipped(start, failure or f"it has {len(row)} values for {len(names)} columns")
        elif row:
            yield Row(number, start, line, dict(zip(names, row, strict=False)), is_table=True)
        else:
            continue
        number += 1


def _column_names(row: list[str], failure: str) -> list[str]:
    twice = next((name for name in row if row.count(name) > 1), None)
    if failure or twice is not None:
        raise Unreadable(f"its first row doesn't name the columns: {failure or f'{twice!r} is there twice'}")
    return row
