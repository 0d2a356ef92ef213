"""A test collection's files: the corpus and the queries in JSON lines, the judgements in tab-separated values."""

from __future__ import annotations

import re
from typing import Any

from onevec.documents import Document
from onevec.evaluation.lines import FilePath, Malformed, first_line, id_of, json_object, parse_lines, text_of

_QUERY = frozenset({"query-id", "query_id", "qid", "query", "topic"})
_DOCUMENT = frozenset({"corpus-id", "corpus_id", "doc-id", "doc_id", "docid", "docno", "document-id", "document_id"})
_RELEVANCE = frozenset({"score", "relevance", "rel", "label"})

_INTEGER = re.compile(r"[+-]?[0-9]+")
GRADES = 1000  # trec_eval keeps a count for each grade up to the highest
_BARE = 3  # columns of judgements without a header: query, document, relevance; TREC's have a fourth, after the query


def read_corpus(path: FilePath) -> list[Document]:
    """Read documents from JSON lines: `_id` or `id`, `title`, `text`, `metadata`.

    A document's text is its title and its text, a line each, as far as they are there. The title is in the metadata,
    too.

    Raises:
        InvalidFile: Lines are malformed or repeat an id.
    """
    documents: dict[str, Document] = {}

    def parse(line: str) -> None:
        row = json_object(line)
        id = id_of(row)
        _refuse_again(id, documents)
        title, text = text_of(row, "title"), text_of(row, "text")
        metadata = _metadata(row)
        if title:
            metadata.setdefault("title", title)
        documents[id] = Document(id, text="\n".join(part for part in (title, text) if part), metadata=metadata)

    parse_lines(path, parse)
    return list(documents.values())


def read_queries(path: FilePath) -> dict[str, str]:
    """Read queries from JSON lines: `_id` or `id`, and `text`. Return the texts by id.

    Raises:
        InvalidFile: Lines are malformed or repeat an id.
    """
    queries: dict[str, str] = {}

    def parse(line: str) -> None:
        row = json_object(line)
        id, text = id_of(row), text_of(row, "text")
        _refuse_again(id, queries)
        if not text.strip():
            raise Malformed(f"query {id!r} has no text")
        queries[id] = text

    parse_lines(path, parse)
    return queries


def read_judgements(path: FilePath) -> dict[str, dict[str, int]]:
    """Read which documents answer a query, and how well: of each query the documents with their relevance.

    Three forms are told apart by the first line: a header that names the columns, as BEIR's `query-id corpus-id score`
    (further columns are passed by); TREC's four columns without one, `query 0 document relevance`; and three columns
    without one, `query document relevance`. Columns are separated by tabs, or where a line has none by white space.
    Relevance is a whole number up to 1000; 0 and less say that the document is no answer.

    Raises:
        InvalidFile: Lines are malformed or contradict an earlier one.
    """
    judgements: dict[str, dict[str, int]] = {}
    columns, header = _columns(first_line(path))

    def parse(line: str) -> None:
        cells = _cells(line)
        if len(cells) <= max(columns) or (not header and len(cells) != max(columns) + 1):
            raise Malformed(f"it has {len(cells)} columns instead of {max(columns) + 1}: {line[:60]!r}")
        query, document, relevance = (cells[column] for column in columns)
        if not query or not document:
            raise Malformed("the id of its query or document is empty")
        if not _INTEGER.fullmatch(relevance) or len(relevance) > len("-1000") or int(relevance) > GRADES:
            raise Malformed(f"relevance is a whole number up to {GRADES}, got {relevance[:20]!r}")
        known = judgements.setdefault(query, {}).setdefault(document, int(relevance))
        if known != int(relevance):
            raise Malformed(f"document {document!r} has another relevance for query {query!r} in an earlier line")

    parse_lines(path, parse, skip=int(header))
    return judgements


def _columns(first: str) -> tuple[tuple[int, int, int], bool]:
    """Where query, document and relevance stand, and whether the first line is a header."""
    names = [cell.lower() for cell in _cells(first)]
    places = [
        next((place for place, name in enumerate(names) if name in known), None)
        for known in (_QUERY, _DOCUMENT, _RELEVANCE)
    ]
    match places:
        case [int(query), int(document), int(relevance)]:
            return (query, document, relevance), True
        case _:
            return ((0, 1, 2) if len(names) == _BARE else (0, 2, 3)), False


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()


def _metadata(row: dict[str, Any]) -> dict[str, Any]:  # Any: JSON values
    metadata = row.get("metadata")
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise Malformed(f"its metadata is no object but {type(metadata).__name__}")
    return metadata


def _refuse_again(id: str, known: dict[str, Any]) -> None:  # Any: documents or texts
    if id in known:
        raise Malformed(f"the id {id!r} was in an earlier line")
