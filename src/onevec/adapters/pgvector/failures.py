"""What PostgreSQL's errors are in onevec's tree, by their SQLSTATE."""

from __future__ import annotations

import psycopg
from psycopg.errors import ConnectionTimeout
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from onevec.errors import (
    AuthenticationFailed,
    CollectionNotFound,
    ConfigError,
    Corrupted,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    InvalidDocument,
    InvalidFilter,
    InvalidQuery,
    OnevecError,
    ReadOnly,
    StorageFull,
    StoreClosed,
    StoreNotFound,
)

# A connection that isn't made has no SQLSTATE, only what the server said, or the client.
_UNSET = ("unrecognized configuration parameter", "for parameter", "unsupported startup parameter")
_REFUSED = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "permission denied")


class Late(psycopg.OperationalError):
    """An answer didn't come while its call lasted."""


def as_onevec(error: psycopg.Error, server: str) -> OnevecError:
    """Return the error of onevec's tree for one of psycopg's.

    Args:
        error: What psycopg raised.
        server: Where it was, without credentials.
    """
    state = error.sqlstate
    said = _first_line(error)
    if state is None:
        return _without_state(error, server, said)
    match state:
        case "28000" | "28P01":
            return AuthenticationFailed(f"{server} refused the credentials ({said}); check username and password")
        case "42501":
            return AuthenticationFailed(f"{server}: the role lacks a right ({said}); GRANT it, or use the owner's role")
        case "3D000":
            return StoreNotFound(f"{server} has no such database ({said}); make it first: createdb NAME")
        case "42P01" | "3F000":
            return CollectionNotFound("the collection was deleted; open or create it again")
        case "53100":
            return StorageFull(f"the disk of {server} is full; free some space: reads go on meanwhile")
        case "57014":
            return EngineTimeout(f"{server} ended a statement that took too long; raise statement_timeout")
        case "40001" | "40P01" | "55P03":
            return EngineBusy(f"{server}: another transaction was in the way ({said}); try again")
        case "25006":
            return ReadOnly(f"{server} takes no writes ({said}); connect to the primary")
        case "22003" | "22P02" | "22000":
            return InvalidDocument(f"{server} can't hold or index a value: {said}")
        case "22023":
            range = error.diag.message_detail or error.diag.message_hint or "see its documentation"
            return InvalidQuery(f"a setting of the index or the search is out of range: {said}. {range}")
        case "XX001" | "XX002":
            return Corrupted(f"{server} has damaged data ({said}); REINDEX, or restore it from a backup")
        case _ if state[:2] in ("08", "57") or state == "53300":
            return EngineUnavailable(f"{server} can't serve the call for now ({said}); is it restarting or overloaded?")
        case _:
            return EngineError(f"{server} failed: {said} (SQLSTATE {state})")


def of_own_condition(error: OnevecError) -> OnevecError:
    """Return the error for that of a statement with a condition of the caller's own."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error):
        return error
    state = cause.sqlstate
    if state is None or state[:2] not in ("22", "42") or state == "42501":
        return error
    if state == "42P01" and "relation" in str(cause):  # the collection's table is gone
        return error
    return InvalidFilter(f"native=: PostgreSQL refuses it: {_first_line(cause)} (SQLSTATE {state})")


def _without_state(error: psycopg.Error, server: str, said: str) -> OnevecError:
    text = str(error)
    match error:
        case PoolClosed():
            return StoreClosed("the store was closed; open it again")
        case PoolTimeout() | TooManyRequests():
            return EngineUnavailable(
                f"no connection to {server} came free in time; it is down, or pool_size is too small for so many calls"
            )
        case Late():
            return EngineTimeout(f"{server} didn't answer within the call's timeout; raise it, or try later")
        case ConnectionTimeout():
            return EngineUnavailable(f"{server} didn't answer in time; is the address right? Or raise connect_timeout")
        case _ if any(words in text for words in _UNSET):
            return ConfigError(
                f"{server} refused a setting ({said}); check options=, and of PgBouncer ignore_startup_parameters"
            )
        case _ if any(words in text for words in _REFUSED) or ("role" in text and "does not exist" in text):
            return AuthenticationFailed(f"{server} refused the credentials ({said}); check username and password")
        case _ if "database" in text and "does not exist" in text:
            return StoreNotFound(f"{server} has no such database ({said}); make it first: createdb NAME")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return EngineUnavailable(f"{server} can't be reached ({said}); is it running, and the address right?")
        case _:
            return EngineError(f"{server} failed: {type(error).__name__}: {said}")


def _first_line(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error)).strip().partition("\n")[0]
