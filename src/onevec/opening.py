"""`connect` and `connect_async`."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

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


def connect(
    target: StoreTarget,
    *,
    embedder: EmbedderLike | None = None,
    embedding_cache: CacheLike | None = None,
    timeout: float | None = 30.0,
    max_retries: int = 3,
    max_concurrency: int = 4,
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
        timeout: Seconds for one call with all its retries; None for no limit.
        max_retries: Attempts after the first one, for errors that say a retry can help.
        max_concurrency: How many requests of one call are under way at once.
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
        timeout: float | None = 30.0,
        max_retries: int = 3,
        max_concurrency: int = 4,
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
    timeout: float | None = 30.0
    max_retries: int = 3
    max_concurrency: int = 4
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

        policy = RetryPolicy(
            max_retries=checked_count(self.max_retries, "max_retries", least=0),
            timeout=checked_seconds(self.timeout, "timeout"),
        )
        max_concurrency = checked_count(self.max_concurrency, "max_concurrency")
        cls, settings, like, cache = await io.offload(self._found)
        try:
            options = options_of(cls.options, settings, cls.name)
            embedders = await io.offload(Embedders, cache)
            embedder = None if like is None else await io.offload(embedders.load, like)
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
            max_concurrency=max_concurrency,
            embedders=embedders,
            embedder=embedder,
            hook=self.on_event,
        )

    def _found(self) -> tuple[AdapterClass, Mapping[str, Any], EmbedderLike | None, CacheLike | None]:
        """The engine, its settings, the embedder and its cache; files are read and modules imported to know them."""
        if isinstance(self.target, type) and issubclass(self.target, Adapter):
            return self.target, expanded(self.options), self.embedder, self.embedding_cache
        location = locate(self.target)
        cls = installed_adapter_class(location.engine)
        settings = placed(location, cls.options)
        embedder, cache = settings.pop("embedder", None), settings.pop("embedding_cache", None)
        return (
            cls,
            settings | expanded(self.options),
            embedder if self.embedder is None else self.embedder,
            cache if self.embedding_cache is None else self.embedding_cache,
        )
