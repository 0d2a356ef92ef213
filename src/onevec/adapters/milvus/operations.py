"""What Milvus has of its own, by `store.do(...)`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from onevec.operations import Operation, found
from onevec.remote import engine_name

if TYPE_CHECKING:
    from onevec.adapters.milvus import MilvusAdapter

__all__ = ["Compact", "Load", "Release", "RowCount"]


@dataclass(frozen=True, slots=True)
class Load(Operation[None]):
    """Bring a collection into Milvus's memory now, and not with the next read of it."""

    collection: str

    engine: ClassVar[str] = "milvus"

    async def run(self, adapter: MilvusAdapter) -> None:
        await adapter.link.load(await _name(adapter, self.collection), again=True)


@dataclass(frozen=True, slots=True)
class Release(Operation[None]):
    """Let a collection out of Milvus's memory. The next read by this store brings it back; other stores must `Load`."""

    collection: str

    engine: ClassVar[str] = "milvus"

    async def run(self, adapter: MilvusAdapter) -> None:
        await adapter.link.release(await _name(adapter, self.collection))


@dataclass(frozen=True, slots=True)
class Compact(Operation[None]):
    """Have small segments of a collection merged, and deleted entities removed; a server goes on with it afterwards."""

    collection: str

    engine: ClassVar[str] = "milvus"

    async def run(self, adapter: MilvusAdapter) -> None:
        await adapter.link.compact(await _name(adapter, self.collection))


@dataclass(frozen=True, slots=True)
class RowCount(Operation[int]):
    """Say how many rows Milvus's own statistics have of a collection, in all namespaces; they lag behind writes."""

    collection: str

    engine: ClassVar[str] = "milvus"

    async def run(self, adapter: MilvusAdapter) -> int:
        return await adapter.link.row_count(await _name(adapter, self.collection))


async def _name(adapter: MilvusAdapter, collection: str) -> str:
    name = engine_name(collection, adapter.plain)
    found(await adapter.link.info(name), collection)
    return name
