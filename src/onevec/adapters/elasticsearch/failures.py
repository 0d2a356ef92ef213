"""What Elasticsearch's errors are in onevec's tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onevec.errors import (
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    InvalidDocument,
    OnevecError,
    ReadOnly,
    StorageFull,
    UnsupportedVersion,
)
from onevec.remote import Missing, failure_of_status


def as_onevec(error: Exception, where: str) -> Exception:
    """Return the error to raise for one that the client raised; `where` is the server's address."""
    import elasticsearch

    match error:
        case elasticsearch.UnsupportedProductError():
            return EngineError(f"what answers at {where} isn't Elasticsearch; check the URL")
        case elasticsearch.ApiError():
            body = error.body if isinstance(error.body, dict) else {}
            told = body.get("error", str(error.body or error.message))
            refusal = told if isinstance(told, dict) else {"type": "", "reason": str(told)[:500]}
            return refused(error.meta.status, refusal, where, retry_after=error.meta.headers.get("retry-after"))
        case elasticsearch.ConnectionTimeout():
            return EngineTimeout(f"Elasticsearch at {where} didn't answer in time; try again, or raise request_timeout")
        case elasticsearch.SSLError():
            return EngineUnavailable(
                f"no TLS with Elasticsearch at {where} ({error.message}); check ca_certs and tls",
                retryable=False,
            )
        case elasticsearch.ConnectionError():
            return EngineUnavailable(
                f"Elasticsearch can't be reached at {where} ({error.message}); check the URL and that it runs"
            )
        case elasticsearch.SerializationError():
            return EngineError(f"Elasticsearch at {where} gave an answer that its client can't read")
        case _:
            return error


def refused(
    status: int, refusal: Mapping[str, Any], where: str, *, retry_after: str | None = None
) -> Missing | OnevecError:
    """Return the error for a refusal.

    Args:
        status: The HTTP status, of a request or of one item of a bulk.
        refusal: The `error` of the answer: `type`, `reason`, `root_cause`, `caused_by`.
        where: The server's address.
        retry_after: The header of that name.
    """
    reason = _reason(refusal)
    what = f"Elasticsearch at {where}: {reason}"
    match refusal.get("type"):
        case "index_not_found_exception":
            return Missing()
        case "cluster_block_exception" if "flood-stage" in reason:
            return StorageFull(f"{what}; free some space on the disk")
        case "cluster_block_exception" if status < 500:  # noqa: PLR2004 (else a cluster that isn't ready)
            return ReadOnly(f"{what}; take the block away from the index")
        case "document_parsing_exception" | "mapper_parsing_exception":
            return InvalidDocument(what)
        case "media_type_header_exception":
            return UnsupportedVersion(
                f"{what}; the client must not be newer than the server: for Elasticsearch 8, "
                'pip install "elasticsearch>=8.19,<9"'
            )
        case _:
            return failure_of_status(status, what, retry_after=retry_after)


def _reason(refusal: Mapping[str, Any]) -> str:
    """What was wrong, in the words of the innermost cause."""
    told = [str(refusal.get("reason") or refusal.get("type") or "no reason given")]
    causes = refusal.get("root_cause") or []
    inner: Any = causes[0] if causes else refusal
    for _ in range(8):
        told.append(str(inner.get("reason")))
        inner = inner.get("caused_by")
        if not isinstance(inner, dict):
            break
    return ": ".join(dict.fromkeys(one for one in told if one != "None"))[:1000]
