"""How text is cut and cleaned for a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onevec.cli.text import brief, lines, metadata_value, printable, score_text, shortened, snippet


@given(st.text())
def test_printable_is_one_line_without_controls(text: str) -> None:
    """Nothing is left that moves a cursor or turns the writing direction; every letter stays in its place."""
    shown = printable(text)
    assert all(sign.isprintable() or sign in "\u200c\u200d" for sign in shown)
    assert len(shown) == len(text)
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [bold] text", "plain [bold] text"),
        ("日本語 é", "日本語 é"),
        ("a\tb\nc\u00a0d", "a b c d"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("\u202ecba", "\ufffdcba"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627", "\u0645\u06cc\u200c\u062e\u0648\u0627"),
        ("👨\u200d👩", "👨\u200d👩"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    """White space becomes blanks, what can act becomes a sign for it, joiners of letters stay."""
    assert printable(text) == shown


def test_lines_are_kept() -> None:
    """A text of several lines stays one."""
    assert lines("a\n\tb\x1b\r\nc") == "a\n    b\ufffd\nc"


@given(st.text(alphabet="ab cd.\n", max_size=400), st.text(alphabet="abcd ", max_size=20), st.integers(10, 120))
def test_a_snippet_fits(text: str, query: str, width: int) -> None:
    """It is never wider than asked, and what it shows is a part of the text."""
    shown = snippet(text, query, width)
    assert len(shown) <= width
    assert shown.removeprefix("…").removesuffix("…") in " ".join(text.split())


def test_a_snippet_shows_the_words_of_the_query() -> None:
    """It starts near the place with the most different words of the query."""
    filler = "nothing to see here and " * 20
    text = f"{filler} one propeller {filler} the propeller of a wing in a slipstream {filler}"
    shown = snippet(text, "Slipstream wing propeller", 60)
    assert "propeller of a wing in a slipstream" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")


def test_a_snippet_without_the_words_is_the_beginning() -> None:
    """Where no word of the query is in the text, its first words are shown."""
    assert snippet("alpha beta " * 50, "gamma", 20) == "alpha beta alpha be…"
    assert snippet("short", "gamma", 20) == "short"
    assert snippet("alpha beta " * 50, "", 20) == "alpha beta alpha be…"


def test_shortened() -> None:
    """A text that is too long ends with one ellipsis, and no blank before it."""
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"
    assert shortened("abcd efg", 6) == "abcd…"
    assert shortened("abc… efgh", 6) == "abc…"


def test_metadata_in_brief() -> None:
    """Names and values on a line, long values cut, other types as JSON, times with their zone."""
    metadata = {
        "lang": "en",
        "n": 1,
        "tags": ["a", "é"],
        "long": "x" * 50,
        "at": datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    assert brief(metadata) == f'lang=en  n=1  tags=["a", "é"]  long={"x" * 39}…  at=2020-01-02 03:04:05+0000'
    assert metadata_value({"a": None, "b": True}) == '{"a": null, "b": true}'


@pytest.mark.parametrize(
    ("score", "shown"), [(1.0, "1.000"), (-0.5, "-0.500"), (0.0, "0.000"), (12.3456, "12.346"), (9.9e-7, "1e-06")]
)
def test_scores(score: float, shown: str) -> None:
    """Three decimals; a score too small for them is not shown as zero."""
    assert score_text(score) == shown
