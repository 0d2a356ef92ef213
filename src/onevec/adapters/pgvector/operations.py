"""What PostgreSQL has of its own, by `store.do(...)`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, ClassVar

from onevec.errors import InvalidQuery
from onevec.filters import checked_field
from onevec.operations import Operation, found

if TYPE_CHECKING:
    from onevec.adapters.pgvector import PgvectorAdapter

__all__ = ["MetadataIndex", "TextIndex"]

_LANGUAGE = re.compile(r"[a-z][a-z_]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class MetadataIndex(Operation[str]):
    """Index a collection's metadata, which selective filters then go by; return the index's name.

    Searches go on meanwhile, writes wait. An index that is there is left as it is.

    Attributes:
        collection: The collection.
        field: A dotted field, for `<`, `<=`, `>`, `>=`, `between`; None for a GIN index of all of the metadata, for
            `==`, `in` and `contains`.
    """

    collection: str
    field: str | None = None

    engine: ClassVar[str] = "pgvector"

    async def run(self, adapter: PgvectorAdapter) -> str:
        if self.field is None:
            return await _made(adapter, self.collection, "metadata", "gin (metadata jsonb_path_ops)")
        names = "".join(f" -> '{name}'" for name in checked_field(self.field).split("."))
        mark = blake2b(self.field.encode(), digest_size=8).hexdigest()
        return await _made(adapter, self.collection, f"on_{mark}", f"btree ((metadata{names}))")


@dataclass(frozen=True, slots=True)
class TextIndex(Operation[str]):
    """Index a collection's texts for PostgreSQL's own text search, which `native=` can then use; return its name.

    Attributes:
        collection: The collection.
        language: A text search configuration, such as `"english"` or `"simple"`.
    """

    collection: str
    language: str = "english"

    engine: ClassVar[str] = "pgvector"

    async def run(self, adapter: PgvectorAdapter) -> str:
        if not _LANGUAGE.fullmatch(self.language):
            raise InvalidQuery(f"a language is a text search configuration such as 'english', got {self.language!r}")
        words = f"gin (to_tsvector('{self.language}', text))"
        return await _made(adapter, self.collection, f"text_{self.language}"[:40], words)


async def _made(adapter: PgvectorAdapter, collection: str, suffix: str, what: str) -> str:
    table = await adapter.tables.table(found(await adapter.collection(collection), collection))
    name = f"documents_{table.number:d}_{suffix}"
    async with adapter.link.transaction("statement_timeout = 0") as transaction:
        await transaction.run(f"CREATE INDEX IF NOT EXISTS {name} ON {table.name} USING {what}")
    return name
