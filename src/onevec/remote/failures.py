"""What an engine's refusal is in onevec's tree of errors."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from onevec.errors import (
    AuthenticationFailed,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    OnevecError,
    RateLimited,
    StorageFull,
)


def failure_of_status(status: int, what: str, *, retry_after: str | None = None) -> OnevecError:
    """Return the error for an HTTP status, which knows whether the call can be tried again.

    Every call of an adapter can be: what it writes, it replaces.

    Args:
        status: The status, 400 or more.
        what: Who refused, and the words it did so in, such as `"Qdrant at localhost:6333: Not found"`.
        retry_after: The header of that name.
    """
    answer = f"{what} (HTTP {status})"
    match status:
        case 401 | 403:
            return AuthenticationFailed(f"{answer}; check the key or the user and password, and what they may do")
        case 408 | 504:
            return EngineTimeout(f"{answer}; try again, or give the engine more time")
        case 429:
            return RateLimited(f"{answer}; send less at once, or wait", retry_after=seconds_of(retry_after))
        case 502 | 503:
            return EngineUnavailable(f"{answer}; try again later", retry_after=seconds_of(retry_after))
        case 507:
            return StorageFull(f"{answer}; free some space or raise the quota")
        case _:
            return EngineError(answer, retryable=status >= 500)  # noqa: PLR2004 (the server's own fault)


def seconds_of(retry_after: str | None) -> float | None:
    """Return the seconds that a `Retry-After` header asks to wait; it has them, or a date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
