"""A folder of its own for each test, a store in it, and a way to run commands there."""

from __future__ import annotations

from pathlib import Path

import pytest

import onevec
from onevec.cli import main

from .runs import PAPERS, Cli, Run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: empty, with nothing in the environment that says where a store is."""
    monkeypatch.chdir(tmp_path)
    for name in ("ONEVEC_URL", "ONEVEC_CONFIG", "ONEVEC_DEBUG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    def run(*words: str) -> Run:
        capsys.readouterr()
        code = main(words)
        out, err = capsys.readouterr()
        return Run(code, out, err)

    return run


@pytest.fixture
def papers(folder: Path) -> Path:
    """The default store, with one collection of three papers and no embedder."""
    path = folder / "onevec.db"
    with onevec.connect(f"sqlite:///{path.name}") as store:
        store.create_collection("papers", dimension=3).upsert(PAPERS)
    return path
