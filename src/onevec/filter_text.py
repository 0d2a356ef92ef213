"""Filters as text, for people and for the command line.

    year >= 1958 and lang in ["en", "de"] and not archived

    filter     = all {"or" all}
    all        = one {"and" one}
    one        = "not" one | "(" filter ")" | ("all_of" | "any_of") "(" [filter {"," filter}] ")" | condition
    condition  = field [test]                          a field alone means: it is true
    test       = ("==" | "=" | "!=" | "<" | "<=" | ">" | ">=") value
               | "between" value "and" value           both ends included
               | "exists" | "missing" | "is" ["not"] "null"
               | ["not"] "in" list | ("contains_any" | "contains_all") list
               | ("contains" | "starts_with" | "has_text") value
    field      = a dotted name; in backquotes where it is spelled like a keyword: `in`
    value      = "text" | 'text' | number | "true" | "false" | "null" | "datetime" "(" text ")" | list
    list       = "[" [value {"," value}] "]"

Keywords are read in any case, and strings have JSON's escapes. `all_of()` always holds and `any_of()` never does;
with filters in them they are what `and` and `or` make. Parentheses are kept: `(a and b) and c` is an `And` in an `And`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar, assert_never

from onevec.errors import InvalidFilter
from onevec.filter_tokens import Token, Tokens, quoted
from onevec.filters import (
    ALWAYS,
    MAX_DEPTH,
    And,
    Condition,
    Filter,
    Not,
    Op,
    Or,
    checked_depth,
    checked_field,
    condition,
    none_of,
    one_of,
)
from onevec.values import as_utc, instant, moment_at

T = TypeVar("T")

_COMPARISONS: Final = {"==": Op.EQ, "=": Op.EQ, "!=": Op.NE, "<": Op.LT, "<=": Op.LE, ">": Op.GT, ">=": Op.GE}
_SYMBOLS: Final = {op: symbol for symbol, op in _COMPARISONS.items() if symbol != "="}
_ONE_VALUE: Final = {op.value: op for op in (Op.CONTAINS, Op.STARTS_WITH, Op.HAS_TEXT)}
_MANY_VALUES: Final = {op.value: op for op in (Op.CONTAINS_ANY, Op.CONTAINS_ALL)}
_NO_VALUE: Final = {op.value: op for op in (Op.EXISTS, Op.MISSING)}
_LITERALS: Final = {"true": True, "false": False, "null": None}
_GROUPS: Final[dict[str, type[And | Or]]] = {"all_of": And, "any_of": Or}
_KEYWORDS: Final = frozenset(
    {"and", "or", "not", "between", "in", "is", *_ONE_VALUE, *_MANY_VALUES, *_NO_VALUE, *_LITERALS}
)


def parse_text(text: str) -> Filter:
    """Return the filter that the text says; blank text always holds.

    Raises:
        InvalidFilter: The text isn't a filter. The message has the column, from 1, and shows the place.
    """
    return _Parser(text).parse()


def to_text(filter: Filter) -> str:
    """Return the text of a filter; `parse_text` gives back an equal one.

    Raises:
        InvalidFilter: The filter is nested too deeply.
    """
    return _filter_text(checked_depth(filter))


class _Parser:
    """Recursive descent: a method per rule of the grammar, `depth` levels down."""

    def __init__(self, text: str) -> None:
        self._tokens = Tokens(text)

    def parse(self) -> Filter:
        if self._tokens.current.kind == "end":
            return ALWAYS
        result = self._filter(0)
        if self._tokens.current.kind != "end":
            raise self._tokens.unexpected("'and', 'or' or the end")
        return checked_depth(result)

    def _filter(self, depth: int) -> Filter:
        choices = [[self._one(depth)]]
        while True:
            if self._tokens.taken("and"):
                choices[-1].append(self._one(depth))
            elif self._tokens.taken("or"):
                choices.append([self._one(depth)])
            else:
                break
        parts = [each[0] if len(each) == 1 else And(tuple(each)) for each in choices]
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _one(self, depth: int) -> Filter:
        token = self._tokens.current
        if depth > MAX_DEPTH:
            raise self._tokens.error(f"a filter is nested at most {MAX_DEPTH} levels deep", token.at)
        if self._tokens.taken("not"):
            return Not(self._one(depth + 1))
        if self._tokens.taken("("):
            inner = self._filter(depth + 1)
            self._tokens.expect(")")
            return inner
        if token.kind not in {"word", "quoted"} or token.key in _KEYWORDS:
            if token.kind == "word":
                why = f"expected a field; one named like the keyword {token.text} is written `{token.text}`"
                raise self._tokens.error(why, token.at)
            raise self._tokens.unexpected("a field, 'not' or '('")
        self._tokens.take()
        if token.key in _GROUPS and self._tokens.taken("("):
            return _GROUPS[token.key](tuple(self._separated(lambda: self._filter(depth + 1), ")")))
        return self._condition(token)

    def _condition(self, token: Token) -> Filter:
        name = self._checked(token, lambda: checked_field(token.text.strip("`")))
        key = self._tokens.current.key
        if op := _COMPARISONS.get(key) or _ONE_VALUE.get(key):
            return self._test(name, op, self._value)
        if op := _MANY_VALUES.get(key):
            return self._test(name, op, self._list)
        if op := _NO_VALUE.get(key):
            return self._test(name, op, lambda: None)
        if key == "between":
            return self._test(name, Op.BETWEEN, self._bounds)
        if self._tokens.taken("is"):
            negated = self._tokens.taken("not")
            self._tokens.expect("null")
            return condition(name, Op.EXISTS if negated else Op.MISSING)
        if key in {"not", "in"}:
            negated = self._tokens.taken("not")
            self._tokens.expect("in")
            token, values = self._tokens.current, self._list()
            return self._checked(token, lambda: none_of(name, values) if negated else one_of(name, values))
        if self._tokens.current.kind not in {"end", "symbol"} and key not in {"and", "or"}:
            raise self._tokens.unexpected("an operator, 'and', 'or' or the end")
        return condition(name, Op.EQ, value=True)

    def _test(self, name: str, op: Op, operand: Callable[[], object]) -> Condition:
        self._tokens.take()
        token, value = self._tokens.current, operand()
        return self._checked(token, lambda: condition(name, op, value))

    def _bounds(self) -> tuple[object, object]:
        low = self._value()
        self._tokens.expect("and")
        return low, self._value()

    def _value(self, depth: int = 0) -> object:
        token = self._tokens.current
        if token.key == "[":
            return self._list(depth)
        match token.kind:
            case "string":
                value: object = self._tokens.string(token)
            case "number":
                value = self._tokens.number(token)
            case "word" if token.key in _LITERALS:
                value = _LITERALS[token.key]
            case "word" if token.key == "datetime":
                return self._datetime()
            case "word":
                raise self._tokens.error(f'expected a value; the text {token.text} is written "{token.text}"', token.at)
            case _:
                raise self._tokens.unexpected("a value")
        self._tokens.take()
        return value

    def _list(self, depth: int = 0) -> list[object]:
        if depth > MAX_DEPTH + 1:
            raise self._tokens.error(f"lists are nested at most {MAX_DEPTH} deep", self._tokens.current.at)
        self._tokens.expect("[")
        return self._separated(lambda: self._value(depth + 1), "]")

    def _datetime(self) -> datetime:
        self._tokens.take()
        self._tokens.expect("(")
        token = self._tokens.current
        micros = instant(self._tokens.string(token)) if token.kind == "string" else None
        if micros is None:
            raise self._tokens.error('expected a datetime such as "2020-01-31" or "2020-01-31T12:00:00Z"', token.at)
        self._tokens.take()
        self._tokens.expect(")")
        return moment_at(micros)

    def _separated(self, read: Callable[[], T], close: str) -> list[T]:
        items: list[T] = []
        if self._tokens.taken(close):
            return items
        items.append(read())
        while self._tokens.taken(","):
            items.append(read())
        if not self._tokens.taken(close):
            raise self._tokens.unexpected(f"',' or '{close}'")
        return items

    def _checked(self, token: Token, make: Callable[[], T]) -> T:
        """What `make` returns; what it refuses is refused at the token's place."""
        try:
            return make()
        except InvalidFilter as error:
            raise self._tokens.error(str(error), token.at) from None


def _filter_text(filter: Filter) -> str:
    match filter:
        case Condition():
            return _condition_text(filter)
        case And(filters=parts) | Or(filters=parts) if len(parts) < 2:  # noqa: PLR2004 (nothing to put a word between)
            return f"{'all_of' if isinstance(filter, And) else 'any_of'}({''.join(map(_filter_text, parts))})"
        case And():
            return " and ".join(map(_part_text, filter.filters))
        case Or():
            return " or ".join(map(_part_text, filter.filters))
        case Not():
            return f"not {_part_text(filter.filter)}"
        case _:
            assert_never(filter)


def _part_text(filter: Filter) -> str:
    text = _filter_text(filter)
    return f"({text})" if isinstance(filter, And | Or) and len(filter.filters) > 1 else text


def _condition_text(condition: Condition) -> str:
    name = f"`{condition.field}`" if condition.field.lower() in _KEYWORDS else condition.field
    match condition.op:
        case Op.EXISTS | Op.MISSING:
            return f"{name} {condition.op}"
        case Op.BETWEEN:
            low, high = map(_value_text, condition.value)  # type: ignore[arg-type]  # a pair, by this operator
            return f"{name} between {low} and {high}"
        case Op.NOT_IN:
            return f"{name} not in {_value_text(condition.value)}"
        case op:
            return f"{name} {_SYMBOLS.get(op, op)} {_value_text(condition.value)}"


def _value_text(value: Any) -> str:  # Any: an operand, or what is in a list
    match value:
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case str():
            return quoted(value)
        case datetime():
            return f'datetime("{as_utc(value).isoformat().removesuffix("+00:00")}Z")'
        case tuple() | list():
            return f"[{', '.join(map(_value_text, value))}]"
        case _:
            return repr(value)
