"""How hits and documents look in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from onevec.cli.output import console, moment, table
from onevec.cli.text import brief, lines, metadata_value, printable, score_text, shortened, snippet, words

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from onevec.documents import Document, Hit

_BESIDE = 14  # what rank and score take
_RERANKED = 10  # what the reranker's score takes
_SNIPPET_LINES = 2


def hit_table(hits: Iterable[Hit], *, query: str) -> Table:
    """Return a table of hits: the id, the metadata on one line, and where the text has the words of the query."""
    hits = list(hits)
    reranked = any(hit.reranked is not None for hit in hits)
    width = max(console().width - _BESIDE - (_RERANKED if reranked else 0), 20)
    headers = ("#", "rerank", "score") if reranked else ("#", "score")
    rows = table(*headers, "document", right=headers)
    for hit in hits:
        found = Text(printable(hit.id), style="bold")
        facts = brief({name: value for name, value in hit.metadata.items() if value != hit.id})
        if facts:
            found.append(f"\n{shortened(facts, width)}", style="not bold dim")
        if hit.text:
            passage = Text(f"\n{snippet(hit.text, query, width * _SNIPPET_LINES - 8)}", style="not bold")
            marked(passage, query)
            found.append_text(passage)
        scores = [score_text(hit.score)]
        if reranked:
            scores.insert(0, "" if hit.rerank_score is None else score_text(hit.rerank_score))
        rows.add_row(str(hit.rank), *scores, found)
    return rows


def marked(text: Text, query: str) -> None:
    """Underline the words of the query in the text."""
    wanted = words(query)
    if wanted:
        text.highlight_regex(re.compile(rf"\b(?:{'|'.join(map(re.escape, wanted))})\b", re.IGNORECASE), "underline")


def document_view(document: Document) -> Iterator[RenderableType]:
    """Yield the id, the metadata one a line, and the whole text."""
    yield Text(printable(document.id), style="bold")
    facts = table("", "", header=False)
    for name, value in document.metadata.items():
        facts.add_row(Text(printable(name), style="dim"), Text(printable(metadata_value(value))))
    for name, time in (("created", document.created_at), ("updated", document.updated_at)):
        if time is not None:
            facts.add_row(Text(name, style="dim"), Text(moment(time)))
    yield facts
    if document.text:
        yield Text(f"\n{lines(document.text)}")
    yield Text()
