"""What a command prints: JSON for programs, tables for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from onevec.documents import Document, Hit


def print_json(value: Mapping[str, Any]) -> None:  # Any: what `_plain` knows
    """Print one JSON object, in UTF-8 whatever the terminal speaks; indented for a person, on one line for a pipe."""
    import orjson

    option = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    data = orjson.dumps(value, _plain, option | orjson.OPT_INDENT_2 if sys.stdout.isatty() else option)
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def print_text(text: str) -> None:
    """Print lines; a sign that the terminal doesn't have becomes a question mark."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(f"{text}\n".encode(encoding, "replace").decode(encoding))


def print_rich(*parts: RenderableType) -> None:
    """Print tables and styled text, as wide as the terminal and no wider."""
    out = console()
    with out.capture() as capture:
        for part in parts:
            out.print(part)
    print_text("\n".join(line.rstrip() for line in capture.get().splitlines()))


def console(*, errors: bool = False) -> Console:
    """Return a console that takes text as it is: square brackets and numbers in documents mean nothing to it."""
    from rich.console import Console

    return Console(stderr=errors, highlight=False, markup=False, emoji=False)


def table(*headers: str, right: tuple[str, ...] = (), header: bool = True) -> Table:
    """Return an empty table without lines; the columns named in `right` hold numbers."""
    from rich.table import Table

    empty = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=header)
    for name in headers:
        empty.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return empty


@contextmanager
def progress(label: str, *, unit: str, quiet: bool) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar on stderr while the block runs, and give what tells it `(done, total)`.

    Nothing is shown where stderr isn't a terminal, or with `quiet`.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"), TimeElapsedColumn())
    with Progress(*columns, console=console(errors=True), transient=True) as bar:
        task = bar.add_task(label, total=None, count="")

        def tell(done: int, total: int | None) -> None:
            of = "" if total is None else f" of {total:,}"
            bar.update(task, completed=done, total=total, count=f"{done:,}{of} {unit}")

        yield tell


def document_json(document: Document, *, vectors: bool) -> dict[str, Any]:  # Any: what `_plain` knows
    """Return a document with the keys that `--json` promises."""
    found: dict[str, Any] = {
        "id": document.id,
        "text": document.text,
        "metadata": document.metadata,
        "created_at": document.created_at,
        "updated_at": document.updated_at,
    }
    return {**found, "vector": document.vector} if vectors else found


def hit_json(hit: Hit, *, vectors: bool) -> dict[str, Any]:  # Any: what `_plain` knows
    """Return a hit with the keys that `--json` promises."""
    place = {
        "rank": hit.rank,
        "score": hit.score,
        "distance": hit.distance,
        "rerank_score": hit.rerank_score,
        "explanation": hit.explanation,
    }
    return place | document_json(hit.document, vectors=vectors)


def moment(value: datetime | None) -> str:
    """Return a time as people read it."""
    return "" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def _plain(value: object) -> object:
    from onevec.codec import iso
    from onevec.values import as_utc

    match value:
        case datetime():
            return iso(as_utc(value))
        case set() | frozenset():
            return sorted(value)
        case _:
            return str(value)
