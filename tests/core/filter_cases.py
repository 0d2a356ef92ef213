"""What every filter means, case by case, written down from the contract and not from any engine.

`VALUES` has, for a filter on the field `v`, values of `v` that match and values that don't. `OBJECTS` has whole
metadata. `CASES` is both, flat.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

from onevec.documents import Metadata
from onevec.filters import ALWAYS, NEVER, And, Filter, Not, Op, Or, all_of, any_of, condition, field


class Case(NamedTuple):
    filter: Filter
    metadata: Metadata
    expected: bool


ABSENT = object()

BIG = 2**53
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
NOON_IN_INDIA = datetime(2020, 1, 1, 17, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
NAIVE_NOON = datetime(2020, 1, 1, 12)  # noqa: DTZ001 (one without a zone is UTC)
BEFORE_NOON = NOON - timedelta(microseconds=1)
AFTER_NOON = NOON + timedelta(microseconds=1)
NOON_TEXT = "2020-01-01T12:00:00Z"
ACUTE, COMBINED = "\u00e9", "e\u0301"

v = field("v")

VALUES: list[tuple[Filter, list[Any], list[Any]]] = [
    # eq and ne: numbers as numbers, and nothing equal across types
    (v == 1, [1, 1.0], [0, 2, 1.5, True, "1", "1.0", [1], {"w": 1}, {}, NOON, None, ABSENT]),
    (v == 1.0, [1, 1.0], [True, "1.0", [1.0], 1.0000000000000002, ABSENT]),
    (v == 0, [0, 0.0, -0.0], [False, "", "0", [], {}, [0], None, ABSENT]),
    (v == -0.0, [0, 0.0, -0.0], [False, 5e-324]),
    (v == 0.1, [0.1], [0.1 + 2e-17, 0.2 - 0.1 + 1e-15, "0.1"]),
    (v == -7, [-7, -7.0], [7, "-7"]),
    (v == BIG, [BIG, float(BIG)], [BIG + 1, BIG - 1, str(BIG)]),
    (v == BIG + 1, [BIG + 1], [BIG, float(BIG), BIG + 2]),
    (v == float(BIG), [BIG, float(BIG)], [BIG + 1]),
    (v == 2**63 - 1, [2**63 - 1], [2**63 - 2, 2.0**63]),
    (v == -(2**63), [-(2**63), -(2.0**63)], [-(2**63) + 1]),
    (v == True, [True], [1, 1.0, "true", "True", False, [True], NOON, None, ABSENT]),  # noqa: E712 (a filter)
    (v == False, [False], [0, 0.0, "", "false", [], {}, True, None, ABSENT]),  # noqa: E712
    (v == "abc", ["abc"], ["ABC", "abc ", " abc", "ab", "abcd", "abc\0", ["abc"], {"abc": 1}, None, ABSENT]),
    (v == "", [""], [" ", "\0", 0, False, [], {}, [""], None, ABSENT]),
    (v == "1", ["1"], [1, 1.0, True, "1.0", "01", ABSENT]),
    (v == "null", ["null"], [None, "None", "", ABSENT]),
    (v == ACUTE, [ACUTE], [COMBINED, "e", ACUTE.upper()]),
    (v == "a%", ["a%"], ["ab", "a", "a_"]),
    (v == 'it\'s "1" \\ \n', ['it\'s "1" \\ \n'], ["its 1", 'it\'s "1" \\\\ \n']),
    (v == NOON, [NOON, NAIVE_NOON, NOON_IN_INDIA], [BEFORE_NOON, AFTER_NOON, NOON_TEXT, 1577880000, None, ABSENT]),
    (v == NOON_IN_INDIA, [NOON, NAIVE_NOON, NOON_IN_INDIA], [NOON + timedelta(hours=5, minutes=30), [NOON]]),
    (v == NOON_TEXT, [NOON_TEXT], [NOON, "2020-01-01T12:00:00+00:00", "2020-01-01 12:00:00Z", "2020-01-01", ABSENT]),
    (v == [1, 2], [[1, 2], [1.0, 2.0], (1, 2)], [[2, 1], [1], [1, 2, 2], [[1, 2]], 1, [True, 2], ["1", 2], "[1, 2]"]),
    (v == [1, 2], [], [{"0": 1, "1": 2}, None, ABSENT]),
    (v == [], [[]], [[None], [[]], "", 0, {}, None, ABSENT]),
    (v == [None], [[None]], [[], [False], [0], ["null"], [None, None], None, ABSENT]),
    (v == [True], [[True]], [[1], True, ["true"]]),
    (v == ["a", NOON], [["a", NOON], ["a", NOON_IN_INDIA]], [["a", NOON_TEXT], ["a", BEFORE_NOON], [NOON, "a"]]),
    (v == [[1], []], [[[1], []], [[1.0], []]], [[1], [[1]], [[], [1]], [[1], [[]]]]),
    (v == [1], [[1]], [1, {"w": [1]}, [{"w": 1}], [1, None]]),
    (v != 1, [0, 1.5, True, "1", [1], [[1]], {"w": 1}, NOON, NOON_TEXT, None, ABSENT], [1, 1.0]),
    (v != "abc", ["ABC", "", ["abc"], 0, {}, None, ABSENT], ["abc"]),
    (v != True, [False, 1, "true", None, ABSENT], [True]),  # noqa: E712
    (v != NOON, [NOON_TEXT, BEFORE_NOON, 0, None, ABSENT], [NOON, NAIVE_NOON, NOON_IN_INDIA]),
    (v != [], [[None], [1], "", {}, None, ABSENT], [[]]),
    (v != BIG + 1, [BIG, float(BIG)], [BIG + 1]),
    (condition("v", Op.EQ, None), [None, ABSENT], [0, False, "", [], {}, [None], "null", NOON]),
    (condition("v", Op.NE, None), [0, False, "", [], {}, [None], "null", NOON], [None, ABSENT]),
    # ranges: numbers with numbers
    (v < 5, [4, 4.999, 0, -0.0, -1e300, -(2**63)], [5, 5.0, 6, "4", "", True, False, NOON, NOON_TEXT, [4], {"w": 4}]),
    (v < 5, [], [[[4]], None, ABSENT]),
    (v <= 5, [4, 5, 5.0], [5.000001, 6, "5", True, [5], [[5]], {}, NOON, NOON_TEXT, None, ABSENT]),
    (v > 5, [6, 5.000001, 1e300, 2**63 - 1], [5, 5.0, 4, "6", True, NOON, [6], [[6]], {"w": 6}, ABSENT]),
    (v >= 5, [5, 5.0, 6], [4.999, "5", "9", False, NOON, [5], [[5]], {}, None, ABSENT]),
    (v >= 0, [0, -0.0, 0.0, 1], [False, True, "", "0", [], -5e-324, None, ABSENT]),
    (v > 0, [5e-324, 1], [0, -0.0, True, "1"]),
    (v < 0.5, [0, 0.25, -1], [0.5, 1, False]),
    (v > BIG, [BIG + 1, 1e16], [BIG, float(BIG)]),
    (v > float(BIG), [BIG + 1], [BIG, float(BIG)]),
    (v <= float(BIG), [BIG, float(BIG), BIG - 1], [BIG + 1]),
    (v < BIG + 1, [BIG, float(BIG)], [BIG + 1]),
    (v >= BIG + 1, [BIG + 1, BIG + 2, float(BIG + 2)], [BIG, float(BIG)]),
    (v <= 2**63 - 1, [2**63 - 1, 0], [2.0**63, 1e300]),
    (v < -(2**63), [-1e300], [-(2**63), -(2.0**63), 0]),
    (v.between(1, 3), [1, 1.0, 2.5, 3, 3.0], [0.999, 3.001, "2", True, [2], [[1], [3]], NOON, {}, None, ABSENT]),
    (v.between(2, 2), [2, 2.0], [1, 3, "2"]),
    (v.between(3, 1), [], [1, 2, 3, None, ABSENT]),
    (v.between(BIG + 1, BIG + 1), [BIG + 1], [BIG, BIG + 2, float(BIG)]),
    (v.between(-0.5, 0.5), [0, -0.0, 0.5, -0.5], [False, 1, "0", ""]),
    # ranges: instants with instants, a string being one if it is extended ISO 8601
    (v < NOON, [BEFORE_NOON, "2020-01-01T11:59:59.999999Z", "2020-01-01", "1969-12-31"], [NOON, NOON_TEXT, AFTER_NOON]),
    (v < NOON, ["2020-01-01 11:59", "2020-01-01T12:30:00+01:00"], ["2020-01-01T11:30:00-01:00", "2020-01-02"]),
    (v < NOON, [], [0, 2019, "2019", "20190101", "1577836800", "", "abc", True, ["2019-01-01"], {}, None, ABSENT]),
    (v < NOON, [], ["2019-02-29", "2019-13-01", "2019-00-10", "2019-01-01x", " 2019-01-01", "2019-01-01T25:00"]),
    (v <= NOON, [NOON, NAIVE_NOON, NOON_IN_INDIA, NOON_TEXT, "2020-01-01T17:30:00+05:30"], [AFTER_NOON, "2020-01-02"]),
    (v > NOON, [AFTER_NOON, "2020-01-01T12:00:00.000001Z", "9999-12-31"], [NOON, NOON_TEXT, NOON_IN_INDIA]),
    (v > NOON, [], ["2020-01-01", 1e18, 2**62, "tomorrow", "z", True, [AFTER_NOON], {"w": AFTER_NOON}, None, ABSENT]),
    (v >= NOON, [NOON, NAIVE_NOON, NOON_TEXT, "2020-01-01 12:00", "2020-01-01T12:00:00"], [BEFORE_NOON, "2020-01-01"]),
    (v >= NOON_TEXT, [NOON, NOON_TEXT, NOON_IN_INDIA, AFTER_NOON], [BEFORE_NOON, "2020-01-01", "abc", 9e18, ABSENT]),
    (v >= "2020-01-01", [NOON, "2020-01-01", "2020-01-01T00:00:00Z"], ["2019-12-31T23:59:59Z", "2020", 2020, ABSENT]),
    (v < "2020-01-01T01:00:00+01:00", ["2019-12-31", datetime(2019, 12, 31, 23, tzinfo=UTC)], ["2020-01-01", NOON]),
    (v < datetime(1900, 1, 1, tzinfo=UTC), ["1899-12-31", datetime(1, 1, 1, tzinfo=UTC)], ["1900-01-01", -1, 0]),
    (v.between("2020-01-01", NOON), ["2020-01-01", NOON, NOON_TEXT, NOON_IN_INDIA], [AFTER_NOON, "2019-12-31", 5]),
    (v.between("2020-01-01", NOON), [], [1.5, "noon", True, [NOON], {"w": NOON}, None, ABSENT]),
    (v.between(NOON, BEFORE_NOON), [], [NOON, BEFORE_NOON, NOON_TEXT]),
    # in and not_in: eq to one, eq to none
    (v.is_in([1, "a"]), [1, 1.0, "a"], [True, "1", "A", 2, [1], [1, "a"], {"a": 1}, NOON, None, ABSENT]),
    (v.is_in([True]), [True], [1, 1.0, "true", False, None, ABSENT]),
    (v.is_in([0]), [0, -0.0], [False, "", "0", [], None, ABSENT]),
    (v.is_in([]), [], [1, "", [], {}, False, NOON, None, ABSENT]),
    (v.is_in([[1, 2], []]), [[1, 2], [1.0, 2], []], [1, 2, [2, 1], [[]], [[1, 2]], "", None, ABSENT]),
    (v.is_in([NOON, "x"]), [NOON, NOON_IN_INDIA, "x"], [NOON_TEXT, BEFORE_NOON, ["x"]]),
    (v.is_in([BIG + 1, 0.5]), [BIG + 1, 0.5], [BIG, float(BIG), "0.5"]),
    (v.is_in([1, None]), [1, None, ABSENT], [0, "", False, [None], [], {}]),
    (v.is_in([None]), [None, ABSENT], [0, "", False, [None]]),
    (v.not_in([1, "a"]), [True, "1", 2, 1.5, [1], [["a"]], {}, NOON, NOON_TEXT, None, ABSENT], [1, 1.0, "a"]),
    (v.not_in([]), [1, "", [], {}, False, NOON, None, ABSENT], []),
    (v.not_in([[1, 2]]), [1, [2, 1], [1], None, ABSENT], [[1, 2]]),
    (v.not_in([1, None]), [0, "", False, [], {}, [None]], [1, 1.0, None, ABSENT]),
    # exists and missing: a null is no value, an empty one is
    (v.exists(), [0, 0.0, False, "", [], {}, [None], [[]], {"w": None}, NOON, NOON_TEXT, "null"], [None, ABSENT]),
    (v.is_null(), [None, ABSENT], [0, 0.0, False, "", [], {}, [None], [[]], {"w": None}, NOON, NOON_TEXT, "null"]),
    # contains: elements of a list, not characters of a string, not keys of an object
    (v.contains("a"), [["a"], ["b", "a"], [1, None, "a"], ("a",)], ["a", "abc", ["A"], ["ab"], [["a"]], [], {"a": 1}]),
    (v.contains("a"), [], [[{"a": "a"}], 1, 1.0, True, NOON, NOON_TEXT, [None], None, ABSENT]),
    (v.contains(1), [[1], [1.0], [True, 1]], [[True], ["1"], 1, "1", [[1]], {"w": 1}, [11], None, ABSENT]),
    (v.contains(True), [[True], [1, True]], [[1], ["true"], True, [False], ABSENT]),
    (v.contains(0), [[0], [-0.0]], [[False], [""], [None], [[]], [], 0]),
    (v.contains(""), [[""]], ["", [], [None], ["a"]]),
    (v.contains(BIG + 1), [[BIG + 1]], [[BIG], [float(BIG)]]),
    (v.contains(NOON), [[NOON], [1, NOON_IN_INDIA]], [[NOON_TEXT], NOON, [BEFORE_NOON]]),
    (v.contains(NOON_TEXT), [[NOON_TEXT]], [[NOON], NOON_TEXT]),
    (v.contains_any(["a", 1]), [["a"], [1.0], ["b", 1], [None, "a"]], [["b"], [True], ["1"], [], [["a"]], [{"a": 1}]]),
    (v.contains_any(["a", 1]), [], ["a", 1, 1.0, True, NOON, NOON_TEXT, {"a": 1}, None, ABSENT]),
    (v.contains_any([]), [], [[], ["a"], "a", {}, None, ABSENT]),
    (v.contains_any([True, NOON]), [[True], [NOON_IN_INDIA, 3]], [[1], [NOON_TEXT], True]),
    (v.contains_all(["a", 1]), [["a", 1], [1.0, "b", "a"]], [["a"], [1], ["a", True], ["a", "1"], [["a", 1]], [None]]),
    (v.contains_all(["a", 1]), [], ["a1", 1, 1.0, True, NOON, NOON_TEXT, {"a": 1}, None, ABSENT]),
    (v.contains_all(["a", "a"]), [["a"], ["a", "b"]], [["b"], [], "a"]),
    (v.contains_all([]), [[], ["a"], [None]], ["", "a", 0, {}, {"a": 1}, None, ABSENT]),
    # starts_with and has_text: as it is written, without patterns
    (v.starts_with("ab"), ["ab", "abc", "ab "], ["AB", "aab", "a", "", " ab", ["ab"], {"ab": 1}, 1, None, ABSENT]),
    (v.starts_with("ab"), [], [NOON, NOON_TEXT, True, 1.5, ["a", "b"], [["ab"]]]),
    (v.starts_with(""), ["", "a", NOON_TEXT], [0, False, NOON, [], [""], {}, None, ABSENT]),
    (v.starts_with("a%"), ["a%", "a%b"], ["ab", "a"]),
    (v.starts_with("a_"), ["a_", "a_b"], ["ab", "abc"]),
    (v.starts_with("["), ["[1]"], [[1], ["["]]),
    (v.starts_with("2020"), ["2020", NOON_TEXT], [2020, NOON, 2020.5]),
    (v.starts_with("a\0"), ["a\0", "a\0b"], ["a", "ab"]),
    (v.starts_with(ACUTE), [ACUTE + "a"], [COMBINED, ACUTE.upper()]),
    (v.starts_with("e"), ["e", COMBINED], [ACUTE]),
    (v.has_text("wing"), ["wing", "swings", "a wing"], ["Wing", "wi ng", "win", "", ["wing"], {"wing": "wing"}]),
    (v.has_text("wing"), [], [1, 1.5, True, NOON, NOON_TEXT, [["wing"]], None, ABSENT]),
    (v.has_text(""), ["", "a"], [0, True, [], [""], {}, NOON, None, ABSENT]),
    (v.has_text("%"), ["100%", "%"], ["100", ""]),
    (v.has_text("_"), ["a_b"], ["ab", " "]),
    (v.has_text("*"), ["a*"], ["ab"]),
    (v.has_text("\\"), ["a\\b"], ["ab"]),
    (v.has_text("a.c"), ["xa.cx"], ["abc"]),
    (v.has_text("\0b"), ["a\0bc"], ["abc", "a\0"]),
    (v.has_text("true"), ["true"], [True, [True]]),
    # negation is the plain one: what isn't true is false, and the other way round
    (~(v == 1), [0, True, "1", [1], None, ABSENT], [1, 1.0]),
    (~(v != 1), [1, 1.0], [0, True, None, ABSENT]),
    (~(v < 5), [5, 6, "4", True, NOON, [4], {}, None, ABSENT], [4, 4.999]),
    (~(v >= NOON), [BEFORE_NOON, 5, "abc", "2020-01-01", None, ABSENT], [NOON, NOON_TEXT, AFTER_NOON]),
    (~v.between(1, 3), [0, 4, "2", True, None, ABSENT], [1, 2, 3]),
    (~v.is_in([1, "a"]), [2, True, None, ABSENT], [1, "a"]),
    (~v.is_in([]), [1, None, ABSENT], []),
    (~v.not_in([1]), [1, 1.0], [2, True, None, ABSENT]),
    (~v.exists(), [None, ABSENT], [0, "", [], False]),
    (~v.is_null(), [0, "", [], False], [None, ABSENT]),
    (~v.contains("a"), ["a", [], ["b"], None, ABSENT], [["a"]]),
    (~v.contains_any([]), [[], "a", None, ABSENT], []),
    (~v.contains_all([]), ["a", {}, None, ABSENT], [[], ["a"]]),
    (~v.starts_with("ab"), ["AB", 1, ["ab"], None, ABSENT], ["ab", "abc"]),
    (~v.has_text("wing"), ["Wing", 1, ["wing"], None, ABSENT], ["wing", "swings"]),
    (Not(Not(v < 5)), [4], [5, "4", ABSENT]),
    # combinations
    (ALWAYS, [1, None, ABSENT], []),
    (NEVER, [], [1, None, ABSENT]),
    (Not(ALWAYS), [], [1, ABSENT]),
    (Not(NEVER), [1, ABSENT], []),
    (And((v == 1,)), [1], [2, ABSENT]),
    (Or((v == 1,)), [1], [2, ABSENT]),
    ((v > 1) & (v < 3), [2, 1.5], [1, 3, "2", ABSENT]),
    ((v < 1) | (v > 3), [0, 4], [1, 2, 3, "0", True, ABSENT]),
    ((v < 5) | (v >= 5), [4, 5], ["5", True, NOON, None, ABSENT]),
    (~((v > 1) & (v < 3)), [1, 3, "2", ABSENT], [2]),
    (~((v < 1) | (v > 3)), [1, 3, "0", ABSENT], [0, 4]),
    ((v == 1) & ALWAYS, [1], [2]),
    ((v == 1) | NEVER, [1], [2]),
    (And((v == 1, NEVER)), [], [1]),
    (Or((v == 2, ALWAYS)), [1, ABSENT], []),
    (any_of(v == 1, all_of(v.contains("a"), ~v.contains("b"))), [1, ["a"]], [["a", "b"], ["b"], "a", ABSENT]),
]

_deep = field("a.b.c")
_nested = field("a.b")

OBJECTS: list[tuple[Filter, list[Metadata], list[Metadata]]] = [
    # a dotted name is a path through objects: never a key with a dot, never into a list
    (_nested == 1, [{"a": {"b": 1}}, {"a": {"b": 1.0, "c": 2}}], [{"a.b": 1}, {"a": [{"b": 1}]}, {"a": 1}, {"b": 1}]),
    (_nested == 1, [{"a": {"b": 1}, "a.b": 2}], [{"a": {"b": [1]}}, {"a": {"b": {"c": 1}}}, {"A": {"b": 1}}, {}]),
    (_nested != 1, [{"a.b": 1}, {"a": [{"b": 1}]}, {"a": 1}, {}, {"a": {"b": None}}], [{"a": {"b": 1}}]),
    (_nested < 5, [{"a": {"b": 4}}], [{"a.b": 4}, {"a": {"b": "4"}}, {"a": {}}, {"a": [4]}]),
    (_nested >= NOON, [{"a": {"b": NOON_IN_INDIA}}, {"a": {"b": NOON_TEXT}}], [{"a": {"b": 5}}, {"a.b": NOON}]),
    (_nested.is_in([1, "x"]), [{"a": {"b": "x"}}], [{"a": "x"}, {"a.b": "x"}, {"a": [{"b": "x"}]}]),
    (_nested.not_in([1, "x"]), [{"a": "x"}, {"a.b": "x"}, {}], [{"a": {"b": "x"}}]),
    (_nested.exists(), [{"a": {"b": 0}}, {"a": {"b": {}}}], [{"a": {"b": None}}, {"a.b": 1}, {"a": [{"b": 1}]}]),
    (_nested.is_null(), [{"a": {}}, {"a": {"b": None}}, {"a": "b"}, {"a.b": 1}, {}], [{"a": {"b": []}}]),
    (_nested.contains("x"), [{"a": {"b": ["x"]}}], [{"a": [{"b": ["x"]}]}, {"a": {"b": "x"}}, {"a": ["x"]}]),
    (_nested.starts_with("x"), [{"a": {"b": "xy"}}], [{"a": "xy"}, {"a.b": "xy"}]),
    (_deep == 1, [{"a": {"b": {"c": 1}}}], [{"a": {"b.c": 1}}, {"a.b": {"c": 1}}, {"a.b.c": 1}, {"a": {"b": [1]}}]),
    (~_deep.exists(), [{"a": {"b.c": 1}}, {"a": {"b": {"c": None}}}, {"a": {"b": 1}}], [{"a": {"b": {"c": False}}}]),
    (field("a") == [1], [{"a": [1]}], [{"a": {"b": [1]}}, {"b": [1]}]),
    (field("a").exists(), [{"a": {"b": None}}, {"a": {}}], [{"a.b": 1}, {"b": {"a": 1}}]),
    # names are taken as they are written
    (field("lang") == "en", [{"lang": "en"}], [{"Lang": "en"}, {"LANG": "en"}, {" lang": "en"}, {"lang ": "en"}]),
    (field("x-y") == 1, [{"x-y": 1}], [{"x_y": 1}, {"x": {"y": 1}}, {"x": 1, "y": 0}]),
    (field("_private") == 1, [{"_private": 1}], [{"private": 1}]),
    (field("id") == "1", [{"id": "1"}], [{}, {"text": "1"}]),
    (field("select") == 1, [{"select": 1}], [{"SELECT": 1}]),
    # several fields
    ((field("a") == 1) & (field("b") == 2), [{"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}], [{"a": 1}, {"b": 2}, {}]),
    ((field("a") == 1) | (field("b") == 2), [{"a": 1}, {"b": 2}, {"a": 1, "b": 3}], [{"a": 2, "b": 1}, {}]),
    (~((field("a") == 1) & (field("b") == 2)), [{"a": 1}, {"a": 2, "b": 2}, {}], [{"a": 1, "b": 2}]),
    (~((field("a") == 1) | (field("b") == 2)), [{"a": 2}, {}], [{"a": 1}, {"a": 1, "b": 2}, {"b": 2}]),
    ((field("a") < 5) & ~(field("b") < 5), [{"a": 4}, {"a": 4, "b": "4"}], [{"a": 4, "b": 4}, {"b": 5}]),
]


def _cases() -> Iterator[Case]:
    for filter, yes, no in VALUES:
        yield from (Case(filter, _with(value), expected=True) for value in yes)
        yield from (Case(filter, _with(value), expected=False) for value in no)
    for filter, yes, no in OBJECTS:
        yield from (Case(filter, metadata, expected=True) for metadata in yes)
        yield from (Case(filter, metadata, expected=False) for metadata in no)


def _with(value: object) -> Metadata:
    return {} if value is ABSENT else {"v": value}


CASES: list[Case] = list(_cases())
