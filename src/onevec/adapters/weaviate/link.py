"""The two APIs of a server: REST for classes and tenants, gRPC for objects.

Both are spoken to directly, with the messages that Weaviate's client carries. The client's own methods try a search
again for a minute whatever the deadline is, and keep neither the kind of an error nor how long the server asks to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import grpc
import httpx
from weaviate import WeaviateAsyncClient, WeaviateClient
from weaviate.classes.init import Auth
from weaviate.connect import ConnectionParams
from weaviate.proto.v1 import (
    aggregate_pb2,
    batch_delete_pb2,
    batch_pb2,
    health_weaviate_pb2,
    weaviate_pb2_grpc,
)

from onevec.adapters.weaviate.failures import NoTenant, of_answer, of_details, of_grpc, of_http
from onevec.adapters.weaviate.messages import of_filter, of_object, of_search, read_of
from onevec.deadline import seconds_left
from onevec.errors import EngineError, OnevecError
from onevec.remote import grpc_threads
from onevec.remote.httpx_deadline import bounded
from onevec.runtime import AsyncRuntime, Runtime

if TYPE_CHECKING:
    from onevec.adapters.weaviate.filters import Json
    from onevec.adapters.weaviate.objects import Object, Read
    from onevec.adapters.weaviate.options import Address, WeaviateOptions
    from onevec.secret import Secret

_MOST_BYTES = 100 * 2**20  # of a message; the server's default


class Link:
    """Connections to both APIs. Where a class is missing every call raises `onevec.remote.Missing`."""

    def __init__(self, io: Runtime, http: Any, channel: Any, options: WeaviateOptions, address: Address) -> None:
        self._io = io
        self._http = http  # Any: one of two classes, whose methods differ in their colour only; so is the channel
        self._channel = channel
        self._stub: Any = weaviate_pb2_grpc.WeaviateStub(channel)  # type: ignore[no-untyped-call]
        self._closed = False
        self._options = options
        self._address = address
        self._where = str(address)
        self._grpc_where = f"{address.grpc_host}:{address.grpc_port}"
        self._metadata = _metadata(options.api_key)

    @classmethod
    async def open(cls, io: Runtime, options: WeaviateOptions, address: Address) -> Self:
        is_async = isinstance(io, AsyncRuntime)
        http = await io.offload(_http, options, address, is_async=is_async)  # reads certificates
        return cls(io, http, _channel(options, address, is_async=is_async), options, address)

    async def close(self) -> None:
        """Close both; calls that are under way fail."""
        self._closed = True
        try:
            await self._io.call(self._http.aclose if isinstance(self._http, httpx.AsyncClient) else self._http.close)
        finally:
            await self._io.call(self._channel.close)

    async def rest(self, method: str, *path: str, body: object = None) -> Any:
        """Return what a request of the REST API answers, as JSON values; None if that is nothing."""
        url = "/v1/" + "/".join(quote(part, safe="") for part in path)
        try:
            answer = await self._io.call(self._http.request, method, url, json=body)
        except httpx.HTTPError as error:
            raise of_http(error, self._where) from error
        if answer.is_error:
            raise of_answer(answer, self._where)
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise EngineError(f"at {self._where} something answers that isn't Weaviate; check the URL") from error

    async def check_objects(self) -> None:
        """Let the gRPC API answer once."""
        check = self._channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_weaviate_pb2.WeaviateHealthCheckRequest.SerializeToString,
            response_deserializer=health_weaviate_pb2.WeaviateHealthCheckResponse.FromString,
        )
        await self._call(check, health_weaviate_pb2.WeaviateHealthCheckRequest())

    def client(self) -> WeaviateClient | WeaviateAsyncClient:
        """Return a client of the same server that isn't connected."""
        address, key = self._address, self._options.api_key
        return (WeaviateAsyncClient if isinstance(self._io, AsyncRuntime) else WeaviateClient)(
            ConnectionParams.from_params(
                address.host, address.port, address.tls, address.grpc_host, address.grpc_port, address.tls
            ),
            auth_client_secret=None if key is None else Auth.api_key(key.reveal()),
            skip_init_checks=True,  # which would ask PyPI for the newest version
        )

    async def write(self, name: str, tenant: str, objects: Sequence[Object]) -> list[OnevecError | None]:
        """Write whole objects; return for each what failed."""
        messages = [of_object(one, name, tenant) for one in objects]
        reply = await self._call(self._stub.BatchObjects, batch_pb2.BatchObjectsRequest(objects=messages))
        failures: list[OnevecError | None] = [None] * len(objects)
        for error in reply.errors:
            failure = of_details(error.error, self._where)
            if not isinstance(failure, OnevecError):
                raise failure
            failures[error.index] = failure
        return failures

    async def read(
        self,
        name: str,
        tenant: str,
        *,
        limit: int,
        wanted: Sequence[str],
        condition: Json | None = None,
        vector: bytes | None = None,
        after: str = "",
    ) -> list[Read]:
        """Return up to `limit` objects, as `messages.of_search` describes them; none if there is no such tenant."""
        search = of_search(name, tenant, limit=limit, wanted=wanted, condition=condition, vector=vector, after=after)
        try:
            return list(map(read_of, (await self._call(self._stub.Search, search)).results))
        except NoTenant:
            return []

    async def count(self, name: str, tenant: str, condition: Json | None) -> int:
        """Return how many objects match."""
        request = aggregate_pb2.AggregateRequest(
            collection=name, tenant=tenant, objects_count=True, filters=of_filter(condition)
        )
        try:
            return int((await self._call(self._stub.Aggregate, request)).single_result.objects_count)
        except NoTenant:
            return 0

    async def delete(self, name: str, tenant: str, condition: Json) -> int:
        """Delete the objects that match; return how many there were."""
        request = batch_delete_pb2.BatchDeleteRequest(collection=name, tenant=tenant, filters=of_filter(condition))
        deleted = 0
        while True:
            try:
                reply = await self._call(self._stub.BatchDelete, request)
            except NoTenant:
                return deleted
            deleted += int(reply.successful)
            if reply.failed:
                raise EngineError(f"Weaviate at {self._where} failed to delete {reply.failed} documents; try again")
            if not reply.successful:
                return deleted

    async def _call(self, method: Callable[..., Any], request: Any) -> Any:
        try:
            seconds = seconds_left(self._options.request_timeout)
            return await self._io.call(method, request, timeout=seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            raise of_grpc(error, self._grpc_where) from error
        except asyncio.CancelledError as error:  # also what gRPC ends a call by when its channel is closed
            task = asyncio.current_task()
            if not self._closed or (task is not None and task.cancelling()):
                raise
            raise EngineError("the connection was closed during the call") from error


class _Hidden(str):
    """A text that shows as stars where a program's state is shown, as in a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def _metadata(key: Secret | None) -> tuple[tuple[str, str], ...]:
    return () if key is None else (("authorization", _Hidden(f"Bearer {key.reveal()}")),)


def _http(options: WeaviateOptions, address: Address, *, is_async: bool) -> httpx.Client | httpx.AsyncClient:
    client = (httpx.AsyncClient if is_async else httpx.Client)(
        base_url=f"{'https' if address.tls else 'http'}://{address}",
        headers=dict(_metadata(options.api_key)),
        verify=address.tls,
        timeout=httpx.Timeout(options.request_timeout, connect=options.connect_timeout, pool=options.pool_timeout),
        limits=httpx.Limits(max_connections=options.pool_size, max_keepalive_connections=options.pool_size),
    )
    if isinstance(client, httpx.Client):
        bounded(client)
    return client


def _channel(options: WeaviateOptions, address: Address, *, is_async: bool) -> Any:
    settings = [
        ("grpc.max_send_message_length", _MOST_BYTES),
        ("grpc.max_receive_message_length", _MOST_BYTES),
        ("grpc.use_local_subchannel_pool", 1),  # a store's connection is its own
        # A server that is back is found within a second: gRPC would wait up to two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.min_reconnect_backoff_ms", int(options.connect_timeout * 1_000)),
        ("grpc.enable_retries", 0),
    ]
    if is_async:
        grpc_threads.keep()
    kind: Any = grpc.aio if is_async else grpc
    target = f"{address.grpc_host}:{address.grpc_port}"
    if address.tls:
        return kind.secure_channel(target, grpc.ssl_channel_credentials(), options=settings)
    return kind.insecure_channel(target, options=settings)
