"""An engine that can do less than `memory`, keeps a record of what it is asked, and fails when it is told to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, cast

from onevec import Collection, Store
from onevec.adapter import Batch, Change, Found, Place, Request
from onevec.adapters.memory import MemoryAdapter
from onevec.capabilities import Capabilities
from onevec.documents import Document
from onevec.errors import OnevecError
from onevec.filters import Filter, Op
from onevec.metrics import Metric
from onevec.runtime import Runtime


@dataclass(slots=True)
class Record:
    """What the engine was asked.

    Attributes:
        requests: `(verb, ids)` of each request, in the order they came.
        errors: By id, what a request with that id is to fail with, one after another.
        most: The largest number of requests that were under way at once.
    """

    requests: list[tuple[str, list[str]]] = field(default_factory=list)
    errors: dict[str, list[OnevecError]] = field(default_factory=dict)
    most: int = 0

    def sizes(self, verb: str) -> list[int]:
        return [len(ids) for name, ids in self.requests if name == verb]

    def times(self) -> Counter[str]:
        return Counter(verb for verb, _ in self.requests)


class LimitedAdapter(MemoryAdapter):
    """`memory` with small limits; its `client` is the record."""

    name = "limited"
    capabilities: ClassVar[Capabilities] = replace(
        MemoryAdapter.capabilities,
        metrics=frozenset({Metric.COSINE, Metric.DOT}),
        operators=frozenset({Op.EQ, Op.LT, Op.IN}),
        text_search=False,
        atomic_batches=False,
        max_batch=4,
        max_top_k=20,
        max_dimension=8,
    )

    def __init__(self, io: Runtime) -> None:
        super().__init__(io)
        self._record = Record()
        self._under_way = 0

    @property
    def client(self) -> Record:
        return self._record

    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        await self._asked("upsert", batch.ids)
        return await super().upsert(place, batch)

    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        await self._asked("update", [change.id for change in changes])
        return await super().update(place, changes, now)

    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        await self._asked("get", ids)
        return await super().get(place, ids, include_vectors=include_vectors)

    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        await self._asked("delete", ids or [])
        return await super().delete(place, ids=ids, filter=filter)

    async def search(self, place: Place, request: Request) -> list[Found]:
        await self._asked("search", sorted(request.ids or []))
        return await super().search(place, request)

    async def _asked(self, verb: str, ids: Sequence[str]) -> None:
        self._under_way += 1
        self._record.most = max(self._record.most, self._under_way)
        try:
            await self._io.sleep(0)  # where others get their turn, if there are any
        finally:
            self._under_way -= 1
        self._record.requests.append((verb, list(ids)))
        for id in ids:
            if self._record.errors.get(id):
                raise self._record.errors[id].pop(0)


def limited(**limits: Any) -> type[LimitedAdapter]:  # Any: fields of Capabilities
    """Return the engine with other limits."""
    return type("LimitedAdapter", (LimitedAdapter,), {"capabilities": replace(LimitedAdapter.capabilities, **limits)})


def record_of(store: Store) -> Record:
    return cast("Record", store.client)


def ids_in(collection: Collection) -> list[str]:
    return [document.id for document in collection.scan(include_vectors=False)]
