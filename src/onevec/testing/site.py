"""Where a test of the kit runs: one engine, one surface of the API, one directory of its own."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeAlias, TypeVar, overload

import pytest

import onevec
from onevec import runtime
from onevec.aio import AsyncCollection, AsyncStore
from onevec.capabilities import Capabilities
from onevec.errors import EngineNotInstalled, EngineUnavailable, UnsupportedFilter
from onevec.filters import Op
from onevec.testing.awaited import awaited
from onevec.testing.harness import BRIEF, LONG, REQUIRED, EngineHarness, is_required
from onevec.testing.samples import DIMENSION

T = TypeVar("T")
P = ParamSpec("P")
Surface: TypeAlias = Literal["sync", "async"]


class Site:
    """One engine under one surface.

    Attributes:
        surface: `"sync"` or `"async"`: which API the calls of `store` reach in the end.
        url: The store's URL.
        store: The store, open and empty.
    """

    def __init__(self, engine: EngineHarness, *, surface: Surface, folder: Path) -> None:
        self.surface: Surface = surface
        self._engine = engine
        self._folder = folder
        self._loop = asyncio.Runner() if surface == "async" else None
        self._opened: list[AsyncStore] = []
        self.url = engine.url(self._place("store"))
        try:
            self.store = self.run(self.open())
        except BaseException:
            self.close()
            raise

    @property
    def capabilities(self) -> Capabilities:
        return self.store.capabilities

    @property
    def native(self) -> object:
        """The harness's filter in the engine's own language."""
        assert self._engine.native is not None, "the engine declares native_filter: give its harness one, native="
        return self._engine.native

    def some(self, cases: Sequence[T]) -> Sequence[T]:
        """Return the cases to try: all on one surface, some on the other, as both reach the same core."""
        if LONG:
            return cases
        return cases[:: (1 if self.surface == "sync" else 5) * (5 if BRIEF else 1)]

    def run(self, test: Coroutine[Any, Any, T]) -> T:  # Any: what the event loop sends
        """Run a test to its end: in an event loop of its own, or by one `send(None)` and no loop at all."""
        return runtime.run(test) if self._loop is None else self._loop.run(test)

    async def open(self, url: str | None = None, **options: Any) -> AsyncStore:  # Any: each engine's own options
        """Open the same store once more, or the one at `url`; closed when the test ends."""
        options = {**self._engine.options, **options}
        if self.surface == "sync":
            store = awaited(onevec.connect(url or self.url, **options))
        else:
            store = await onevec.connect_async(url or self.url, **options)
        self._opened.append(store)
        return store

    def elsewhere(self, name: str) -> str:
        """Return the URL of another, empty store of the same engine."""
        return self._engine.url(self._place(name))

    def connect(self, url: str | None = None) -> onevec.Store:
        """Open the store once more, or the one at `url`, by the sync API whatever the surface."""
        return onevec.connect(url or self.url, **self._engine.options)

    def close(self) -> None:
        """Close every store that was opened, and the event loop."""
        for store in reversed(self._opened):
            self.run(store.close())
        if self._loop is not None:
            self._loop.close()

    def _place(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return folder


@pytest.fixture(params=["sync", "async"])
def site(request: pytest.FixtureRequest, engine: EngineHarness, tmp_path: Path) -> Iterator[Site]:
    """The engine under test, on each surface of the API."""
    test, _, rest = request.node.name.partition("[")
    own = rest.removeprefix(request.param).removeprefix("-").removesuffix("]")
    if gap := engine.gaps.get(f"{test}[{own}]") or engine.gaps.get(test):
        request.applymarker(pytest.mark.xfail(reason=gap.reason, raises=gap.raises, strict=True))
    try:
        here = Site(engine, surface=request.param, folder=tmp_path)
    except (EngineNotInstalled, EngineUnavailable) as error:
        if (isinstance(error, EngineUnavailable) and not engine.server) or is_required(str(error.engine)):
            raise
        pytest.skip(f"{error} ({REQUIRED}={error.engine} makes this a failure)")
    yield here
    here.close()


@pytest.fixture
def store(site: Site) -> AsyncStore:
    """The site's store, empty."""
    return site.store


@pytest.fixture
def papers(site: Site) -> AsyncCollection:
    """An empty collection `papers` of dimension 4 under cosine."""
    return site.run(site.store.create_collection("papers", dimension=DIMENSION))


Test: TypeAlias = Callable[P, Coroutine[Any, Any, None]]  # Any: what the event loop sends


@overload
def contract(test: Test[P], /) -> Callable[P, None]: ...
@overload
def contract(*, needs: str) -> Callable[[Test[P]], Callable[P, None]]: ...
def contract(test: Test[P] | None = None, /, *, needs: str | None = None) -> Any:  # Any: the overloads say
    """Make a test of a coroutine function, run at the `site` on each surface.

    Args:
        test: The function; its arguments are fixtures.
        needs: The capability without which the test skips.
    """
    if test is None:
        return functools.partial(_tested, needs=needs)
    return _tested(test, needs=needs)


def _tested(test: Test[P], needs: str | None) -> Callable[P, None]:
    signature = inspect.signature(test)
    asks_for_site = "site" in signature.parameters

    @functools.wraps(test)
    def tested(*args: P.args, **kwargs: P.kwargs) -> None:
        fixtures: dict[str, Any] = dict(kwargs)  # Any: pytest hands every fixture over by name
        here: Site = fixtures["site"] if asks_for_site else fixtures.pop("site")
        if needs is not None and not getattr(here.capabilities, needs):
            pytest.skip(f"{here.store.engine} doesn't have the capability {needs}")
        try:
            here.run(test(*args, **fixtures))
        except UnsupportedFilter as refused:
            if here.capabilities.operators == set(Op):
                raise
            pytest.skip(str(refused))

    if not asks_for_site:
        site_parameter = inspect.Parameter("site", inspect.Parameter.KEYWORD_ONLY)
        signature = signature.replace(parameters=[*signature.parameters.values(), site_parameter])
    tested.__signature__ = signature  # type: ignore[attr-defined]  # what pytest reads to find the fixtures
    return tested
