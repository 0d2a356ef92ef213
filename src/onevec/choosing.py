"""Stores without naming an engine: the best embedded one, or the first of several that is well."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from onevec.config import shown
from onevec.errors import ConfigError, NoStoreAvailable, OnevecError
from onevec.opening import Opening, StoreTarget
from onevec.runtime import AsyncRuntime, BlockingRuntime, Runtime, run

if TYPE_CHECKING:
    from onevec.aio import AsyncStore
    from onevec.embedders import EmbedderLike
    from onevec.pipeline import StorePipeline
    from onevec.pipeline.embedders import CacheLike
    from onevec.store import Store
    from onevec.trace import Hook


class Settings(TypedDict, total=False):
    """The arguments of `connect` that are not an engine's own."""

    embedder: EmbedderLike | None
    embedding_cache: CacheLike | None
    timeout: float | None
    max_retries: int
    max_concurrency: int
    on_event: Hook | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the stores that were asked for, and how it was.

    Attributes:
        target: The URL without credentials and options, the name, or the engine of a config mapping.
        engine: The engine's name; None where the target couldn't be understood.
        status: As `Health.status`, or `"unreachable"` where it couldn't be opened.
        reasons: What kept it from being taken, or what a person should look at.
        chosen: Whether it is the store that was returned.
    """

    target: str
    engine: str | None
    status: Literal["healthy", "degraded", "unhealthy", "unreachable"]
    reasons: tuple[str, ...] = ()
    chosen: bool = False

    def __str__(self) -> str:
        return f"{self.target} is {self.status}" + "".join(f"; {reason}" for reason in self.reasons)


def create_development_store(path: str | PathLike[str] = "onevec.db", **settings: Unpack[Settings]) -> Store:
    """Open a store of the best embedded engine, which is sqlite: in the base, the fastest, the safest. It is made if
    it isn't there.

    Args:
        path: Where it is, or is to be.
        **settings: The arguments of `onevec.connect` that are not an engine's own, such as `embedder`.

    Raises:
        OnevecError: The store can't be opened.
    """
    from onevec.store import Store

    return Store(run(_development(path, settings).opened(BlockingRuntime())))


async def create_development_store_async(
    path: str | PathLike[str] = "onevec.db", **settings: Unpack[Settings]
) -> AsyncStore:
    """Do what `create_development_store` does, for asyncio."""
    from onevec.aio import AsyncStore

    return AsyncStore(await _development(path, settings).opened(AsyncRuntime()))


def create_production_store(preferred: Sequence[StoreTarget], **settings: Unpack[Settings]) -> Store:
    """Open the first store that can be reached and is healthy; if none is, the first that is degraded.

    `store.candidates` says how each one that was asked was, and why it wasn't taken.

    Args:
        preferred: What `onevec.connect` takes, the best first. Engines' own options stand in URLs or mappings.
        **settings: The arguments of `onevec.connect` that are not an engine's own, such as `timeout`.

    Raises:
        NoStoreAvailable: None can be used; its `candidates` and its message say why, one by one.
        ConfigError: `preferred` is empty, or isn't a list.

    Example:
        >>> store = create_production_store(["postgresql://app@db/papers", "sqlite:///papers.db"])
        >>> print(*store.candidates, sep="\\n")
    """
    from onevec.store import Store

    return Store(run(_production(BlockingRuntime, preferred, settings)))


async def create_production_store_async(preferred: Sequence[StoreTarget], **settings: Unpack[Settings]) -> AsyncStore:
    """Do what `create_production_store` does, for asyncio."""
    from onevec.aio import AsyncStore

    return AsyncStore(await _production(AsyncRuntime, preferred, settings))


def _development(path: str | PathLike[str], settings: Settings) -> Opening:
    return Opening({"engine": "sqlite", "path": fspath(path)}, **settings)


async def _production(
    runtime: Callable[[], Runtime], preferred: Sequence[StoreTarget], settings: Settings
) -> StorePipeline:
    if isinstance(preferred, str | Mapping) or not preferred:
        raise ConfigError(f"preferred is a list of URLs, names or configs, the best first; got {_shown(preferred)}")
    asked: list[Candidate] = []
    second: tuple[int, StorePipeline] | None = None  # the first that is degraded
    try:
        for target in preferred:
            store, candidate = await _tried(runtime(), target, settings)
            asked.append(candidate)
            if store is None:
                continue
            if candidate.status == "healthy":
                return await _taken(store, len(asked) - 1, asked, instead_of=second)
            if second is None:
                second = len(asked) - 1, store
            else:
                await store.close()
    except BaseException:
        if second is not None:
            await second[1].close()
        raise
    if second is None:
        lines = "".join(f"\n  {one}" for one in asked)
        raise NoStoreAvailable(f"no store of those preferred can be used:{lines}", candidates=tuple(asked))
    return await _taken(second[1], second[0], asked, instead_of=None)


async def _tried(io: Runtime, target: StoreTarget, settings: Settings) -> tuple[StorePipeline | None, Candidate]:
    """Open a store and ask how it is; one that is unhealthy is closed."""
    name = _shown(target)
    try:
        store = await Opening(target, **settings).opened(io)
    except OnevecError as error:
        return None, Candidate(name, error.engine, "unreachable", (str(error),))
    try:
        health = await store.health()
    except BaseException:
        await store.close()
        raise
    candidate = Candidate(name, store.engine, health.status, (*health.issues, *health.warnings))
    if health.status == "unhealthy":
        await store.close()
        return None, candidate
    return store, candidate


async def _taken(
    store: StorePipeline, index: int, asked: list[Candidate], *, instead_of: tuple[int, StorePipeline] | None
) -> StorePipeline:
    if instead_of is not None:
        await instead_of[1].close()
    asked[index] = replace(asked[index], chosen=True)
    store.candidates = tuple(asked)
    return store


def _shown(target: object) -> str:
    """A target without what may be secret in it."""
    match target:
        case str():
            return shown(target)
        case {"url": str(url)}:
            return _shown(url)
        case {"engine": str(engine)}:
            return engine
        case type():
            return str(getattr(target, "name", target.__name__))
        case _:
            return type(target).__name__
