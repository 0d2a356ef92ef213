"""What Pinecone has of its own, by `store.do(...)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from onevec.adapters.pinecone.calls import info_of
from onevec.operations import Operation, found

if TYPE_CHECKING:
    from onevec.adapters.pinecone import PineconeAdapter

__all__ = ["Index", "IndexStats", "Indexes"]


@dataclass(frozen=True, slots=True)
class Index:
    """An index of the project.

    Attributes:
        name: Its name.
        host: Where it is.
        collection: The collection that it is; None for one that other software made.
    """

    name: str
    host: str | None
    collection: str | None


@dataclass(frozen=True, slots=True)
class Indexes(Operation[list[Index]]):
    """List all indexes of the project, by name, also those of other software and of stores with other prefixes."""

    engine: ClassVar[str] = "pinecone"

    async def run(self, adapter: PineconeAdapter) -> list[Index]:
        made = []
        for one in await adapter.calls.all():
            info = info_of(one)
            made.append(Index(one.name, one.host or None, None if info is None else info.name))
        return sorted(made, key=lambda index: index.name)


@dataclass(frozen=True, slots=True)
class IndexStats(Operation[Mapping[str, int]]):
    """Say how many records Pinecone's statistics have of a collection, by its namespaces there; they lag behind writes.

    The default namespace is `__default__` there, and one whose name Pinecone can't have is a hash.
    """

    collection: str

    engine: ClassVar[str] = "pinecone"

    async def run(self, adapter: PineconeAdapter) -> Mapping[str, int]:
        info = found(await adapter.collection(self.collection), self.collection)
        return dict(await adapter.calls.counts(await adapter.index(info)))
