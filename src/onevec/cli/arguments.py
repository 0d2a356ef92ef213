"""The parser of one command, and the options that several commands share."""

from __future__ import annotations

import argparse
from typing import NoReturn

from onevec.cli.failures import UsageError

STORE_HELP = (
    "URL of the store, or its name in onevec.toml (default: $ONEVEC_URL, else the default of onevec.toml, "
    "else sqlite:///onevec.db)"
)


class Parser(argparse.ArgumentParser):
    """A command's parser; it raises where argparse would print the usage and exit."""

    def __init__(self, command: str, *, summary: str) -> None:
        super().__init__(
            prog=f"onevec {command}",
            description=f"{summary[0].upper()}{summary[1:]}.",
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see `{self.prog} --help`)")


def positive(text: str) -> int:
    """Return the number that an option gives, for `type=`.

    Raises:
        ArgumentTypeError: It isn't a whole number of 1 or more.
    """
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"it is a whole number of 1 or more, got {text!r}")


def add_store(parser: Parser) -> None:
    """Add `--store`."""
    parser.add_argument("--store", metavar="URL", help=STORE_HELP)


def add_collection(parser: Parser, *, default: str | None = None) -> None:
    """Add `--store`, `--collection` and `--namespace`; without a default, the only collection there is is meant."""
    add_store(parser)
    parser.add_argument(
        "-c",
        "--collection",
        metavar="NAME",
        default=default,
        help=f"the collection (default: {default or 'the only one of the store'})",
    )
    parser.add_argument("--namespace", metavar="NAME", default="", help='the namespace (default: "")')


def add_filter(parser: Parser) -> None:
    """Add `--filter`."""
    parser.add_argument(
        "--filter",
        metavar="FILTER",
        help="""only documents that match, as in 'year >= 1958 and lang in ["en", "de"] and not archived == true'""",
    )
