"""An engine of someone else's: a dict, registered by `onevec.register`, and held to the contract by the kit.

It declares less than the built-in engines, so that the kit's way with what is not declared is tested, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pytest

import onevec
from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, Stats
from onevec.errors import CollectionNotFound, DocumentNotFound, OnevecError
from onevec.filters import Filter, Op
from onevec.matching import matches
from onevec.metrics import Metric
from onevec.patch import copied, merge_patch
from onevec.runtime import Runtime
from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness
from onevec.testing.scores import distances
from onevec.values import moment_at


@dataclass(frozen=True, slots=True)
class DictOptions:
    """`dict://` has no options."""


@onevec.register("dict")
class DictAdapter(Adapter[DictOptions]):
    name = "dict"
    options = DictOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        metrics=frozenset({Metric.COSINE, Metric.EUCLIDEAN}),
        operators=frozenset({Op.EQ, Op.IN, Op.LT, Op.LE, Op.GT, Op.GE}),
        text_search=False,
        native_async=False,
        persistent=False,
        shared=False,
        atomic_batches=False,
        ordered_scan=False,
        max_batch=100,
        max_top_k=20_000,
        max_dimension=64,
        durability="None.",
        consistency="At once.",
    )

    def __init__(self) -> None:
        self._kept: dict[str, tuple[CollectionInfo, dict[str, dict[str, Document]]]] = {}

    @classmethod
    async def open(cls, io: Runtime, options: DictOptions) -> Self:
        return cls()

    async def close(self) -> None:
        self._kept.clear()

    async def collections(self) -> list[CollectionInfo]:
        return [self._kept[name][0] for name in sorted(self._kept)]

    async def collection(self, name: str) -> CollectionInfo | None:
        return self._kept[name][0] if name in self._kept else None

    async def create_collection(self, info: CollectionInfo) -> bool:
        return self._kept.setdefault(info.name, (info, {}))[0] is info

    async def delete_collection(self, name: str) -> bool:
        return self._kept.pop(name, None) is not None

    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        return sorted(name for name, documents in self._spaces(collection).items() if documents)

    async def clear(self, place: Place) -> int:
        return len(self._spaces(place.collection).pop(place.namespace, {}))

    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        documents = self._documents(place)
        for id, vector, text, metadata, created in zip(
            batch.ids, batch.vectors, batch.texts, batch.metadata, batch.created, strict=True
        ):
            old = documents.pop(id, None)
            since = moment_at(batch.now if created is None else created)
            documents[id] = Document(
                id,
                text=text,
                vector=vector.copy(),
                metadata=metadata,
                created_at=old.created_at if old and created is None else since,
                updated_at=moment_at(batch.now),
            )
        return []

    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        documents = self._documents(place)
        failed: list[tuple[str, OnevecError]] = []
        for change in changes:
            if (old := documents.get(change.id)) is None:
                failed.append((change.id, DocumentNotFound(f"there is no document {change.id!r}")))
                continue
            documents[change.id] = replace(
                old,
                text=old.text if change.text is None else change.text,
                vector=old.vector if change.vector is None else change.vector.copy(),
                metadata=merge_patch(old.metadata, change.patch),
                updated_at=moment_at(now),
            )
        return failed

    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        documents = self._documents(place)
        return [_copy(documents[id], include_vectors=include_vectors) for id in ids if id in documents]

    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        documents = self._documents(place)
        gone = self._matching(place, filter) if ids is None else [documents[id] for id in ids if id in documents]
        for document in gone:
            del documents[document.id]
        return len(gone)

    async def count(self, place: Place, filter: Filter | None) -> int:
        return len(self._matching(place, filter))

    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        found = sorted(self._matching(place, filter), key=lambda document: document.id[::-1])
        rest = [document for document in found if after is None or document.id[::-1] > after]
        position = rest[limit - 1].id[::-1] if len(rest) > limit else None
        return [_copy(document, include_vectors=include_vectors) for document in rest[:limit]], position

    async def search(self, place: Place, request: Request) -> list[Found]:
        assert request.vector is not None
        found = [
            document
            for document in self._matching(place, request.filter)
            if request.ids is None or document.id in request.ids
        ]
        if not found:
            return []
        vectors = np.stack([np.asarray(document.vector) for document in found])
        away = distances(place.collection.metric, request.vector, vectors).clip(0)
        best = sorted(zip(away.tolist(), found, strict=True), key=lambda pair: (pair[0], pair[1].id))
        return [
            (_copy(document, include_vectors=request.include_vectors), distance)
            for distance, document in best[: request.top_k]
        ]

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:
        return {"plan": "everything"}

    async def stats(self, place: Place) -> Stats:
        return Stats(documents=len(self._documents(place)), dimension=place.collection.dimension)

    async def health(self) -> Health:
        return Health("healthy", self.name, None, 0.0)

    def _spaces(self, collection: CollectionInfo) -> dict[str, dict[str, Document]]:
        info, spaces = self._kept.get(collection.name, (None, {}))
        if info is not collection:
            raise CollectionNotFound(f"collection {collection.name!r} was deleted")
        return spaces

    def _documents(self, place: Place) -> dict[str, Document]:
        return self._spaces(place.collection).setdefault(place.namespace, {})

    def _matching(self, place: Place, filter: Filter | None) -> list[Document]:
        return [
            document
            for document in self._documents(place).copy().values()
            if filter is None or matches(filter, document.metadata)
        ]


def _copy(document: Document, *, include_vectors: bool) -> Document:
    vector = np.array(document.vector) if include_vectors else None
    return replace(document, metadata=copied(document.metadata), vector=vector)


@pytest.fixture
def engine() -> EngineHarness:
    return EngineHarness(lambda _folder: "dict://")
