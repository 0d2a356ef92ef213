"""`search`, `get` and `count`."""

from __future__ import annotations

import json
from argparse import Namespace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from onevec.cli import Command
from onevec.cli.arguments import Parser, add_collection, add_filter, positive
from onevec.cli.failures import UsageError
from onevec.cli.output import document_json, hit_json, print_json, print_rich, print_text
from onevec.cli.stores import filter_of, open_collection, open_store, target_of

if TYPE_CHECKING:
    from onevec.documents import Vector


def _search_arguments(parser: Parser) -> None:
    parser.add_argument("query", metavar="QUERY", nargs="?", help="what to look for, in words")
    parser.add_argument("-k", "--top-k", metavar="N", type=int, default=10, help="how many hits at most (default: 10)")
    add_filter(parser)
    parser.add_argument(
        "--mode",
        choices=("vector", "text", "hybrid"),
        default="vector",
        help="vector: by meaning, through the collection's embedder; text: by the words themselves; hybrid: by both "
        "(default: vector)",
    )
    parser.add_argument(
        "--rerank",
        metavar="NAME",
        help="order the hits by how well a model reads them to fit: cross-encoder, cross-encoder:MODEL, cohere, jina, "
        "voyage, or what a package provides",
    )
    parser.add_argument(
        "--rerank-depth",
        metavar="N",
        type=positive,
        help="how many of the best hits --rerank and --mmr choose from (default: 50, or --top-k)",
    )
    parser.add_argument(
        "--mmr",
        metavar="L",
        type=float,
        help="leave out hits that repeat others: 1 is for relevance alone, 0 for novelty alone, 0.5 between them",
    )
    parser.add_argument("--min-score", metavar="S", type=float, help="only hits with this score or a higher one")
    parser.add_argument("--ids", metavar="ID", nargs="+", action="extend", help="only these documents")
    parser.add_argument(
        "--vector", metavar="JSON", help="search with this vector, such as [0.1, 0.2], instead of a QUERY"
    )
    parser.add_argument("--exact", action="store_true", help="do not use an approximate index")
    parser.add_argument("--include-vectors", action="store_true", help="with --json: the vectors too")
    add_collection(parser)
    parser.epilog = (
        "A QUERY or id that starts with - goes after two dashes: onevec search -- -5\n"
        """Example: onevec search "wings in a slipstream" -k 5 --filter 'year >= 1958 and author exists'"""
    )


def _search(arguments: Namespace) -> int:
    query = _query(arguments)
    filter = filter_of(arguments)
    with open_store(target_of(arguments), create=False) as store:
        collection = open_collection(store, arguments)
        hits = collection.search(
            query,
            top_k=arguments.top_k,
            filter=filter,
            ids=arguments.ids,
            min_score=arguments.min_score,
            mode=arguments.mode,
            exact=arguments.exact,
            include_vectors=arguments.include_vectors,
            rerank=arguments.rerank,
            rerank_depth=arguments.rerank_depth,
            mmr=arguments.mmr,
        )
    if arguments.json:
        found = [hit_json(hit, vectors=arguments.include_vectors) for hit in hits]
        print_json({"collection": collection.name, "mode": arguments.mode, "hits": found})
    elif hits:
        from onevec.cli.hits import hit_table

        print_rich(hit_table(hits, query=arguments.query or ""))
    else:
        print_text("no hits")
    return 0


def _query(arguments: Namespace) -> str | Vector:
    if (arguments.query is None) is (arguments.vector is None):
        raise UsageError("search takes a QUERY or --vector, and not both (see `onevec search --help`)")
    if arguments.query is not None:
        return str(arguments.query)
    try:
        vector: Any = json.loads(arguments.vector)  # Any: checked here and by the search
    except (ValueError, RecursionError):
        vector = None
    if not isinstance(vector, list):
        raise UsageError("--vector is a JSON list of numbers, such as [0.1, 0.2]")
    return vector


def _get_arguments(parser: Parser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="+", help="the ids of the documents")
    parser.add_argument("--include-vectors", action="store_true", help="with --json: the vectors too")
    add_collection(parser)
    parser.epilog = "The exit code is 1 if one of the documents isn't there."


def _get(arguments: Namespace) -> int:
    with open_store(target_of(arguments), create=False) as store:
        collection = open_collection(store, arguments)
        documents = collection.get_many(arguments.ids, include_vectors=arguments.include_vectors)
    there = {document.id for document in documents}
    missing = [id for id in dict.fromkeys(arguments.ids) if id not in there]
    if arguments.json:
        found = [document_json(document, vectors=arguments.include_vectors) for document in documents]
        print_json({"collection": collection.name, "documents": found, "missing": missing})
    else:
        if documents:
            from onevec.cli.hits import document_view

            print_rich(*(part for document in documents for part in document_view(document)))
        if missing:
            from onevec.cli.failures import complain

            complain(f"collection {collection.name!r} has no document {', '.join(map(repr, missing))}")
    return 1 if missing else 0


def _count_arguments(parser: Parser) -> None:
    add_filter(parser)
    add_collection(parser)


def _count(arguments: Namespace) -> int:
    filter = filter_of(arguments)
    with open_store(target_of(arguments), create=False) as store:
        collection = open_collection(store, arguments)
        count = collection.count(filter)
    if arguments.json:
        print_json({"collection": collection.name, "count": count})
    else:
        print_text(str(count))
    return 0


COMMANDS = MappingProxyType(
    {
        "search": Command(_search_arguments, _search),
        "get": Command(_get_arguments, _get),
        "count": Command(_count_arguments, _count),
    }
)
