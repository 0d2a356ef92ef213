"""`faiss`: FAISS's indexes as their user chooses them, with the documents and exact vectors in SQLite beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import apsw

from onevec.adapter import Found, Place, Request
from onevec.adapters.faiss.recipes import Recipe, library, parsed
from onevec.adapters.faiss.space import Building, IndexedSpace
from onevec.adapters.faiss.spaces import IndexedSpaces
from onevec.adapters.sqlite import SqliteAdapter, collections
from onevec.adapters.sqlite.collections import set_index
from onevec.adapters.sqlite.file import StoreFile
from onevec.adapters.sqlite.finding import Finder, Nearest
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Health, IndexSettings
from onevec.errors import ConfigError, StoreNotFound
from onevec.local.space import SearchSpace
from onevec.local.vectors import Matrix
from onevec.runtime import Rest, Runtime

__all__ = ["FaissAdapter", "FaissOptions"]

# The name of the file with everything, in the folder of a store.
FILE = "store.db"


@dataclass(frozen=True, slots=True)
class FaissOptions:
    """What `faiss:///papers?option=value` can set.

    Attributes:
        path: The folder. `faiss:///papers` is in the current folder, `faiss:////data/papers` is absolute.
        index: How the collections that are made here are indexed: "flat", "hnsw", "ivf_flat", "ivf_pq", or one of
            FAISS's own descriptions, such as "IVF1024,PQ16". `create_index` sets it for one collection.
        lean: Whether the float32 vectors leave the memory where an index keeps less than half of their bytes; those
            that a search needs are then read from the disk.
        create: Whether to make the folder if it isn't there.
        read_only: Whether to refuse every write.
        busy_timeout: Seconds to wait for another process's write before the call is tried again.
    """

    path: Path
    index: str = "hnsw"
    lean: bool = True
    create: bool = True
    read_only: bool = False
    busy_timeout: float = 5.0


class IndexedFinder(Finder):
    """Searches by FAISS's indexes."""

    def brief(self, place: Place, request: Request) -> list[Found] | Rest[list[Found]]:
        """Leave all of the search: what an index takes isn't known."""
        return Rest(partial(self.whole, place, request))

    def nearest(self, space: SearchSpace, vector: Matrix, request: Request, rows: list[int] | None) -> Nearest:
        """Return the rows and distances of the nearest."""
        return cast("IndexedSpace", space).nearest(vector, request, rows)  # as `IndexedSpaces` makes no others


class FaissAdapter(SqliteAdapter):
    """A SQLite file with everything, and beside it an index of each namespace as a cache."""

    name = "faiss"
    options = FaissOptions  # type: ignore[assignment]  # its options are its own
    capabilities: ClassVar[Capabilities] = replace(
        SqliteAdapter.capabilities,
        index_kinds=frozenset({"flat", "hnsw", "ivf_flat", "ivf_pq", "factory"}),
        index_settings=frozenset(
            {"m", "ef_construction", "quantization", "lists", "subvectors", "bits", "factory"},
        ),
        search_settings=frozenset({"ef_search", "nprobe"}),
    )

    _finds = IndexedFinder

    def __init__(self, io: Runtime, file: StoreFile, default: IndexSettings, *, lean: bool) -> None:
        spaces = IndexedSpaces(file, default, lean=lean)
        super().__init__(io, file, spaces)
        self._default = default
        self._spaces: IndexedSpaces = spaces

    @classmethod
    async def open(cls, io: Runtime, options: FaissOptions) -> Self:  # type: ignore[override]  # its options are its own
        default = await io.offload(parsed, options.index)
        return cls(io, await io.acquire(_opened, options), default, lean=options.lean)

    async def collection(self, name: str) -> CollectionInfo | None:
        info = await super().collection(name)
        if info is not None:
            await self._read(self._spaces.recipe, info)  # known from then on, for `explain`
        return info

    async def create_collection(self, info: CollectionInfo) -> bool:
        made = await self._write(self._create_indexed, info)
        if made:
            await self._read(self._spaces.recipe, info)
        return made

    async def create_index(self, collection: CollectionInfo, settings: IndexSettings) -> None:
        await self._io.offload(Recipe.checked, settings, collection.dimension, collection.metric)
        await self._write(set_index, collection, settings)
        await self._read(self._spaces.recipe, collection)

    async def optimize(self, place: Place) -> None:
        await super().optimize(place)
        # Twice, as a build that was under way may lack what was written since it began.
        for _ in range(2):
            building = await self._read(self._building, place)
            if building is None:
                return
            await self._io.offload(building.finish, "FAISS could not make the index")

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        plan = dict(super().explain(place, request))
        recipe = self._spaces.seen(place.collection)
        if request.vector is not None:
            plan["plan"] = "exact" if request.exact else "exact or by the index, whichever costs less"
            plan["index"] = None if recipe is None else recipe.given
            plan |= {"ef_search": request.ef_search, "nprobe": request.nprobe}
        return plan

    def _create_indexed(self, connection: apsw.Connection, info: CollectionInfo) -> bool:
        if not collections.create(connection, info):
            return False
        Recipe.checked(self._default, info.dimension, info.metric)
        collections.set_index(connection, info, self._default)
        return True

    def _building(self, connection: apsw.Connection, place: Place) -> Building | None:
        number = self._spaces.number(connection, place)
        return None if number is None else self._spaces.space(connection, place, number).indexing()

    def _health(self) -> Health:
        health = super()._health()
        with self._file.reading() as connection:
            loaded = self._spaces.loaded(connection)
            indexes = [{"collection": name, "namespace": space, **one.description} for name, space, one in loaded]
            warnings = [
                f"collection {name!r}, namespace {space!r}: {w}" for name, space, one in loaded for w in one.warnings
            ]
        warnings += self._spaces.refused.values()
        return replace(
            health,
            status="degraded" if warnings and health.status == "healthy" else health.status,
            warnings=(*health.warnings, *warnings),
            details={**health.details, "faiss": library().__version__, "indexes": indexes},
        )


def _opened(options: FaissOptions) -> StoreFile:
    """The store's file, in its folder."""
    folder, create = options.path.expanduser(), options.create and not options.read_only
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; a faiss store is a folder, such as faiss:///papers")
    if not folder.exists():
        if not create:
            raise StoreNotFound(f"there is no store at {folder}; open it with create=True to make one")
        if not folder.parent.is_dir():
            raise ConfigError(f"the folder {folder.parent} doesn't exist; make it first: mkdir -p {folder.parent}")
        folder.mkdir(exist_ok=True)
    return StoreFile(folder / FILE, create=create, read_only=options.read_only, busy_timeout=options.busy_timeout)
