"""What is loaded when: the libraries come in where they are first needed, not with `import onevec`."""

from __future__ import annotations

import subprocess
import sys
from operator import attrgetter

import pytest

import onevec

# What a program that only imports onevec, or a person who only asks for help, must not wait for.
LATER = (
    "numpy",
    "apsw",
    "orjson",
    "sqlite3",
    "wordllama",
    "asyncio",
    "onevec.engines",
    "onevec.local",
    "onevec.testing",
)


def loaded_by(code: str) -> set[str]:
    """Return the modules that a new Python holds after running the code."""
    child = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules, sep='\\n')"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(child.stdout.split())


def of_later(modules: set[str]) -> set[str]:
    return {module for module in modules if module.startswith(LATER)}


def test_importing_onevec_loads_no_library() -> None:
    """`import onevec` loads no numpy, no SQLite, no JSON library, no engine and no event loop."""
    modules = loaded_by("import onevec")
    assert "onevec" in modules
    assert of_later(modules) == set()


def test_importing_onevec_loads_nothing_from_site_packages() -> None:
    """`import onevec` loads nothing but onevec itself and the standard library."""
    modules = {module.partition(".")[0] for module in loaded_by("import onevec") - loaded_by("pass")}
    assert modules - sys.stdlib_module_names == {"onevec"}


def test_asking_for_help_loads_no_library() -> None:
    """`onevec --help` loads neither numpy nor an engine."""
    modules = loaded_by("from onevec.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass")
    assert "onevec.cli" in modules
    assert of_later(modules) == set()


@pytest.mark.parametrize("name", onevec.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """What `onevec.__all__` lists can be had from `onevec`, and `dir` shows it."""
    assert getattr(onevec, name) is not None
    assert name in dir(onevec)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """A misspelt name fails as it does on any module."""
    with pytest.raises(AttributeError, match="conect"):
        attrgetter("conect")(onevec)
