"""Collections and namespaces as Chroma's collections.

A collection is one in Chroma, which holds the documents of the namespace `""`. Every other namespace has one of its
own, made with its first document: a search in it is then a plain search, where a condition on a field would make Chroma
list all of a namespace's documents first. Its name has the collection's UUID, so a new collection never has an old
one's.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, TypeVar

from onevec.adapter import Place
from onevec.adapters.chroma.calls import Calls, info_of, note_of
from onevec.adapters.chroma.records import SPACES
from onevec.documents import CollectionInfo
from onevec.errors import CollectionExists
from onevec.remote import Missing, deleted, engine_name

T = TypeVar("T")
# https://docs.trychroma.com/docs/collections/manage-collections: 3 to 512 characters, no two dots, no IP address.
_PLAIN = re.compile(r"(?!.*\.\.)(?!\d+(\.\d+){3}$)[A-Za-z0-9][A-Za-z0-9._-]+[A-Za-z0-9]", re.ASCII)
_NAMESPACE = "onevec:namespace"


class Spaces:
    """Finds the Chroma collection of a place, and remembers it: its UUID, by which Chroma is asked, is never reused."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._known: dict[Place, Any] = {}  # Any: Chroma's collections

    def known(self, place: Place) -> Any | None:  # Any: as above
        """The Chroma collection of a place, if it was looked for before."""
        return self._known.get(place)

    async def infos(self) -> list[CollectionInfo]:
        found = [info_of(one) for one in await self._calls.all()]
        return sorted((info for info in found if info is not None), key=lambda info: info.name)

    async def info(self, name: str) -> CollectionInfo | None:
        try:
            return info_of(await self._calls.get(chroma_name(name)))
        except Missing:
            return None

    async def create(self, info: CollectionInfo) -> bool:
        name = chroma_name(info.name)
        made = await self._calls.create(name, SPACES[info.metric], note_of(info))
        if made is not None:
            self._known[Place(info, "")] = made
        elif await self.info(info.name) is None:
            raise CollectionExists(f"Chroma has a collection {name!r} that onevec didn't make; choose another name")
        return made is not None

    async def delete(self, name: str) -> bool:
        try:
            main = await self._calls.get(chroma_name(name))
        except Missing:
            return False
        info = info_of(main)
        if info is None:
            return False
        for one in await self._of_namespaces(main):
            await self._calls.drop(one)
        await self._calls.drop(main)
        for place in [place for place in self._known if place.collection == info]:
            del self._known[place]
        return True

    async def namespaces(self, info: CollectionInfo) -> list[str]:
        main = await self._main(info)
        names = [
            one.metadata[_NAMESPACE] for one in await self._of_namespaces(main) if await self._calls.call(one.count)
        ]
        return sorted([*names, ""] if await self._calls.call(main.count) else names)

    async def within(
        self, place: Place, act: Callable[[Any], Awaitable[T]], *, otherwise: T, create: bool = False
    ) -> T:
        """Do something in the place's Chroma collection.

        Args:
            place: Which one.
            act: What to do. It is done again if the namespace was emptied by somebody else, and has another one now.
            otherwise: What to return where the namespace has none.
            create: Whether to make one.
        """
        if not place.namespace:
            return await act(await self._main(place.collection))
        if place in self._known:
            try:
                return await act(self._known[place])
            except Missing:
                self._known.pop(place, None)
        space = await self._found(place, create=create)
        return otherwise if space is None else await act(space)

    async def drop(self, place: Place) -> int:
        """Remove a namespace's Chroma collection; return how many documents there were."""

        async def dropped(space: Any) -> int:
            count = await self._calls.call(space.count)
            await self._calls.drop(space)
            return int(count)

        count = await self.within(place, dropped, otherwise=0)
        self._known.pop(place, None)
        return count

    async def check(self, info: CollectionInfo) -> None:
        """Refuse a handle of a collection that was deleted, and perhaps made again."""
        if await self.info(info.name) != info:
            raise deleted(info)

    async def _main(self, info: CollectionInfo) -> Any:  # Any: as all of these are
        place = Place(info, "")
        if place not in self._known:
            found = await self._calls.get(chroma_name(info.name))
            if info_of(found) != info:
                raise deleted(info)
            self._known[place] = found
        return self._known[place]

    async def _found(self, place: Place, *, create: bool) -> Any:
        name = _prefix(await self._main(place.collection)) + _hashed(place.namespace)
        try:
            space = await self._calls.get(name)
        except Missing:
            await self.check(place.collection)
            if not create:
                return None
            metric = place.collection.metric
            space = await self._calls.create(name, SPACES[metric], {_NAMESPACE: place.namespace})
            if space is None:  # somebody else was faster
                space = await self._calls.get(name)
        self._known[place] = space
        return space

    async def _of_namespaces(self, main: Any) -> list[Any]:
        return [one for one in await self._calls.all() if one.name.startswith(_prefix(main))]


def chroma_name(name: str) -> str:
    """Return what a collection is called in Chroma."""
    return engine_name(name, _PLAIN)


def _prefix(main: Any) -> str:
    return f"onevec_ns_{main.id.hex}_"


def _hashed(namespace: str) -> str:
    return blake2b(namespace.encode(), digest_size=16).hexdigest()
