"""Any sequence of calls on each embedded engine, where it does after a few documents what it does after thousands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from onevec.adapters import memory
from onevec.adapters.faiss.space import IndexedSpace
from onevec.local import tuning
from onevec.local.space import SearchSpace
from onevec.local.upkeep import IndexPolicy

from .embedded import ENGINES, no_syncs
from .model import Stores
from .sampling import BRIEF, LONG, Counted

__all__ = ["no_syncs"]

# After how many an engine tidies up, reads the next part, or answers with another page.
THRESHOLDS: Mapping[str, Any] = {
    "onevec.local.builder.plan": lambda *arguments: replace(
        tuning.plan(*arguments), start_seconds=0.0, step_seconds=1e-9
    ),
    "onevec.adapters.faiss.recipes._AT_LEAST": 10,
    "onevec.adapters.faiss.widths.Built._cost": lambda *_: -1.0,
    "onevec.adapters.memory.IndexPolicy": partial(IndexPolicy, from_numbers=1),
    "onevec.adapters.memory._Collection": partial(memory._Collection, policy=IndexPolicy(from_numbers=1)),
    "onevec.adapters.sqlite.documents._KEPT_GONE": 6,
    "onevec.adapters.sqlite.spaces._LOAD": 7,
    "onevec.adapters.jsonl.contents._COMPACT_FROM": 20,
    "onevec.adapters.jsonl.journal._CHUNK": 500,
    "onevec.local.space._COMPACT_FROM": 8,
    "onevec.local.text._CHUNK": 3,
    "onevec.pipeline.reads.PAGE": 5,
}


@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("no_syncs")
@pytest.mark.parametrize("name", ENGINES)
def test_any_sequence_of_calls(name: str, monkeypatch: pytest.MonkeyPatch, counted: Counted) -> None:
    """After every call, reopening and kill a store holds what the memory engine does, and finds what is nearest."""
    for threshold, value in THRESHOLDS.items():
        monkeypatch.setattr(threshold, value)
    tried: Counter[str] = Counter()
    for kind, method in ((SearchSpace, "_near"), (IndexedSpace, "_slots_near")):
        monkeypatch.setattr(kind, method, noted(getattr(kind, method), tried))

    class StoresOf(Stores):
        def __init__(self) -> None:
            super().__init__(ENGINES[name], tried)

    run_state_machine_as_test(
        StoresOf, settings=settings(max_examples=2000 if LONG else 5 if BRIEF else 15, stateful_step_count=30)
    )
    counted(f"calls on {name}", tried["steps"])
    if tried["by an index"]:
        counted(f"searches of {name} by an index", tried["by an index"])


def noted(near: Callable[..., object], tried: Counter[str]) -> Callable[..., object]:
    """Count the searches for which an index is used."""

    def counting(*arguments: object) -> object:
        slots = near(*arguments)
        tried["by an index"] += slots is not None
        return slots

    return counting
