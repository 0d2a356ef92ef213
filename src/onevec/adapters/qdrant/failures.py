"""What Qdrant's errors are in onevec's tree."""

from __future__ import annotations

from typing import Any

from onevec.errors import (
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    OnevecError,
    RateLimited,
    StorageFull,
)
from onevec.remote import Missing, failure_of_status, seconds_of

NOT_FOUND = 404


def as_onevec(error: Exception, where: str) -> Exception:
    """Return the error to raise for one that a client raised; `where` is the server's address."""
    import httpx
    from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    match error:
        case UnexpectedResponse(status_code=404):
            return Missing()
        case UnexpectedResponse():
            status = error.status_code or 500
            retry_after = error.headers.get("Retry-After")
            return failure_of_status(status, f"Qdrant at {where}: {_reason(error)}", retry_after=retry_after)
        case ResourceExhaustedResponse():
            retry_after = seconds_of(str(error.retry_after_s))
            return RateLimited(f"Qdrant at {where} asks for fewer requests; wait", retry_after=retry_after)
        case QdrantException() if "Retry-After" in str(error):  # a date, or a word: the client reads numbers only
            retry_after = seconds_of(str(error).partition(": ")[2])
            return RateLimited(f"Qdrant at {where} asks for fewer requests; wait", retry_after=retry_after)
        case (httpx.TimeoutException() as cause) | ResponseHandlingException(source=httpx.TimeoutException() as cause):
            return EngineTimeout(
                f"Qdrant at {where} didn't answer in time ({type(cause).__name__}); try again, or raise request_timeout"
            )
        case (httpx.HTTPError() as cause) | ResponseHandlingException(source=httpx.HTTPError() as cause):
            return EngineUnavailable(
                f"Qdrant can't be reached at {where} ({type(cause).__name__}: {cause}); check the URL and that it runs"
            )
        case ResponseHandlingException():
            return EngineError(f"Qdrant at {where} gave an answer that its client can't read: {error.source}")
        case ValueError():  # what the in-memory client raises
            return Missing() if "not found" in str(error) else EngineError(f"Qdrant: {error}")
        case _:
            return error


def as_onevec_from_edge(error: Exception, where: str) -> OnevecError:
    """Return the error for one of qdrant-edge, whose errors are all of one class."""
    text = str(error)
    if "WouldBlock" in text:
        return EngineBusy(f"{where} is open in another process; close it there, or run a server for both")
    if "No space left" in text or "StorageFull" in text:
        return StorageFull(f"no space is left for {where}; free some")
    return EngineError(f"Qdrant failed at {where}: {text}")


def _reason(error: Any) -> str:  # Any: an UnexpectedResponse
    try:
        return str(error.structured()["status"]["error"])
    except (ValueError, TypeError, KeyError):
        return str(error.reason_phrase)
