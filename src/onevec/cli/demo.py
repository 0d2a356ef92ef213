"""`demo`: Python's own documentation, indexed and searched."""

from __future__ import annotations

import platform
import time
from argparse import Namespace
from collections.abc import Sequence
from itertools import islice
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from onevec.cli import Command
from onevec.cli.arguments import Parser, positive
from onevec.cli.output import hit_json, print_json, progress
from onevec.cli.stores import open_store
from onevec.config import shown

if TYPE_CHECKING:
    from onevec.collection import Collection
    from onevec.documents import Document, Mode, SearchResult
    from onevec.embedders import Embedder

URL = "sqlite:///onevec-demo.db"
COLLECTION = "stdlib"
EMBEDDER = "wordllama"
_AT_ONCE = 500
_TOP_K = 3


class Question(NamedTuple):
    """A search that the demo shows."""

    query: str
    filter: str | None = None
    mode: Mode = "vector"


class Answer(NamedTuple):
    """What came of a question, and how long it took."""

    question: Question
    hits: SearchResult
    seconds: float


class Built(NamedTuple):
    """What was indexed, where, and how long it took."""

    target: str
    stays: bool
    documents: int
    read_seconds: float
    index_seconds: float

    @property
    def documents_per_second(self) -> float:
        return self.documents / self.index_seconds if self.index_seconds else 0.0


QUESTIONS = (
    Question("split a path into its parts"),
    Question("run a function in another thread"),
    Question("merge several sorted lists"),
    Question("measure how long a small piece of code takes"),
    Question("check whether a file exists", filter='module == "os.path"'),
    Question("make a temporary directory", filter='kind == "class"'),
    Question("mersenne twister", mode="text"),
)


def _arguments(parser: Parser) -> None:
    parser.add_argument("--store", metavar="URL", default=URL, help=f"where to index it (default: {URL})")
    parser.add_argument("--limit", metavar="N", type=positive, help="index only the first N documents")
    parser.epilog = f"The collection {COLLECTION!r} of that store is replaced. Needs the embedder {EMBEDDER}."


def _demo(arguments: Namespace) -> int:
    from onevec.registry import load_embedder

    embedder = load_embedder(EMBEDDER)
    embedder.embed(["loads the model, which is not indexing"])
    with open_store(arguments.store, create=True) as store:
        collection = store.create_collection(COLLECTION, embedder=embedder, if_exists="replace")
        built = _build(collection, embedder, arguments, stays=store.capabilities.persistent)
        answers = [_answer(collection, question) for question in QUESTIONS]
    if arguments.json:
        print_json(_json(built, answers))
    else:
        from onevec.cli.demo_view import show

        show(built, answers, python=platform.python_version())
    return 0


def _build(collection: Collection, embedder: Embedder, arguments: Namespace, *, stays: bool) -> Built:
    from onevec.cli.stdlib_docs import documents

    started = time.perf_counter()
    with progress("reading docstrings", unit="found", quiet=arguments.json) as tell:
        found: list[Document] = []
        for document in islice(documents(), arguments.limit):
            found.append(document)
            if len(found) % _AT_ONCE == 0:
                tell(len(found), None)
    read = time.perf_counter()
    with progress("indexing", unit="documents", quiet=arguments.json) as tell:
        for start in range(0, len(found), _AT_ONCE):
            _index(collection, embedder, found[start : start + _AT_ONCE])
            tell(min(start + _AT_ONCE, len(found)), len(found))
        collection.optimize()
    return Built(arguments.store, stays, len(found), read - started, time.perf_counter() - read)


def _index(collection: Collection, embedder: Embedder, some: Sequence[Document]) -> None:
    """Write documents with the vectors of their summaries: the details that follow would drown what a thing is for."""
    texts = [document.text or "" for document in some]
    collection.upsert(
        ids=[document.id for document in some],
        texts=texts,
        metadata=[document.metadata for document in some],
        vectors=embedder.embed([text.partition("\n\n")[0] for text in texts]),
    )


def _answer(collection: Collection, question: Question) -> Answer:
    started = time.perf_counter()
    hits = collection.search(question.query, top_k=_TOP_K, filter=question.filter, mode=question.mode)
    return Answer(question, hits, time.perf_counter() - started)


def _json(built: Built, answers: Sequence[Answer]) -> dict[str, Any]:  # Any: JSON values, datetimes in documents
    return {
        "store": shown(built.target),
        "collection": COLLECTION,
        "documents": built.documents,
        "read_seconds": built.read_seconds,
        "index_seconds": built.index_seconds,
        "documents_per_second": built.documents_per_second,
        "milliseconds_per_query": 1000 * median(answer.seconds for answer in answers),
        "searches": [
            {
                **question._asdict(),
                "milliseconds": 1000 * seconds,
                "hits": [hit_json(hit, vectors=False) for hit in hits],
            }
            for question, hits, seconds in answers
        ],
    }


COMMANDS = MappingProxyType({"demo": Command(_arguments, _demo)})
