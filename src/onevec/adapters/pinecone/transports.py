"""How requests to Pinecone are sent: with all of the store's time limits, and once.

Pinecone's client knows one time limit for everything, and tries again by itself, which is the core's to do.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import httpx

from onevec.remote.httpx_deadline import bounded

# Where in the namespace's log the last write of this task or thread is; see `Calls.written`.
COMMITTED: ContextVar[int | None] = ContextVar("onevec.pinecone.committed", default=None)
_HEADERS = ("x-pinecone-request-lsn", "x-pinecone-lsn-committed")


class Once(httpx.BaseTransport):
    """Sends a request one time."""

    def __init__(self, transport: httpx.BaseTransport, timeout: httpx.Timeout) -> None:
        self._transport = transport
        self._timeout = timeout.as_dict()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "timeout": self._timeout}
        response = self._transport.handle_request(request)
        _note(response)
        return response

    def close(self) -> None:
        self._transport.close()


class AsyncOnce(httpx.AsyncBaseTransport):
    """Sends a request one time."""

    def __init__(self, transport: httpx.AsyncBaseTransport, timeout: httpx.Timeout) -> None:
        self._transport = transport
        self._timeout = timeout.as_dict()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "timeout": self._timeout}
        response = await self._transport.handle_async_request(request)
        _note(response)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


def once(client: Any, timeout: httpx.Timeout) -> Any:  # Any: a `Pinecone`, an `Index`, or their async forms
    """Return the client, which from now on sends its requests so."""
    http = client._http  # noqa: SLF001 (there is no way in)
    if hasattr(http, "_ensure_client"):
        session = http._ensure_client()  # noqa: SLF001
        session._transport = AsyncOnce(session._transport._transport, timeout)  # noqa: SLF001
    else:
        session = http._client  # noqa: SLF001
        session._transport = session._transport._transport  # noqa: SLF001
        bounded(session)
        session._transport = Once(session._transport, timeout)  # noqa: SLF001
    return client


def _note(response: httpx.Response) -> None:
    for header in _HEADERS:
        if header in response.headers:
            COMMITTED.set(int(response.headers[header]))
