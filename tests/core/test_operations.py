"""An operation is a value that one engine carries out, by whichever API, or that is refused by name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

import onevec
from onevec import Event
from onevec.errors import EngineBusy, StoreClosed, Unsupported
from onevec.operations import Operation


@dataclass(frozen=True)
class Told(Operation[str]):
    """Says which adapter it was given; fails so many times before."""

    failures: list[int]

    engine: ClassVar[str] = "memory"

    async def run(self, adapter: Any) -> str:
        if self.failures.pop():
            raise EngineBusy("not yet")
        return type(adapter).__name__


def test_both_apis_carry_it_out() -> None:
    """With retries and events, as every verb."""
    events: list[Event] = []
    with onevec.connect("memory://", on_event=events.append) as store:
        assert store.do(Told([0, 1])) == "MemoryAdapter"
    assert [(event.operation, event.kind) for event in events] == [
        ("do", "started"),
        ("do", "retrying"),
        ("do", "done"),
    ]

    async def main() -> str:
        async with onevec.connect_async("memory://") as store:
            return await store.do(Told([0]))

    assert asyncio.run(main()) == "MemoryAdapter"


def test_another_engines_operation_is_refused() -> None:
    """By its name, before it begins."""
    with onevec.connect("memory://") as store:

        class Elsewhere(Told):
            engine = "elsewhere"

        with pytest.raises(Unsupported, match="Elsewhere is of elsewhere, and this store is of memory") as refused:
            store.do(Elsewhere([]))
        assert (refused.value.engine, refused.value.operation) == ("memory", "do")
        nothing: Any = "vacuum"
        with pytest.raises(Unsupported, match="got str"):
            store.do(nothing)
    with pytest.raises(StoreClosed):
        store.do(Told([0]))
