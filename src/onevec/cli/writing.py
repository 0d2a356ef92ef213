"""`ingest` and `delete`."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from onevec.cli import Command
from onevec.cli.arguments import Parser, add_collection, add_filter, positive
from onevec.cli.failures import Refused, UsageError
from onevec.cli.output import print_json, print_text, progress
from onevec.cli.stores import filter_of, open_collection, open_store, target_of
from onevec.cli.text import lines

if TYPE_CHECKING:
    from onevec.collection import Collection
    from onevec.documents import CollectionInfo
    from onevec.ingest import IngestReport
    from onevec.store import Store

COLLECTION = "documents"
EMBEDDER = "wordllama"


def _ingest_arguments(parser: Parser) -> None:
    parser.add_argument("paths", metavar="PATH", nargs="+", help="files and folders")
    parser.add_argument(
        "--embedder",
        metavar="NAME",
        help=f"what makes vectors of texts (default: the collection's own; of a new one, the store's, or {EMBEDDER})",
    )
    parser.add_argument(
        "--embedding-cache",
        metavar="FILE",
        help="keep vectors in this file, so that no text is embedded twice; it is made if it isn't there",
    )
    parser.add_argument(
        "--dimension",
        metavar="N",
        type=positive,
        help="make the collection without an embedder, for rows with vectors of N numbers",
    )
    parser.add_argument("--metric", help="of a new collection: cosine, dot, euclidean or manhattan (default: cosine)")
    parser.add_argument(
        "--chunk-tokens", metavar="N", type=positive, default=256, help="most tokens in a chunk (default: 256)"
    )
    parser.add_argument(
        "--overlap-tokens",
        metavar="N",
        type=int,
        default=0,
        help="how much of a chunk the next may repeat (default: 0)",
    )
    rows = parser.add_argument_group("rows of .jsonl, .json, .csv and .tsv")
    rows.add_argument("--id-field", metavar="NAME", help="the column with the id")
    rows.add_argument(
        "--text-field", metavar="NAME", action="append", help="the column with the text; again for more of them"
    )
    rows.add_argument(
        "--vector-field", metavar="NAME", default="vector", help="the column with the vector (default: vector)"
    )
    rows.add_argument(
        "--metadata-field",
        metavar="NAME",
        action="append",
        help="a column to keep; again for more of them (default: all)",
    )
    add_collection(parser, default=COLLECTION)
    parser.epilog = (
        "Run it again from the same folder to write only what changed. The store and the collection are made if they\n"
        "aren't there. The exit code is 1 if a file could not be read; the others are in."
    )


def _ingest(arguments: Namespace) -> int:
    from onevec.ingest import ingest

    missing = [path for path in arguments.paths if not os.path.lexists(path)]
    if missing:  # asked before the store, so that a slip of the pen leaves no empty one behind
        raise UsageError(f"no such file or folder: {', '.join(map(repr, missing))}")
    target = target_of(arguments)
    with open_store(target, create=True, embedding_cache=arguments.embedding_cache) as store:
        collection = _opened(store, target, arguments)
        with progress("ingesting", unit="bytes", quiet=arguments.json) as tell:
            report = ingest(
                collection,
                arguments.paths,
                chunk_tokens=arguments.chunk_tokens,
                overlap_tokens=arguments.overlap_tokens,
                id_field=arguments.id_field,
                text_field=arguments.text_field,
                vector_field=arguments.vector_field,
                metadata_fields=arguments.metadata_field,
                on_progress=tell,
            )
        documents = collection.count()
    if arguments.json:
        print_json({"collection": collection.name, "documents": documents, **_report_json(report)})
    else:
        print_text(lines(str(report)))
        print_text(f"collection {collection.name!r} has {documents:,} documents")
    return 1 if report.failed else 0


def _opened(store: Store, target: str, arguments: Namespace) -> Collection:
    """The collection, made if it isn't there."""
    from onevec.config import locate

    name = arguments.collection
    if store.has_collection(name):
        collection = store.collection(name, embedder=arguments.embedder)
        _check_as_made(collection.info(), arguments)
    else:
        embedder = arguments.embedder
        if embedder is None and arguments.dimension is None and "embedder" not in locate(target).settings:
            embedder = EMBEDDER
        collection = store.create_collection(
            name,
            dimension=arguments.dimension,
            metric=arguments.metric or "cosine",
            embedder=embedder,
            if_exists="open",
        )
    return collection.namespace(arguments.namespace) if arguments.namespace else collection


def _check_as_made(info: CollectionInfo, arguments: Namespace) -> None:
    """Refuse --dimension and --metric where they contradict the collection that is there."""
    for option, given, is_ in (
        ("--dimension", arguments.dimension, info.dimension),
        ("--metric", arguments.metric, info.metric),
    ):
        if given is not None and given != is_:
            raise UsageError(f"collection {info.name!r} was made with {option} {is_}; leave the option out")


def _report_json(report: IngestReport) -> dict[str, Any]:  # Any: JSON values
    failed = [{"path": path, "reason": reason} for path, reason in report.failed]
    return asdict(report) | {"failed": failed}


def _delete_arguments(parser: Parser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="*", help="the ids of the documents")
    add_filter(parser)
    parser.add_argument("--all", action="store_true", help="every document of the namespace")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask before deleting by filter, or all")
    add_collection(parser)


def _delete(arguments: Namespace) -> int:
    if sum((bool(arguments.ids), arguments.filter is not None, arguments.all)) != 1:
        raise UsageError("delete takes ids, --filter or --all, and one of them only (see `onevec delete --help`)")
    filter = filter_of(arguments)
    with open_store(target_of(arguments), create=False) as store:
        collection = open_collection(store, arguments)
        if arguments.ids:
            deleted = collection.delete(arguments.ids)
        else:
            if not arguments.yes:
                _confirm(collection, arguments, collection.count(filter))
            deleted = collection.clear() if arguments.all else collection.delete(filter=filter)
    if arguments.json:
        print_json({"collection": collection.name, "deleted": deleted})
    else:
        print_text(f"deleted {deleted:,}")
    return 0


def _confirm(collection: Collection, arguments: Namespace, count: int) -> None:
    """Ask the person at the terminal.

    Raises:
        Refused: The answer isn't yes, or nobody is there.
    """
    which = "all of them" if arguments.all else f"those with {arguments.filter}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(f"nothing was deleted: this would delete {count:,} documents; --yes says you mean it")
    sys.stderr.write(f"Delete {count:,} documents of {collection.name!r}, {which}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Refused("nothing was deleted")


COMMANDS = MappingProxyType(
    {
        "ingest": Command(_ingest_arguments, _ingest),
        "delete": Command(_delete_arguments, _delete),
    }
)
