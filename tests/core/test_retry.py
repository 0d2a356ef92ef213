"""When a call is tried again, how long is waited, and when it is not."""

from __future__ import annotations

import random
import time

import pytest

import onevec
from onevec.errors import (
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    InvalidQuery,
    OnevecError,
    RateLimited,
)
from onevec.retry import RetryPolicy, with_retry
from onevec.runtime import BlockingRuntime, run
from onevec.testing.samples import DIMENSION, doc

from .limited import LimitedAdapter, record_of


class Clock(BlockingRuntime):
    """A runtime whose sleep takes no time, but moves the clock on and is written down."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class Call:
    """Fails with each of the errors in turn, then gives a result."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.attempts = 0

    async def __call__(self) -> str:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def lows(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Jitter that is always the upper bound; the lower ones asked for are written down."""
    lows: list[float] = []

    def upper(low: float, high: float) -> float:
        lows.append(low)
        return high

    monkeypatch.setattr(random, "uniform", upper)
    return lows


def test_a_result_at_once_costs_no_wait(clock: Clock) -> None:
    """Nothing is slept, and nothing is told."""
    told: list[OnevecError] = []
    assert run(with_retry(clock, RetryPolicy(), Call(), told.append)) == "done"
    assert (clock.waits, told) == ([], [])


@pytest.mark.parametrize(
    "error", [EngineUnavailable("x"), EngineBusy("x"), EngineTimeout("x"), RateLimited("x")], ids=type
)
def test_a_retryable_error_is_tried_again(clock: Clock, error: OnevecError) -> None:
    """The caller gets the result, the hook the errors on the way."""
    call, told = Call(error, error), list[OnevecError]()
    assert run(with_retry(clock, RetryPolicy(), call, told.append)) == "done"
    assert (call.attempts, told, len(clock.waits)) == (3, [error, error], 2)


@pytest.mark.parametrize(
    "error",
    [EngineError("x"), InvalidQuery("x"), EngineUnavailable("x", retryable=False), ConnectionError("x"), KeyError("x")],
    ids=repr,
)
def test_any_other_error_is_not(clock: Clock, error: Exception) -> None:
    """Only what says `retryable` is, whatever its class."""
    call, told = Call(error), list[OnevecError]()
    with pytest.raises(type(error)) as raised:
        run(with_retry(clock, RetryPolicy(), call, told.append))
    assert raised.value is error
    assert (call.attempts, clock.waits, told) == (1, [], [])


def test_an_error_can_say_that_it_is_retryable(clock: Clock) -> None:
    """The instance decides, not the class."""
    assert run(with_retry(clock, RetryPolicy(), Call(EngineError("x", retryable=True)))) == "done"


@pytest.mark.parametrize("most", [0, 1, 3])
def test_it_ends_after_max_retries(clock: Clock, most: int) -> None:
    """The last error is raised, itself."""
    errors = [EngineUnavailable(str(number)) for number in range(10)]
    call = Call(*errors)
    with pytest.raises(EngineUnavailable) as raised:
        run(with_retry(clock, RetryPolicy(max_retries=most), call))
    assert raised.value is errors[most]
    assert (call.attempts, len(clock.waits)) == (most + 1, most)


def test_waits_double_up_to_the_longest(clock: Clock, lows: list[float]) -> None:
    """Each wait is drawn between nothing and a bound that doubles, and stays."""
    policy = RetryPolicy(max_retries=7, timeout=None, first_wait=0.1, longest_wait=1.0)
    run(with_retry(clock, policy, Call(*[EngineUnavailable("x")] * 7)))
    assert clock.waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0])
    assert lows == [0] * 7


def test_waits_are_random(clock: Clock) -> None:
    """Many clients that fail together don't come back together."""
    for _ in range(200):
        run(with_retry(clock, RetryPolicy(first_wait=1.0), Call(EngineUnavailable("x"))))
    assert 0 <= min(clock.waits) < 0.2
    assert 0.8 < max(clock.waits) <= 1.0
    assert len(set(clock.waits)) > 190


def test_an_engine_is_given_the_time_it_asks_for(clock: Clock) -> None:
    """`retry_after` is the least that is waited, also where that is longer than any computed wait."""
    errors = [RateLimited("x", retry_after=7.5), RateLimited("x", retry_after=0.0), RateLimited("x", retry_after=20.0)]
    run(with_retry(clock, RetryPolicy(timeout=60, longest_wait=0.5), Call(*errors)))
    assert clock.waits[0] == 7.5
    assert clock.waits[1] <= 0.5
    assert clock.waits[2] == 20.0


@pytest.mark.usefixtures("lows")
def test_a_shorter_time_than_the_computed_wait_changes_nothing(clock: Clock) -> None:
    """`retry_after` lengthens a wait, and never shortens it."""
    run(with_retry(clock, RetryPolicy(first_wait=3.0), Call(RateLimited("x", retry_after=0.1))))
    assert clock.waits == [3.0]


def test_a_wait_beyond_the_deadline_is_not_begun(clock: Clock) -> None:
    """The error comes at once when the time left is too short for what the engine asks."""
    call = Call(RateLimited("x", retry_after=4.0), RateLimited("y", retry_after=6.5))
    with pytest.raises(RateLimited, match="y"):
        run(with_retry(clock, RetryPolicy(timeout=10.0), call))
    assert clock.waits == [4.0]
    assert call.attempts == 2


def test_the_deadline_counts_the_attempts_themselves(clock: Clock) -> None:
    """A call that takes its time leaves less for others."""

    async def slow() -> None:
        clock.now += 6.0
        raise EngineTimeout("x")

    with pytest.raises(EngineTimeout):
        run(with_retry(clock, RetryPolicy(max_retries=100, timeout=10.0), slow))
    assert len(clock.waits) == 1


def test_without_a_timeout_it_goes_on(clock: Clock) -> None:
    """Only `max_retries` bounds it then, even beyond where the doubled wait fits a number."""
    call = Call(*[EngineUnavailable("x")] * 2000)
    assert run(with_retry(clock, RetryPolicy(max_retries=2000, timeout=None), call)) == "done"
    assert call.attempts == 2001
    assert max(clock.waits) <= 5.0


def test_a_store_has_the_policy_it_was_given() -> None:
    """`max_retries` and `timeout` of `connect` are those of every call of the store."""
    for options, attempts in (({"max_retries": 2}, 3), ({"max_retries": 0}, 1), ({"timeout": 1e-9}, 1)):
        with onevec.connect(LimitedAdapter, **options) as store:
            papers = store.create_collection("papers", dimension=DIMENSION)
            record_of(store).errors["a"] = [EngineUnavailable("x")] * 5
            with pytest.raises(EngineUnavailable) as raised:
                papers.upsert(doc("a"))
            assert record_of(store).sizes("upsert") == [1] * attempts
            assert (raised.value.engine, raised.value.operation) == ("limited", "upsert")
