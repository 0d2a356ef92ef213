"""What the benchmark asks of everything that speaks to an engine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from bench.embedded.contender import Batch, Vectors

BARE = "bare client"
AGAIN = "bare client, again"
BARE_ASYNC = "bare async client"
ONEVEC = "onevec"
ONEVEC_ASYNC = "onevec async"
LANGCHAIN = "LangChain"
LLAMAINDEX = "LlamaIndex"
WRAPPERS = (LANGCHAIN, LLAMAINDEX)


class Hit(NamedTuple):
    """What a search must have given back, as Python values; the score is the contender's own."""

    id: str
    text: str
    metadata: dict[str, Any]  # Any: JSON values
    score: float


class Contender(Protocol):
    """A way to speak to an engine. Everything is by cosine.

    The methods of an async contender are coroutine functions.

    Attributes:
        name: One of the names above.
        library: The distribution whose version the page gives.
    """

    name: str
    library: str

    def create(self) -> Any:  # Any: None, or an awaitable of it, as in all of these
        """Make a new, empty collection in the place of the last."""

    def ingest(self, documents: Batch) -> Any:
        """Write documents to it in the fastest way; they are acknowledged when it returns."""

    def settle(self) -> Any:
        """Let the engine do what it would do later, so that all collections are searched in the same state."""

    def search(self, query: Vectors) -> Any:  # Any: a list of hits, or an awaitable of it
        """Return the `TOP_K` nearest documents.

        Args:
            query: float32 of shape (dimension,), of length one.
        """

    def close(self) -> Any:
        """Let go of everything."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine under measurement.

    Attributes:
        title: What the page calls it.
        about: How it runs, and which settings all contenders have in common.
        bare: What the bare clients do.
        running: Starts it over an empty folder, and gives the contenders, the bare client first.
    """

    title: str
    about: str
    bare: str
    running: Callable[[Path], AbstractContextManager[list[Contender]]]
