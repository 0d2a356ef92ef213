"""`connect` and `connect_async`."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from onevec.adapter import Adapter
from onevec.config import expanded, locate, options_of, placed
from onevec.deadline import reset_end, set_end
from onevec.errors import OnevecError
from onevec.registry import AdapterClass, installed_adapter_class
from onevec.retry import RetryPolicy
from onevec.runtime import AsyncRuntime, BlockingRuntime, Runtime, run
from onevec.validate import checked_count, checked_seconds

if TYPE_CHECKING:
    from onevec.aio import AsyncStore
    from onevec.embedders import EmbedderLike
    from onevec.pipeline import StorePipeline
    from onevec.pipeline.embedders import CacheLike
    from onevec.store import Store
    from onevec.trace import Hook

# Any: config values; each engine's own options
StoreTarget: TypeAlias = str | Mapping[str, Any] | type[Adapter[Any]]


class _Unset(Enum):
    """What an argument is that was not given, where None means something."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET = _Unset.UNSET
Unset: TypeAlias = Literal[_Unset.UNSET]


@dataclass(frozen=True, slots=True)
class Terms:
    """How a store is asked, whatever its engine: by the arguments of `connect`, else by the settings of the store.

    Attributes:
        timeout: Seconds for one call with all its retries; None, or infinity, for no limit.
        max_retries: Attempts after the first one, for errors that say a retry can help.
        max_concurrency: How many requests of one call are under way at once.
    """

    timeout: float | None = 30.0
    max_retries: int = 3
    max_concurrency: int = 4

    def __post_init__(self) -> None:
        object.__setattr__(self, "timeout", checked_seconds(self.timeout, "timeout"))
        checked_count(self.max_retries, "max_retries", least=0)
        checked_count(self.max_concurrency, "max_concurrency")


_TERMS = frozenset(term.name for term in fields(Terms))


def connect(
    target: StoreTarget,
    *,
    embedder: EmbedderLike | None = None,
    embedding_cache: CacheLike | None = None,
    timeout: float | Unset | None = UNSET,
    max_retries: int | Unset = UNSET,
    max_concurrency: int | Unset = UNSET,
    on_event: Hook | None = None,
    **options: Any,  # Any: converted to the types of the engine's options
) -> Store:
    """Open a store.

    Args:
        target: A URL such as `sqlite:///papers.db`; a config mapping such as `{"engine": "sqlite", "path": "a.db"}`;
            the name of a store in `onevec.toml`; or an adapter class. `${NAME}` in a setting is read from the
            environment.
        embedder: The embedder of collections made here, unless they name another one.
        embedding_cache: A file that keeps vectors, so that no text is embedded twice; it is made if it isn't there.
        timeout: Seconds for one call with all its retries; None for no limit. Without it what the settings of the store
            say, else 30.
        max_retries: Attempts after the first one, for errors that say a retry can help; in the same way, else 3.
        max_concurrency: How many requests of one call are under way at once; in the same way, else 4.
        on_event: Called with a `onevec.Event` when a call starts, is retried, and ends.
        **options: The engine's own options, such as `create=False` for sqlite.

    Raises:
        ConfigError: The target or an option can't be understood.
        UnknownOption: An option isn't the engine's; a ConfigError and a TypeError.
        UnknownEngine: No installed package provides the engine.
        EngineNotInstalled: The engine's library is missing.
        OnevecError: The engine can't be opened; see its page.
    """
    from onevec.store import Store

    opening = Opening(target, embedder, embedding_cache, timeout, max_retries, max_concurrency, on_event, options)
    return Store(run(opening.opened(BlockingRuntime())))


class connect_async:  # noqa: N801 (it is called like a function)
    """Open a store for asyncio: `async with connect_async(url) as store`, or `store = await connect_async(url)`.

    The arguments and errors are those of `connect`.
    """

    def __init__(
        self,
        target: StoreTarget,
        *,
        embedder: EmbedderLike | None = None,
        embedding_cache: CacheLike | None = None,
        timeout: float | Unset | None = UNSET,
        max_retries: int | Unset = UNSET,
        max_concurrency: int | Unset = UNSET,
        on_event: Hook | None = None,
        **options: Any,  # Any: converted to the types of the engine's options
    ) -> None:
        self._opening = Opening(
            target, embedder, embedding_cache, timeout, max_retries, max_concurrency, on_event, options
        )
        self._store: AsyncStore | None = None

    def __await__(self) -> Generator[Any, None, AsyncStore]:  # Any: what the event loop is handed
        return self._opened().__await__()

    async def __aenter__(self) -> AsyncStore:
        self._store = await self._opened()
        return self._store

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._store is not None:
            await self._store.close()

    async def _opened(self) -> AsyncStore:
        from onevec.aio import AsyncStore

        return AsyncStore(await self._opening.opened(AsyncRuntime()))


@dataclass(frozen=True, slots=True)
class Opening:
    """The arguments of `connect`."""

    target: StoreTarget
    embedder: EmbedderLike | None = None
    embedding_cache: CacheLike | None = None
    timeout: float | Unset | None = UNSET
    max_retries: int | Unset = UNSET
    max_concurrency: int | Unset = UNSET
    on_event: Hook | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    async def opened(self, io: Runtime) -> StorePipeline:
        """Open the store over a runtime, which is closed if that fails."""
        try:
            return await self._connected(io)
        except BaseException as error:
            await io.finish(io.close())
            if isinstance(error, OnevecError):
                error.operation = "connect"
            raise

    async def _connected(self, io: Runtime) -> StorePipeline:
        from onevec.pipeline import StorePipeline
        from onevec.pipeline.embedders import Embedders

        said = {name: value for name in _TERMS if (value := getattr(self, name)) is not UNSET}
        Terms(**said)  # what is wrong in them is said before any file is read
        found = await io.offload(self._found)
        cls = found.cls
        try:
            options = options_of(cls.options, found.settings, cls.name)
            terms = replace(options_of(Terms, found.terms, cls.name), **said)
            policy = RetryPolicy(max_retries=terms.max_retries, timeout=terms.timeout)
            embedders = await io.offload(Embedders, found.cache)
            embedder = None if found.embedder is None else await io.offload(embedders.load, found.embedder)
            token = set_end(policy.timeout)
            try:
                adapter = await cls.open(io, options)
            finally:
                reset_end(token)
        except OnevecError as error:
            error.engine = error.engine or cls.name
            raise
        return StorePipeline(
            adapter,
            io,
            policy=policy,
            max_concurrency=terms.max_concurrency,
            embedders=embedders,
            embedder=embedder,
            hook=self.on_event,
        )

    def _found(self) -> _Found:
        """The engine and the settings; files are read and modules imported to know them."""
        if isinstance(self.target, type) and issubclass(self.target, Adapter):
            cls, settings = self.target, {}
        else:
            location = locate(self.target)
            cls = installed_adapter_class(location.engine)
            settings = placed(location, cls.options)
        embedder, cache = settings.pop("embedder", None), settings.pop("embedding_cache", None)
        own = {option.name for option in fields(cls.options)}
        terms = {name: settings.pop(name) for name in settings.keys() & (_TERMS - own)}
        return _Found(
            cls,
            settings | expanded(self.options),
            terms,
            embedder if self.embedder is None else self.embedder,
            cache if self.embedding_cache is None else self.embedding_cache,
        )


class _Found(NamedTuple):
    """What a target means, and the arguments beside it.

    Attributes:
        cls: The engine.
        settings: Those that are the engine's own.
        terms: Those that are every engine's, as they stand in the settings.
        embedder: The embedder.
        cache: Its cache.
    """

    cls: AdapterClass
    settings: Mapping[str, Any]  # Any: config values
    terms: Mapping[str, Any]  # Any: as above
    embedder: EmbedderLike | None
    cache: CacheLike | None
