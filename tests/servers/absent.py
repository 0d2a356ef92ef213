"""What a test does where the server that it needs can't be had."""

from __future__ import annotations

from typing import NoReturn

import pytest

from onevec.testing.harness import REQUIRED, is_required


def absent(engine: str, why: str, command: str) -> NoReturn:
    """Skip the tests of an engine, or fail them where `ONEVEC_REQUIRE_ENGINES` names it.

    Args:
        engine: The engine's name.
        why: What is missing.
        command: What would start it, or install it.
    """
    if is_required(engine):
        pytest.fail(f"{engine}: {why}; {command}")
    pytest.skip(f"{engine}: {why}; {command} ({REQUIRED}={engine} makes this a failure)")
