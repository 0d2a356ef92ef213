"""What Weaviate's errors are in onevec's tree."""

from __future__ import annotations

from typing import Any

import grpc
import httpx

from onevec.errors import (
    AuthenticationFailed,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    RateLimited,
    StorageFull,
)
from onevec.remote import Missing, failure_of_status


class NoTenant(Exception):
    """The namespace has no tenant: nothing was ever written there, or all of it was cleared."""


def of_http(error: httpx.HTTPError, where: str) -> Exception:
    """Return the error to raise for a request of the REST API that had no answer."""
    if isinstance(error, httpx.TimeoutException):
        what = f"didn't answer in time ({type(error).__name__})"
        return EngineTimeout(f"Weaviate at {where} {what}; try again, or raise request_timeout")
    why = f"{type(error).__name__}: {error}"
    return EngineUnavailable(f"Weaviate can't be reached at {where} ({why}); check the URL and that it runs")


def of_answer(answer: httpx.Response, where: str) -> Exception:
    """Return the error to raise for an answer of the REST API with a status of 400 or more."""
    try:
        reason = _reason(answer.json())
    except (ValueError, KeyError, IndexError, TypeError):
        reason = answer.reason_phrase
    if answer.status_code == httpx.codes.NOT_FOUND or "class not found" in reason:
        return Missing()
    retry_after = answer.headers.get("Retry-After")
    return failure_of_status(answer.status_code, f"Weaviate at {where}: {reason}", retry_after=retry_after)


def of_grpc(error: Any, where: str) -> Exception:  # Any: grpc's errors have no type that says what they have
    """Return the error to raise for a call of the gRPC API that failed."""
    code, details = error.code(), str(error.details())
    match code:
        case grpc.StatusCode.UNAVAILABLE:
            return EngineUnavailable(
                f"Weaviate's gRPC API can't be reached at {where} ({details}); check grpc_port and that it runs"
            )
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return EngineTimeout(
                f"Weaviate's gRPC API at {where} didn't answer in time; try again, or raise request_timeout"
            )
        case grpc.StatusCode.UNAUTHENTICATED | grpc.StatusCode.PERMISSION_DENIED:
            return AuthenticationFailed(f"Weaviate at {where}: {details}; check the api_key, and what it may do")
        case grpc.StatusCode.RESOURCE_EXHAUSTED if "larger than max" not in details:
            return RateLimited(f"Weaviate at {where}: {details}; send less at once, or wait")
        case _:
            return of_details(details, where)


def of_details(details: str, where: str) -> Exception:
    """Return the error to raise for what Weaviate says in words only."""
    if "tenant not found" in details:
        return NoTenant()
    if "could not find class" in details or "class not found" in details or "multi-tenancy disabled" in details:
        return Missing()
    if "read-only due to" in details or "no space left" in details:
        return StorageFull(f"Weaviate at {where}: {details}; free some space")
    if "read-only" in details or "readonly" in details.lower():
        return EngineBusy(f"Weaviate at {where}: {details}; try again")
    return EngineError(f"Weaviate at {where}: {details}")


def _reason(body: Any) -> str:  # Any: JSON values
    return str(body["error"][0]["message"] if "error" in body else body["message"])
