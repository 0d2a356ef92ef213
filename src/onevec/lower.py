"""Bring a filter into the form that adapters get: simple, flat, and in the operators the engine has.

In a lowered filter `Not` stands only directly above a condition that has no complement among the engine's operators;
`And` and `Or` have at least two different members, none of their own kind; a filter that is always or never true is
`ALWAYS` or `NEVER` itself. What it means is what it meant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import assert_never

from onevec.filters import ALWAYS, NEVER, And, Condition, Filter, Not, Op, Operand, Or, conditions

# A range has none: without the field, `x < 5` and `x >= 5` are both false.
_COMPLEMENTS = {
    Op.EQ: Op.NE,
    Op.NE: Op.EQ,
    Op.IN: Op.NOT_IN,
    Op.NOT_IN: Op.IN,
    Op.EXISTS: Op.MISSING,
    Op.MISSING: Op.EXISTS,
}

# What they are for the empty list, whatever the document.
_OF_NOTHING = {Op.IN: False, Op.NOT_IN: True, Op.CONTAINS_ANY: False}


def lower(filter: Filter, operators: Collection[Op]) -> Filter:
    """Return the lowered filter, each operator the engine lacks rewritten into ones it has where that is possible.

    Args:
        filter: Any filter.
        operators: What the engine has; negation it has of each.
    """
    return _lowered(filter, operators, negated=False)


def split(filter: Filter, operators: Collection[Op]) -> tuple[Filter | None, Filter | None]:
    """Return what the engine can run of a lowered filter, and what remains to be run in Python.

    Both together mean the whole: the first is implied by it, the second decides among what the first lets through.
    None stands for "all documents".
    """
    if filter == ALWAYS:
        return None, None
    if not unsupported(filter, operators):
        return filter, None
    if not isinstance(filter, And):
        return None, filter
    native = [part for part in filter.filters if not unsupported(part, operators)]
    rest = [part for part in filter.filters if unsupported(part, operators)]
    return (_joined(And, native) if native else None), _joined(And, rest)


def unsupported(filter: Filter, operators: Collection[Op]) -> list[Condition]:
    """Return the conditions of a lowered filter that can't be said in these operators."""
    return [condition for condition in conditions(filter) if condition.op not in operators]


def _lowered(filter: Filter, operators: Collection[Op], *, negated: bool) -> Filter:
    match filter:
        case Condition():
            return _lowered_condition(filter, operators, negated=negated)
        case Not():
            return _lowered(filter.filter, operators, negated=not negated)
        case And() | Or():
            parts = (_lowered(part, operators, negated=negated) for part in filter.filters)
            return _joined(Or if isinstance(filter, And) is negated else And, parts)
        case _:
            assert_never(filter)


def _lowered_condition(condition: Condition, operators: Collection[Op], *, negated: bool) -> Filter:
    if condition.op in _OF_NOTHING and condition.value == ():
        return ALWAYS if _OF_NOTHING[condition.op] is not negated else NEVER
    complement = _COMPLEMENTS.get(condition.op)
    if negated and complement and (complement in operators or condition.op not in operators):
        condition, negated = Condition(condition.field, complement, condition.value), False
    if condition.op not in operators:
        for other in _alternatives(condition):
            if not unsupported(other, operators):
                return _lowered(other, operators, negated=negated)
    return Not(condition) if negated else condition


def _alternatives(condition: Condition) -> Iterator[Filter]:
    """Other ways to say the condition, the shortest first."""
    name, value = condition.field, condition.value
    items = value if isinstance(value, tuple) else ()

    def one(op: Op, value: Operand) -> Condition:
        return Condition(name, op, value)

    def each(op: Op) -> tuple[Condition, ...]:
        return tuple(one(op, item) for item in items)

    def singly(op: Op) -> tuple[Condition, ...]:
        return tuple(one(op, (item,)) for item in items)

    match condition.op:
        case Op.EQ:
            yield one(Op.IN, (value,))
            yield Not(one(Op.NE, value))
            yield Not(one(Op.NOT_IN, (value,)))
        case Op.NE:
            yield Not(one(Op.EQ, value))
            yield one(Op.NOT_IN, (value,))
            yield Not(one(Op.IN, (value,)))
        case Op.IN:
            yield Not(one(Op.NOT_IN, value))
            yield Or(each(Op.EQ))
            yield Not(And(each(Op.NE)))
        case Op.NOT_IN:
            yield Not(one(Op.IN, value))
            yield And(each(Op.NE))
            yield Not(Or(each(Op.EQ)))
        case Op.BETWEEN:
            low, high = items
            yield And((one(Op.GE, low), one(Op.LE, high)))
        case Op.EXISTS:
            yield Not(one(Op.MISSING, None))
        case Op.MISSING:
            yield Not(one(Op.EXISTS, None))
        case Op.CONTAINS:
            yield one(Op.CONTAINS_ANY, (value,))
            yield one(Op.CONTAINS_ALL, (value,))
        case Op.CONTAINS_ANY:
            yield Or(each(Op.CONTAINS))
            yield Or(singly(Op.CONTAINS_ALL))
        case Op.CONTAINS_ALL if items:  # with none it asks for a list, which no other operator does
            yield And(each(Op.CONTAINS))
            yield And(singly(Op.CONTAINS_ANY))
        case _:
            return


def _joined(kind: type[And | Or], parts: Iterable[Filter]) -> Filter:
    flat = chain.from_iterable(part.filters if isinstance(part, kind) else (part,) for part in parts)
    members = tuple(dict.fromkeys(flat))
    decided = NEVER if kind is And else ALWAYS
    if decided in members:
        return decided
    return members[0] if len(members) == 1 else kind(members)
