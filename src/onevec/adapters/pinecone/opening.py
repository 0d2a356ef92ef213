"""How Pinecone is reached, and what can be set about it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from onevec.adapters.pinecone.calls import Calls
from onevec.errors import ConfigError
from onevec.runtime import AsyncRuntime, Runtime
from onevec.secret import Secret

_HOST = "api.pinecone.io"
_PREFIX = re.compile(r"[a-z0-9-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class PineconeOptions:
    """What `pinecone://app?option=value` or `pinecone://localhost:5080?option=value` can set.

    Attributes:
        prefix: What the names of the store's indexes begin with; the `app-` of `pinecone://app`. Default: nothing.
        api_key: The key of a project; without it, the environment variable `PINECONE_API_KEY`.
        cloud: Where new indexes are made.
        region: The cloud's region.
        host: The address of another service than Pinecone's own, such as a local one; or a word for `prefix`.
        port: Its port.
        path: Not used.
        tls: Whether to speak HTTPS; None for "if there is no host".
        pool_size: Connections kept, for each collection.
        pool_timeout: Seconds to wait for one of them.
        connect_timeout: Seconds to wait for the service to take a connection.
        request_timeout: Seconds to wait for an answer.
        create_timeout: Seconds to wait for an index to be made, or to be gone.
        visible_timeout: Seconds to wait for a write to be seen by reads.
    """

    prefix: str = ""
    api_key: Secret | None = None
    cloud: Literal["aws", "gcp", "azure"] = "aws"
    region: str = "us-east-1"
    host: str | None = None
    port: int | None = None
    path: Path | None = None
    tls: bool | None = None
    pool_size: int = 16
    pool_timeout: float = 10.0
    connect_timeout: float = 5.0
    request_timeout: float = 30.0
    create_timeout: float = 300.0
    visible_timeout: float = 30.0

    @property
    def address(self) -> str:
        """The control plane's address, without a scheme."""
        return _HOST if self.host is None else self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def scheme(self) -> str:
        return "https" if self.tls or (self.tls is None and self.host is None) else "http"


def named(options: PineconeOptions) -> PineconeOptions:
    """Return the options with a host that is a word and no address made the prefix that it is."""
    host = options.host
    if not host or "." in host or ":" in host or host == "localhost" or options.port is not None:
        return options
    return replace(options, host=None, prefix=options.prefix or f"{host}-")


async def opened(io: Runtime, options: PineconeOptions) -> Calls:
    """Connect, and let the service answer once."""
    key = os.environ.get("PINECONE_API_KEY") if options.api_key is None else options.api_key.reveal()
    if not key:
        raise ConfigError('pinecone needs the key of a project: api_key="${PINECONE_API_KEY}"')
    if options.path is not None:
        raise ConfigError("a Pinecone project has no path: pinecone://, or pinecone://localhost:5080 for a local one")
    if not _PREFIX.fullmatch(options.prefix):
        raise ConfigError(f"a prefix is lower-case letters, digits and hyphens, got {options.prefix!r}")
    clients = await io.offload(_clients, options, Secret(key), is_async=isinstance(io, AsyncRuntime))
    calls = Calls(io, clients[0], clients[1], options)
    try:
        await calls.all()
    except BaseException:
        await calls.close()
        raise
    return calls


def _clients(
    options: PineconeOptions, key: Secret, *, is_async: bool
) -> tuple[Any, Callable[[str], Any]]:  # Any: Pinecone's clients
    """The client of the project, and what makes one of an index from its host."""
    import httpx

    pinecone, once = import_module("pinecone"), import_module("onevec.adapters.pinecone.transports").once
    given = {
        "timeout": options.request_timeout,
        "ssl_verify": options.scheme == "https",
        "connection_pool_maxsize": options.pool_size,
    }
    timeout = httpx.Timeout(options.request_timeout, connect=options.connect_timeout, pool=options.pool_timeout)
    project, index = (pinecone.AsyncPinecone, pinecone.AsyncIndex) if is_async else (pinecone.Pinecone, pinecone.Index)

    def made(host: str) -> Any:  # Any: as above
        bare = host.rpartition("://")[2]  # the client makes every host one of https
        return once(index(api_key=key.reveal(), host=f"{options.scheme}://{bare}", **given), timeout)

    address = f"{options.scheme}://{options.address}"
    return once(project(api_key=key.reveal(), host=address, **given), timeout), made
