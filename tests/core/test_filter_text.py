"""Filters as text: what is read, what is written, and what is refused, where."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from onevec.errors import InvalidFilter
from onevec.filter_text import parse_text, to_text
from onevec.filters import ALWAYS, NEVER, And, Filter, Not, Or, field

a, b, c = field("a") == True, field("b") == True, field("c") == True  # noqa: E712 (filters)
x = field("x")
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "filter"),
    [
        ("", ALWAYS),
        (" \t\r\n", ALWAYS),
        ("all_of()", ALWAYS),
        ("any_of()", NEVER),
        ("all_of(a)", And((a,))),
        ("Any_Of( a, b and c )", Or((a, And((b, c))))),
        ("a", a),
        ("not a", Not(a)),
        ("not not a", Not(Not(a))),
        ("(((a)))", a),
        ("a and b and c", And((a, b, c))),
        ("a or b or c", Or((a, b, c))),
        ("a and b or c", Or((And((a, b)), c))),
        ("a or b and c", Or((a, And((b, c))))),
        ("a or b and c or a", Or((a, And((b, c)), a))),
        ("(a or b) and c", And((Or((a, b)), c))),
        ("(a and b) and c", And((And((a, b)), c))),
        ("not a and b", And((Not(a), b))),
        ("not (a and b)", Not(And((a, b)))),
        ("not a == true", Not(a)),
        ("a AND NOT b Or c", Or((And((a, Not(b))), c))),
        ("a\nand\n b", And((a, b))),
        ("x == 1", x == 1),
        ("x = 1", x == 1),
        ("x==1", x == 1),
        ("x != 1", x != 1),
        ("x<1", x < 1),
        ("x <= 1", x <= 1),
        ("x > 1", x > 1),
        ("x >=1", x >= 1),
        ("x<-1", x < -1),
        ("x == -0.0", x == 0.0),
        ("x == 1.5e3", x == 1500.0),
        ("x == 1E-2", x == 0.01),
        ("x == 9223372036854775807", x == 2**63 - 1),
        ("x == -9223372036854775808", x == -(2**63)),
        ("x == true", x == True),  # noqa: E712
        ("x == FALSE", x == False),  # noqa: E712
        ("x == null", x.is_null()),
        ("x != Null", x.exists()),
        ('x == "en"', x == "en"),
        ("x == 'en'", x == "en"),
        ("x == ''", x == ""),
        ("""x == 'it\\'s "so"'""", x == 'it\'s "so"'),
        (r'x == "\"\\\/\b\f\n\r\t\u00e9\ud83e\uddA9"', x == '"\\/\b\f\n\r\t\u00e9\U0001f9a9'),
        ('x == "a\nb\0"', x == "a\nb\0"),
        ('x == "and) or (1"', x == "and) or (1"),
        ("x == []", x == []),
        ("x == [1, 'a', [null, [true]]]", x == [1, "a", [None, [True]]]),
        ('x == datetime("2020-01-01T12:00:00Z")', x == NOON),
        ("x < DateTime( '2020-01-01T13:00:00+01:00' )", x < NOON),
        ('x >= "2020-01-01T12:00:00Z"', x >= NOON),
        ('x == "2020-01-01T12:00:00Z"', x == "2020-01-01T12:00:00Z"),
        ("x between 1 and 2", x.between(1, 2)),
        ("x BETWEEN 1 AND 2 and a", And((x.between(1, 2), a))),
        ("not x between '2020-01-01' and '2021-01-01'", Not(x.between("2020-01-01", "2021-01-01"))),
        ('x in ["en", "de"]', x.is_in(["en", "de"])),
        ("x in []", x.is_in([])),
        ("x in [[1], 1]", x.is_in([[1], 1])),
        ("x in [1, null]", x.is_in([1, None])),
        ("x not in [1, null]", x.not_in([1, None])),
        ("x NOT IN []", x.not_in([])),
        ("not x in [1]", Not(x.is_in([1]))),
        ("x exists", x.exists()),
        ("x missing", x.is_null()),
        ("x is null", x.is_null()),
        ("x IS NOT NULL", x.exists()),
        ("not x is not null", Not(x.exists())),
        ("x contains 'a'", x.contains("a")),
        ("x contains 1 and x contains_any [1, 2]", And((x.contains(1), x.contains_any([1, 2])))),
        ("x contains_all []", x.contains_all([])),
        ("x starts_with 'ab'", x.starts_with("ab")),
        ("x has_text 'ab'", x.has_text("ab")),
        ("author.name == 1", field("author.name") == 1),
        ("x-y == 1", field("x-y") == 1),
        ("and.or == 1", field("and.or") == 1),
        ("`and` == 1", field("and") == 1),
        ("`x`", x == True),  # noqa: E712
        ("not `not`", Not(field("not") == True)),  # noqa: E712
        ("all_of == 1 or any_of", Or((field("all_of") == 1, field("any_of") == True))),  # noqa: E712
        ("datetime < datetime('2020-01-01')", field("datetime") < "2020-01-01"),
        (
            'year >= 1958 and lang in ["en", "de"] and not archived',
            And((field("year") >= 1958, field("lang").is_in(["en", "de"]), Not(field("archived") == True))),  # noqa: E712
        ),
    ],
)
def test_a_text_says_a_filter(text: str, filter: Filter) -> None:
    """Each form of the grammar is read as the tree it stands for, whatever its spaces and its case."""
    assert parse_text(text) == filter


@pytest.mark.parametrize(
    ("filter", "text"),
    [
        (ALWAYS, "all_of()"),
        (NEVER, "any_of()"),
        (And((a,)), "all_of(a == true)"),
        (Or((And((NEVER,)),)), "any_of(all_of(any_of()))"),
        (Or((And((a, b)), Not(Or((b, c))))), "(a == true and b == true) or not (b == true or c == true)"),
        (And((And((a, b)), Or((c,)))), "(a == true and b == true) and any_of(c == true)"),
        (Not(Not(x < 1)), "not not x < 1"),
        (x == 1.0, "x == 1.0"),
        (x == 1e22, "x == 1e+22"),
        (x != 'it\'s "so"\n', r'x != "it' + r"'s \"so\"\n" + '"'),
        (x == "\u202e\x7f\U000e0001\u00e9", r'x == "\u202e\u007f\udb40\udc01' + '\u00e9"'),
        (x == [True, None, [0.5]], "x == [true, null, [0.5]]"),
        (x > NOON, 'x > datetime("2020-01-01T12:00:00Z")'),
        (x == datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC), 'x == datetime("0001-01-01T00:00:00.000001Z")'),
        (x.between(1, 2), "x between 1 and 2"),
        (x.is_in(["a", 1]), 'x in ["a", 1]'),
        (x.not_in([]), "x not in []"),
        (x.exists(), "x exists"),
        (x.is_null(), "x missing"),
        (x.contains("a"), 'x contains "a"'),
        (x.contains_any([1, 2]), "x contains_any [1, 2]"),
        (field("In") == 1, "`In` == 1"),
        (field("a.in") == 1, "a.in == 1"),
    ],
    ids=repr,
)
def test_a_filter_is_written_in_one_way(filter: Filter, text: str) -> None:
    """The text of a filter is one line in which every character can be seen."""
    assert to_text(filter) == text
    assert text.isprintable()


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("x ==", 5, "expected a value, got the end"),
        ("x == ", 6, "expected a value, got the end"),
        ("x == )", 6, "expected a value, got ')'"),
        ("x > = 1", 5, "expected a value, got '='"),
        ("x == en", 6, 'the text en is written "en"'),
        ("x == y.z", 6, 'the text y.z is written "y.z"'),
        ("x == `y`", 6, "expected a value, got '`y`'"),
        ("x == and", 6, "expected a value"),
        ("== 1", 1, "expected a field, 'not' or '(', got '=='"),
        ("1 < x", 1, "expected a field, 'not' or '(', got '1'"),
        ('"x" == 1', 1, "expected a field"),
        ("and", 1, "one named like the keyword and is written `and`"),
        ("a and", 6, "expected a field, 'not' or '(', got the end"),
        ("a and or b", 7, "one named like the keyword or is written `or`"),
        ("a or", 5, "expected a field"),
        ("not", 4, "expected a field"),
        ("IN [1]", 1, "one named like the keyword IN is written `IN`"),
        ("a b", 3, "expected an operator, 'and', 'or' or the end, got 'b'"),
        ("x gte 1", 3, "expected an operator, 'and', 'or' or the end, got 'gte'"),
        ("a && b", 3, "expected an operator, 'and', 'or' or the end, got '&'"),
        ("a == 1 b", 8, "expected 'and', 'or' or the end, got 'b'"),
        ("1 < x < 5", 1, "expected a field"),
        ("x < 5 < 6", 7, "expected 'and', 'or' or the end, got '<'"),
        ("()", 2, "expected a field"),
        ("(a", 3, "expected ')', got the end"),
        ("(a]", 3, "expected ')', got ']'"),
        ("a)", 2, "expected 'and', 'or' or the end, got ')'"),
        ("all_of(a", 9, "expected ',' or ')', got the end"),
        ("all_of(a,)", 10, "expected a field"),
        ("all_of(,)", 8, "expected a field"),
        ("some_of(a)", 8, "expected 'and', 'or' or the end, got '('"),
        ("x in 1", 6, "expected '[', got '1'"),
        ("x in (1, 2)", 6, "expected '[', got '('"),
        ("x in [1 2]", 9, "expected ',' or ']', got '2'"),
        ("x in [1,]", 9, "expected a value, got ']'"),
        ("x in [1", 8, "expected ',' or ']', got the end"),
        ("x in [{}]", 7, "expected a value, got '{'"),
        ("x contains_any 'a'", 16, "expected '[', got \"'a'\""),
        ("x not 1", 7, "expected 'in', got '1'"),
        ("x not contains 1", 7, "expected 'in', got 'contains'"),
        ("x is 1", 6, "expected 'null', got '1'"),
        ("x is not missing", 10, "expected 'null', got 'missing'"),
        ("x between 1", 12, "expected 'and', got the end"),
        ("x between 1 or 2", 13, "expected 'and', got 'or'"),
        ("x between [1, 2]", 17, "expected 'and', got the end"),
        ("x between 1 and 'a'", 11, "takes a number, a datetime or an ISO 8601 string"),
        ("x between 1 and '2020-01-01'", 11, "two numbers or two datetimes"),
        ("x < 'abc'", 5, "lt on 'x' takes a number, a datetime or an ISO 8601 string, got 'abc'"),
        ("x >= null", 6, "ge on 'x' takes a number"),
        ("x > true", 5, "gt on 'x' takes a number"),
        ("x starts_with 1", 15, "starts_with on 'x' takes a string"),
        ("a or x has_text ['a']", 17, "has_text on 'x' takes a string"),
        ("x contains [1]", 12, "takes one element"),
        ("x contains null", 12, "contains on 'x' takes"),
        ("x contains_all [[1]]", 16, "takes one element"),
        ("x == 1e999", 6, "finite numbers"),
        ("x == -9223372036854775809", 6, "up to 64 bits"),
        ("x == 18446744073709551616", 6, "up to 64 bits"),
        ("x == " + "9" * 10_000, 6, "up to 64 bits"),
        ("x in [1, 99999999999999999999]", 6, "up to 64 bits"),
        ("x == 12abc", 6, "expected a number such as"),
        ("x == 007", 6, "expected a number such as"),
        ("x == 1.", 6, "expected a number such as"),
        ("x == .5", 6, "expected a value, got '.'"),
        ("x == +1", 6, "expected a value, got '+'"),
        ("x == --1", 6, "expected a number such as"),
        ("x == 1.2.3", 6, "expected a number such as"),
        ("x == 1_000", 6, "expected a number such as"),
        ("x == 0x10", 6, "expected a number such as"),
        ("x == 1e", 6, "expected a number such as"),
        ("x == \u0661", 6, "expected a value, got '\u0661'"),
        ('x == "en', 6, 'expected a closing "'),
        ("x == 'it's'", 10, "expected 'and', 'or' or the end, got 's'"),
        ('x == "en\\"', 6, 'expected a closing "'),
        ("x == \u201cen\u201d", 6, "expected a value, got '\u201c'"),
        ("`x == 1", 1, "expected a closing `"),
        ("a and `a b` == 1", 7, "can't be a field"),
        ("`` == 1", 1, "can't be a field"),
        ("a. == 1", 2, "expected an operator, 'and', 'or' or the end, got '.'"),
        ("a[0] == 1", 2, "expected 'and', 'or' or the end, got '['"),
        ("$a == 1", 1, "expected a field, 'not' or '(', got '$'"),
        ("\u00e9 == 1", 1, "expected a field, 'not' or '(', got '\u00e9'"),
        ('x == "\\q"', 7, 'expected \\"'),
        ('x == "ab\\u12"', 9, 'expected \\"'),
        ('x == "\\ud800"', 6, "lone surrogate"),
        ('x == "\udc80"', 6, "lone surrogate"),
        ('x == datetime "2020"', 15, "expected '('"),
        ("x == datetime()", 15, "expected a datetime such as"),
        ("x == datetime(2020)", 15, "expected a datetime such as"),
        ('x == datetime("2020")', 15, "expected a datetime such as"),
        ('x == datetime("2020-02-30")', 15, "expected a datetime such as"),
        ('x == datetime("2020-01-01", 1)', 27, "expected ')'"),
        ("a\n and b == ", 13, "expected a value, got the end"),
        ("a -- b", 3, "expected a number such as"),
        ("a; b", 2, "expected an operator, 'and', 'or' or the end, got ';'"),
        ("a \x1b[31m", 3, "got '\\x1b'"),
        ("a\0", 2, "got '\\x00'"),
    ],
)
def test_a_malformed_text_is_refused_at_its_place(text: str, column: int, expected: str) -> None:
    """The error names the column and what was expected there, and points at the place."""
    with pytest.raises(InvalidFilter) as caught:
        parse_text(text)
    message, line, mark = str(caught.value).split("\n")
    assert message.startswith(f"column {column}: ")
    assert expected in message
    assert (line + mark).isprintable()
    assert len(line) <= 64
    pointed = line[len(mark) - 1 :][:1]
    assert pointed in (text[column - 1 : column], "?")
    assert mark.strip() == "^"
