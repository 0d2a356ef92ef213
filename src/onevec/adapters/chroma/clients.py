"""Chroma's clients, opened so that they wait no longer than they are told to, and close what they opened.

The two of a server are Chroma's own classes, with connections of ours: Chroma's wait for ever, don't check certificates
in the async client, and are there in a dict of the class, so that all stores of an event loop would share the first
one's headers and key. The constructors that ask the server at once are passed by, too.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote
from urllib.request import getproxies
from uuid import UUID

import chromadb.api.async_fastapi
import chromadb.api.fastapi
import chromadb.api.rust
import chromadb.telemetry.opentelemetry
import chromadb.telemetry.product.posthog  # noqa: F401 (loaded here, with all that clients load by its name)
import httpx
import numpy as np
import numpy.typing as npt
import orjson
from chromadb.api import ServerAPI
from chromadb.api.async_api import AsyncServerAPI
from chromadb.api.async_client import AsyncClient
from chromadb.api.client import Client
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings

from onevec.adapters.chroma.calls import Where
from onevec.adapters.chroma.failures import refusal
from onevec.remote.httpx_by_aiohttp import AiohttpTransport
from onevec.remote.httpx_deadline import bounded
from onevec.remote.httpx_requests import parsed, sent, sent_async

if TYPE_CHECKING:
    from onevec.adapters.chroma.opening import ChromaOptions

Found: TypeAlias = dict[str, Any]  # Any: columns, by their names
Vector: TypeAlias = npt.NDArray[np.float32]


class FolderClient(Client):
    """A client of Chroma's engine in this process.

    `nearest` and `write` do what a collection's `query` and `upsert` end in, as they do for servers below. What those
    look through before is known to be right here.
    """

    def __init__(self, folder: Path) -> None:
        settings = _settings()
        settings.persist_directory, settings.is_persistent = str(folder), True
        super().__init__(settings=settings)

    def nearest(self, space: UUID, vector: Vector, limit: int, where: Where, include: list[Any]) -> Found:
        """Return what is nearest to a vector in a collection."""
        # The engine reads an array number by number, through NumPy: 384 of them 0.1 ms later than a list.
        return _found(self._server._query(space, [vector.tolist()], None, limit, where, None, include))  # noqa: SLF001

    def write(self, space: UUID, records: Mapping[str, Any]) -> None:
        """Insert records into a collection, or replace them."""
        self._server._upsert(space, **{**records, "embeddings": records["embeddings"].tolist()})  # noqa: SLF001


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
        self._collections = _collections(server, options)

    def close(self) -> None:
        self._session.close()
        super().close()

    def nearest(self, space: UUID, vector: Vector, limit: int, where: Where, include: list[Any]) -> Found:
        """Return what is nearest to a vector in a collection."""
        return _found(orjson.loads(self._post(space, "query", _query(vector, limit, where, include))))

    def write(self, space: UUID, records: Mapping[str, Any]) -> None:
        """Insert records into a collection, or replace them."""
        server: Any = self._server  # Any: the method is not of its base class
        packed = server.supports_base64_encoding()
        self._post(space, "upsert", _upsert(records, packed=packed))

    def _post(self, space: UUID, verb: str, body: bytes) -> bytes:
        response = sent(self._session, _request(self._session, f"{self._collections}/{space}/{verb}", body))
        self._check(response)
        return response.content

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
        self._session = httpx.AsyncClient(
            **_connections(options), transport=_by_aiohttp(options), event_hooks={"response": [self._check]}
        )
        server: Any = self._system.instance(AsyncServerAPI)  # type: ignore[type-abstract]  # Any: as above
        server._get_client = lambda: self._session  # noqa: SLF001
        self._server = server
        self._collections = _collections(server, options)

    async def close(self) -> None:
        """Close the connections. Chroma's class has nothing that does."""
        await self._session.aclose()
        # What is left is an entry of a registry. `_release_system` would start an event loop to remove it.
        self._identifier_to_refcount.pop(self._identifier, None)
        self._identifier_to_system.pop(self._identifier, None)

    async def nearest(self, space: UUID, vector: Vector, limit: int, where: Where, include: list[Any]) -> Found:
        """Return what is nearest to a vector in a collection."""
        return _found(orjson.loads(await self._post(space, "query", _query(vector, limit, where, include))))

    async def write(self, space: UUID, records: Mapping[str, Any]) -> None:
        """Insert records into a collection, or replace them."""
        server: Any = self._server  # Any: as above
        packed = await server.supports_base64_encoding()
        await self._post(space, "upsert", _upsert(records, packed=packed))

    async def _post(self, space: UUID, verb: str, body: bytes) -> bytes:
        response = await sent_async(self._session, _request(self._session, f"{self._collections}/{space}/{verb}", body))
        await self._check(response)
        return response.content

    async def _check(self, response: httpx.Response) -> None:
        if response.is_error:
            await response.aread()
            _refuse(response, self._where)


def _collections(server: Any, options: ChromaOptions) -> str:  # Any: Chroma's, of either colour
    tenant, database = quote(options.tenant, safe=""), quote(options.database, safe="")
    return f"{server.get_api_url()}/tenants/{tenant}/databases/{database}/collections"


def _request(session: httpx.Client | httpx.AsyncClient, url: str, body: bytes) -> httpx.Request:
    extensions = {"timeout": session.timeout.as_dict()}
    return httpx.Request("POST", parsed(url), headers=session.headers, content=body, extensions=extensions)


def _query(vector: Vector, limit: int, where: Where, include: list[Any]) -> bytes:
    body = {"query_embeddings": [vector], "n_results": limit, "where": where, "include": include}
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def _found(answer: Mapping[str, Any]) -> Found:
    """What the one query of an answer found."""
    columns = ("documents", "uris", "metadatas", "embeddings")
    found = {name: None if (column := answer.get(name)) is None else column[0] for name in columns}
    return {"ids": answer["ids"][0], "distances": answer["distances"][0], **found}


def _upsert(records: Mapping[str, Any], *, packed: bool) -> bytes:
    embeddings = records["embeddings"]
    if packed:
        embeddings = [b64encode(row).decode() for row in embeddings.astype("<f4")]
    return orjson.dumps({**records, "embeddings": embeddings}, option=orjson.OPT_SERIALIZE_NUMPY)


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


def _by_aiohttp(options: ChromaOptions) -> AiohttpTransport | None:
    """The faster connections; None where the environment names proxies, which httpx's own go through."""
    if getproxies().keys() - {"no"}:
        return None
    return AiohttpTransport(connections=options.pool_size, tls=options.is_tls)


def _refuse(response: httpx.Response, where: str) -> None:
    try:
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise refusal(response.status_code, response.headers, response.content, where) from error
