"""What the SQL dialects share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from onevec.compile.tree import Compiler

SqlValue: TypeAlias = str | int | float


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with the values of its `?`, in their order.

    Where a field is missing the piece may be NULL, which a WHERE takes as false.
    """

    text: str
    values: tuple[SqlValue, ...] = ()


class SqlCompiler(Compiler[Sql]):
    """What all SQL dialects share: how conditions combine, under SQL's logic of three values."""

    def all_of(self, parts: Sequence[Sql]) -> Sql:
        return _joined(parts, " AND ") if parts else Sql("TRUE")

    def any_of(self, parts: Sequence[Sql]) -> Sql:
        return _joined(parts, " OR ") if parts else Sql("FALSE")

    def negate(self, part: Sql) -> Sql:
        return Sql(f"(({part.text}) IS NOT TRUE)", part.values)  # NOT would leave NULL as NULL


# SQLite refuses an expression 1,000 deep, and counts `a OR b OR c` as two deep; so long ones are halved.
_SIDE_BY_SIDE = 8


def _joined(parts: Sequence[Sql], word: str) -> Sql:
    if len(parts) == 1:
        return parts[0]
    if len(parts) > _SIDE_BY_SIDE:
        middle = len(parts) // 2
        parts = _joined(parts[:middle], word), _joined(parts[middle:], word)
    values = tuple(value for part in parts for value in part.values)
    return Sql(f"({word.join(part.text for part in parts)})", values)
