"""What LanceDB has of its own, by `store.do(...)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

from onevec.errors import InvalidQuery
from onevec.operations import Operation, found

if TYPE_CHECKING:
    from lancedb.table import AsyncTable

    from onevec.adapters.lancedb import LancedbAdapter

__all__ = ["CleanUp", "Indexes", "ScalarIndex", "ScalarKind", "Version", "Versions"]

ScalarKind: TypeAlias = Literal["btree", "bitmap", "label_list", "fts"]


@dataclass(frozen=True, slots=True)
class Version:
    """A state of a collection's table: each commit makes one."""

    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ScalarIndex(Operation[None]):
    """Index a column of a collection's table, for conditions of LanceDB's own; `optimize()` makes those for filters.

    Attributes:
        collection: The collection.
        column: The column, such as `"text"` or `"created"`.
        kind: `"btree"` for ranges, `"bitmap"` for few different values, `"label_list"` for lists, `"fts"` for words.

    Raises:
        InvalidQuery: There is no such kind.
    """

    collection: str
    column: str
    kind: ScalarKind = "btree"

    engine: ClassVar[str] = "lancedb"

    async def run(self, adapter: LancedbAdapter) -> None:
        from lancedb import index

        if self.kind not in get_args(ScalarKind):
            raise InvalidQuery(f"a kind of scalar index is one of {', '.join(get_args(ScalarKind))}; got {self.kind!r}")
        kinds = {"btree": index.BTree, "bitmap": index.Bitmap, "label_list": index.LabelList, "fts": index.FTS}
        table = await _table(adapter, self.collection)
        await adapter.link.write(
            table.create_index, self.column, config=kinds[self.kind](), name=f"{self.column}_idx", replace=True
        )


@dataclass(frozen=True, slots=True)
class Indexes(Operation[Mapping[str, str]]):
    """Say which indexes a collection's table has, and of which type, that of its vectors among them."""

    collection: str

    engine: ClassVar[str] = "lancedb"

    async def run(self, adapter: LancedbAdapter) -> Mapping[str, str]:
        table = await _table(adapter, self.collection)
        return {one.name: str(one.index_type) for one in await adapter.link.call(table.list_indices)}


@dataclass(frozen=True, slots=True)
class Versions(Operation[list[Version]]):
    """List the states of a collection's table that LanceDB still has, the oldest first."""

    collection: str

    engine: ClassVar[str] = "lancedb"

    async def run(self, adapter: LancedbAdapter) -> list[Version]:
        table = await _table(adapter, self.collection)
        kept = await adapter.link.call(table.list_versions)
        return [Version(one["version"], one["timestamp"].astimezone(UTC)) for one in kept]


@dataclass(frozen=True, slots=True)
class CleanUp(Operation[int]):
    """Merge small files and remove old versions of a collection's table; return how many bytes were removed.

    Attributes:
        collection: The collection.
        older_than: How old a version must be. A reader or writer that began before, of any process, may still need a
            younger one.
    """

    collection: str
    older_than: timedelta = timedelta(days=7)

    engine: ClassVar[str] = "lancedb"

    async def run(self, adapter: LancedbAdapter) -> int:
        if self.older_than < timedelta(0):
            raise InvalidQuery(f"older_than is how old a version must be, got {self.older_than}")
        table = await _table(adapter, self.collection)
        done = await adapter.link.write(table.optimize, cleanup_older_than=self.older_than)
        return int(done.prune.bytes_removed)


async def _table(adapter: LancedbAdapter, collection: str) -> AsyncTable:
    return await adapter.table(found(await adapter.collection(collection), collection))
