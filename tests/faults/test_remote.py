"""Engines behind a line that fails: every call ends in time, with the right answer or an error of onevec's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import pytest
from tests.servers.tcp_proxy import Fault, http_answer

import onevec
from onevec import AsyncStore
from onevec.errors import EngineTimeout, OnevecError, RateLimited
from onevec.runtime import run
from onevec.testing.awaited import awaited

from .callers import Caller, Surface, calling
from .calls import CALLS
from .remotes import NAMES, REMOTES, Line, Remote, line_to
from .sampling import Counted, sampled
from .test_cancelled import before_and_after, everything
from .troubles import CONNECTION, HTTP, Trouble
from .workloads import DIMENSION, State, documents

pytestmark = pytest.mark.timeout(1800)

# A copy that fails can't delete what it has made, where there is no way to the server.
TRIED = [name for name in CALLS if name not in ("text_search", "copy_collection")]
SECONDS = 1.0  # the stores' timeout
SEVERAL = {"search_batch": 2}  # calls one after another, each with a timeout of its own
LEEWAY = 0.5
RECOVERY = 5.0  # seconds in which a store that was cut off works again


class Place(NamedTuple):
    """A store of an engine, reached through a line that can fail, and past it.

    Attributes:
        remote: The engine.
        line: The line.
        url: The store's URL through the line.
        direct: The store, past the line.
    """

    remote: Remote
    line: Line
    url: str
    direct: AsyncStore

    def state(self) -> State:
        """All that the store holds."""
        return run(everything(self.direct))

    def prepare(self, state: State) -> None:
        """Let the store hold what every call begins with, if it doesn't."""
        if self.state() != state:
            run(prepared(self.direct))


@contextmanager
def placed(name: str, request: pytest.FixtureRequest, test: str) -> Iterator[Place]:
    remote = REMOTES[name]
    server = request.getfixturevalue(remote.fixture)
    with (
        line_to(remote, server) as line,
        onevec.connect(remote.url(remote.ports(server), test), **remote.options) as direct,
    ):
        yield Place(remote, line, line.url(test), awaited(direct))
        for info in direct.collections():
            direct.delete_collection(info.name)


async def prepared(store: AsyncStore) -> None:
    for info in await store.collections():
        await store.delete_collection(info.name)
    papers = await store.create_collection("papers", dimension=DIMENSION)
    await papers.upsert(documents(range(20)))
    await papers.namespace("acme").upsert(documents(range(3)))


@cache
def states_of(call: str) -> Sequence[State]:
    """What a store holds before a call, and after it."""
    return asyncio.run(before_and_after(CALLS[call]))


def troubles_of(remote: Remote) -> Mapping[str, Trouble]:
    return {**CONNECTION, **HTTP} if remote.speaks_http else CONNECTION


def between(state: State, before: State, after: State) -> bool:
    """Whether every document is as before or as after, and none is anywhere else."""
    places = before.keys() | after.keys()
    if not state.keys() <= places:
        return False
    for place in places:
        if place not in state:
            if place in before and place in after:
                return False
            continue
        old, new = before.get(place, {}), after.get(place, {})
        for id in old.keys() | new.keys() | state[place].keys():
            if state[place].get(id) not in (old.get(id), new.get(id)):
                return False
    return True


def assert_told(error: OnevecError, trouble: Trouble, engine: str) -> None:
    """The error is of the tree, says where it comes from, and whether and when to try again."""
    slow = () if REMOTES[engine].reconnects else (EngineTimeout,)
    assert isinstance(error, (*trouble.errors, *slow)), repr(error)
    assert error.engine == engine
    assert error.operation is not None
    if trouble.retryable is not None:
        assert error.retryable is trouble.retryable, repr(error)
    if trouble.retry_after is None:
        assert error.retry_after is None, error.retry_after
    else:
        least, most = trouble.retry_after
        assert error.retry_after is not None
        assert least <= error.retry_after <= most


def outcome(
    caller: Caller, call: Any, place: Place, fault: Fault, seconds: float = SECONDS
) -> tuple[OnevecError | None, int]:
    """Make a call under a fault; return its error, and how many connections were struck."""
    with place.line.under(fault):
        future = caller.start(call)
        try:
            future.result(seconds + LEEWAY)
        except OnevecError as error:
            return error, place.line.struck
        except TimeoutError:
            pass
        else:
            return None, place.line.struck
    future.exception(60)  # the line is good again, and the thread is needed
    raise AssertionError(f"no end after {seconds + LEEWAY} s")


def recovered(caller: Caller, call: str, store: AsyncStore) -> None:
    """Make the call over the good line, by the same store, until it works."""
    started = time.monotonic()
    while True:
        try:
            return caller.run(CALLS[call](store))
        except OnevecError as error:
            if not error.retryable or time.monotonic() - started > RECOVERY:
                raise AssertionError(f"over the good line: {error!r}") from error


@pytest.mark.parametrize("surface", ["sync", "async"])
@pytest.mark.parametrize("name", NAMES)
def test_every_call_ends_in_time(request: pytest.FixtureRequest, name: str, surface: Surface, counted: Counted) -> None:
    """Within its timeout a call gives what is right or raises; no document is lost, doubled, half; then all works."""
    wrong: list[str] = []
    struck = 0
    with placed(name, request, f"ends_{surface}") as place, calling(surface) as caller:
        troubles = troubles_of(place.remote)
        points = [(call, trouble) for call in TRIED for trouble in troubles]
        store = caller.run(caller.opened(place.url, timeout=SECONDS, max_retries=0, **place.remote.options))
        for call, trouble in sampled(points, 6, f"{name} {surface}"):
            before, after = states_of(call)
            place.prepare(before)
            try:
                error, hits = outcome(
                    caller, CALLS[call](store), place, troubles[trouble].fault, SECONDS * SEVERAL.get(call, 1)
                )
                if error is None:
                    assert place.state() == after, "acknowledged, and not there"
                else:
                    assert_told(error, troubles[trouble], name)
                    assert between(place.state(), before, after), "neither before nor after"
                recovered(caller, call, store)
                assert place.state() == after
                struck += bool(hits) or trouble == "refused"
            except AssertionError as failure:
                wrong.append(f"{call}, {trouble}: {str(failure).splitlines()[0]}")
        caller.run(store.close())
    counted(f"calls over a failing line, {name}", struck)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("surface", ["sync", "async"])
@pytest.mark.parametrize("name", NAMES)
def test_a_connect_ends_in_time(request: pytest.FixtureRequest, name: str, surface: Surface, counted: Counted) -> None:
    """Within its timeout `connect` opens the store, or raises and leaves nothing open."""
    wrong: list[str] = []
    with placed(name, request, f"connects_{surface}") as place, calling(surface) as caller:
        troubles = troubles_of(place.remote)

        async def connect() -> None:
            store = await caller.opened(place.url, timeout=SECONDS, max_retries=0, **place.remote.options)
            await store.close()

        caller.run(connect())  # what is loaded once takes its time
        points = sampled(list(troubles), 3, f"{name} {surface}")
        for trouble in points:
            try:
                error, _ = outcome(caller, connect(), place, troubles[trouble].fault)
                if error is not None:
                    assert_told(error, troubles[trouble], name)
                    assert error.operation == "connect"
            except AssertionError as failure:
                wrong.append(f"{trouble}: {str(failure).splitlines()[0]}")
        caller.run(connect())
    counted(f"connects over a failing line, {name}", len(points))
    assert not wrong, "\n".join(wrong)


# What a second attempt gets past, if it happens to one connection.
ONCE = {
    name: trouble
    for name, trouble in {**CONNECTION, **HTTP}.items()
    if trouble.retryable
    and trouble.fault.kind not in ("refuse", "silent", "trickle")
    and (trouble.retry_after or (0, 0))[1] == 0
}


def once_of(remote: Remote) -> list[str]:
    """The troubles that a second attempt over this engine's line gets past."""
    known = troubles_of(remote) if remote.reconnects else HTTP if remote.speaks_http else {}
    return [name for name in known if name in ONCE]


@pytest.mark.parametrize("surface", ["sync", "async"])
@pytest.mark.parametrize("name", [name for name in NAMES if once_of(REMOTES[str(name.values[0])])])
def test_a_retry_gets_the_right_answer(
    request: pytest.FixtureRequest, name: str, surface: Surface, counted: Counted
) -> None:
    """What happens to a connection once is not seen by the caller: the call is made again, and nothing is doubled."""
    wrong: list[str] = []
    struck = 0
    with placed(name, request, f"retries_{surface}") as place, calling(surface) as caller:
        points = [(call, trouble) for call in TRIED for trouble in once_of(place.remote)]
        store = caller.run(caller.opened(place.url, timeout=10, max_retries=10, **place.remote.options))
        for call, trouble in sampled(points, 4, f"{name} {surface}"):
            before, after = states_of(call)
            place.prepare(before)
            try:
                with place.line.under(replace(ONCE[trouble].fault, times=1)):
                    caller.run(CALLS[call](store))
                    struck += bool(place.line.struck)
                assert place.state() == after
            except (AssertionError, OnevecError) as failure:
                wrong.append(f"{call}, {trouble}: {failure!r}")
        caller.run(store.close())
    counted(f"calls tried again over a line that failed once, {name}", struck)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [name for name in NAMES if REMOTES[str(name.values[0])].speaks_http])
def test_a_wait_that_is_asked_for_is_kept(request: pytest.FixtureRequest, name: str) -> None:
    """A second attempt comes after the seconds of `Retry-After`, and not at all if that is past the deadline."""
    with placed(name, request, "waits") as place:
        run(prepared(place.direct))
        with onevec.connect(place.url, **place.remote.options) as store:
            started = time.monotonic()
            with place.line.under(Fault("answer", answer=http_answer(429, "Retry-After: 1"), times=1)):
                assert [info.name for info in store.collections()] == ["papers"]
            assert 1.0 <= time.monotonic() - started < 1.0 + LEEWAY
            started = time.monotonic()
            with (
                place.line.under(Fault("answer", answer=http_answer(429, "Retry-After: 86400"))),
                pytest.raises(RateLimited),
            ):
                store.collections()
            assert time.monotonic() - started < LEEWAY
