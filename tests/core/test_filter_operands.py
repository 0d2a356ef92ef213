"""What a condition takes: the operands and the names, and what of each is refused."""

from __future__ import annotations

import enum
import string
import uuid
from collections import UserDict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from onevec.errors import InvalidFilter
from onevec.filters import Op, condition, field
from onevec.testing.payloads import PAYLOADS

x = field("x")
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)


class Lang(str, enum.Enum):  # noqa: UP042 (its str() is not its value, unlike a StrEnum's)
    EN = "en"


class Year(enum.IntEnum):
    FIRST = 1958


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def refused(make: Callable[[], object]) -> str:
    with pytest.raises(InvalidFilter) as caught:
        make()
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (np.int64(2**53 + 1), 2**53 + 1),
        (np.int8(-1), -1),
        (np.uint32(7), 7),
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.array(3), 3),
        (Year.FIRST, 1958),
    ],
    ids=repr,
)
def test_numbers_of_other_types_become_plain_ones(given: Any, plain: float) -> None:
    """NumPy scalars and enum members are taken as the Python numbers they are, by every operator."""
    for made in (x == given, x < given, x.between(given, given), x.is_in([given]), x.contains(given), x == [given]):
        value: Any = made.value  # type: ignore[union-attr]  # each is a condition
        value = value[0] if isinstance(value, tuple) else value
        assert type(value) is type(plain)
        assert value == plain


@pytest.mark.parametrize(("given", "plain"), [(np.str_("en"), "en"), (Lang.EN, "en"), (np.bool_(True), True)], ids=repr)
def test_texts_and_booleans_of_other_types_become_plain_ones(given: Any, plain: object) -> None:
    """A string enum's member is its value, not its name; a NumPy string or boolean is a plain one."""
    for made in (x == given, x.contains(given), x.is_in([given]), x == [given]):
        value: Any = made.value  # type: ignore[union-attr]  # each is a condition
        value = value[0] if isinstance(value, tuple) else value
        assert type(value) is type(plain)
        assert value == plain
    if isinstance(plain, str):
        assert type(x.starts_with(given).value) is str
        assert x.has_text(given) == x.has_text(plain)


def test_datetimes_become_utc() -> None:
    """A datetime of another zone is the same instant in UTC, and one without a zone is in UTC."""
    assert (x == NOON).value == NOON
    for moment in (NOON.astimezone(timezone(timedelta(hours=9))), NOON.replace(tzinfo=None)):
        assert (x == moment) == (x == NOON)
        assert getattr((x == moment).value, "tzinfo", None) is UTC
        assert (x < moment) == (x < NOON)
        assert x.between(moment, moment) == x.between(NOON, NOON)


NOT_VALUES: list[Any] = [
    *({}, {"a": 1}, {1}, b"a", bytearray(b"a"), object(), 1j, Decimal(1), Fraction(1), uuid.UUID(int=0), Lang, len),
    *(x, x == 1, date(2020, 1, 1), timedelta(1), datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))),
    *(np.array([1, 2]), np.datetime64("2020-01-01", "ns"), np.complex64(1), np.void(b"a"), np.float32("nan")),
    *(float("nan"), float("inf"), float("-inf"), 2**63, -(2**63) - 1, 10**5000, "\ud800", "a\udfff"),
]


@pytest.mark.parametrize("value", NOT_VALUES, ids=lambda value: type(value).__name__)
def test_what_is_no_value_is_refused_everywhere(value: Any) -> None:
    """Objects, numbers that JSON or 64 bits can't hold, and broken text are refused wherever an operand stands."""
    for name, make in {
        "eq": lambda: x == value,
        "ne": lambda: x != value,
        "lt": lambda: x < value,
        "le": lambda: x <= value,
        "gt": lambda: x > value,
        "ge": lambda: x >= value,
        "between": lambda: x.between(value, 1),
        "in": lambda: x.is_in([value]),
        "not_in": lambda: x.not_in(["a", value]),
        "contains": lambda: x.contains(value),
        "contains_any": lambda: x.contains_any([value]),
        "contains_all": lambda: x.contains_all([1, value]),
        "starts_with": lambda: x.starts_with(value),
        "has_text": lambda: x.has_text(value),
    }.items():
        assert refused(make).startswith(f"{name} on 'x' ")
    assert refused(lambda: x == [[value]]).startswith("eq on 'x' ")
    assert refused(lambda: x.is_in([["a", value]])).startswith("in on 'x' ")


NOT_ORDERED: list[Any] = [
    *(None, True, False, "", "abc", "1", "2020", "20200101", "2020-13-01", "2020-02-30", "2020-01-01x"),
    *(Lang.EN, np.bool_(True), [], [1], ["2020-01-01"], (1, 2), nested(5000)),
]


@pytest.mark.parametrize("value", NOT_ORDERED, ids=lambda value: type(value).__name__)
def test_a_range_takes_numbers_and_instants_only(value: Any) -> None:
    """`<` and its like, and `between`, take numbers, datetimes and ISO 8601 strings, and nothing else."""
    for make in (
        lambda: x < value,
        lambda: x <= value,
        lambda: x > value,
        lambda: x >= value,
        lambda: x.between(1, value),
        lambda: x.between(value, 1),
    ):
        assert "takes a number, a datetime or an ISO 8601 string" in refused(make)


def test_a_range_has_two_bounds_of_one_kind() -> None:
    """`between` takes a low and a high, both numbers or both instants."""
    assert "two numbers or two datetimes" in refused(lambda: x.between(1, NOON))
    assert "two numbers or two datetimes" in refused(lambda: x.between("2020-01-01", 5))
    assert "two bounds" in refused(lambda: condition("x", Op.BETWEEN, [1]))
    assert "two bounds" in refused(lambda: condition("x", Op.BETWEEN, [1, 2, 3]))
    assert "takes a list" in refused(lambda: condition("x", Op.BETWEEN, 1))


@pytest.mark.parametrize("value", [None, True, 1, 1.5, NOON, ["a"], {"a": 1}, b"a", x, nested(5000)], ids=type)
def test_a_prefix_is_a_string(value: Any) -> None:
    """`starts_with` and `has_text` take a string."""
    assert refused(lambda: x.starts_with(value)).startswith("starts_with on 'x' takes a string")
    assert refused(lambda: x.has_text(value)).startswith("has_text on 'x' takes a string")


@pytest.mark.parametrize(
    "value", [None, True, 1, 1.5, "abc", "", b"abc", {"a": 1}, {}, UserDict(), NOON, object(), len], ids=type
)
def test_what_takes_several_values_takes_a_list(value: Any) -> None:
    """A string is not taken for a list of its characters, nor a dict for one of its keys."""
    assert "in on 'x' takes a list" in refused(lambda: x.is_in(value))
    assert "not_in on 'x' takes a list" in refused(lambda: x.not_in(value))
    assert "contains_any on 'x' takes a list" in refused(lambda: x.contains_any(value))
    assert "contains_all on 'x' takes a list" in refused(lambda: x.contains_all(value))


@pytest.mark.parametrize("value", [None, [], ["a"], ("a",), nested(5000), [10**5000]], ids=type)
def test_contains_takes_one_element(value: Any) -> None:
    """An element is a scalar: for several there are `contains_any` and `contains_all`, and a null is none."""
    assert refused(lambda: x.contains(value)).startswith("contains on 'x' takes ")
    assert refused(lambda: x.contains_any(["a", value])).startswith("contains_any on 'x' takes ")
    assert refused(lambda: x.contains_all([value])).startswith("contains_all on 'x' takes ")


@pytest.mark.parametrize("op", [Op.EXISTS, Op.MISSING])
@pytest.mark.parametrize("value", [True, False, 0, "", []], ids=repr)
def test_presence_takes_no_operand(op: Op, value: object) -> None:
    """`exists` and `missing` have nothing to compare with."""
    assert "takes no operand" in refused(lambda: condition("x", op, value))


def test_lists_are_nested_within_bounds() -> None:
    """A list that a document can hold can be compared with; one without end is refused, not followed."""
    assert (x == nested(32)).op is Op.EQ
    endless: list[Any] = []
    endless.append(endless)
    assert "nested" in refused(lambda: x == nested(5000))
    assert "nested" in refused(lambda: x == endless)
    assert "nested" in refused(lambda: x.is_in([endless]))


def test_an_error_shows_the_operand_and_cuts_a_long_one() -> None:
    """A message has the operand, doesn't grow with it, and has nothing in it that a terminal would obey."""
    assert refused(lambda: x < "abc").endswith("got 'abc'")
    assert refused(lambda: x > True).endswith("got True")
    assert refused(lambda: x.starts_with(5)).endswith("got 5")  # type: ignore[arg-type]  # the test
    assert refused(lambda: x == 2**63).endswith(f"got {2**63}")
    assert len(refused(lambda: x < "a" * 1_000_000)) < 300
    assert len(refused(lambda: x == 10**100_000)) < 300
    assert "\x1b" not in refused(lambda: x < "\x1b[31m")
    assert "\n" not in refused(lambda: field("a\nb"))


@pytest.mark.parametrize(
    "name", ["a", "A", "_", "_a1", "a-b", "a-", "a.b", "a.b.c", "select", "and", "a_b-c.D9", "__x__"]
)
def test_names_of_fields(name: str) -> None:
    """A name is letters, digits, `_` and `-`, dotted; each part starts with a letter or `_`."""
    assert (field(name) == 1).field == name
    assert (field(name) == 1).path == tuple(name.split("."))


NOT_NAMES: list[Any] = [
    *("", " ", "1", "1a", "-a", "a b", " a", "a ", "a\n", "\na", "a\0", "a.", ".a", "a..b", "a.1", "a.-b", "a. b", "."),
    *("$a", "$where", "a$b", "a[0]", "a[*]", "a->b", "a:b", "a/b", "a\\b", "a'b", 'a"b', "a`b", "a;b", "a--b;", "a()"),
    *("\u00e9", "a\u00e9", "\u0430", "a\u200b", "a\uff11", "\uff41", "\ud800", "e\u0301", "a,b", "a%", "a*", "a=b"),
    *("{a}", "@a", "#a", None, 1, True, b"a", ["a"], ("a",), object(), x, Op),
]


@pytest.mark.parametrize("name", NOT_NAMES, ids=lambda name: ascii(name)[:20])
def test_other_names_are_refused(name: Any) -> None:
    """What no dialect could take as a name unquoted is refused, whatever the operator."""
    assert "can't be a field" in refused(lambda: field(name))
    for op in Op:
        assert "can't be a field" in refused(lambda op=op: condition(name, op, None))  # type: ignore[misc]


@pytest.mark.parametrize("index", range(len(PAYLOADS)))
def test_no_payload_gets_through_as_a_name(index: int) -> None:
    """A hostile string is either refused as a field's name, or is nothing but letters, digits, `_`, `-` and dots."""
    try:
        name = field(PAYLOADS[index]).exists().field
    except InvalidFilter:
        return
    assert name == PAYLOADS[index]
    assert set(name) <= set(string.ascii_letters + string.digits + "_-.")
    assert name[0] in string.ascii_letters + "_"


def test_a_name_is_a_plain_string() -> None:
    """An enum member that names a field is taken as its value."""
    assert type((field(Lang.EN) == 1).field) is str
    assert f"{(field(Lang.EN) == 1).field}" == "en"
