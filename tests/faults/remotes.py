"""The engines that are elsewhere: how to reach each through proxies. A new one is one line of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import pytest
from tests.servers.postgres import PASSWORD
from tests.servers.tcp_proxy import Fault, TcpProxy


class Remote(NamedTuple):
    """How an engine is reached.

    Attributes:
        fixture: The server's fixture.
        url: The URL of a store, given the ports and a name of its own.
        ports: Where the server listens.
        speaks_http: Whether what listens at the first port speaks HTTP.
        reconnects: Whether its client connects anew as soon as a connection is lost: gRPC's can take seconds, and a
            call that comes too early then ends with its timeout.
        options: More of its options.
    """

    fixture: str
    url: Callable[[Sequence[int], str], str]
    ports: Callable[[Any], Sequence[int]] = lambda server: [server.port]
    speaks_http: bool = True
    options: Mapping[str, Any] = {}
    reconnects: bool = True


REMOTES: Mapping[str, Remote] = {
    "qdrant": Remote(
        "qdrant",
        lambda ports, name: f"qdrant://127.0.0.1:{ports[0]}/{name}",
    ),
    "pgvector": Remote(
        "postgres",
        lambda ports, name: f"postgresql://postgres@127.0.0.1:{ports[0]}/postgres?schema={name}",
        speaks_http=False,
        options={"password": PASSWORD},
    ),
    "weaviate": Remote(
        "weaviate",
        lambda ports, name: f"weaviate://127.0.0.1:{ports[0]}?grpc_port={ports[1]}&prefix={name}",
        ports=lambda server: [server.port, server.grpc_port],
        reconnects=False,
    ),
    "chroma": Remote(
        "chroma",
        lambda ports, name: f"chroma://127.0.0.1:{ports[0]}?database={name}",
    ),
    "elasticsearch": Remote(
        "elasticsearch",
        lambda ports, name: f"elasticsearch://127.0.0.1:{ports[0]}?prefix={name}-&replicas=0",
    ),
    "pinecone": Remote(
        "pinecone",
        lambda ports, name: f"pinecone://127.0.0.1:{ports[0]}?api_key={name}",
    ),
    "milvus": Remote(
        "milvus",
        lambda ports, _: f"milvus://127.0.0.1:{ports[0]}",  # a database of a test's own would have to be made
        speaks_http=False,
        reconnects=False,
    ),
}

# One worker has the server for all of its tests.
NAMES = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in REMOTES]


class Line:
    """The way to a server, through a proxy for each of its ports."""

    def __init__(self, remote: Remote, proxies: Sequence[TcpProxy]) -> None:
        self._remote = remote
        self._proxies = proxies

    def url(self, name: str) -> str:
        """Return the URL of a store, through the proxies."""
        return self._remote.url([proxy.port for proxy in self._proxies], name)

    @property
    def struck(self) -> int:
        """How many connections the last fault happened to."""
        return sum(proxy.struck for proxy in self._proxies)

    @contextmanager
    def under(self, fault: Fault) -> Iterator[None]:
        """Let a fault happen at every port; an HTTP answer only where HTTP is spoken."""
        proxies = self._proxies[:1] if fault.kind == "answer" else self._proxies
        with ExitStack() as faults:
            for proxy in proxies:
                faults.enter_context(proxy.under(fault))
            yield


@contextmanager
def line_to(remote: Remote, server: Any) -> Iterator[Line]:
    """Put proxies before a server."""
    with ExitStack() as running:
        yield Line(remote, [running.enter_context(TcpProxy(port)) for port in remote.ports(server)])
