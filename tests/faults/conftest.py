"""Counts the points that were tried; tests/conftest.py says how many at the end of the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .sampling import Counted


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Note how many points of a kind a test tried."""
    return lambda kind, points: record_property(f"fault points: {kind}", points)
