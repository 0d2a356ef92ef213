"""Chroma's clients, opened so that they wait no longer than they are told to, and close what they opened.

The two of a server are Chroma's own classes, with connections of ours: Chroma's wait for ever, don't check certificates
in the async client, and are there in a dict of the class, so that all stores of an event loop would share the first
one's headers and key. The constructors that ask the server at once are passed by, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chromadb
import chromadb.api.async_fastapi
import chromadb.api.fastapi
import chromadb.api.rust
import chromadb.telemetry.opentelemetry
import chromadb.telemetry.product.posthog
import httpx
from chromadb.api import ClientAPI, ServerAPI
from chromadb.api.async_api import AsyncServerAPI
from chromadb.api.async_client import AsyncClient
from chromadb.api.client import Client
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings

from onevec.adapters.chroma.failures import refusal
from onevec.remote.httpx_deadline import bounded

if TYPE_CHECKING:
    from onevec.adapters.chroma.opening import ChromaOptions


def folder_client(folder: Path) -> ClientAPI:
    """Return a client of Chroma's engine in this process."""
    return chromadb.PersistentClient(str(folder), settings=_settings())


class ServerClient(Client):
    """A client of a server."""

    def __init__(self, options: ChromaOptions, where: str) -> None:
        SharedSystemClient.__init__(self, _settings(options, "chromadb.api.fastapi.FastAPI"))
        self.tenant, self.database = options.tenant, options.database
        self._where = where
        self._session = httpx.Client(**_connections(options), event_hooks={"response": [self._check]})
        bounded(self._session)
        server: Any = self._system.instance(ServerAPI)  # type: ignore[type-abstract]  # Any: connections are private
        server._session.close()  # noqa: SLF001
        server._session = self._session  # noqa: SLF001
        self._server = server

    def close(self) -> None:
        self._session.close()
        super().close()

    def _check(self, response: httpx.Response) -> None:
        if response.is_error:
            response.read()
            _refuse(response, self._where)


class AsyncServerClient(AsyncClient):
    """An async client of a server."""

    def __init__(self, options: ChromaOptions, where: str) -> None:
        super().__init__(_settings(options, "chromadb.api.async_fastapi.AsyncFastAPI"))
        self.tenant, self.database = options.tenant, options.database
        self._where = where
        self._session = httpx.AsyncClient(**_connections(options), event_hooks={"response": [self._check]})
        server: Any = self._system.instance(AsyncServerAPI)  # type: ignore[type-abstract]  # Any: as above
        server._get_client = lambda: self._session  # noqa: SLF001
        self._server = server

    async def close(self) -> None:
        """Close the connections. Chroma's class has nothing that does."""
        await self._session.aclose()
        # What is left is an entry of a registry. `_release_system` would start an event loop to remove it.
        self._identifier_to_refcount.pop(self._identifier, None)
        self._identifier_to_system.pop(self._identifier, None)

    async def _check(self, response: httpx.Response) -> None:
        if response.is_error:
            await response.aread()
            _refuse(response, self._where)


def _settings(options: ChromaOptions | None = None, api: str = "chromadb.api.rust.RustBindingsAPI") -> Settings:
    given: dict[str, Any] = {"_env_file": None}  # Any: the settings' own types. No `.env` of whoever imports this
    if options is not None:
        given |= {
            "chroma_server_host": options.host,
            "chroma_server_http_port": options.port,
            "chroma_server_ssl_enabled": options.is_tls,
            "chroma_server_ssl_verify": False,  # of the connections that ours replace: certificates take long to read
        }
    return Settings(anonymized_telemetry=False, chroma_api_impl=api, **given)


def _connections(options: ChromaOptions) -> Mapping[str, Any]:  # Any: arguments of httpx
    headers = {"Content-Type": "application/json"}
    if options.api_key is not None:
        headers["X-Chroma-Token"] = options.api_key.reveal()
    return {
        "headers": headers,
        "verify": options.is_tls,
        "limits": httpx.Limits(max_connections=options.pool_size, max_keepalive_connections=options.pool_size),
        "timeout": httpx.Timeout(options.request_timeout, connect=options.connect_timeout, pool=options.pool_timeout),
    }


def _refuse(response: httpx.Response, where: str) -> None:
    try:
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise refusal(response.status_code, response.headers, response.content, where) from error
