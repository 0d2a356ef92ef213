"""How to reach Elasticsearch, and what can be set about it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from onevec.errors import ConfigError
from onevec.runtime import AsyncRuntime, Runtime
from onevec.secret import Secret

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch, Elasticsearch

_LONG = 2**18  # bytes; of a mebibyte or more aiohttp wants no bytes
_PREFIX = re.compile(r"([a-z0-9][a-z0-9_-]{0,63})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ElasticsearchOptions:
    """What `elasticsearch://user:password@localhost:9200/path?option=value` can set.

    Attributes:
        host: The server.
        port: The port of its REST API.
        path: What the server's own paths begin with, behind a proxy.
        username: The user.
        password: The user's password.
        api_key: A key in place of a user, as Elasticsearch shows it: encoded, or `id:key`.
        tls: Whether to speak HTTPS; None for "if there is a password or a key".
        ca_certs: The file of the certificates to trust, such as the server's `http_ca.crt`.
        prefix: What the names of the store's indices begin with. Stores of several prefixes know nothing of each other.
        shards: Primary shards of a new collection; None for the server's default.
        replicas: Copies of each shard of a new collection; None for the server's default.
        pool_size: Connections kept.
        pool_timeout: Seconds to wait for one of them.
        connect_timeout: Seconds to wait for the server to take a connection.
        request_timeout: Seconds to wait for an answer.
    """

    host: str = "localhost"
    port: int = 9200
    path: str = ""
    username: str | None = None
    password: Secret | None = None
    api_key: Secret | None = None
    tls: bool | None = None
    ca_certs: Path | None = None
    prefix: str = ""
    shards: int | None = None
    replicas: int | None = None
    pool_size: int = 16
    pool_timeout: float = 10.0
    connect_timeout: float = 5.0
    request_timeout: float = 30.0


async def client_of(io: Runtime, options: ElasticsearchOptions) -> Elasticsearch | AsyncElasticsearch:
    """Make a client of the runtime's colour; nothing is sent.

    Raises:
        ConfigError: The options don't go together.
    """
    if not _PREFIX.fullmatch(options.prefix):
        raise ConfigError("prefix is up to 64 of a-z, 0-9, '_' and '-', and begins with a letter or a digit")
    if (options.username is None) != (options.password is None):
        raise ConfigError("a username goes with a password; a key goes alone, as api_key=")
    if options.api_key is not None and options.password is not None:
        raise ConfigError("give a username with a password or an api_key, not both")
    return await io.offload(_client, options, is_async=isinstance(io, AsyncRuntime))  # imports, and certificates


def _client(options: ElasticsearchOptions, *, is_async: bool) -> Elasticsearch | AsyncElasticsearch:
    from elasticsearch import AsyncElasticsearch, Elasticsearch

    secret = options.password is not None or options.api_key is not None
    settings: dict[str, Any] = {  # Any: each setting has a type of its own
        "node_class": (_async_node if is_async else _sync_node)(options),
        "connections_per_node": options.pool_size,
        "request_timeout": options.request_timeout,
        "max_retries": 0,  # the core tries again
        "retry_on_status": (),
        "serializer": _serializer(),
    }
    if options.api_key is not None:
        settings["api_key"] = options.api_key.reveal()
    if options.username is not None and options.password is not None:
        settings["basic_auth"] = (options.username, options.password.reveal())
    if options.ca_certs is not None:
        settings["ca_certs"] = str(options.ca_certs)
    node: dict[str, str | int] = {
        "host": options.host,
        "port": options.port,
        "scheme": "https" if (secret if options.tls is None else options.tls) else "http",
        "path_prefix": f"/{options.path.strip('/')}" if options.path else "",
    }
    return (AsyncElasticsearch if is_async else Elasticsearch)([node], **settings)


def _serializer() -> Any:  # Any: the client's class, which is made where it is imported
    from elasticsearch import JsonSerializer

    class Serializer(JsonSerializer):
        """JSON by orjson, in which a float32 has as few digits as it needs."""

        def loads(self, data: bytes) -> Any:  # Any: JSON values
            try:
                return orjson.loads(data)
            except ValueError:
                return super().loads(data)  # whose error is the client's own

        def dumps(self, data: Any) -> bytes:  # Any: JSON values, and NumPy's arrays
            if isinstance(data, bytes):
                return data
            return orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)

    return Serializer()


def _sync_node(options: ElasticsearchOptions) -> Any:  # Any: the client's class, which is made where it is imported
    from elastic_transport import NodeConfig, Urllib3HttpNode
    from urllib3 import Timeout

    class Node(Urllib3HttpNode):
        """A pool that waits as long as the options say: the client itself takes one timeout for everything."""

        def __init__(self, config: NodeConfig) -> None:
            super().__init__(config)
            self.pool.timeout = Timeout(connect=options.connect_timeout, read=options.request_timeout)
            waiting: Any = options.pool_timeout  # Any: urllib3's types want whole seconds, its queue doesn't
            urlopen = partial(self.pool.urlopen, pool_timeout=waiting)
            self.pool.urlopen = urlopen  # type: ignore[method-assign]  # what the node calls

    return Node


def _async_node(options: ElasticsearchOptions) -> Any:  # Any: as above
    from aiohttp import ClientTimeout
    from elastic_transport import AiohttpHttpNode, ConnectionTimeout, NodeConfig

    timeout = ClientTimeout(total=None, sock_connect=options.connect_timeout, sock_read=options.request_timeout)

    class Session:
        """A session whose requests wait as long as the options say, and are sent in parts where they are long."""

        def __init__(self, session: Any) -> None:  # Any: aiohttp's, which is not to be inherited from
            self._session = session

        def request(self, method: str, url: str, *, data: bytes | None, **settings: Any) -> Any:  # Any: as aiohttp's
            parts = data if data is None or len(data) < _LONG else BytesIO(data)
            return self._session.request(method, url, data=parts, **{**settings, "timeout": timeout})

        async def close(self) -> None:
            await self._session.close()

    class Node(AiohttpHttpNode):
        """As the other one."""

        def __init__(self, config: NodeConfig) -> None:
            super().__init__(config)
            self._places = asyncio.Semaphore(options.pool_size)

        async def perform_request(self, *args: Any, **settings: Any) -> Any:  # type: ignore[override]  # any: as there
            await self._place()
            try:
                return await super().perform_request(*args, **settings)
            finally:
                self._places.release()

        async def _place(self) -> None:
            try:
                async with asyncio.timeout(options.pool_timeout if self._places.locked() else None):
                    await self._places.acquire()
            except TimeoutError as late:
                raise ConnectionTimeout("no connection came free in time", errors=(late,)) from None

        def _create_aiohttp_session(self) -> None:
            super()._create_aiohttp_session()
            session: Any = Session(self.session)
            self.session = session

    return Node
