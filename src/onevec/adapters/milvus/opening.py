"""The two ways to reach Milvus, and what can be set about them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from onevec.deadline import seconds_left
from onevec.errors import ConfigError, Corrupted, EngineBusy, EngineNotInstalled
from onevec.registry import install_command
from onevec.remote import grpc_threads, store_folder
from onevec.runtime import AsyncRuntime, Runtime
from onevec.secret import Secret

# They log every error, with a traceback.
LEAST = 0.001  # seconds of a call: none at all would be as many as it takes
_LOGGERS = ("pymilvus.decorators", "milvus_lite.adapter.grpc.servicer")


@dataclass(frozen=True, slots=True)
class MilvusOptions:
    """What `milvus://user:password@localhost:19530/database?option=value` or `milvus:///papers.db` can set.

    Attributes:
        path: Without a host the folder, usually called `NAME.db`. With one, the server's database.
        create: Whether to make the folder if it isn't there.
        host: The server.
        port: Its port.
        tls: Whether to speak TLS; None for "if there is a password or a token".
        username: The user.
        password: The password.
        token: An API key, in place of user and password.
        connect_timeout: Seconds to wait for the server to take a connection.
        request_timeout: Seconds to wait for an answer.
    """

    path: Path | None = None
    create: bool = True
    host: str | None = None
    port: int = 19530
    tls: bool | None = None
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    connect_timeout: float = 10.0
    request_timeout: float = 30.0


class Lite:
    """Milvus Lite in this process, on a folder: the same server, spoken to by the same client over the loopback.

    Attributes:
        uri: Where it listens.
    """

    def __init__(self, options: MilvusOptions) -> None:
        try:
            from milvus_lite import DataDirLockedError, ManifestCorruptedError, WALCorruptedError
            from milvus_lite.adapter.grpc.server import start_server_in_thread
        except ImportError as error:
            raise EngineNotInstalled(f"milvus on a folder needs {error.name}: {install_command('milvus')}") from error

        if options.path is None:
            raise ConfigError("milvus needs a server or a folder: milvus://localhost:19530, or milvus:///papers.db")
        folder = store_folder(options.path, create=options.create, example="milvus:///papers.db")
        try:
            self._server, self._engine, port = start_server_in_thread(str(folder.absolute()))
        except DataDirLockedError as error:
            raise EngineBusy(f"{folder} is open already; close it there, or run a Milvus server for both") from error
        except (ManifestCorruptedError, WALCorruptedError) as error:
            raise Corrupted(f"{folder} is damaged ({error}); restore it from a backup") from error
        self.uri = f"http://127.0.0.1:{port}"

    def close(self) -> None:
        """Stop it."""
        self._server.stop(grace=None).wait()
        self._engine.close()


class Client:
    """pymilvus's client, sync or async, with a connection of its own.

    Attributes:
        milvus: The client itself.
        where: What it speaks to, for messages.
        timeout: Seconds to wait for an answer.
        lite: What runs behind it in this process; None for a server.
    """

    def __init__(self, milvus: Any, where: str, timeout: float, lite: Lite | None = None) -> None:  # Any: two classes
        self.milvus = milvus
        self.where = where
        self.timeout = timeout
        self.lite = lite

    @classmethod
    def of_folder(cls, options: MilvusOptions) -> Self:
        """Open a folder."""
        from pymilvus import MilvusClient

        lite = Lite(options)
        quiet()
        try:
            milvus = MilvusClient(lite.uri, dedicated=True, timeout=options.connect_timeout)
        except BaseException:
            lite.close()
            raise
        return cls(milvus, str(options.path), options.request_timeout, lite)

    @classmethod
    async def of_server(cls, io: Runtime, options: MilvusOptions) -> Self:
        """Connect to a server."""
        from onevec.adapters.milvus.failures import as_onevec

        where = f"{options.host}:{options.port}"
        try:
            milvus = await io.offload(_client, options, is_async=isinstance(io, AsyncRuntime))
        except Exception as error:
            mapped = as_onevec(error, where)
            if mapped is error:
                raise
            raise mapped from error
        if isinstance(io, AsyncRuntime):
            grpc_threads.keep()
        return cls(milvus, where, options.request_timeout)

    def close(self) -> None:
        """Close the sync client, and what runs behind it."""
        self.milvus.close()
        if self.lite is not None:
            self.lite.close()


def quiet() -> None:
    """Let the libraries' loggers, once they are imported, log no error that is raised anyway.

    Those that the program has set up stay as they are.
    """
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.CRITICAL)


def _client(options: MilvusOptions, *, is_async: bool) -> Any:  # Any: one of two classes
    from pymilvus import AsyncMilvusClient, MilvusClient

    quiet()
    token = "" if options.token is None else options.token.reveal()
    if options.password is not None:
        token = f"{options.username or 'root'}:{options.password.reveal()}"
    tls = bool(token) if options.tls is None else options.tls
    return (AsyncMilvusClient if is_async else MilvusClient)(
        f"{'https' if tls else 'http'}://{options.host}:{options.port}",
        token=token,
        db_name="" if options.path is None else options.path.as_posix(),
        timeout=seconds_left(options.connect_timeout, least=LEAST),
        dedicated=True,
        # Else gRPC lets a new connection wait because an older one to that address was refused a moment ago.
        grpc_options={"grpc.use_local_subchannel_pool": 1},
    )
