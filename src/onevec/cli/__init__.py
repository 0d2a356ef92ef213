"""The command line: `onevec COMMAND ...`.

The overview is printed from the table below and imports nothing. A command's module is imported when the command runs
or its own help is asked; engines, embedders and NumPy come in when the command opens a store.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from argparse import Namespace

    from onevec.cli.arguments import Parser

INTERRUPTED = 130
BROKEN_PIPE = 141


class Command(NamedTuple):
    """What a command's module says of it."""

    arguments: Callable[[Parser], None]
    run: Callable[[Namespace], int]


class Entry(NamedTuple):
    """A line of the overview, and the module that has the command in its `COMMANDS`."""

    module: str
    summary: str


COMMANDS = MappingProxyType(
    {
        "demo": Entry("demo", "index Python's own documentation and search it"),
        "ingest": Entry("writing", "read files into a collection"),
        "search": Entry("reading", "find documents by meaning or by words"),
        "get": Entry("reading", "show documents by id"),
        "count": Entry("reading", "count documents"),
        "delete": Entry("writing", "delete documents by id or by filter"),
        "collections": Entry("inspecting", "list the collections of a store"),
        "info": Entry("inspecting", "show what a collection is and how much is in it"),
        "quality": Entry("quality", "measure how good the vectors of a collection are"),
        "eval": Entry("evaluating", "measure how good searches are, with judged queries"),
        "engines": Entry("engines", "list the engines, and how to install them"),
        "doctor": Entry("doctor", "check the installation and a store"),
    }
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 2 for input that can't be understood, 1 for any other failure.

    Args:
        argv: The words after `onevec`. Default: those of the process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(words)
        sys.stdout.flush()  # a closed pipe shows here, not while Python ends
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # What is still buffered would be tried again when Python ends, and complained about.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 (the last line before a traceback)
        from onevec.cli.failures import report

        return report(error, as_json="--json" in words)


def _run(words: list[str]) -> int:
    match words:
        case [] | ["help"] | ["-h" | "--help", *_]:
            sys.stdout.write(_overview())
            return 0
        case ["help", name, *_]:
            return _run([name, "--help"])
        case ["--version" | "-V", *_]:
            from onevec import __version__

            sys.stdout.write(f"onevec {__version__}\n")
            return 0
        case [name, *rest] if name in COMMANDS:
            return _command(name, rest)
        case _:
            from onevec.cli.failures import UnknownCommand

            raise UnknownCommand(words[0], known=COMMANDS)


def _command(name: str, words: list[str]) -> int:
    from importlib import import_module

    from onevec.cli.arguments import Parser

    command: Command = import_module(f"onevec.cli.{COMMANDS[name].module}").COMMANDS[name]
    parser = Parser(name, summary=COMMANDS[name].summary)
    command.arguments(parser)
    try:
        arguments = parser.parse_args(words)
    except SystemExit as stop:  # after --help
        return int(stop.code or 0)
    return command.run(arguments)


def _overview() -> str:
    commands = "\n".join(f"  {name:<12} {entry.summary}" for name, entry in COMMANDS.items())
    return f"""usage: onevec COMMAND [OPTIONS]

One vector-store API for Python. Same call, same answer, on every engine.

{commands}

`onevec COMMAND --help` explains one; every command takes --json. `onevec --version` tells the version.
The store is --store URL, else $ONEVEC_URL, else the default of onevec.toml, else sqlite:///onevec.db.
New here? `onevec demo` makes a store to try the others on.
"""
