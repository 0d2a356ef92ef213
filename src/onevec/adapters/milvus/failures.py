"""What pymilvus's errors are in onevec's tree."""

from __future__ import annotations

from onevec.errors import (
    AuthenticationFailed,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    OnevecError,
    RateLimited,
    StorageFull,
)
from onevec.remote import Missing

# Codes of Milvus; the rest are gRPC's own, by name.
_NOT_FOUND = (4, 100)
_RATE_LIMITED = (8, 49)
_MEANINGS: tuple[tuple[tuple[str, ...], type[OnevecError], str], ...] = (
    (
        ("unauthenticated", "permission_denied", "permissiondenied", "auth check failure", "permission deny"),
        AuthenticationFailed,
        "check the user and password, or the token, and what they may do",
    ),
    (("no space left", "disk quota", "force deny writing", "memory quota"), StorageFull, "free some space"),
    (("deadline_exceeded", "deadline exceeded", "timed out"), EngineTimeout, "try again, or raise request_timeout"),
    (
        ("unavailable", "fail connecting", "failed to connect", "connection refused", "retry timeout", "not ready"),
        EngineUnavailable,
        "check the address, and that it runs",
    ),
)


def as_onevec(error: Exception, where: str) -> Exception:
    """Return the error to raise for one that pymilvus raised; `where` is the server's address or the folder."""
    import grpc
    from pymilvus.exceptions import MilvusException

    words: list[object] = []
    for cause in _causes(error):  # "can't connect" is raised from what the server said
        if isinstance(cause, MilvusException):
            codes = (cause.code, cause.compatible_code)
            words += [cause.message, *codes]
            if any(code in _NOT_FOUND for code in codes):
                return Missing()
            if any(code in _RATE_LIMITED for code in codes):
                return RateLimited(f"Milvus at {where} asks for fewer requests: {cause.message}; wait")
        elif isinstance(cause, grpc.RpcError):
            words += [cause.details(), cause.code()]
    if not words:
        return error
    text = words[0]
    known = " ".join(map(str, words)).lower()
    for signs, kind, advice in _MEANINGS:
        if any(sign in known for sign in signs):
            return kind(f"Milvus at {where}: {text}; {advice}")
    return EngineError(f"Milvus at {where}: {text}")


def _causes(error: BaseException) -> list[BaseException]:
    """The error, and what it was raised from; pymilvus raises errors from themselves."""
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__
    return found
