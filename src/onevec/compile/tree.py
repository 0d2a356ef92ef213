"""The walk over a filter that every compiler shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, assert_never

from onevec.filters import And, Condition, Filter, Not, Op, Or

T = TypeVar("T")
MethodT = TypeVar("MethodT", bound=Callable[..., Any])  # Any: a method of some compiler, condition to its language


def compiles(*operators: Op) -> Callable[[MethodT], MethodT]:
    """Mark a compiler's method as the one that takes conditions with these operators."""

    def mark(method: MethodT) -> MethodT:
        method.operators = operators  # type: ignore[attr-defined]
        return method

    return mark


class Compiler(ABC, Generic[T]):
    """Turns a lowered filter into a `T`.

    A subclass has methods marked with `@compiles(...)` for the operators of its engine, and combines what they give by
    `all_of`, `any_of` and `negate`. Each must keep the contract's exact meaning; an operator that can't is left out.

    Attributes:
        operators: The operators that some method is marked with; what the capability record declares.
    """

    operators: ClassVar[frozenset[Op]] = frozenset()
    _methods: ClassVar[Mapping[Op, str]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        marked = {op: name for name, method in vars(cls).items() for op in getattr(method, "operators", ())}
        cls._methods = {**cls._methods, **marked}
        cls.operators = frozenset(cls._methods)

    def compile(self, filter: Filter) -> T:
        """Return the filter in the engine's language."""
        match filter:
            case Condition():
                return self.compare(filter)
            case And():
                return self.all_of([self.compile(part) for part in filter.filters])
            case Or():
                return self.any_of([self.compile(part) for part in filter.filters])
            case Not():
                return self.negate(self.compile(filter.filter))
            case _:
                assert_never(filter)

    def compare(self, condition: Condition) -> T:
        """Return one condition; its operator is one of `operators`."""
        compiled: T = getattr(self, self._methods[condition.op])(condition)
        return compiled

    @abstractmethod
    def all_of(self, parts: Sequence[T]) -> T:
        """Return what is true if all parts are; of none, what is always true."""

    @abstractmethod
    def any_of(self, parts: Sequence[T]) -> T:
        """Return what is true if one part is; of none, what is never true."""

    @abstractmethod
    def negate(self, part: T) -> T:
        """Return what is true of exactly the documents that the part isn't true of."""
