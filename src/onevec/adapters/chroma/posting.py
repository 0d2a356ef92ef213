"""Requests by httpx's transports.

What its clients do besides, such as redirects and cookies, no Chroma server asks for, and it takes as long as sending
the request and reading the answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import httpx


def posted(session: httpx.Client, url: str, body: bytes) -> httpx.Response:
    """Return the answer to a body of JSON, read, whatever its status."""
    parsed = _parsed(url)
    request = _request(session, parsed, body)
    response = session._transport_for_url(parsed).handle_request(request)  # noqa: SLF001 (proxies are a client's own)
    response.request = request
    try:
        response.read()
    finally:
        response.close()
    return response


async def posted_async(session: httpx.AsyncClient, url: str, body: bytes) -> httpx.Response:
    """Return the same, awaited."""
    parsed = _parsed(url)
    request = _request(session, parsed, body)
    response = await session._transport_for_url(parsed).handle_async_request(request)  # noqa: SLF001 (as above)
    response.request = request
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response


@lru_cache
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


def _request(session: Any, url: httpx.URL, body: bytes) -> httpx.Request:  # Any: a client of either colour
    extensions = {"timeout": session.timeout.as_dict()}
    return httpx.Request("POST", url, headers=session.headers, content=body, extensions=extensions)
