"""Index settings, checked against what the engine takes."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, get_args

from onevec.documents import IndexKind, IndexSettings, Quantization
from onevec.errors import InvalidQuery, Unsupported
from onevec.pipeline.target import Target
from onevec.pipeline.verbs import verb
from onevec.validate import checked_count

# The most that makes sense of each; a slip of a few zeros must not take the machine's memory.
_MOST = {"m": 512, "ef_construction": 10_000, "lists": 1_000_000, "subvectors": 65_536, "bits": 16}


class Indexes(Target):
    """The verbs about indexes."""

    @verb
    async def create_index(self, settings: IndexSettings) -> None:
        checked = self._checked_index(settings)
        await self.call("create_index", self.adapter.create_index, self.info, checked)
        await self.optimize()

    @verb
    async def optimize(self) -> None:
        await self.call("optimize", self.adapter.optimize, self._place)

    @verb
    async def flush(self) -> None:
        await self.call("flush", self.adapter.flush, self._place)

    def _checked_index(self, settings: IndexSettings) -> IndexSettings:
        can = self.store.capabilities
        numbers: dict[str, Any] = {}  # Any: dataclasses.replace tells the types of all fields
        if settings.kind not in get_args(IndexKind):
            raise InvalidQuery(f"a kind of index is one of {_listed(get_args(IndexKind))}, got {settings.kind!r}")
        if settings.kind not in can.index_kinds:
            kinds = f"it makes {_listed(can.index_kinds)}" if can.index_kinds else "it makes none"
            raise Unsupported(f"{self.engine} makes no index of kind {settings.kind!r}; {kinds}")
        for name in (field.name for field in fields(settings) if field.name != "kind"):
            value = getattr(settings, name)
            if value is None:
                continue
            if name not in can.index_settings:
                raise Unsupported(f"an index of {self.engine} has no {name}; it has {_listed(can.index_settings)}")
            if name in _MOST:
                numbers[name] = checked_count(value, name)
                if numbers[name] > _MOST[name]:
                    raise InvalidQuery(f"{name} is at most {_MOST[name]}, got {value}")
        if settings.m == 1:
            raise InvalidQuery("m is 2 or more: with one link a vector, a graph falls apart")
        if settings.quantization not in (None, *get_args(Quantization)):
            known = _listed(get_args(Quantization))
            raise InvalidQuery(f"quantization is one of {known}, got {settings.quantization!r}")
        if (settings.kind == "factory") != (settings.factory is not None):
            raise InvalidQuery("an index of kind 'factory' is described by factory=, and no other kind is")
        if settings.factory is not None and not isinstance(settings.factory, str):
            raise InvalidQuery(f"factory is a text such as 'IVF1024,Flat', got {settings.factory!r}")
        return replace(settings, **numbers)


def _listed(names: frozenset[str] | frozenset[IndexKind] | tuple[str, ...]) -> str:
    return ", ".join(repr(str(name)) for name in sorted(names))
