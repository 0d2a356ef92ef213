"""The namespaces that this process has searched, each with the index of its collection."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import cast

import apsw
import orjson

from onevec.adapter import Place
from onevec.adapters.faiss import saved
from onevec.adapters.faiss.recipes import Recipe
from onevec.adapters.faiss.space import IndexedSpace
from onevec.adapters.sqlite.file import StoreFile
from onevec.adapters.sqlite.spaces import Spaces, _Loaded, _metadata, rows_to
from onevec.adapters.sqlite.stored import StoredVectors
from onevec.documents import CollectionInfo, IndexSettings
from onevec.errors import ConfigError, Unsupported
from onevec.local.vectors import Elsewhere


class IndexedSpaces(Spaces):
    """What is loaded, by namespace number. All calls are made inside one read transaction, by one thread at a time.

    Args:
        file: The store's file.
        default: How collections are indexed that say nothing of it, as those that another engine made.
        lean: Whether the float32 vectors leave the memory that a compact index has.

    Attributes:
        refused: Why collections, by their names, are not indexed as they ask.
    """

    def __init__(self, file: StoreFile, default: IndexSettings, *, lean: bool) -> None:
        super().__init__(file.path, read_only=file.read_only, policy=None)
        self._lean = lean
        self._store = file
        self._default = default
        self._recipes: dict[tuple[str, datetime], tuple[str | None, Recipe]] = {}
        self.refused: dict[str, str] = {}

    def space(self, connection: apsw.Connection, place: Place, number: int) -> IndexedSpace:
        """Return the search space of a namespace whose `number` was asked for in the same transaction, as of that."""
        space = cast("IndexedSpace", super().space(connection, place, number))  # as `_new` makes it
        recipe = self.recipe(connection, place.collection)
        if space.table.absent and recipe != space.recipe:
            self._loaded.pop(number).space.close()  # its vectors are to be in memory again
            return self.space(connection, place, number)
        space.index_by(recipe)
        return space

    def recipe(self, connection: apsw.Connection, info: CollectionInfo) -> Recipe:
        """Return how a collection is indexed: exactly, if its settings are none that this FAISS knows."""
        recorded = connection.execute("SELECT index_settings FROM collections WHERE name = ?", (info.name,)).get
        key = info.name, info.created_at
        known = self._recipes.get(key)
        if known is not None and known[0] == recorded:
            return known[1]
        settings = self._default if recorded is None else IndexSettings(**orjson.loads(recorded))
        try:
            recipe = Recipe.checked(settings, info.dimension, info.metric)
            self.refused.pop(info.name, None)
        except (ConfigError, Unsupported) as error:
            recipe = Recipe(IndexSettings(kind="flat"), info.dimension, info.metric)
            self.refused[info.name] = f"collection {info.name!r} is searched exactly: {error}"
        self._recipes[key] = recorded, recipe
        return recipe

    def seen(self, info: CollectionInfo) -> Recipe | None:
        """Return how a collection is indexed, by what this process knows."""
        known = self._recipes.get((info.name, info.created_at))
        return None if known is None else known[1]

    def loaded(self, connection: apsw.Connection) -> list[tuple[str, str, IndexedSpace]]:
        """Return what is loaded, with the names of its collection and namespace."""
        names = connection.execute(
            "SELECT namespaces.number, collections.name, namespaces.name FROM namespaces "
            "JOIN collections ON collections.number = namespaces.collection ORDER BY 2, 3"
        )
        return [
            (collection, namespace, cast("IndexedSpace", self._loaded[number].space))
            for number, collection, namespace in names
            if number in self._loaded
        ]

    def drop_deleted(self, connection: apsw.Connection) -> None:
        """Let go of the namespaces that the file no longer has."""
        super().drop_deleted(connection)
        if not self._read_only:
            kept = {number for (number,) in connection.execute("SELECT number FROM namespaces")}
            saved.drop(self._store.path.parent, kept)

    def _new(self, connection: apsw.Connection, info: CollectionInfo, number: int) -> _Loaded:
        recipe = self.recipe(connection, info)
        save = None if self._read_only else partial(saved.save, self._store, number)
        elsewhere = None
        if self._lean:
            stored = StoredVectors(self._store.path, connection, info.dimension)
            elsewhere = Elsewhere(stored.in_transaction, stored.by_itself)
        space = IndexedSpace(recipe, partial(_metadata, connection), save, elsewhere)
        found = None if recipe.is_flat else saved.load(connection, self._store.path.parent, number, recipe)
        if found is not None:
            space.take(*found)
        return _Loaded(space, rows_to(connection, number, space.table.rows) if space.table.absent else None)
