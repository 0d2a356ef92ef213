"""The end of a call, which no request made for it may outlive, however slowly its answer comes.

A call sets it where its attempts begin (`onevec.retry`), for all that runs in the same context. On asyncio the runtime
ends what is awaited longer. In the sync API only the client itself can stop waiting, so an adapter of a remote engine
gives each of its requests no more than `seconds_left`.
"""

from __future__ import annotations

import math
import time
from contextvars import ContextVar, Token

_end = ContextVar[float]("onevec_end", default=math.inf)


def set_end(seconds: float | None) -> Token[float]:
    """Let what follows end after so many seconds, None for never; return what `reset_end` takes."""
    return _end.set(math.inf if seconds is None else time.monotonic() + seconds)


def reset_end(token: Token[float]) -> None:
    """Let it end as it was to before."""
    _end.reset(token)


def seconds_left(most: float | None = None, *, least: float = 0.0) -> float:
    """Return how long a request may take from now on.

    Args:
        most: It may not take longer, whatever the call may; None for as long as that.
        least: What is returned when the call is over, for clients that take 0.0 for no limit, or for not waiting.
    """
    left = _end.get() - time.monotonic()
    return max(least, left if most is None else min(most, left))
