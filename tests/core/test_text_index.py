"""The full-text index: any text is a query, and means its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import apsw
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onevec.errors import InvalidQuery
from onevec.local.text import MAX_WORDS, TextIndex, match_expression
from onevec.testing.payloads import PAYLOADS

TEXTS = {
    1: "A wing in a slipstream",
    2: "The wings of a dove",
    3: "Boundary layer over a flat plate",
    4: "boundary boundary boundary",
    9: "Straße nach Süden",
}


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    yield connection
    connection.close()


@pytest.fixture
def index(connection: apsw.Connection) -> TextIndex:
    """An empty one."""
    index = TextIndex(connection, "texts")
    index.create()
    return index


def every(rows: npt.NDArray[np.int64]) -> Sequence[bool]:
    return [True] * len(rows)


def found(index: TextIndex, query: str, top_k: int = 100) -> set[int]:
    return {row for row, _ in index.search(query, top_k, every)}


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("wing", {1, 2}),
        ("WINGS", {1, 2}),
        ("winged", {1, 2}),
        ("boundaries", {3, 4}),
        ("dove plate", {2, 3}),
        ("win", set()),
        ("sued", set()),
        ("suden", {9}),
        ("straße", {9}),
        ("STRAßE", {9}),
        ("strasse", set()),
    ],
)
def test_words_are_folded_and_stemmed(index: TextIndex, query: str, rows: set[int]) -> None:
    """A word finds its other English forms, in any case and without accents; a part of a word finds nothing."""
    index.add(TEXTS.items())
    assert found(index, query) == rows


def test_the_best_come_first(index: TextIndex) -> None:
    """Scores fall, are positive, and are higher for more words of the query and for rarer ones."""
    index.add(TEXTS.items())
    ranked = index.search("boundary plate", 10, every)
    assert [row for row, _ in ranked] == [3, 4]
    assert ranked[0][1] > ranked[1][1] > 0
    assert index.search("slipstream", 10, every)[0][1] > index.search("wing", 10, every)[0][1]


def test_a_word_counts_as_often_as_it_is_said(index: TextIndex) -> None:
    """A word that the query has again, in any case, adds as much once more; in more than 64 words it doesn't."""
    index.add(TEXTS.items())
    once = dict(index.search("wing", 10, every))
    assert dict(index.search("wing WING Wing", 10, every)) == pytest.approx({row: 3 * once[row] for row in once})
    assert dict(index.search("wing " * 64, 10, every)) == pytest.approx({row: 64 * once[row] for row in once})
    assert dict(index.search("wing " * 65, 10, every)) == once


@pytest.mark.parametrize(
    "query", ["AND", "OR", "NOT", "NEAR", "text : x", "ab*", "^ab", "a-b", 'a"b', "{a b}: c", "rowid"]
)
def test_syntax_is_text(index: TextIndex, query: str) -> None:
    """What FTS5 has a meaning for is words like others: only a text with one of them is found."""
    index.add([(1, f"before {query} after"), (2, "something else")])
    assert found(index, query) == {1}


def test_every_payload_is_a_query(index: TextIndex) -> None:
    """Nothing is an error, and what has a word in it finds itself."""
    texts: Mapping[int, str] = dict(enumerate(PAYLOADS))
    index.add(texts.items())
    for row, text in texts.items():
        if any(char.isascii() and char.isalnum() for char in text):
            assert row in found(index, text, len(texts)), text[:50]
        else:
            index.search(text, 10, every)


@given(st.text(min_size=1))
def test_any_text_finds_itself(text: str) -> None:
    """Whatever stands around a word or in it: accents of their own, quotes, controls, characters of any age."""
    connection = apsw.Connection(":memory:")
    index = TextIndex(connection, "texts")
    index.create()
    index.add([(1, f"{text} wing"), (2, f"{text}wing"), (3, f"wing{text}")])
    assert 1 in found(index, f"{text} wing")
    assert 2 in found(index, f"{text}wing")
    assert 3 in found(index, f"wing{text}")
    connection.close()


@pytest.mark.parametrize("mark", ["\U0001f9a9", "\U0001f642", "\u2069", "\u061c", "\u20bd", "\u00b7"])
def test_marks_of_any_age_part_words(index: TextIndex, mark: str) -> None:
    """A word is found beside a sign that stands right at it, however new the sign is."""
    index.add([(1, f"wing{mark}dove"), (2, f"{mark}wing{mark}")])
    assert found(index, "wing") == found(index, f"wing{mark}") == {1, 2}
    assert found(index, "dove") == {1}


@pytest.mark.parametrize("query", ["", " ", "\0", "\n\t", "_", "__ _", "...", '"', "*", "\u0301", "\u200b", "🦩"])
def test_without_a_word_nothing_is_found(index: TextIndex, query: str) -> None:
    """No words, no hits, and no error."""
    index.add([*TEXTS.items(), (20, query), (21, f"_ {query} _")])
    assert found(index, query) == set()


@pytest.mark.parametrize("noise", ["_", "__", "\0", "\u0301", '"', "🦩"])
def test_no_word_beside_a_word(index: TextIndex, noise: str) -> None:
    """What is no word doesn't keep the words beside it from being found."""
    index.add(TEXTS.items())
    assert found(index, f"{noise} wing {noise} dove") == {1, 2}


def test_accents_of_their_own(index: TextIndex) -> None:
    """A letter and its accent, as one character or as two, are the same, in texts and in queries."""
    index.add([(1, "a r\u00e9sum\u00e9"), (2, "a re\u0301sume\u0301"), (3, "a resume"), (4, "sume")])
    for query in ("r\u00e9sum\u00e9", "re\u0301sume\u0301", "RE\u0301SUM\u00c9", "resumes"):
        assert found(index, query) == {1, 2, 3}, query


def test_languages_without_spaces(index: TextIndex) -> None:
    """What stands between spaces and marks is one word, as FTS5's tokenizer has it."""
    index.add([(1, "日本語、文字"), (2, "日本"), (3, "数据库")])
    assert found(index, "日本語") == {1}
    assert found(index, "文字 数据库") == {1, 3}
    assert found(index, "語") == set()


def test_a_nul_ends_nothing(index: TextIndex) -> None:
    """Words after a NUL are indexed, and searched for."""
    index.add([(1, "before\0after")])
    assert found(index, "after") == found(index, "x\0after") == {1}


@pytest.mark.parametrize(
    "text",
    [
        "wing " * 200_000,
        "a" * 1_000_000 + " wing",
        "(" * 1_000_000 + "wing",
        '"' * 1_000_000 + " wing",
        "wing\0" * 200_000,
    ],
    ids=["one word", "a long word", "brackets", "quotes", "NULs"],
)
def test_a_query_of_a_megabyte(index: TextIndex, text: str) -> None:
    """Length alone is no trouble."""
    index.add(TEXTS.items())
    assert found(index, text) == {1, 2}


def test_too_many_words_are_refused(index: TextIndex) -> None:
    """Up to the limit all words count; beyond it the error says how many there were."""
    words = [f"word{number}" for number in range(MAX_WORDS + 1)]
    index.add([(1, words[0]), (2, words[MAX_WORDS - 1])])
    assert found(index, " ".join(words[:MAX_WORDS])) == {1, 2}
    with pytest.raises(InvalidQuery, match=rf"up to {MAX_WORDS} different words, got {MAX_WORDS + 1}"):
        found(index, " ".join(words))


def test_ties_come_along(index: TextIndex) -> None:
    """All rows that score like the last of `top_k` are given, and none that scores less."""
    index.add([(row, "wing") for row in range(1, 400)])
    index.add([(1000, "wing dove"), (2000, "wing wing")])
    assert found(index, "wing", 1) == {2000}
    assert found(index, "wing", 2) == {*range(1, 400), 2000}
    assert found(index, "wing", 400) == {*range(1, 400), 2000}
    assert found(index, "wing", 401) == {*range(1, 400), 1000, 2000}


def test_only_what_is_kept_counts(index: TextIndex) -> None:
    """`top_k` rows that `keep` lets through are found, however many others score higher."""
    index.add([(row, "wing wing wing" if row < 900 else "a wing that flies") for row in range(1, 1000)])

    def late(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        kept: npt.NDArray[np.bool_] = (rows >= 990) | (rows == 3)
        return kept

    ranked = index.search("wing", 2, late)
    assert ranked[0][0] == 3
    assert {row for row, _ in ranked} == {3, *range(990, 1000)}


def test_rows_come_and_go(index: TextIndex) -> None:
    """Removed rows aren't found, unknown ones are ignored, and rows can be added again."""
    index.add(TEXTS.items())
    index.remove([1, 77])
    assert found(index, "wing") == {2}
    index.add([(1, "a wing again")])
    assert found(index, "wing") == {1, 2}
    index.drop()
    index.drop()
    index.create()
    assert found(index, "wing") == set()


def test_the_expression_is_quoted_words() -> None:
    """What FTS5 gets: each word as a string, so that none is syntax."""
    assert match_expression('wing AND "dove" -x') == '"wing" OR "AND" OR "dove" OR "x"'
    assert match_expression("...") == ""
