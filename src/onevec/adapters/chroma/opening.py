"""The two ways to reach Chroma, and what can be set about them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from onevec.adapters.chroma.calls import Calls
from onevec.errors import ConfigError, StoreNotFound
from onevec.remote import Missing, locked, store_folder
from onevec.runtime import AsyncRuntime, BlockingRuntime, Runtime
from onevec.secret import Secret

_CLIENTS = "onevec.adapters.chroma.clients"


@dataclass(frozen=True, slots=True)
class ChromaOptions:
    """What `chroma://localhost:8000?option=value` or `chroma:///papers?option=value` can set.

    Attributes:
        path: The folder, where there is no host. A server has none.
        create: Whether to make the folder, or the server's database, if it isn't there.
        host: The server.
        port: Its port.
        tenant: The server's tenant.
        database: The tenant's database.
        tls: Whether to speak HTTPS; None for "if there is an api_key".
        api_key: The token, sent as `X-Chroma-Token`.
        pool_size: Connections kept.
        pool_timeout: Seconds to wait for one of them.
        connect_timeout: Seconds to wait for the server to take a connection.
        request_timeout: Seconds to wait for an answer.
        m: How many links a vector has in the graphs of collections that are made from now on; None for Chroma's choice.
        ef_construction: How many candidates there are for them.
    """

    path: Path | None = None
    create: bool = True
    host: str | None = None
    port: int = 8000
    tenant: str = "default_tenant"
    database: str = "default_database"
    tls: bool | None = None
    api_key: Secret | None = None
    pool_size: int = 16
    pool_timeout: float = 10.0
    connect_timeout: float = 5.0
    request_timeout: float = 30.0
    m: int | None = None
    ef_construction: int | None = None

    @property
    def graph(self) -> dict[str, int]:
        """What Chroma is told of graphs."""
        given = {"max_neighbors": self.m, "ef_construction": self.ef_construction}
        return {name: number for name, number in given.items() if number is not None}

    @property
    def is_tls(self) -> bool:
        return self.api_key is not None if self.tls is None else self.tls


async def folder_calls(io: Runtime, options: ChromaOptions) -> Calls:
    """Open a folder, which is this store's alone until it is closed."""
    folder = await io.acquire(_Folder, options)
    return Calls(BlockingRuntime(), folder.client, str(options.path), close=folder.close, graph=options.graph)


async def server_calls(io: Runtime, options: ChromaOptions) -> Calls:
    """Connect to a server, and see that its database is there."""
    if options.path is not None:
        raise ConfigError("a Chroma server has no path; name the database: chroma://localhost:8000?database=papers")
    calls = await io.offload(_server_calls, io, options)
    try:
        await _ensure_database(calls, options)
    except BaseException:
        await calls.close()
        raise
    return calls


async def _ensure_database(calls: Calls, options: ChromaOptions) -> None:
    server: Any = calls.client._server  # noqa: SLF001  # Any: either colour; databases are for administrators' clients
    try:
        await calls.call(server.get_database, options.database, options.tenant)
    except Missing:
        if not options.create:
            raise StoreNotFound(
                f"Chroma at {calls.where} has no database {options.database!r} of tenant {options.tenant!r}; "
                "make it, or open it with create=True"
            ) from None
        await calls.call(server.create_database, options.database, options.tenant)


class _Folder:
    """An open folder."""

    def __init__(self, options: ChromaOptions) -> None:
        if options.path is None:
            raise ConfigError("chroma needs a server or a folder: chroma://localhost:8000, or chroma:///papers")
        folder = store_folder(options.path, create=options.create, example="chroma:///papers")
        self._lock = locked(folder, server="a Chroma server")
        try:
            self.client = import_module(_CLIENTS).FolderClient(folder)
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        try:
            self.client.close()
        finally:
            self._lock.close()


def _server_calls(io: Runtime, options: ChromaOptions) -> Calls:
    clients = import_module(_CLIENTS)  # imports Chroma
    kind = clients.AsyncServerClient if isinstance(io, AsyncRuntime) else clients.ServerClient
    where = f"{options.host}:{options.port}"
    client = kind(options, where)
    return Calls(io, client, where, close=client.close, graph=options.graph)
