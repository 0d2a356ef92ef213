"""The three ways to reach Qdrant, and what can be set about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onevec.adapters.qdrant.client import MemoryCalls
from onevec.adapters.qdrant.edge import EdgeCalls
from onevec.deadline import seconds_left
from onevec.errors import ConfigError
from onevec.runtime import AsyncRuntime, BlockingRuntime, Runtime
from onevec.secret import Secret

if TYPE_CHECKING:
    import httpx
    from qdrant_client import AsyncQdrantClient, QdrantClient

    from onevec.adapters.qdrant.server import Limits, ServerCalls

IN_MEMORY = Path(":memory:")


@dataclass(frozen=True, slots=True)
class QdrantOptions:
    """What `qdrant://localhost:6333?option=value` or `qdrant:///papers?option=value` can set.

    Attributes:
        path: Without a host the folder, or `:memory:`. With one, what the server's own paths begin with.
        create: Whether to make the folder if it isn't there.
        sync: Whether a write to the folder is on the disk before its call returns.
        host: The server.
        port: The port of its REST API.
        tls: Whether to speak HTTPS; None for "if there is an api_key".
        api_key: The server's key.
        pool_size: Connections kept.
        pool_timeout: Seconds to wait for one of them.
        connect_timeout: Seconds to wait for the server to take a connection.
        request_timeout: Seconds to wait for an answer.
    """

    path: Path | None = None
    create: bool = True
    sync: bool = True
    host: str | None = None
    port: int = 6333
    tls: bool | None = None
    api_key: Secret | None = None
    pool_size: int = 16
    pool_timeout: float = 10.0
    connect_timeout: float = 5.0
    request_timeout: float = 30.0


def folder_calls(options: QdrantOptions) -> EdgeCalls:
    """Open a folder."""
    if options.path is None:
        raise ConfigError("qdrant needs a server or a folder: qdrant://localhost:6333, or qdrant:///papers")
    return EdgeCalls(options.path, create=options.create, sync=options.sync)


def memory_calls() -> MemoryCalls:
    """Make an empty store in the client's memory."""
    from qdrant_client import QdrantClient

    return MemoryCalls(BlockingRuntime(), QdrantClient(":memory:"), "in memory")


async def server_calls(io: Runtime, options: QdrantOptions) -> ServerCalls:
    """Connect to a server, and let it answer once."""
    calls = await io.offload(_server_calls, io, options)  # imports, and certificates
    try:
        await calls.version()
    except BaseException:
        await calls.close()
        raise
    return calls


def _server_calls(io: Runtime, options: QdrantOptions) -> ServerCalls:
    from onevec.adapters.qdrant.server import ServerCalls

    limits = _limits(options)
    client = _client(options, limits, is_async=isinstance(io, AsyncRuntime))
    return ServerCalls(io, client, f"{options.host}:{options.port}", limits)


def _client(options: QdrantOptions, limits: Limits, *, is_async: bool) -> QdrantClient | AsyncQdrantClient:
    import httpx
    from qdrant_client import AsyncQdrantClient, QdrantClient

    from onevec.remote.httpx_deadline import bounded

    tls = options.api_key is not None if options.tls is None else options.tls
    client = (AsyncQdrantClient if is_async else QdrantClient)(
        host=options.host,
        port=options.port,
        prefix=None if options.path is None else options.path.as_posix(),
        https=tls,
        verify=tls,  # without, the certificates aren't read, which takes longer than all else here
        headers={} if options.api_key is None else {"api-key": options.api_key.reveal()},
        check_compatibility=False,  # a thread of its own, and warnings
        limits=httpx.Limits(max_connections=options.pool_size, max_keepalive_connections=options.pool_size),
        event_hooks={"request": [_timed(limits, is_async=is_async)]},
    )
    if isinstance(client, QdrantClient):
        bounded(client.http.client._client)  # noqa: SLF001 (it shows its httpx client nowhere else)
    return client


def _timed(limits: Limits, *, is_async: bool) -> Any:  # Any: a hook of httpx
    """What gives each request its timeouts: the client itself takes one, of whole seconds, for everything."""

    def timed(request: httpx.Request) -> None:
        request.extensions["timeout"] = limits()

    async def timed_too(request: httpx.Request) -> None:
        timed(request)

    return timed_too if is_async else timed


def _limits(options: QdrantOptions) -> Limits:
    """What says how long a request may take from now on, in the words of httpx."""
    timeouts = {
        "connect": options.connect_timeout,
        "read": options.request_timeout,
        "write": options.request_timeout,
        "pool": options.pool_timeout,
    }

    def limits() -> dict[str, float]:
        left = seconds_left()
        return {name: min(seconds, left) for name, seconds in timeouts.items()}

    return limits
