"""What is shipped: few dependencies, typed, and an archive that holds what it should."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import requires, version
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "dev.txt"
LARGE = {"huggingface", "multimodal"}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, freshly built."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=100,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return next(dist.glob("*.whl"))


def needed(name: str, found: set[str] | None = None) -> set[str]:
    """Return the packages that installing `name` brings along, itself included, without extras."""
    found = set() if found is None else found
    found.add(name.lower())
    for line in requires(name) or []:
        requirement = Requirement(line)
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and requirement.name.lower() not in found:
            needed(requirement.name, found)
    return found


def test_the_base_install_is_small() -> None:
    """`pip install onevec` brings at most ten packages, itself not counted, and no model or parser."""
    packages = needed("onevec") - {"onevec"}
    assert len(packages) <= 10, sorted(packages)
    assert packages >= {"numpy", "apsw", "orjson"}


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    """The wheel holds every module of `src/onevec`, `py.typed`, the licence, and no tests or caches."""
    source = ROOT / "src"
    modules = {path.relative_to(source).as_posix() for path in source.rglob("*.py")}
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"onevec-{version('onevec')}.dist-info/"
    assert {name for name in names if not name.startswith(info)} == {*modules, "onevec/py.typed"}
    assert f"{info}licenses/LICENSE" in names


def test_the_wheel_names_its_doors(wheel: Path) -> None:
    """The wheel registers the command, the engines and the embedders."""
    with zipfile.ZipFile(wheel) as archive:
        doors = archive.read(f"onevec-{version('onevec')}.dist-info/entry_points.txt").decode()
    assert "onevec = onevec.cli:main" in doors
    assert "memory = onevec.adapters.memory:MemoryAdapter" in doors
    assert "sqlite = onevec.adapters.sqlite:SqliteAdapter" in doors
    assert "wordllama = onevec.embedders.wordllama:load" in doors


def test_the_wheel_works(wheel: Path, tmp_path: Path) -> None:
    """A store opens from the wheel alone, away from the checkout."""
    code = "import onevec; print(onevec.__file__); onevec.connect('memory://').close()"
    child = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert child.stdout.startswith(str(wheel))


def test_the_sdist_has_what_a_packager_needs(dist: Path) -> None:
    """The sdist holds the source, the tests, the docs, the licence and the changelog; no environment, no cache."""
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "src/onevec/py.typed"}
    assert names >= {"tests/conftest.py", "docs/filters.md", "PKG-INFO"}
    folders = {name.partition("/")[0] for name in names if "/" in name}
    assert folders == {"src", "tests", "docs", "examples"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_version_is_one() -> None:
    """`onevec.__version__`, the installed metadata and the changelog's newest section agree."""
    import onevec

    newest = next(line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ["))
    assert onevec.__version__ == version("onevec")
    assert newest.startswith((f"## [{onevec.__version__}]", "## [Unreleased]"))


def pins(lock: str) -> list[str]:
    """Return the requirements of a lock, each on one line."""
    lines = lock.replace("\\\n", " ").splitlines()
    return [line for line in lines if line and not line.lstrip().startswith("#")]


def test_the_lock_has_what_the_project_asks_for() -> None:
    """Each dependency, extra and development tool is in the lock, in a version that pyproject.toml allows.

    The extras that bring torch, which is gigabytes, are not.
    """
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras: dict[str, list[str]] = asked["project"]["optional-dependencies"]
    wanted = [
        *asked["project"]["dependencies"],
        *asked["dependency-groups"]["dev"],
        *chain(*(extras[name] for name in extras.keys() - LARGE)),
    ]
    locked: dict[str, list[str]] = {}
    for pin in pins(LOCK.read_text()):
        requirement = Requirement(pin.partition(" --hash")[0])
        locked.setdefault(requirement.name, []).append(str(requirement.specifier).removeprefix("=="))
    for requirement in map(Requirement, wanted):
        if requirement.name != "onevec":  # an extra that stands for others
            assert locked.get(requirement.name), f"{requirement.name} is not in the lock; run `make lock`"
            assert all(version in requirement.specifier for version in locked[requirement.name]), requirement


def test_the_lock_is_pinned_and_names_no_place() -> None:
    """Every requirement of the lock has one version and hashes; no registry and no path is in it."""
    lock = LOCK.read_text()
    assert pins(lock)
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins(lock))
    assert "://" not in lock
    assert "--index" not in lock
    assert "--find-links" not in lock
    assert " @ " not in lock
