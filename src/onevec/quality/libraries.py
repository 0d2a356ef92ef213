"""The libraries that measure and draw, which an extra brings."""

from __future__ import annotations

from importlib.util import find_spec

from onevec.errors import EngineNotInstalled
from onevec.registry import install_command


def check_libraries() -> None:
    """Raise if a library is missing.

    Raises:
        EngineNotInstalled: The message has the command that installs them.
    """
    missing = [
        package
        for module, package in (("sklearn", "scikit-learn"), ("scipy", "scipy"), ("matplotlib", "matplotlib"))
        if find_spec(module) is None
    ]
    if missing:
        raise EngineNotInstalled(f"the quality of embeddings needs {', '.join(missing)}: {install_command('quality')}")
