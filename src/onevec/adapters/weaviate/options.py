"""What can be set about a Weaviate server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from onevec.errors import ConfigError
from onevec.secret import Secret

_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_CLOUD = (".weaviate.cloud", ".weaviate.network")


@dataclass(frozen=True, slots=True)
class WeaviateOptions:
    """What `weaviate://localhost:8080?option=value` can set.

    Attributes:
        host: The server.
        port: The port of its REST API; None for 8080, or 443 with TLS.
        grpc_host: Where its gRPC API is; None for the host, in Weaviate Cloud for the one that belongs to it.
        grpc_port: The port of that; None for 50051, or 443 with TLS.
        tls: Whether to speak HTTPS; None for "if there is an api_key".
        api_key: The server's key.
        prefix: What the names of the store's collections begin with in Weaviate: a-z, then a-z, 0-9 and `_`. Stores
            of several prefixes know nothing of each other.
        pool_size: Connections kept for the REST API; gRPC has one for everything.
        pool_timeout: Seconds to wait for one of them.
        connect_timeout: Seconds to wait for the server to take a connection.
        request_timeout: Seconds to wait for an answer.
        m: How many links a vector has in the graphs of collections that are made from now on.
        ef_construction: How many candidates there are for them.
    """

    host: str = ""
    port: int | None = None
    grpc_host: str | None = None
    grpc_port: int | None = None
    tls: bool | None = None
    api_key: Secret | None = None
    prefix: str = ""
    pool_size: int = 16
    pool_timeout: float = 10.0
    connect_timeout: float = 5.0
    request_timeout: float = 30.0
    m: int = 32
    ef_construction: int = 128


class Address(NamedTuple):
    """Where a server is."""

    host: str
    port: int
    grpc_host: str
    grpc_port: int
    tls: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def address_of(options: WeaviateOptions) -> Address:
    """Return where the server is.

    Raises:
        ConfigError: There is no host, or the prefix can't begin a name.
    """
    if not options.host:
        raise ConfigError("weaviate needs a server: weaviate://localhost:8080")
    if options.prefix and not _PREFIX.fullmatch(options.prefix):
        raise ConfigError(f"prefix= is a-z, then up to 62 of a-z, 0-9 and _, got {options.prefix!r}")
    tls = options.api_key is not None if options.tls is None else options.tls
    return Address(
        options.host,
        options.port or (443 if tls else 8080),
        options.grpc_host or _grpc_host(options.host),
        options.grpc_port or (443 if tls else 50051),
        tls,
    )


def _grpc_host(host: str) -> str:
    if not host.endswith(_CLOUD):
        return host
    cluster, _, domain = host.partition(".")
    return f"{cluster}.grpc.{domain}" if domain == "weaviate.network" else f"grpc-{host}"
