"""Connections by aiohttp for httpx's async client: its own take three times as long for a request."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import httpx
from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from yarl import URL

_LONG = 1 << 20  # aiohttp would send a longer body at once, while the event loop waits


class AiohttpTransport(httpx.AsyncBaseTransport):
    """What `httpx.AsyncClient(transport=...)` takes. It belongs to the event loop of its first request.

    Timeouts are those of each request, but waiting for a connection to come free and for the server to take a new one
    may take as long as both together.

    Args:
        connections: The most that are open, and kept.
        tls: Whether to expect HTTPS, with a certificate that is checked.
    """

    def __init__(self, *, connections: int, tls: bool) -> None:
        self._connections = connections
        self._certificates = httpx.create_ssl_context() if tls else True  # reading them takes long
        self._opened: ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        limits = request.extensions["timeout"]
        connecting, reading = limits["connect"], limits["read"]
        waits = ClientTimeout(
            total=None, connect=connecting + limits["pool"], sock_connect=connecting, sock_read=reading
        )
        try:
            async with self._session().request(
                request.method,
                _parsed(str(request.url)),
                data=body if len(body) < _LONG else BytesIO(body),
                headers=request.headers.multi_items(),
                allow_redirects=False,
                timeout=waits,
            ) as answer:
                content = await answer.read()
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error), request=request) from error
        except ClientConnectorError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except (ClientError, OSError) as error:
            raise httpx.ReadError(str(error) or type(error).__name__, request=request) from error
        reason = (answer.reason or "").encode("ascii", "replace")
        return httpx.Response(
            answer.status, headers=answer.raw_headers, content=content, extensions={"reason_phrase": reason}
        )

    async def aclose(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    def _session(self) -> ClientSession:
        if self._opened is None:
            self._opened = ClientSession(
                connector=TCPConnector(limit=self._connections, ssl=self._certificates),
                cookie_jar=DummyCookieJar(),
                auto_decompress=False,  # httpx does
                skip_auto_headers=("Content-Type",),
            )
        return self._opened


@lru_cache(maxsize=1024)
def _parsed(url: str) -> URL:
    return URL(url, encoded=True)
