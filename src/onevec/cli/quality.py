"""`quality`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from onevec.cli import Command
from onevec.cli.arguments import Parser, add_collection, add_filter, positive
from onevec.cli.failures import UsageError
from onevec.cli.output import print_json, print_rich, print_text, progress, table
from onevec.cli.stores import filter_of, open_collection, open_store, target_of
from onevec.cli.text import printable, shortened

if TYPE_CHECKING:
    from onevec.quality import EmbeddingQuality

_LISTED = 5
_ID = 40


def _arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="COLLECTION", nargs="?", help="the collection (default: the only one)")
    parser.add_argument("--label", metavar="FIELD", help="the metadata field that says what kind a document is of")
    add_filter(parser)
    parser.add_argument(
        "--sample", metavar="N", type=positive, default=5000, help="how many vectors to measure at most (default: 5000)"
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, default=0, help="what random choices are made with (default: 0)"
    )
    parser.add_argument("--clusters", metavar="N", type=int, help="how many clusters to look for (default: the best)")
    parser.add_argument(
        "--near-duplicate",
        metavar="COSINE",
        type=float,
        default=0.98,
        help="from which cosine on two vectors are near-duplicates (default: 0.98)",
    )
    parser.add_argument("--report", metavar="FILE", help="write a page with pictures too, as one HTML file")
    add_collection(parser)
    parser.epilog = "Example: onevec quality papers --label topic --report papers.html"


def _quality(arguments: Namespace) -> int:
    _choose_collection(arguments)
    filter = filter_of(arguments)
    if arguments.report is not None:
        _check_place(arguments.report)
    with open_store(target_of(arguments), create=False) as store:
        collection = open_collection(store, arguments)
        from onevec.quality import collection_quality

        with progress("reading", unit="documents", quiet=arguments.json) as tell:
            quality = collection_quality(
                collection,
                label=arguments.label,
                filter=filter,
                sample=arguments.sample,
                seed=arguments.seed,
                clusters=arguments.clusters,
                near_duplicate=arguments.near_duplicate,
                on_progress=tell,
            )
    if arguments.report is not None:
        _report(quality, arguments.report, title=collection.name)
    if arguments.json:
        print_json({"collection": collection.name, "namespace": collection.bound_namespace, **quality.to_json()})
    else:
        _show(quality)
        if arguments.report is not None:
            print_text(f"\nwrote {printable(arguments.report)}")
    return 0


def _choose_collection(arguments: Namespace) -> None:
    """Take the collection's name from where it was given."""
    if arguments.name is not None and arguments.collection is not None:
        raise UsageError("quality takes COLLECTION or -c, and not both (see `onevec quality --help`)")
    if arguments.name is not None:
        arguments.collection = arguments.name


def _check_place(report: str) -> None:
    """Refuse a file that could not be written, before the time of measuring is spent."""
    if Path(report).is_dir():
        raise UsageError(f"--report names a file, and {report!r} is a folder")
    if not Path(report).absolute().parent.is_dir():
        raise UsageError(f"--report: there is no folder for {report!r}; make it first")


def _report(quality: EmbeddingQuality, report: str, *, title: str) -> None:
    from onevec.quality import write_report

    try:
        write_report(quality, report, title=title)
    except OSError as error:
        raise UsageError(f"--report: {report!r} can't be written: {error.strerror}") from error


def _show(quality: EmbeddingQuality) -> None:
    from onevec.quality.wording import facts, number

    rows = table("number", "value", "what it tells", right=("value",))
    for fact in facts(quality):
        rows.add_row(*fact)
    print_rich(rows)
    if quality.outliers is not None and quality.outliers.count:
        found = table("outlier", "distance", "z-score", right=("distance", "z-score"))
        for outlier in quality.outliers.farthest[:_LISTED]:
            found.add_row(_id(outlier.id), number(outlier.distance), number(outlier.score))
        print_text("")
        print_rich(found)
    if quality.near_duplicates is not None and quality.near_duplicates.pairs:
        pairs = table("near-duplicate", "of", "cosine", right=("cosine",))
        for pair in quality.near_duplicates.nearest[:_LISTED]:
            pairs.add_row(_id(pair.first), _id(pair.second), f"{pair.cosine:.4f}")
        print_text("")
        print_rich(pairs)


def _id(id: str) -> str:
    return shortened(printable(id), _ID)


COMMANDS = MappingProxyType({"quality": Command(_arguments, _quality)})
