"""What a test file tells the kit about its engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

REQUIRED = "ONEVEC_REQUIRE_ENGINES"

# How many examples are drawn: few ("brief") while one works, more ("short") by default, many ("long") overnight.
_EXTENT = os.environ.get("ONEVEC_HYPOTHESIS", "short")
BRIEF = _EXTENT == "brief"
LONG = _EXTENT == "long"


class Gap(NamedTuple):
    """A promise that the engine can't keep yet.

    Attributes:
        reason: Why, for the person who reads the test report.
        raises: What the test fails with; `AssertionError` for an answer that is wrong.
    """

    reason: str
    raises: type[BaseException]


@dataclass(frozen=True, slots=True)
class EngineHarness:
    """How the kit makes stores of one engine, and what is known to be missing.

    Attributes:
        url: Given an empty directory, returns the URL of an empty store; the same directory gives the same store.
        options: More arguments for `onevec.connect`.
        gaps: The promises that don't hold yet, by the name of their test, or by `name[parameter]` for one of its cases.
            They are strict: a test that passes in spite of its gap fails the run until the gap is taken out.
        native: Where the engine has filters of its own, one that is true of documents with a `year` above 1960.
        server: Whether the engine runs elsewhere. If it can't be reached its tests skip, or fail where the
            environment variable `ONEVEC_REQUIRE_ENGINES` (names with commas, or `all`) has the engine.
    """

    url: Callable[[Path], str]
    _: KW_ONLY
    options: Mapping[str, Any] = field(default_factory=dict)  # Any: each engine's own options
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    native: object = None
    server: bool = False


def is_required(engine: str) -> bool:
    """Return whether the environment asks that this engine's tests run, so that they may not skip."""
    names = {name.strip() for name in os.environ.get(REQUIRED, "").split(",")}
    return "all" in names or engine in names
