"""A Qdrant server: what is asked of it often is JSON that is made and read here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar
from urllib.parse import quote

import httpx
import orjson
from qdrant_client.http.exceptions import UnexpectedResponse

from onevec.adapters.qdrant.calls import Json, Point, Record, Search, Wanted
from onevec.adapters.qdrant.client import ClientCalls
from onevec.adapters.qdrant.failures import as_onevec
from onevec.errors import EngineError
from onevec.remote.httpx_requests import parsed, sent, sent_async
from onevec.runtime import Runtime

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient, QdrantClient

Limits: TypeAlias = Callable[[], dict[str, float]]
T = TypeVar("T")


class ServerCalls(ClientCalls):
    """These requests go by the client's connections and past its middleware, and refusals are its own errors.

    Only its models are left out, and what httpx does besides sending. Either takes longer than all else here, and a
    number of a vector half as many bytes as in the client's models: as a float32, its shortest decimal is enough.

    Args:
        io: Calls the client's methods.
        client: One of the two.
        where: The server's address.
        limits: Gives the timeouts of a request, as httpx names them.
    """

    def __init__(self, io: Runtime, client: QdrantClient | AsyncQdrantClient, where: str, limits: Limits) -> None:
        super().__init__(io, client, where)
        self._api = api = self.client.http.client
        session: Any  # Any: one of httpx's two clients, which Qdrant's don't show
        self._send: Callable[[httpx.Request], Any]  # Any: an answer, or an awaitable of one
        if hasattr(api, "_client"):
            session = api._client  # noqa: SLF001 (as above)
            self._send = partial(sent, session)
        else:
            session = api._async_client  # noqa: SLF001 (as above)
            self._send = partial(sent_async, session)
        self._headers = httpx.Headers({**session.headers, "Content-Type": "application/json"})
        self._collections = f"{api.host.rstrip('/')}/collections"
        self._limits = limits

    async def upsert(self, name: str, points: Sequence[Point], *, wait: bool) -> None:
        await self._index_numbers(name, points)
        body = {"points": [{"id": id, "vector": vector, "payload": payload} for id, vector, payload in points]}
        await self._ask("PUT", f"points?wait={'true' if wait else 'false'}", name, body, bool)

    async def retrieve(self, name: str, ids: Sequence[str], wanted: Wanted) -> list[Record]:
        return await self._ask("POST", "points", name, {"ids": ids, **_parts(wanted)}, _records)

    async def scroll(
        self, name: str, filter: Json, *, offset: str | None, limit: int, wanted: Wanted
    ) -> tuple[list[Record], str | None]:
        body = {"filter": filter, "offset": offset, "limit": limit, **_parts(wanted)}
        return await self._ask("POST", "points/scroll", name, body, _page)

    async def count(self, name: str, filter: Json) -> int:
        return await self._ask("POST", "points/count", name, {"filter": filter, "exact": True}, _count)

    async def delete(self, name: str, filter: Json) -> None:
        await self._ask("POST", "points/delete?wait=true", name, {"filter": filter}, bool)

    async def search(self, name: str, search: Search) -> list[Record]:
        params: Json = {"quantization": {"rescore": True}, "exact": search.exact}
        if search.ef is not None:
            params["hnsw_ef"] = search.ef
        body = {"query": {"nearest": search.vector}, "params": params, "limit": search.limit, **_parts(search.wanted)}
        if search.filter:
            body["filter"] = search.filter
        return await self._ask("POST", "points/query", name, body, _points)

    async def _ask(
        self,
        method: Literal["POST", "PUT"],
        path: str,
        name: str,
        body: Json,
        read: Callable[[Any], T],  # Any: JSON
    ) -> T:
        """Send a request, and return what is read of its result."""
        request = httpx.Request(
            method,
            parsed(f"{self._collections}/{quote(name, safe='')}/{path}"),
            headers=self._headers,
            content=orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY),
            extensions={"timeout": self._limits()},
        )
        answer = await self._call(self._api.middleware, request, self._send)
        if not answer.is_success:
            refused = UnexpectedResponse.for_response(answer)
            raise as_onevec(refused, self._where) from refused
        try:
            return read(orjson.loads(answer.content)["result"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EngineError(f"Qdrant at {self._where} gave an answer that can't be read: {error!r}") from error


def _parts(wanted: Wanted) -> Json:
    return {"with_payload": wanted.payload, "with_vector": wanted.vector}


def _records(points: Sequence[Json]) -> list[Record]:
    return [Record(one.get("payload") or {}, one.get("vector"), one.get("score", 0.0)) for one in points]


def _points(found: Json) -> list[Record]:
    return _records(found["points"])


def _page(found: Json) -> tuple[list[Record], str | None]:
    return _records(found["points"]), found.get("next_page_offset")


def _count(found: Json) -> int:
    return int(found["count"])
