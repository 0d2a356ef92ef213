"""What the adapter asks of Chroma, whichever way it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias

import orjson

from onevec.documents import CollectionInfo
from onevec.errors import EngineError
from onevec.remote import Missing, info_from, info_to_keep
from onevec.runtime import Runtime

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

P = ParamSpec("P")
Where: TypeAlias = "dict[str, Any] | None"  # Any: JSON values

INFO = "onevec"  # in a collection's metadata
_PAGE = 1000


class Calls:
    """Calls of a client, with the errors of onevec. Where a collection is missing, they raise `onevec.remote.Missing`.

    Args:
        io: Calls the client's methods.
        client: One of Chroma's, whose methods differ in their colour only.
        where: The server's address, or the folder.
        close: Closes it.
        graph: How the graphs of new collections are built, as Chroma has it.
    """

    def __init__(
        self, io: Runtime, client: Any, where: str, *, close: Callable[[], Any], graph: Mapping[str, int]
    ) -> None:
        from onevec.adapters.chroma.failures import as_onevec

        self.client: Any = client
        self.where = where
        self._io = io
        self._close = close
        self._graph = graph
        self._as_onevec = as_onevec

    async def close(self) -> None:
        await self.call(self._close)

    async def call(self, method: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:  # Any: the client's
        try:
            return await self._io.call(method, *args, **kwargs)
        except Exception as error:
            mapped = self._as_onevec(error, self.where)
            if mapped is error:
                raise
            raise mapped from error

    async def nearest(
        self, space: Any, vector: npt.NDArray[np.float32], limit: int, where: Where, include: list[str]
    ) -> dict[str, Any]:  # Any: Chroma's collection, and columns as those of its `get`
        """Search a collection by its index; the columns have a `distances` more."""
        found: dict[str, Any] = await self.call(self.client.nearest, space.id, vector, limit, where, include)
        return found

    async def write(self, space: Any, records: Mapping[str, Any]) -> None:  # Any: the same, and what `upsert` takes
        """Insert records, or replace them."""
        await self.call(self.client.write, space.id, records)

    async def all(self) -> list[Any]:  # Any: Chroma's collections
        """All collections, also those of other software."""
        found: list[Any] = []
        while len(found) % _PAGE == 0:
            page = await self.call(self.client.list_collections, limit=_PAGE, offset=len(found))
            if not page:
                break
            found += page
        return found

    async def get(self, name: str) -> Any:  # Any: one of them
        return await self.call(self.client.get_collection, name, embedding_function=None)

    async def create(self, name: str, space: str, metadata: dict[str, str]) -> Any:  # Any: the same; None if it exists
        try:
            return await self.call(
                self.client.create_collection,
                name,
                configuration={"hnsw": {"space": space, **self._graph}},
                metadata=metadata,
                embedding_function=None,  # the default one would download a model
            )
        except EngineError as error:
            if "already exists" in str(error):
                return None
            raise

    async def drop(self, space: Any) -> None:  # Any: the same
        """Remove a collection, unless somebody else has; its records first.

        Chroma would leave the lists in their metadata behind, and new records that get their numbers would have them.
        """
        with suppress(Missing):
            while ids := (await self.call(space.get, limit=_PAGE, include=[]))["ids"]:
                await self.call(space.delete, ids=ids)
            await self.call(self.client.delete_collection, space.name)


def info_of(collection: Any) -> CollectionInfo | None:  # Any: Chroma's collection
    """Return what onevec noted about a collection; None for one of other software, or a namespace's."""
    noted = (collection.metadata or {}).get(INFO)
    return info_from(orjson.loads(noted)) if noted else None


def note_of(info: CollectionInfo) -> dict[str, str]:
    """Return the metadata of a new collection."""
    return {INFO: orjson.dumps(info_to_keep(info)).decode()}
