"""Reading without searching: get, count, pages, statistics."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Iterable

import orjson

from onevec.batches import in_pieces
from onevec.documents import Document, Page, Stats
from onevec.errors import InvalidCursor, OnevecError
from onevec.filters import Filter, FilterLike
from onevec.pipeline.target import Target
from onevec.pipeline.verbs import named, verb
from onevec.validate import checked_count, checked_id, checked_ids

PAGE = 1000


class Reads(Target):
    """The verbs that read."""

    @verb
    async def get(self, id: str, *, include_vectors: bool) -> Document | None:
        found = await self.call("get", self.adapter.get, self._place, [checked_id(id)], include_vectors=include_vectors)
        return found[0] if found else None

    @verb
    async def get_many(self, ids: Iterable[str], *, include_vectors: bool) -> list[Document]:
        asked = checked_ids(ids)
        by_id: dict[str, Document] = {}
        for piece in in_pieces(list(dict.fromkeys(asked)), self.store.capabilities.max_batch):
            found = await self.call("get_many", self.adapter.get, self._place, piece, include_vectors=include_vectors)
            by_id |= {document.id: document for document in found}
        return [by_id[id] for id in asked if id in by_id]

    @verb
    async def count(self, filter: FilterLike | None) -> int:
        return await self.call("count", self.adapter.count, self._place, self.native(filter))

    @verb
    async def page(self, *, limit: int, cursor: str | None, filter: FilterLike | None, include_vectors: bool) -> Page:
        documents, after = await self.call(
            "page",
            self.adapter.page,
            self._place,
            filter=self.native(filter),
            after=None if cursor is None else self._position(cursor),
            limit=checked_count(limit, "limit"),
            include_vectors=include_vectors,
        )
        return Page(tuple(documents), None if after is None else self._cursor(after))

    def pages(self, *, filter: FilterLike | None, limit: int | None, include_vectors: bool) -> AsyncIterator[Page]:
        """Every page of a scan of up to `limit` documents; the arguments are checked before the first one."""
        try:
            tree = self.native(filter)
            left = None if limit is None else checked_count(limit, "limit", least=0)
        except OnevecError as error:
            named(error, self.engine, "scan")
            raise
        return self._pages(tree, left, include_vectors=include_vectors)

    @verb
    async def stats(self) -> Stats:
        return self.times.added_to(await self.call("stats", self.adapter.stats, self._place))

    async def _pages(self, tree: Filter | None, left: int | None, *, include_vectors: bool) -> AsyncIterator[Page]:
        after: str | None = None
        while left != 0:
            documents, after = await self.call(
                "scan",
                self.adapter.page,
                self._place,
                filter=tree,
                after=after,
                limit=PAGE if left is None else min(left, PAGE),
                include_vectors=include_vectors,
            )
            yield Page(tuple(documents), None if after is None else self._cursor(after))
            if after is None:
                return
            if left is not None:
                left -= len(documents)

    def _cursor(self, position: str) -> str:
        return base64.urlsafe_b64encode(orjson.dumps([self._stamp(), position])).decode()

    def _position(self, cursor: str) -> str:
        try:
            stamp, position = orjson.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        except (TypeError, ValueError, binascii.Error):
            stamp, position = None, None
        if stamp != self._stamp() or not isinstance(position, str):
            raise InvalidCursor("this cursor is not of this collection and namespace; start again without one")
        return position

    def _stamp(self) -> str:
        """What ties a cursor to this collection, as it was made, and to this namespace."""
        identity = f"{self.info.name}\0{self.info.created_at.isoformat()}\0{self.namespace}"
        return hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
