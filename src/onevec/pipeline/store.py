"""What a store does, whatever its engine and whichever way it runs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from onevec.adapter import Adapter, Place
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Health, Progress
from onevec.embedders import Embedder, EmbedderLike
from onevec.errors import (
    CollectionExists,
    CollectionNotFound,
    ConfigError,
    DimensionMismatch,
    EmbedderMismatch,
    InvalidQuery,
    OnevecError,
    StoreClosed,
    Unsupported,
)
from onevec.metrics import Metric
from onevec.pipeline.collection import CollectionPipeline
from onevec.pipeline.embedders import Embedders
from onevec.pipeline.embedding import dimension_of
from onevec.pipeline.timing import SearchTimes
from onevec.pipeline.verbs import named, verb
from onevec.registry import is_same_embedder
from onevec.retry import RetryPolicy, with_retry
from onevec.runtime import Runtime
from onevec.trace import Event, Hook
from onevec.validate import checked_collection_name, checked_count

if TYPE_CHECKING:
    from onevec.choosing import Candidate

P = ParamSpec("P")
T = TypeVar("T")


class StorePipeline:
    """One open adapter, and the rules around it."""

    def __init__(
        self,
        adapter: Adapter[Any],  # Any: each engine's own options
        io: Runtime,
        *,
        policy: RetryPolicy,
        max_concurrency: int,
        embedders: Embedders,
        embedder: Embedder | None,
        hook: Hook | None,
    ) -> None:
        self.adapter = adapter
        self.io = io
        self.max_concurrency = max_concurrency
        self._policy = policy
        self._hook = hook
        self.embedders = embedders
        self._embedder = embedder
        self._closed = False
        self._times: dict[Place, SearchTimes] = {}
        self.candidates: tuple[Candidate, ...] = ()

    @property
    def engine(self) -> str:
        return self.adapter.name

    @property
    def capabilities(self) -> Capabilities:
        return self.adapter.capabilities

    @property
    def client(self) -> object:
        return self.adapter.client

    def search_times(self, place: Place) -> SearchTimes:
        """The searches of this store in a namespace, whichever handle they came by."""
        return self._times.setdefault(place, SearchTimes())

    def check_open(self) -> None:
        """Refuse a call of a store that was closed."""
        if self._closed:
            raise StoreClosed("this store was closed; open it again")

    async def call(
        self,
        operation: str,
        place: Place | None,
        method: Callable[P, Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Await one call of the adapter, with retries, events, and errors that say where they came from."""
        try:
            self.check_open()
            attempt = partial(method, *args, **kwargs)
            if self._hook is None:
                return await with_retry(self.io, self._policy, attempt)
            return await self._traced(self._hook, operation, place, attempt)
        except Exception as error:
            if self._closed and not isinstance(error, StoreClosed):
                closed = StoreClosed("this store was closed during the call; open it again")
                raise named(closed, self.engine, operation) from error
            if isinstance(error, OnevecError):
                named(error, self.engine, operation)
            raise

    @verb
    async def create_collection(
        self,
        name: str,
        *,
        dimension: int | None,
        metric: Metric | str,
        embedder: EmbedderLike | None,
        if_exists: Literal["error", "open", "replace"],
    ) -> CollectionPipeline:
        name = checked_collection_name(name)
        if if_exists not in ("error", "open", "replace"):
            raise InvalidQuery(f"if_exists is 'error', 'open' or 'replace', got {if_exists!r}")
        maker = self._embedder if embedder is None else await self.io.offload(self.embedders.load, embedder)
        info = CollectionInfo(
            name=name,
            dimension=await self._dimension(name, dimension, maker),
            metric=self._metric(metric),
            embedder=maker.name if maker else None,
            created_at=datetime.now(UTC),
        )
        if if_exists == "replace":
            await self.call("delete_collection", None, self.adapter.delete_collection, name)
        if await self.call("create_collection", None, self.adapter.create_collection, info):
            return CollectionPipeline(self, info, maker)
        if if_exists != "open":
            raise CollectionExists(
                f"there is a collection {name!r}; open it with collection(), or pass if_exists='open' or 'replace'"
            )
        existing = await self._info(name)
        if (existing.dimension, existing.metric) != (info.dimension, info.metric):
            raise CollectionExists(
                f"collection {name!r} exists with dimension {existing.dimension} and metric {existing.metric}, "
                f"not {info.dimension} and {info.metric}; choose another name, or if_exists='replace'"
            )
        return self._opened(existing, maker)

    @verb
    async def collection(self, name: str, *, embedder: EmbedderLike | None) -> CollectionPipeline:
        info = await self._info(checked_collection_name(name))
        if embedder is not None:
            return self._opened(info, await self.io.offload(self.embedders.load, embedder))
        default = self._embedder
        is_its = default is not None and is_same_embedder(default.name, info.embedder)
        return self._opened(info, default if is_its else None)

    @verb
    async def collections(self) -> list[CollectionInfo]:
        return await self.call("collections", None, self.adapter.collections)

    @verb
    async def has_collection(self, name: str) -> bool:
        name = checked_collection_name(name)
        return await self.call("has_collection", None, self.adapter.collection, name) is not None

    @verb
    async def delete_collection(self, name: str) -> bool:
        name = checked_collection_name(name)
        return await self.call("delete_collection", None, self.adapter.delete_collection, name)

    @verb
    async def copy_collection(self, source: str, target: str, *, on_progress: Progress | None) -> int:
        old = await self.collection(source, embedder=None)
        info = CollectionInfo(
            name=checked_collection_name(target),
            dimension=old.info.dimension,
            metric=old.info.metric,
            embedder=old.info.embedder,
            created_at=datetime.now(UTC),
        )
        made = False

        async def make() -> None:
            nonlocal made
            made = await self.call("create_collection", None, self.adapter.create_collection, info)

        try:
            await self.io.finish(make())
            if not made:
                raise CollectionExists(f"there is a collection {target!r} already; copy to another name")
            return await old.copy_to(CollectionPipeline(self, info, None), on_progress=on_progress)
        except BaseException:
            if made:
                delete = self.call("delete_collection", None, self.adapter.delete_collection, info.name)
                await self.io.finish(delete)
            raise

    @verb
    async def health(self) -> Health:
        started = time.perf_counter()
        try:
            health = await self.call("health", None, self.adapter.health)
        except StoreClosed:
            raise
        except OnevecError as error:
            return Health("unhealthy", self.engine, None, time.perf_counter() - started, issues=(str(error),))
        return Health(
            health.status,
            health.engine,
            health.version,
            time.perf_counter() - started,
            health.issues,
            health.warnings,
            health.details,
        )

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self.io.finish(self._close())

    async def _close(self) -> None:
        try:
            await self.adapter.close()
        finally:
            await self.io.offload(self.embedders.close)
            await self.io.close()

    async def _traced(self, hook: Hook, operation: str, place: Place | None, attempt: Callable[[], Awaitable[T]]) -> T:
        started = time.perf_counter()
        collection, namespace = (place.collection.name, place.namespace) if place else (None, None)

        def tell(kind: Literal["started", "done", "failed", "retrying"], error: BaseException | None = None) -> None:
            duration = 0.0 if kind == "started" else time.perf_counter() - started
            hook(Event(kind, operation, self.engine, collection, namespace, duration, error))

        tell("started")
        try:
            result = await with_retry(self.io, self._policy, attempt, partial(tell, "retrying"))
        except BaseException as error:
            tell("failed", error)
            raise
        tell("done")
        return result

    async def _info(self, name: str) -> CollectionInfo:
        info = await self.call("collection", None, self.adapter.collection, name)
        if info is None:
            names = ", ".join(repr(other.name) for other in await self.collections()) or "none"
            raise CollectionNotFound(
                f"there is no collection {name!r} (there is {names}); make it with create_collection"
            )
        return info

    def _opened(self, info: CollectionInfo, embedder: Embedder | None) -> CollectionPipeline:
        if embedder is not None and not is_same_embedder(embedder.name, info.embedder):
            raise EmbedderMismatch(
                f"collection {info.name!r} was made with embedder {info.embedder!r}, not {embedder.name!r}; "
                "vectors of two models can't be compared: use the one it was made with, or another collection"
            )
        return CollectionPipeline(self, info, embedder)

    async def _dimension(self, name: str, dimension: int | None, embedder: Embedder | None) -> int:
        made = None if embedder is None else await dimension_of(self.io, embedder)
        if dimension is None and made is None:
            raise ConfigError(f"collection {name!r} needs dimension=, or an embedder that has one")
        dimension = checked_count(made if dimension is None else dimension, "dimension")
        if embedder is not None and made != dimension:
            raise DimensionMismatch(
                f"embedder {embedder.name!r} makes vectors of {made} numbers, dimension= says {dimension}"
            )
        most = self.capabilities.max_dimension
        if most is not None and dimension > most:
            raise Unsupported(f"{self.engine} holds vectors of up to {most} numbers, got {dimension}")
        return dimension

    def _metric(self, metric: Metric | str) -> Metric:
        try:
            known = Metric(metric)
        except ValueError:
            raise ConfigError(f"a metric is one of {', '.join(Metric)}, got {metric!r}") from None
        if known not in self.capabilities.metrics:
            raise Unsupported(
                f"{self.engine} has no metric {known}; it has {', '.join(sorted(self.capabilities.metrics))}"
            )
        return known
