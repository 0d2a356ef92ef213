"""Deadlines for the sync client of httpx, whose timeouts begin anew with every byte."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from onevec.deadline import seconds_left

_SMALL = 64 * 1024


def bounded(client: httpx.Client) -> None:
    """Let no request of this client outlive the call that it is made for.

    Args:
        client: A client whose transports are httpx's own; also the one inside an engine's client.
    """
    transports = [client._transport, *client._mounts.values()]  # noqa: SLF001 (httpx has no way to set a backend)
    for transport in transports:
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool  # noqa: SLF001 (as above)
            pool._network_backend = _Backend(pool._network_backend)  # noqa: SLF001 (as above)


class _Stream(httpcore.NetworkStream):
    """A connection that waits no longer than the call may last.

    It sends a request's head and its body together, where they are small. httpcore sends one after the other, and the
    server wakes up for both.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._held = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._send(b"", timeout)
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not self._held and 0 < len(buffer) <= _SMALL:
            self._held = buffer  # until what is next; after the last there is an empty one
        else:
            self._send(buffer, timeout)

    def _send(self, buffer: bytes, timeout: float | None) -> None:
        held, self._held = self._held, b""
        if len(buffer) <= _SMALL:
            held, buffer = held + buffer, b""
        for part in (held, buffer):
            if part:
                self._stream.write(part, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:  # Any: as httpcore's
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """What makes such connections."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # Any: as httpcore's
    ) -> httpcore.NetworkStream:
        return _Stream(self._backend.connect_tcp(host, port, _left(timeout), local_address, socket_options))

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,  # Any: as httpcore's
    ) -> httpcore.NetworkStream:
        return _Stream(self._backend.connect_unix_socket(path, _left(timeout), socket_options))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


def _left(timeout: float | None) -> float:
    """Seconds, above 0: that would mean not to wait at all, and not to fail but to ask again."""
    return seconds_left(timeout, least=0.001)
