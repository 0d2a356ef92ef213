"""What can go wrong on the way to a server, and what a caller is told of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import NamedTuple

from tests.servers.tcp_proxy import Fault, http_answer

from onevec.errors import AuthenticationFailed, EngineError, EngineTimeout, EngineUnavailable, OnevecError, RateLimited


class Trouble(NamedTuple):
    """A fault, and the error of a call that meets it.

    Attributes:
        fault: What happens.
        errors: Of which classes the error may be; none if the call is to succeed.
        retryable: Whether the error says that a retry can help; None where that depends on how far the call came.
        retry_after: The least and the most that it says to wait; None if it is to say nothing.
    """

    fault: Fault
    errors: tuple[type[OnevecError], ...]
    retryable: bool | None = True
    retry_after: tuple[float, float] | None = None


_LOST = (EngineUnavailable,)
_UNREADABLE = (EngineUnavailable, EngineError)

CONNECTION: Mapping[str, Trouble] = {
    "refused": Trouble(Fault("refuse"), _LOST),
    "request cut at once": Trouble(Fault("cut request"), _LOST),
    "request cut": Trouble(Fault("cut request", after=60), _LOST),
    "answer cut at once": Trouble(Fault("cut answer"), _LOST),
    "answer cut": Trouble(Fault("cut answer", after=30), _LOST),
    "answer cut late": Trouble(Fault("cut answer", after=250), _LOST),
    "answer ended at once": Trouble(Fault("end answer"), _LOST),
    "answer ended": Trouble(Fault("end answer", after=30), _LOST),
    "answer ended late": Trouble(Fault("end answer", after=250), _LOST),
    "silent": Trouble(Fault("silent"), (EngineTimeout, EngineUnavailable)),
    "late": Trouble(Fault("delay", seconds=0.05), ()),
    "trickling": Trouble(Fault("trickle", seconds=0.25), (EngineTimeout, EngineUnavailable)),
}

_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def _asks_to_wait(status: int, kind: type[OnevecError]) -> dict[str, Trouble]:
    """An answer that asks for fewer requests, with every form of `Retry-After` (RFC 9110, 10.2.3), and without it."""
    soon, past = formatdate(time.time() + 3600, usegmt=True), formatdate(time.time() - 60, usegmt=True)
    forms: dict[str, tuple[str | None, tuple[float, float] | None]] = {
        "seconds": ("2", (2, 2)),
        "no seconds": ("0", (0, 0)),
        "a day": ("86400", (86400, 86400)),
        "a date": (soon, (60, 3600)),
        "a date that is past": (past, (0, 0)),
        "nothing": (None, None),
        "a word": ("soon", None),
        "a fraction": ("1.5", None),
        "less than nothing": ("-5", None),
        "an empty text": ("", None),
    }
    return {
        f"{status}, and to wait {name}": Trouble(
            Fault("answer", answer=http_answer(status, *([] if form is None else [f"Retry-After: {form}"]))),
            (kind,),
            retry_after=seconds,
        )
        for name, (form, seconds) in forms.items()
    }


HTTP: Mapping[str, Trouble] = {
    **_asks_to_wait(429, RateLimited),
    **_asks_to_wait(503, EngineUnavailable),
    "500": Trouble(Fault("answer", answer=http_answer(500, body=b'{"error": [{"message": "x"}]}')), (EngineError,)),
    "502 with a page": Trouble(
        Fault("answer", answer=http_answer(502, "Content-Type: text/html", body=_PAGE)), (EngineUnavailable,)
    ),
    "504": Trouble(Fault("answer", answer=http_answer(504)), (EngineTimeout,)),
    "413": Trouble(Fault("answer", answer=http_answer(413)), (EngineError,), retryable=False),
    "401": Trouble(Fault("answer", answer=http_answer(401)), (AuthenticationFailed,), retryable=False),
    "403": Trouble(Fault("answer", answer=http_answer(403)), (AuthenticationFailed,), retryable=False),
    "200 with a page": Trouble(
        Fault("answer", answer=http_answer(200, "Content-Type: text/html", body=_PAGE)), (EngineError,), retryable=None
    ),
    "200 with half of it": Trouble(
        Fault("answer", answer=b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"result": {'),
        _UNREADABLE,
        retryable=None,
    ),
    "no HTTP": Trouble(Fault("answer", answer=b"220 mail.example.com ESMTP\r\n"), _UNREADABLE, retryable=None),
}
