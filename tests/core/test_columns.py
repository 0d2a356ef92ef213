"""Filter columns mean what the evaluator says, however the slots came to be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onevec.documents import Metadata
from onevec.filters import ALWAYS, NEVER, Filter, Not, Op, condition, field
from onevec.local.columns import FilterColumns
from onevec.matching import holds, matches
from onevec.testing import strategies
from onevec.validate import clean_metadata

from .filter_cases import CASES

year, lang, tags, at = field("year"), field("lang"), field("tags"), field("at")


class Slots:
    """Documents in slots, None in a dead one, that count how often they are read."""

    def __init__(self, documents: list[Metadata | None]) -> None:
        self.documents = documents
        self.broken: int | None = None
        self.reads: list[tuple[int, int]] = []
        self.columns = FilterColumns(self.read)

    def read(self, start: int, stop: int) -> Iterator[tuple[int, Metadata]]:
        self.reads.append((start, stop))
        for slot in reversed(range(start, stop)):
            if slot == self.broken:
                raise OSError("the disk is gone")
            metadata = self.documents[slot]
            if metadata is not None:
                yield slot, metadata

    def found(self, filter: Filter) -> list[int]:
        mask = self.columns.mask(filter, len(self.documents))
        assert mask.shape == (len(self.documents),)
        assert mask.dtype == np.bool_
        return [slot for slot, metadata in enumerate(self.documents) if metadata is not None and mask[slot]]

    def expected(self, filter: Filter) -> list[int]:
        return [
            slot for slot, metadata in enumerate(self.documents) if metadata is not None and matches(filter, metadata)
        ]


@given(
    steps=st.lists(
        st.tuples(st.lists(strategies.stored_metadata() | st.none(), max_size=4), strategies.filters()),
        min_size=1,
        max_size=5,
    )
)
def test_columns_find_what_the_evaluator_does(steps: list[tuple[list[Metadata | None], Filter]]) -> None:
    """While slots are added and some are dead, new filters and those asked before."""
    slots, asked = Slots([]), []
    for documents, filter in steps:
        slots.documents += documents
        asked.append(filter)
        for one in asked:
            assert slots.found(one) == slots.expected(one)


@given(
    numbers=st.lists(strategies.stored_metadata(), max_size=3),
    bound=st.one_of(
        st.integers(-(2**63), 2**63 - 1),
        st.sampled_from([2**53, -(2**53), 2**60, 2**63 - 512]).flatmap(lambda near: st.integers(near - 3, near + 3)),
        st.floats(-1e20, 1e20).map(float),
        st.sampled_from([2.0**63, -(2.0**63), 2.0**60, 1e300, -1e300, 0.5]),
    ),
    offsets=st.lists(st.integers(-3, 3), min_size=1, max_size=6),
)
def test_numbers_beyond_float64_compare_exactly(numbers: list[Metadata], bound: float, offsets: list[int]) -> None:
    """Integers of 64 bits with integers and floats, around each bound."""
    around = [int(bound) + offset for offset in offsets if -(2**63) <= int(bound) + offset < 2**63]
    slots = Slots([*numbers, *({"a": value} for value in (*around, float(bound)))])
    for op in (Op.LT, Op.LE, Op.GT, Op.GE):
        filter = condition("a", op, bound)
        assert slots.found(filter) == slots.expected(filter)


def test_columns_agree_with_the_contract() -> None:
    """Every case of the table holds, asked of all its documents at once."""
    slots = Slots([clean_metadata(case.metadata, "the document") for case in CASES])
    for slot, case in enumerate(CASES):
        assert slots.columns.mask(case.filter, len(CASES))[slot] == case.expected, case


def test_a_field_is_read_once() -> None:
    """Two fields of a filter in one pass, what is built never again, and of appended slots only those."""
    slots = Slots([{"year": number, "lang": "en"} for number in range(10)])
    assert slots.found((year >= 5) & (lang == "en")) == [5, 6, 7, 8, 9]
    assert slots.reads == [(0, 10)]
    assert slots.found((year < 5) | (lang == "de")) == [0, 1, 2, 3, 4]
    assert slots.reads == [(0, 10)]
    slots.documents += [{"year": 99, "lang": "de"}]
    assert slots.found((year >= 9) & lang.exists()) == [9, 10]
    assert slots.reads == [(0, 10), (10, 11)]
    assert slots.found(ALWAYS) == [*range(11)]
    assert slots.reads == [(0, 10), (10, 11)]


def test_many_slots_are_read_in_parts() -> None:
    """So that building a column doesn't hold all metadata at once."""
    slots = Slots([{"year": number % 7} for number in range(20_000)])
    assert slots.found(year == 3) == slots.expected(year == 3)
    assert len(slots.reads) > 1
    assert [start for start, _ in slots.reads[1:]] == [stop for _, stop in slots.reads[:-1]]
    assert (slots.reads[0][0], slots.reads[-1][1]) == (0, 20_000)


def test_a_failed_read_leaves_the_columns_usable() -> None:
    slots = Slots([{"year": 1}, {"year": 2}])
    assert slots.found(year == 2) == [1]
    slots.documents += [{"year": 2}, {"year": 2}]
    slots.broken = 2
    with pytest.raises(OSError, match="gone"):
        slots.found(year == 2)
    slots.broken = None
    assert slots.found(year == 2) == [1, 2, 3]


def test_after_clear_the_slots_are_read_again() -> None:
    slots = Slots([{"year": 1}, {"year": 2}])
    assert slots.found(year == 2) == [1]
    slots.documents = [{"year": 2}]
    slots.columns.clear()
    assert slots.columns.memory_bytes == 0
    assert slots.found(year == 2) == [0]


@pytest.mark.parametrize(
    "filter",
    [ALWAYS, NEVER, Not(NEVER), year == 1, year != 1, year >= 0, year.between(0, 1), year.is_in([1]), year.exists(),
     lang.starts_with("e"), tags.contains("x"), (year == 1) & (lang == "en"), ~((year == 1) | (lang == "en"))],
    ids=str,
)  # fmt: skip
def test_a_mask_is_the_callers_own(filter: Filter) -> None:
    """Changing it changes no later answer."""
    slots = Slots([{"year": 1, "lang": "en", "tags": ["x"]}, {"year": 2}, {}])
    expected = slots.expected(filter)
    for _ in range(2):
        mask = slots.columns.mask(filter, 3)
        assert mask.nonzero()[0].tolist() == expected
        np.logical_not(mask, out=mask)


def test_no_slots_have_no_answers() -> None:
    assert Slots([]).columns.mask(year == 1, 0).shape == (0,)


def test_an_answer_about_strings_is_remembered_and_kept_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prefix is asked of each distinct value once, and later only of those that are new."""
    asked: list[Any] = []

    def counting(condition: Any, value: Any) -> bool:
        asked.append(value)
        return holds(condition, value)

    monkeypatch.setattr("onevec.local.column.holds", counting)
    slots = Slots([{"lang": value} for value in ("en", "en-GB", "de", "en", "en-GB")])
    for _ in range(2):
        assert slots.found(lang.starts_with("en")) == [0, 1, 3, 4]
    assert sorted(asked[1:]) == ["de", "en", "en-GB"]
    slots.documents += [{"lang": "de"}, {"lang": "en-US"}]
    assert slots.found(lang.starts_with("en")) == [0, 1, 3, 4, 6]
    assert asked[4:] == ["en-US"]


def test_few_answers_are_remembered() -> None:
    """However many conditions are asked, they don't fill the memory."""
    slots = Slots([{"lang": str(number)} for number in range(1000)])
    slots.found(lang.has_text("first"))
    before = slots.columns.memory_bytes
    for number in range(100):
        slots.found(lang.has_text(f"text {number}"))
    assert before < slots.columns.memory_bytes < before + 20 * 1000


def test_memory_is_counted() -> None:
    """It grows with the values and the arrays, and not by asking again."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    slots = Slots([{"at": start + timedelta(days=number), "tags": [str(number)]} for number in range(1000)])
    assert slots.columns.memory_bytes == 0
    slots.found(tags.contains("7"))
    one = slots.columns.memory_bytes
    assert one > 1000 * 100
    slots.found(at >= start)
    both = slots.columns.memory_bytes
    assert both > one + 1000 * 100
    slots.found(at >= start + timedelta(days=1))
    assert slots.columns.memory_bytes == both


def test_true_is_not_1_in_a_remembered_answer() -> None:
    """Conditions that Python would call equal are told apart."""
    slots = Slots([{"tags": [1]}, {"tags": [True]}, {"tags": ["1"]}])
    for _ in range(2):
        assert slots.found(tags.contains(1)) == [0]
        assert slots.found(tags.contains(True)) == [1]
        assert slots.found(tags.contains_all([True])) == [1]
