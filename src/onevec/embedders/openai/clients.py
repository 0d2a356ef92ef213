"""Where an embeddings server is, the key it gets, and the clients that speak to it."""

from __future__ import annotations

import asyncio
import os
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from threading import Lock
from typing import Any, NamedTuple, Self, TypeAlias
from urllib.parse import urlsplit
from weakref import finalize

from onevec.errors import ConfigError
from onevec.secret import Secret

KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
Create: TypeAlias = Callable[..., Any]  # Any: an answer, or what is awaited for one; a server may send anything
_OPENAI = "https://api.openai.com/v1"


class Access(NamedTuple):
    """How to reach a server.

    Attributes:
        base_url: Where the API is.
        key: What the server gets as proof, if it needs any.
        is_openai: Whether it is OpenAI's own.
        server: What to call it in a message.
    """

    base_url: str
    key: Secret | None
    is_openai: bool
    server: str

    @classmethod
    def checked(cls, base_url: str | None, api_key: Secret | None) -> Self:
        """Return how to reach the server that the arguments and the environment name.

        Raises:
            ConfigError: The address can't be understood, or OpenAI's key is missing.
        """
        where = base_url or os.environ.get(URL_VARIABLE) or _OPENAI
        host = _host(where)
        is_openai = host == "api.openai.com" or host.endswith(".api.openai.com")
        key, source = api_key, "api_key"
        if key is None and (is_openai or not base_url) and os.environ.get(KEY_VARIABLE):  # it is for nobody else
            key, source = Secret(os.environ[KEY_VARIABLE]), f"${KEY_VARIABLE}"
        if key is None and is_openai:
            raise ConfigError(f"OpenAI needs a key: set {KEY_VARIABLE} in the environment, or pass api_key=")
        if key is not None and not _can_be_key(key.reveal()):
            raise ConfigError(f"{source} is no key: one has no spaces, line breaks or letters beyond ASCII in it")
        return cls(where, key, is_openai, "OpenAI" if is_openai else f"the server at {host}")


class Clients:
    """OpenAI's clients, made when first asked for: one for all threads, and one for each event loop."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = Lock()
        self._blocking: Create | None = None
        self._of_loops: dict[AbstractEventLoop, tuple[AsyncGenerator[Create, None], Create]] = {}

    def blocking(self) -> Create:
        """Return the call that asks for vectors, for threads."""
        with self._lock:
            if self._blocking is None:
                client, self._blocking = self._made(is_async=False)
                finalize(self, client.close)  # else its connections would be left to the garbage collector
        return self._blocking

    async def of_loop(self) -> Create:
        """Return the one to await in the running event loop: its connections can't be used by another loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._of_loops:
            for other in [other for other in self._of_loops if other.is_closed()]:
                self._of_loops.pop(other, None)
            opened = self._opened()
            self._of_loops[loop] = opened, await anext(opened)
        return self._of_loops[loop][1]

    async def _opened(self) -> AsyncGenerator[Create, None]:
        """Yield the call of a client that is closed with its event loop, which ends the generators left in it."""
        client, create = await asyncio.to_thread(self._made, is_async=True)  # imports, and certificates
        try:
            yield create
        finally:
            await client.close()

    def _made(self, *, is_async: bool) -> tuple[Any, Create]:  # Any: the library is loaded here
        import openai

        key = self._access.key
        client = (openai.AsyncOpenAI if is_async else openai.OpenAI)(
            api_key="none" if key is None else key.reveal(),
            base_url=self._access.base_url,
            max_retries=0,  # onevec's own retries know the deadline
        )
        with suppress(ImportError):  # else the event loop would wait for it, with the first request
            import_module("anyio._backends._asyncio")
        return client, partial(
            client.embeddings.create, extra_headers={"Authorization": openai.Omit()} if key is None else None
        )


def _host(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https") or "@" in parts.netloc:
        raise ConfigError("base_url is an address such as http://localhost:11434/v1, without a user and password")
    return host if port is None else f"{host}:{port}"


def _can_be_key(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
