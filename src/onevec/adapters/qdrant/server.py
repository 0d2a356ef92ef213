"""A Qdrant server: what is asked of it often is JSON that is made and read here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import orjson

from onevec.adapters.qdrant.calls import Json, Point, Record, Search, Wanted
from onevec.adapters.qdrant.client import ClientCalls
from onevec.errors import EngineError

_JSON = MappingProxyType({"Content-Type": "application/json"})
T = TypeVar("T")


class ServerCalls(ClientCalls):
    """The client sends these requests and reads their answers, by its own connections and with its own errors.

    Only its models are left out. Making them takes longer than all else here, and a number of a vector half as many
    bytes as in theirs: as a float32, its shortest decimal is enough.
    """

    async def upsert(self, name: str, points: Sequence[Point], *, wait: bool) -> None:
        await self._index_numbers(name, points)
        body = {"points": [{"id": id, "vector": vector, "payload": payload} for id, vector, payload in points]}
        await self._ask("PUT", "points", name, body, bool, wait=wait)

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
        await self._ask("POST", "points/delete", name, {"filter": filter}, bool, wait=True)

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
        *,
        wait: bool | None = None,
    ) -> T:
        """Send a request, and return what is read of its result."""
        request = partial(
            self.client.http.client.request,
            type_=dict[str, Any],
            method=method,
            url="/collections/{name}/" + path,
            path_params={"name": name},
            content=orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY),
            headers=_JSON,
            **({} if wait is None else {"params": {"wait": "true" if wait else "false"}}),
        )
        answer = await self._call(request)
        try:
            return read(answer["result"])
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
