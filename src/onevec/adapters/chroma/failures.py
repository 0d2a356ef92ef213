"""What Chroma's errors are in onevec's tree."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import orjson
from chromadb.errors import ChromaError, NotFoundError

from onevec.errors import EngineError, EngineTimeout, EngineUnavailable, OnevecError, ReadOnly, StorageFull
from onevec.remote import Missing, failure_of_status

NOT_FOUND = 404


def as_onevec(error: Exception, where: str) -> Exception:
    """Return the error to raise for one that Chroma's client raised; `where` is the server's address or the folder."""
    match error:
        case OnevecError() | Missing():
            return error
        case NotFoundError():
            return Missing()
        case httpx.TimeoutException():
            return EngineTimeout(
                f"Chroma at {where} didn't answer in time ({type(error).__name__}); try again, or raise request_timeout"
            )
        case httpx.HTTPError():
            return EngineUnavailable(
                f"Chroma can't be reached at {where} ({type(error).__name__}: {error}); check the URL and that it runs"
            )
        case ChromaError():
            return _of_folder(str(error), where)
        case ValueError() | TypeError() | KeyError() | AttributeError():
            return EngineError(f"Chroma at {where} gave an answer that its client can't read: {error}")
        case _:
            return error


def refusal(status: int, headers: Mapping[str, str], body: bytes, where: str) -> Exception:
    """Return the error for a server's answer of a status of 400 or more."""
    if status == NOT_FOUND:
        return Missing(_reason(body))
    return failure_of_status(status, f"Chroma at {where}: {_reason(body)}", retry_after=headers.get("Retry-After"))


def _of_folder(text: str, where: str) -> OnevecError:
    if "is full" in text or "No space left" in text:
        return StorageFull(f"no space is left for {where}; free some")
    if "readonly database" in text:
        return ReadOnly(f"{where} can't be written to; check the permissions of its files")
    # SQLite's lock is held by a process that opened the folder without onevec.
    return EngineError(f"Chroma failed at {where}: {text}", retryable="database is locked" in text)


def _reason(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["message"])
    except (ValueError, TypeError, KeyError):
        return body[:200].decode("utf-8", "replace")
