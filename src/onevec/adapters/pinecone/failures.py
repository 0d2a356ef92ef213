"""What Pinecone's errors are in onevec's tree."""

from __future__ import annotations

from pinecone.errors import (
    ApiError,
    NotFoundError,
    PineconeConnectionError,
    PineconeError,
    PineconeTimeoutError,
)

from onevec.errors import EngineError, EngineTimeout, EngineUnavailable, OnevecError, StorageFull
from onevec.remote import Missing, failure_of_status

FORBIDDEN = 403


def as_onevec(error: PineconeError, where: str) -> OnevecError | Missing:
    """Return the error to raise for one that Pinecone's client raised; `where` is the address."""
    match error:
        case NotFoundError():
            return Missing(str(error))
        case ApiError(status_code=status) if status == FORBIDDEN and error.error_code == "QUOTA_EXCEEDED":
            return StorageFull(f"Pinecone at {where}: {error.message} (HTTP {status}); delete what isn't needed")
        case ApiError():
            headers = {name.lower(): value for name, value in (error.headers or {}).items()}
            what = f"Pinecone at {where}: {error.message}"
            return failure_of_status(error.status_code, what, retry_after=headers.get("retry-after"))
        case PineconeTimeoutError():
            return EngineTimeout(f"Pinecone at {where} didn't answer in time; try again, or raise request_timeout")
        case PineconeConnectionError():
            return EngineUnavailable(f"Pinecone can't be reached at {where}: {error}; check the host and the network")
        case _:
            return EngineError(f"Pinecone at {where} gave an answer that its client can't read: {error}")
