"""What LanceDB's errors are in onevec's tree. They are builtin ones, whose texts say what happened."""

from __future__ import annotations

import re

from onevec.errors import (
    AuthenticationFailed,
    Corrupted,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    OnevecError,
    ReadOnly,
    StorageFull,
    StoreClosed,
)
from onevec.remote import Missing

# The first that is found in the text, in lower case, decides.
_MEANINGS: tuple[tuple[tuple[str, ...], type[OnevecError], str], ...] = (
    (("connection is closed",), StoreClosed, "open it again"),
    (("no space left", "quota exceeded"), StorageFull, "free some space"),
    (("read-only file system", "permission denied"), ReadOnly, "let this user write there"),
    (("commit conflict", "concurrent writers"), EngineBusy, "try again"),
    (
        ("401 unauthorized", "403 forbidden", "accessdenied", "invalidaccesskeyid", "unauthenticated"),
        AuthenticationFailed,
        "check the keys in storage_options",
    ),
    (
        ("kind: connect", "error sending request", "connection refused", "dns error", "429 ", "503 "),
        EngineUnavailable,
        "check the address, or try again",
    ),
    (("timed out", "kind: timeout"), EngineTimeout, "try again"),
    (
        ("fill whole buffer", "sufficient data", "invalid range", "failed to decode", "corrupt", "magic", "not found:"),
        Corrupted,
        "restore it from a backup",
    ),
)
_SOURCE = re.compile(r",? /\S+\.rs:\d+:\d+")  # where in LanceDB's own code the error was made


def as_onevec(error: Exception, where: str) -> Exception:
    """Return the error to raise for one that LanceDB raised; `where` is the store's place."""
    if type(error).__name__ == "RustPanic":  # of a condition that Lance's planner can't read; its class is hidden
        return EngineError(f"LanceDB at {where} gave up on this call: {error}; its own condition may be the cause")
    if isinstance(error, OnevecError) or not isinstance(error, ValueError | RuntimeError | OSError):
        return error
    text = _SOURCE.sub("", str(error))
    known = text.lower()
    if "was not found" in known or ("not found:" in known and "_versions" in known):
        return Missing()
    for signs, kind, advice in _MEANINGS:
        if any(sign in known for sign in signs):
            return kind(f"LanceDB at {where}: {text}; {advice}")
    return EngineError(f"LanceDB at {where}: {text}")
