"""The conformance kit itself: gaps are strict, missing servers skip or fail, failures show their values."""

from __future__ import annotations

from typing import Self

import pytest

import onevec
from onevec import testing
from onevec.adapter import Place
from onevec.adapters.memory import MemoryAdapter, MemoryOptions
from onevec.errors import EngineUnavailable
from onevec.filters import Filter
from onevec.runtime import Runtime
from onevec.testing import EngineHarness

pytest_plugins = "pytester"

HARNESS = """
import pytest
from onevec.testing import *
from onevec.testing import EngineHarness, Gap

@pytest.fixture
def engine():
    return EngineHarness({harness})
"""


@onevec.register("miscounts")
class Miscounts(MemoryAdapter):
    """An engine whose `count` is wrong."""

    name = "miscounts"

    async def count(self, place: Place, filter: Filter | None) -> int:
        return await super().count(place, filter) + 1


@onevec.register("absent")
class Absent(MemoryAdapter):
    """An engine whose server is never there."""

    name = "absent"

    @classmethod
    async def open(cls, io: Runtime, options: MemoryOptions) -> Self:
        raise EngineUnavailable("nobody answers", engine="absent")


def run(pytester: pytest.Pytester, harness: str, test: str) -> pytest.RunResult:
    pytester.makepyfile(test_engine=HARNESS.format(harness=harness))
    return pytester.runpytest_inprocess("-q", "-k", test, "-p", "no:randomly", "-p", "no:cacheprovider")


def test_a_wrong_engine_fails(pytester: pytest.Pytester) -> None:
    """A broken promise fails on both surfaces, and the failure shows the values that were compared."""
    result = run(pytester, "lambda _: 'miscounts://'", "test_count_counts_matches")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*assert 1 == 0*"])


def test_a_gap_expects_the_failure(pytester: pytest.Pytester) -> None:
    """A gap with its exception turns the failure into an expected one, by the test's name or by one of its cases."""
    gaps = "gaps={'test_count_counts_matches': Gap('it miscounts', AssertionError)}"
    run(pytester, f"lambda _: 'miscounts://', {gaps}", "test_count_counts_matches").assert_outcomes(xfailed=2)
    gaps = "gaps={'test_a_filter_means_what_it_says[eq]': Gap('it miscounts', AssertionError)}"
    result = run(pytester, f"lambda _: 'miscounts://', {gaps}", "test_a_filter_means_what_it_says and (eq or order)")
    result.assert_outcomes(xfailed=2, failed=2)


def test_a_gap_that_is_closed_fails(pytester: pytest.Pytester) -> None:
    """A test that passes in spite of its gap, or fails with another exception, fails the run."""
    gaps = "gaps={'test_get_gives_the_document_or_none': Gap('once it did not', AssertionError)}"
    result = run(pytester, f"lambda _: 'memory://', {gaps}", "test_get_gives_the_document_or_none")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*once it did not*"])
    gaps = "gaps={'test_count_counts_matches': Gap('it raises', KeyError)}"
    run(pytester, f"lambda _: 'miscounts://', {gaps}", "test_count_counts_matches").assert_outcomes(failed=2)


@pytest.mark.parametrize(("required", "outcome"), [("", "skipped"), ("qdrant", "skipped"), ("qdrant,absent", "errors")])
def test_a_missing_server_skips_or_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, required: str, outcome: str
) -> None:
    """Where a server can't be reached its tests skip, unless the environment requires the engine."""
    monkeypatch.setenv("ONEVEC_REQUIRE_ENGINES", required)
    result = run(pytester, "lambda _: 'absent://', server=True", "test_count_counts_matches")
    result.assert_outcomes(**{outcome: 2})


def test_an_engine_without_a_server_can_not_be_absent(pytester: pytest.Pytester) -> None:
    """An engine that runs in this process has no excuse for not opening."""
    run(pytester, "lambda _: 'absent://'", "test_count_counts_matches").assert_outcomes(errors=2)


def test_every_promise_is_written_down() -> None:
    """Each test of the kit says in its first line what it promises."""
    tests = [getattr(testing, name) for name in testing.__all__ if name.startswith("test_")]
    assert len(tests) > 100
    for test in tests:
        assert test.__doc__, test.__name__
        assert test.__doc__.strip().endswith(".")


def test_a_harness_is_a_value() -> None:
    """A harness can be copied and compared, and needs no more than a URL."""
    harness = EngineHarness(str)
    assert harness == EngineHarness(str)
    assert (harness.options, harness.gaps, harness.server) == ({}, {}, False)
