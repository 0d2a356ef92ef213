"""Requests by httpx's transports.

What its clients do besides, such as redirects, cookies and hooks, no engine asks for, and it takes as long as sending
the request and reading the answer.
"""

from __future__ import annotations

from functools import lru_cache

import httpx


def sent(session: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Return the answer to a request, read, whatever its status.

    Args:
        session: The client by whose connections it goes.
        request: Whole: its URL, its headers, and in its extensions the timeouts are what is sent and heeded.
    """
    response = session._transport_for_url(request.url).handle_request(request)  # noqa: SLF001 (proxies are a client's own)
    response.request = request
    try:
        response.read()
    finally:
        response.close()
    return response


async def sent_async(session: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Return the same, awaited."""
    response = await session._transport_for_url(request.url).handle_async_request(request)  # noqa: SLF001 (as above)
    response.request = request
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response


@lru_cache(maxsize=1024)
def parsed(url: str) -> httpx.URL:
    """Return a URL, which is parsed once: there are a few for each collection."""
    return httpx.URL(url)
