"""What one engine can do and the others can't, as values: `store.do(Vacuum())`.

An engine's operations are in its adapter's package, as `onevec.adapters.sqlite.operations`. They go the way that every
verb goes: through the same runtime, with retries, the deadline of the call, events, and errors of onevec's tree.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from onevec.errors import CollectionNotFound, OnevecError, Unsupported
from onevec.pipeline.verbs import named
from onevec.validate import checked_collection_name

if TYPE_CHECKING:
    from onevec.documents import CollectionInfo
    from onevec.pipeline import StorePipeline
    from onevec.remote import Turns

T_co = TypeVar("T_co", covariant=True)


class Operation(ABC, Generic[T_co]):
    """One thing for one engine to do. Subclasses are frozen dataclasses, whose fields are its arguments.

    Attributes:
        engine: The engine's name.
    """

    engine: ClassVar[str]

    @abstractmethod
    async def run(self, adapter: Any) -> T_co:  # Any: each engine's own adapter
        """Do it, awaiting nothing but the verbs of the adapter's runtime, in the adapter's turn if it takes turns."""


async def done(core: StorePipeline, operation: Operation[T_co]) -> T_co:
    """Let the store's engine do it, and return what comes of it.

    Raises:
        Unsupported: It is another engine's.
    """
    try:
        core.check_open()
        return await core.call("do", None, _for(core, operation), core.adapter)
    except OnevecError as error:
        named(error, core.engine, "do")
        raise


def _for(core: StorePipeline, operation: Operation[T_co]) -> Callable[..., Coroutine[Any, Any, T_co]]:
    """What carries it out, in the adapter's turn if it takes turns."""
    name = type(operation).__name__
    if not isinstance(operation, Operation):
        raise Unsupported(f"do() takes an operation of {core.engine}, such as those its page lists; got {name}")
    if operation.engine != core.engine:
        raise Unsupported(f"{name} is of {operation.engine}, and this store is of {core.engine}")
    turns: Turns | None = getattr(core.adapter, "turns", None)
    if turns is None:
        return operation.run

    async def waiting(adapter: Any) -> T_co:  # Any: as above
        return await turns.take(operation.run, adapter)

    return waiting


def found(info: CollectionInfo | None, name: str) -> CollectionInfo:
    """Return a collection that an operation is about.

    Raises:
        InvalidName: The name can't be one.
        CollectionNotFound: There is none.
    """
    if info is None:
        name = checked_collection_name(name)
        raise CollectionNotFound(f"there is no collection {name!r}; make it with create_collection")
    return info
