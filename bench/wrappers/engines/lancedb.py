"""LanceDB, in this process on a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import lancedb
import pyarrow as pa
from bench.embedded.contender import TOP_K, Batch, Vectors
from bench.embedded.contenders.langchain import Given
from bench.embedded.data import DIMENSION
from bench.wrappers import llamaindex
from bench.wrappers.contender import AGAIN, BARE, BARE_ASYNC, LANGCHAIN, LLAMAINDEX, Contender, Engine, Hit
from bench.wrappers.ours import AsyncOnevec, Onevec
from lancedb.query import LanceVectorQueryBuilder
from langchain_community.vectorstores import LanceDB
from llama_index.vector_stores.lancedb import LanceDBVectorStore

_FIELDS = {
    "year": pa.int64(),
    "lang": pa.string(),
    "tags": pa.list_(pa.string()),
    "reviewed": pa.bool_(),
    "bucket": pa.int64(),
    "region": pa.int64(),
}
_SCHEMA = pa.schema({"id": pa.string(), "vector": pa.list_(pa.float32(), DIMENSION), "text": pa.string(), **_FIELDS})
_COLUMNS = ["id", "text", *_FIELDS, "_distance"]


class Bare:
    """A table with a column for each field."""

    library = "lancedb"

    def __init__(self, folder: Path, name: str = BARE) -> None:
        self.name = name
        self._store = lancedb.connect(str(folder))

    def create(self) -> None:
        self._table = self._store.create_table("documents", schema=_SCHEMA, mode="overwrite")

    def ingest(self, documents: Batch) -> None:
        self._table.add(_table(documents))

    def settle(self) -> None:
        self._table.optimize()

    def search(self, query: Vectors) -> list[Hit]:
        search = cast("LanceVectorQueryBuilder", self._table.search(query))
        return _hits(search.distance_type("cosine").limit(TOP_K).select(_COLUMNS).to_list())

    def close(self) -> None:
        del self._table


class AsyncBare:
    """The same, awaited."""

    name = BARE_ASYNC
    library = "lancedb"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def create(self) -> None:
        store = await lancedb.connect_async(str(self._folder))
        self._table = await store.create_table("documents", schema=_SCHEMA, mode="overwrite")

    async def ingest(self, documents: Batch) -> None:
        await self._table.add(_table(documents))

    async def settle(self) -> None:
        await self._table.optimize()

    async def search(self, query: Vectors) -> list[Hit]:
        search = self._table.vector_search(query).distance_type("cosine").limit(TOP_K).select(_COLUMNS)
        return _hits(await search.to_list())

    async def close(self) -> None:
        del self._table


class Langchain:
    """`langchain_community.vectorstores.LanceDB`. Its documents have no id, so the metadata carries it."""

    name = LANGCHAIN
    library = "langchain-community"

    def __init__(self, folder: Path) -> None:
        self._store = lancedb.connect(str(folder))

    def create(self) -> None:
        self._store.drop_table("documents", ignore_missing=True)
        self._given = Given()
        self._documents = LanceDB(self._store, self._given, table_name="documents", mode="append", distance="cosine")

    def ingest(self, documents: Batch) -> None:
        self._given.vectors = documents.vectors.tolist()
        metadata = [{"id": id, **fields} for id, fields in zip(documents.ids, documents.metadata, strict=True)]
        self._documents.add_texts(documents.texts, metadata, documents.ids)

    def settle(self) -> None:
        self._store.open_table("documents").optimize()

    def search(self, query: Vectors) -> list[Hit]:
        found = self._documents.similarity_search_by_vector(query.tolist(), TOP_K, metrics="cosine", score=True)
        return [Hit(one.metadata["id"], one.page_content, one.metadata, score) for one, score in found]

    def close(self) -> None:
        del self._documents


class Llamaindex:
    """`LanceDBVectorStore`. Its metadata has no lists, so the tags are joined; it searches by L2."""

    name = LLAMAINDEX
    library = "llama-index-vector-stores-lancedb"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = lancedb.connect(str(folder))

    def create(self) -> None:
        self._store.drop_table("documents", ignore_missing=True)
        self._documents = LanceDBVectorStore(str(self._folder), "documents", connection=self._store)

    def ingest(self, documents: Batch) -> None:
        self._documents.add(llamaindex.nodes(documents, flat=True))

    def settle(self) -> None:
        self._store.open_table("documents").optimize()

    def search(self, query: Vectors) -> list[Hit]:
        return llamaindex.found(self._documents, query)

    def close(self) -> None:
        del self._documents


@contextmanager
def running(folder: Path) -> Iterator[list[Contender]]:
    """Every contender has a folder of its own."""
    yield [
        Bare(folder / "bare"),
        Bare(folder / "again", AGAIN),
        AsyncBare(folder / "bare_async"),
        Onevec(f"lancedb:///{folder}/onevec"),
        AsyncOnevec(f"lancedb:///{folder}/async"),
        Langchain(folder / "langchain"),
        Llamaindex(folder / "llamaindex"),
    ]


ENGINE = Engine(
    "LanceDB, in a folder",
    "In this process, without an index: every search measures all vectors.",
    "`add` of one Arrow table with a column for each field; `search(...).to_list()` of a table that stays open",
    running,
)


def _table(documents: Batch) -> pa.Table:
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(documents.vectors.ravel()), DIMENSION)
    fields = {name: pa.array([row[name] for row in documents.metadata], kind) for name, kind in _FIELDS.items()}
    return pa.table({"id": documents.ids, "vector": vectors, "text": documents.texts, **fields})


def _hits(rows: list[dict[str, Any]]) -> list[Hit]:  # Any: a row's values
    return [Hit(row["id"], row["text"], {name: row[name] for name in _FIELDS}, 1 - row["_distance"]) for row in rows]
