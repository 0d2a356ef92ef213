"""How a failure is told: one line, or one JSON object, on stderr; and the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from onevec.errors import InvalidInput, OnevecError


class UsageError(InvalidInput):
    """The words after `onevec` can't be understood."""


class UnknownCommand(UsageError):
    """There is no command of that name."""

    def __init__(self, name: str, *, known: Iterable[str]) -> None:
        from difflib import get_close_matches

        near = get_close_matches(name.lstrip("-").lower(), list(known), n=1)
        if name.startswith("-"):
            way = "options follow the command, as in `onevec search wings --json`"
        elif near:
            way = f"did you mean `onevec {near[0]}`?"
        else:
            way = "`onevec --help` lists them"
        super().__init__(f"there is no command {name!r}; {way}")


class Refused(OnevecError):
    """A command was not carried out, as the person at the terminal decided or nobody was there to ask."""


def report(error: Exception, *, as_json: bool) -> int:
    """Tell of the failure on stderr and return the exit code; `ONEVEC_DEBUG` in the environment adds the traceback."""
    if os.environ.get("ONEVEC_DEBUG"):
        import traceback

        traceback.print_exception(error)
    message = " ".join(str(error).split()) or "no message"
    if not isinstance(error, OnevecError):
        message = f"{type(error).__name__}: {message} (ONEVEC_DEBUG=1 shows where)"
    code = 2 if isinstance(error, InvalidInput) else 1
    if as_json:
        import json

        retryable = isinstance(error, OnevecError) and error.retryable
        body = {"type": type(error).__name__, "message": message, "exit_code": code, "retryable": retryable}
        sys.stderr.write(json.dumps({"error": body}) + "\n")
    else:
        complain(message)
    return code


def complain(message: str) -> None:
    """Print a line on stderr, in the program's name."""
    from onevec.cli.text import printable

    sys.stderr.write(f"onevec: {printable(message)}\n")
