"""What a collection does, whatever its engine and whichever way it runs."""

from __future__ import annotations

from typing import Self

from onevec.adapter import Place
from onevec.documents import Progress
from onevec.errors import NamespaceDenied, OnevecError
from onevec.pipeline.indexes import Indexes
from onevec.pipeline.searches import Searches
from onevec.pipeline.verbs import named, verb
from onevec.pipeline.writes import Writes
from onevec.validate import checked_namespace


class CollectionPipeline(Writes, Searches, Indexes):
    """All verbs, and the namespaces."""

    def in_namespace(self, name: str) -> Self:
        """The handle bound to that namespace."""
        try:
            self._check_reach(checked_namespace(name))
        except OnevecError as error:
            named(error, self.engine, "namespace")
            raise
        return type(self)(self.store, self.info, self._embedder, namespace=name)

    @verb
    async def namespaces(self) -> list[str]:
        if self.bound:
            return [self.namespace] if await self.count(None) else []
        return await self.call("namespaces", self.adapter.namespaces, self.info)

    @verb
    async def delete_namespace(self, name: str) -> int:
        self._check_reach(checked_namespace(name))
        return await self.store.call("delete_namespace", place := Place(self.info, name), self.adapter.clear, place)

    async def copy_to(self, target: CollectionPipeline, *, on_progress: Progress | None) -> int:
        """Copy every namespace; return how many documents there were."""
        sources = [self.in_namespace(name) for name in await self.namespaces()]
        total = sum([await source.count(None) for source in sources])
        done = 0
        for source in sources:
            into = target.in_namespace(source.namespace)
            async for page in source.pages(filter=None, limit=None, include_vectors=True):
                report = await into.upsert(
                    page.documents,
                    ids=None,
                    vectors=None,
                    texts=None,
                    metadata=None,
                    wait=True,
                    on_failure="raise",
                    on_progress=None,
                )
                done += report.written
                if on_progress is not None:
                    on_progress(done, total)
        return done

    def _check_reach(self, name: str) -> None:
        if self.bound and name != self.namespace:
            raise NamespaceDenied(
                f"this handle is bound to namespace {self.namespace!r} and reaches no other; "
                "take another one from the collection itself"
            )

    def __str__(self) -> str:
        return f"{self.info.name!r} of {self.store.engine}, namespace {self.namespace!r}"
