"""What Qdrant has of its own, by `store.do(...)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

from onevec.errors import InvalidQuery
from onevec.operations import Operation, found
from onevec.remote import engine_name

if TYPE_CHECKING:
    from onevec.adapters.qdrant import QdrantAdapter

__all__ = ["PayloadIndex", "PayloadIndexes", "PayloadKind"]

PayloadKind: TypeAlias = Literal["keyword", "integer", "float", "bool", "datetime", "text", "uuid", "geo"]


@dataclass(frozen=True, slots=True)
class PayloadIndex(Operation[None]):
    """Index a field of a collection's payload, for filters of Qdrant's own; onevec's have their indexes already.

    Attributes:
        collection: The collection.
        path: The field, as Qdrant names it: `"metadata.year"`, `"text"`.
        kind: What is in the field.

    Raises:
        InvalidQuery: There is no such kind.
        Unsupported: Qdrant's collections in memory have no indexes.
    """

    collection: str
    path: str
    kind: PayloadKind

    engine: ClassVar[str] = "qdrant"

    async def run(self, adapter: QdrantAdapter) -> None:
        if self.kind not in get_args(PayloadKind):
            raise InvalidQuery(
                f"a kind of payload index is one of {', '.join(get_args(PayloadKind))}; got {self.kind!r}"
            )
        await adapter.calls.index_field(await _name(adapter, self.collection), self.path, self.kind)


@dataclass(frozen=True, slots=True)
class PayloadIndexes(Operation[Mapping[str, str]]):
    """Say which fields of a collection's payload have an index, and of which kind, onevec's own among them."""

    collection: str

    engine: ClassVar[str] = "qdrant"

    async def run(self, adapter: QdrantAdapter) -> Mapping[str, str]:
        return await adapter.calls.field_indexes(await _name(adapter, self.collection))


async def _name(adapter: QdrantAdapter, collection: str) -> str:
    name = engine_name(collection, adapter.calls.plain)
    found(await adapter.calls.info(name), collection)
    return name
