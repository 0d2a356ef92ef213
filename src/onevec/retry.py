"""When a failed call is tried again: the one place that loops over attempts."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from onevec.deadline import reset_end, seconds_left, set_end
from onevec.errors import OnevecError
from onevec.runtime import Runtime

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long.

    Attributes:
        max_retries: Attempts after the first one.
        timeout: Seconds for the whole call, all attempts and waits together; None for no limit.
        first_wait: Seconds before the second attempt; doubled each time, with full jitter.
        longest_wait: No computed wait is longer. A `retry_after` from the engine can be.
    """

    max_retries: int = 3
    timeout: float | None = 30.0
    first_wait: float = 0.05
    longest_wait: float = 5.0


async def with_retry(
    io: Runtime,
    policy: RetryPolicy,
    call: Callable[[], Awaitable[T]],
    on_retry: Callable[[OnevecError], None] | None = None,
) -> T:
    """Await `call()`, again after each retryable error while the policy allows, else raise the last error.

    Waits grow exponentially with full jitter (Brooker, "Exponential Backoff And Jitter", AWS 2015) and are never
    shorter than the error's `retry_after`. A wait that would pass the deadline is not begun.
    """
    token = set_end(policy.timeout)
    attempt = 0
    try:
        while True:
            try:
                return await call()
            except OnevecError as error:
                if not error.retryable or attempt >= policy.max_retries:
                    raise
                most = min(policy.longest_wait, policy.first_wait * 2 ** min(attempt, 32))
                wait = max(random.uniform(0, most), error.retry_after or 0.0)  # noqa: S311 (jitter)
                if wait > seconds_left():
                    raise
                if on_retry is not None:
                    on_retry(error)
            attempt += 1
            await io.sleep(wait)
    finally:
        reset_end(token)
