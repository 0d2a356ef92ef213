"""Counts the points that were tried, and says so at the end of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from .sampling import LONG, Counted

_PREFIX = "fault points: "


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Note how many points of a kind a test tried."""
    return lambda kind, points: record_property(_PREFIX + kind, points)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sums."""
    sums: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", ()):
        for name, points in report.user_properties:
            if name.startswith(_PREFIX) and report.when == "call":
                sums[name.removeprefix(_PREFIX)] += int(points)
    if sums:
        terminalreporter.section(f"fault points, {'all' if LONG else 'sampled; all with ONEVEC_FAULTS=long'}")
        for kind, points in sorted(sums.items()):
            terminalreporter.write_line(f"{points:6} {kind}")
