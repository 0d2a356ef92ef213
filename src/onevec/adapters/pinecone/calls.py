"""What the adapter asks of Pinecone."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec
from urllib.parse import quote

from onevec.adapters.pinecone.names import DEFAULT
from onevec.adapters.pinecone.records import METRICS, Record
from onevec.documents import CollectionInfo
from onevec.errors import EngineError, EngineTimeout
from onevec.remote import Missing, info_from, info_to_keep
from onevec.runtime import Runtime

if TYPE_CHECKING:
    from onevec.adapters.pinecone.opening import PineconeOptions

P = ParamSpec("P")
Json = dict[str, Any]  # Any: JSON values

_TAG = 120  # characters of a tag's value
_URL = 6000  # characters of the ids in one address
_WRITTEN = 1000  # ids of one delete
PAGE = 100


class Calls:
    """Calls of the clients, with the errors of onevec. What is missing raises `onevec.remote.Missing`.

    Args:
        io: Calls the clients' methods.
        client: Pinecone's own, of the project.
        connect: Makes the one of an index from its host.
        options: The store's options.
    """

    def __init__(self, io: Runtime, client: Any, connect: Callable[[str], Any], options: PineconeOptions) -> None:
        from pinecone import __version__
        from pinecone.errors import PineconeError

        from onevec.adapters.pinecone.failures import as_onevec
        from onevec.adapters.pinecone.transports import COMMITTED

        self.client: Any = client
        self.version = __version__
        self._io = io
        self._connect = connect
        self._options = options
        self._error = PineconeError
        self._as_onevec = as_onevec
        self._committed = COMMITTED
        self._indexes: dict[str, Any] = {}

    async def close(self) -> None:
        for index in (*self._indexes.values(), self.client):
            await self.call(index.close)

    async def call(self, method: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:  # Any: the client's
        try:
            return await self._io.call(method, *args, **kwargs)
        except self._error as error:
            raise self._as_onevec(error, self._options.address) from error

    async def gather(self, calls: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
        return await self._io.gather(calls, 4)

    # The project.

    async def all(self) -> list[Any]:  # Any: Pinecone's descriptions of indexes
        found: list[Any] = await self.call(self.client.indexes.list().to_list)
        return found

    async def describe(self, name: str) -> Any:  # Any: one of them
        return await self.call(self.client.indexes.describe, name)

    async def create(self, name: str, info: CollectionInfo) -> bool:
        # A schema of this one field is what an index is that the vectors of Pinecone's API are in.
        vectors = {"type": "dense_vector", "dimension": info.dimension, "metric": METRICS[info.metric]}
        try:
            await self.call(
                self.client.indexes.create,
                name=name,
                schema={"fields": {"_values": vectors}},
                deployment={
                    "deployment_type": "managed",
                    "cloud": self._options.cloud,
                    "region": self._options.region,
                },
                tags=tags_of(info),
                timeout=max(1, int(self._options.create_timeout)),
            )
        except EngineError as error:
            if "HTTP 409" in str(error):
                return False
            raise
        return True

    async def drop(self, name: str) -> None:
        await self.call(self.client.indexes.delete, name, timeout=max(1, int(self._options.create_timeout)))

    async def connected(self, description: Any) -> Any:  # Any: Pinecone's client of an index
        host = description.host
        if not host:
            raise EngineError(f"index {description.name!r} isn't ready yet; try again", retryable=True)
        if host not in self._indexes:
            made = await self._io.offload(self._connect, host)
            if self._indexes.setdefault(host, made) is not made:  # another call was faster
                await self.call(made.close)
        return self._indexes[host]

    # An index.

    async def upsert(self, index: Any, namespace: str, records: Sequence[Record]) -> int | None:
        """Write whole records; return where in the namespace's log they are."""
        vectors = [{"id": id, "values": values, "metadata": metadata} for id, values, metadata in records]
        return await self._written(index.upsert, vectors=vectors, namespace=namespace)

    async def delete(self, index: Any, namespace: str, ids: Sequence[str]) -> int | None:
        """Remove records; return where in the namespace's log that is."""
        at: int | None = None
        for start in range(0, len(ids), _WRITTEN):
            at = await self._written(index.delete, ids=list(ids[start : start + _WRITTEN]), namespace=namespace)
        return at

    async def clear(self, index: Any, namespace: str) -> None:
        """Remove all records, and the namespace, too, unless it is the default one."""
        with suppress(Missing):  # nothing was ever written to it
            if namespace == DEFAULT:
                await self.call(index.delete, delete_all=True, namespace=namespace)
            else:
                await self.call(index.delete_namespace, name=namespace)

    async def fetch(self, index: Any, namespace: str, ids: Sequence[str]) -> list[Any]:  # Any: records
        """Those of the records that exist. The ids go into addresses, which can't be of any length."""
        chunks: list[list[str]] = []
        room = 0
        for id in ids:
            size = len(quote(id, safe="")) + len("&ids=")
            if size > room:
                chunks.append([])
                room = _URL
            chunks[-1].append(id)
            room -= size
        calls = [partial(self.call, index.fetch, ids=chunk, namespace=namespace) for chunk in chunks]
        return [record for answer in await self.gather(calls) for record in answer.vectors.values()]

    async def page(
        self, index: Any, namespace: str, filter: Json, *, limit: int, token: str | None
    ) -> tuple[list[Any], str | None]:  # Any: records
        """Up to `limit` records that match, and where to go on."""
        answer = await self.call(
            index.fetch_by_metadata, filter=filter, namespace=namespace, limit=limit, pagination_token=token
        )
        return list(answer.vectors.values()), answer.pagination.next if answer.pagination else None

    async def query(
        self, index: Any, namespace: str, vector: Sequence[float], filter: Json | None, top_k: int, **include: bool
    ) -> list[Any]:  # Any: matches
        answer = await self.call(
            index.query, vector=list(vector), namespace=namespace, filter=filter, top_k=top_k, **include
        )
        return list(answer.matches)

    async def counts(self, index: Any) -> Mapping[str, int]:
        """How many records each namespace has."""
        namespaces = (await self.call(index.describe_index_stats)).namespaces
        return {name or DEFAULT: summary.vector_count for name, summary in namespaces.items()}

    async def visible(self, index: Any, namespace: str, at: int, vector: Sequence[float]) -> None:
        """Return when searches see what is up to there in the namespace's log.

        https://docs.pinecone.io/guides/index-data/check-data-freshness
        """
        deadline, pause = time.monotonic() + self._options.visible_timeout, 0.05
        while True:
            answer = await self.call(index.query, vector=list(vector), namespace=namespace, top_k=1)
            told = answer.response_info
            if told is None or told.lsn_reconciled is None or told.is_reconciled(at):
                return
            if time.monotonic() + pause > deadline:
                raise EngineTimeout(
                    f"Pinecone has the write, and reads don't see it after {self._options.visible_timeout} seconds; "
                    "raise visible_timeout, or write with wait=False"
                )
            await self._io.sleep(pause)
            pause = min(pause * 2, 1.0)

    async def _written(self, method: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> int | None:
        self._committed.set(None)
        await self.call(method, *args, **kwargs)
        return self._committed.get()


def tags_of(info: CollectionInfo) -> dict[str, str]:
    """Return what an index is to remember: JSON, in tags as long as tags can be."""
    text = json.dumps(info_to_keep(info))
    return {f"onevec-{start // _TAG:02}": text[start : start + _TAG] for start in range(0, len(text), _TAG)}


def info_of(index: Any) -> CollectionInfo | None:  # Any: Pinecone's description of an index
    """Return what an index remembers; None for one of other software."""
    tags: Mapping[str, str] = index.tags or {}
    text = "".join(tags[name] for name in sorted(tags) if name.startswith("onevec-"))
    return info_from(json.loads(text)) if text else None
