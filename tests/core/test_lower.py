from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onevec.documents import Metadata
from onevec.filters import (
    ALWAYS,
    NEVER,
    And,
    Condition,
    Filter,
    Not,
    Op,
    Or,
    all_of,
    any_of,
    condition,
    conditions,
    field,
)
from onevec.lower import lower, split, unsupported
from onevec.matching import matches
from onevec.testing import strategies

EVERY = frozenset(Op)
COMPLEMENTS = {frozenset({Op.EQ, Op.NE}), frozenset({Op.IN, Op.NOT_IN}), frozenset({Op.EXISTS, Op.MISSING})}

year, lang, tags = field("year"), field("lang"), field("tags")
operator_sets = st.frozensets(st.sampled_from(Op))


def both(*, native: Filter | None, rest: Filter | None) -> Filter:
    return And(tuple(part for part in (native, rest) if part is not None))


@given(strategies.filters(), operator_sets, st.lists(strategies.stored_metadata(), min_size=1, max_size=4))
def test_a_lowered_filter_means_what_it_meant(
    filter: Filter, operators: frozenset[Op], documents: list[Metadata]
) -> None:
    lowered = lower(filter, operators)
    for metadata in documents:
        assert matches(lowered, metadata) == matches(filter, metadata)


@given(strategies.filters(), operator_sets)
def test_a_lowered_filter_is_in_normal_form(filter: Filter, operators: frozenset[Op]) -> None:
    def check(part: Filter) -> None:
        match part:
            case Condition():
                return
            case Not():
                assert isinstance(part.filter, Condition)
                assert not any(pair - {part.filter.op} <= operators for pair in COMPLEMENTS if part.filter.op in pair)
            case And() | Or():
                assert len(set(part.filters)) == len(part.filters) > 1
                for inner in part.filters:
                    assert type(inner) is not type(part)
                    assert inner not in (ALWAYS, NEVER)
                    check(inner)

    lowered = lower(filter, operators)
    if lowered not in (ALWAYS, NEVER):
        check(lowered)
    assert lower(lowered, operators) == lowered


@given(strategies.filters(), operator_sets, st.lists(strategies.stored_metadata(), min_size=1, max_size=4))
def test_the_two_parts_of_a_split_mean_the_whole(
    filter: Filter, operators: frozenset[Op], documents: list[Metadata]
) -> None:
    lowered = lower(filter, operators)
    native, rest = split(lowered, operators)
    assert native is None or not unsupported(native, operators)
    assert (rest is None) == (not unsupported(lowered, operators))
    for metadata in documents:
        assert matches(both(native=native, rest=rest), metadata) == matches(filter, metadata)


@given(strategies.filters())
def test_an_engine_with_every_operator_lacks_nothing(filter: Filter) -> None:
    assert unsupported(lower(filter, EVERY), EVERY) == []


@pytest.mark.parametrize(
    ("filter", "operators", "expected"),
    [
        (~(lang == "en"), EVERY, lang != "en"),
        (~lang.is_in(["en"]), EVERY, lang.not_in(["en"])),
        (~lang.exists(), EVERY, lang.is_null()),
        (~(year < 1958), EVERY, Not(year < 1958)),
        (~~(year < 1958), EVERY, year < 1958),
        (~((lang == "en") & (year < 1958)), EVERY, (lang != "en") | Not(year < 1958)),
        (~((lang == "en") | (year < 1958)), EVERY, (lang != "en") & Not(year < 1958)),
        (all_of(lang == "en", And((year < 1958, And(())))), EVERY, (lang == "en") & (year < 1958)),
        (any_of(lang == "en", Or((NEVER, Or((lang == "de",))))), EVERY, (lang == "en") | (lang == "de")),
        (any_of(lang == "en", lang == "en"), EVERY, lang == "en"),
        (lang.is_in([]), EVERY, NEVER),
        (lang.not_in([]), EVERY, ALWAYS),
        (~lang.not_in([]), EVERY, NEVER),
        (tags.contains_any([]), EVERY, NEVER),
        (~tags.contains_any([]), EVERY, ALWAYS),
        ((lang == "en") & lang.is_in([]), EVERY, NEVER),
        ((lang == "en") | lang.not_in([]), EVERY, ALWAYS),
        (lang == (), EVERY, lang == ()),
        (tags.contains_all([]), EVERY, tags.contains_all([])),
        (year.between(1950, 1960), {Op.GE, Op.LE}, (year >= 1950) & (year <= 1960)),
        (~year.between(1950, 1960), {Op.GE, Op.LE}, Not(year >= 1950) | Not(year <= 1960)),
        (lang.is_in(["en", "de"]), {Op.EQ}, (lang == "en") | (lang == "de")),
        (lang.not_in(["en", "de"]), {Op.NE}, (lang != "en") & (lang != "de")),
        (lang.not_in(["en", "de"]), {Op.EQ}, Not(lang == "en") & Not(lang == "de")),
        (lang.not_in(["en", "de"]), {Op.IN, Op.EQ}, Not(condition("lang", Op.IN, ["en", "de"]))),
        (lang == "en", {Op.IN}, lang.is_in(["en"])),
        (lang != "en", {Op.EQ}, Not(lang == "en")),
        (lang == "en", {Op.NE}, Not(lang != "en")),
        (lang.exists(), {Op.MISSING}, Not(lang.is_null())),
        (tags.contains("x"), {Op.CONTAINS_ALL}, tags.contains_all(["x"])),
        (tags.contains_any(["x", "y"]), {Op.CONTAINS}, tags.contains("x") | tags.contains("y")),
        (tags.contains_all(["x", "y"]), {Op.CONTAINS_ANY}, tags.contains_any(["x"]) & tags.contains_any(["y"])),
        (tags.contains_all([]), {Op.CONTAINS}, tags.contains_all([])),
    ],
    ids=str,
)
def test_lowering(filter: Filter, operators: frozenset[Op], expected: Filter) -> None:
    """Each rule once, to the exact tree."""
    assert lower(filter, operators) == expected


def test_true_and_1_stay_two_conditions() -> None:
    """Equal members are dropped; for Python True equals 1, for a filter it doesn't."""
    assert len(list(conditions(lower((year == 1) | (year == True) | (year == 1.0), EVERY)))) == 2  # noqa: E712


def test_a_split_leaves_to_python_only_what_the_engine_lacks() -> None:
    known, unknown = lang == "en", field("title").has_text("wing")
    operators = frozenset({Op.EQ})
    assert split(lower(known & unknown & (year == 1958), operators), operators) == (known & (year == 1958), unknown)
    assert split(lower(known | unknown, operators), operators) == (None, known | unknown)
    assert split(ALWAYS, operators) == (None, None)
    assert split(NEVER, operators) == (NEVER, None)


def test_what_is_unsupported_is_named_by_its_conditions() -> None:
    filter = (lang == "en") & (field("title").has_text("wing") | (year < 1958))
    assert unsupported(lower(filter, {Op.EQ}), {Op.EQ}) == [field("title").has_text("wing"), year < 1958]


def test_a_filter_of_ten_thousand_values_is_lowered() -> None:
    lowered = lower(~year.is_in(range(10_000)), {Op.EQ})
    assert isinstance(lowered, And)
    assert len(lowered.filters) == 10_000
