"""The sqlite engine on damaged files: every answer is of one acknowledged state, or a typed error; nothing crashes.

What no checksum can show is that a whole older state is an older one. A file that was replaced whole by an older copy
of itself is that older store. And the end of a WAL that a killed process left is SQLite's to judge: commits whose
frames don't fit their checksums are left out, as after a loss of power, so a damage there can take back the last
commits, and all of them if the WAL is gone; what remains is the state after one of the commits before, whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .asking import Asked, asking
from .damage import Mutant, mixed, of_file, of_indexes, of_log
from .history import Files, History, lived, pages, put
from .questions import Answers, Visit
from .sampling import LONG, Counted, sampled
from .soundness import OPENS_WITHIN

# What a damaged store may answer, beside the truth. `NotFound` is none of them: it says that something never was.
ERRORS = ("!Corrupted", "!UnsupportedVersion", "!EngineError", "!ReadOnly", "!ConfigError", "!StoreNotFound")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    pytest.importorskip("faiss", reason="the files of indexes are among those that are damaged")
    return lived(tmp_path_factory.mktemp("lived"))


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    with asking() as asked:
        yield asked


@dataclass(slots=True)
class Truth:
    """What undamaged stores answer."""

    asked: Asked
    folder: Path
    _known: dict[tuple[int, bool], dict[str, Any]] = field(default_factory=dict)

    def of(self, files: Files, *, indexes: bool) -> dict[str, Any]:
        """Ask a store with these files, once."""
        key = (id(files), indexes)
        if key not in self._known:
            told = self.asked.about(Visit(str(put(self.folder, files)), indexes))
            assert told.keys() == {"before", "written", "during", "after", "seconds"}, told
            assert not [answer for part in ("before", "written") for answer in told[part].values() if answer[0] == "!"]
            self._known[key] = told
        return self._known[key]


@pytest.fixture(scope="module")
def truth(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return Truth(asked, tmp_path_factory.mktemp("truth") / "store")


def assert_told(mutants: Sequence[Mutant], truth: Truth, folder: Path) -> None:
    """Ask about each mutant; list all that lied."""
    lies = []
    for mutant in mutants:
        told = truth.asked.about(Visit(str(put(folder, mutant.files)), mutant.indexes))
        wrong = str(told.get("died") or told.get("raised") or wrong_in(told, mutant, truth))
        if wrong:
            lies.append(f"{mutant.name}: {wrong}")
    assert not lies, "\n".join([f"{len(lies)} of {len(mutants)}", *lies])


def wrong_in(told: Mapping[str, Any], mutant: Mutant, truth: Truth) -> str:
    """Say what is wrong in the answers; empty if nothing."""
    if told["seconds"] > OPENS_WITHIN:
        return f"it took {told['seconds']} s"
    odd = [
        answer
        for part in ("before", "written", "during", "after")
        for answer in told[part].values()
        if answer[0] == "!" and not answer.startswith(ERRORS)
    ]
    if odd:
        return str(odd[0])
    wrong = ""
    for files in mutant.allowed:
        true = truth.of(files, indexes=mutant.indexes)
        wrong = differing(told["before"], true["before"])
        if not wrong and not any(answer[0] == "!" for answer in told["written"].values()):
            wrong = differing(told["during"], true["during"]) or differing(told["after"], true["after"])
        if not wrong:
            return ""
    return wrong


def differing(answers: Answers, true: Answers) -> str:
    """The questions whose answers are neither true nor an error."""
    return ", ".join(
        question for question, answer in answers.items() if answer[0] != "!" and answer != true.get(question)
    )


def test_undamaged_files_answer(history: History, truth: Truth) -> None:
    """The answers that others are compared with differ from moment to moment, and are no errors."""
    everything = [*history.closed, *history.killed, *history.backfilled]
    told = [str(sorted(truth.of(files, indexes=False)["before"].items())) for files in everything]
    assert len(set(told)) == len(everything) - 3  # closing, twice, and a checkpoint change nothing


@pytest.mark.timeout(3600)  # for the long run: it has some thousand mutants
@pytest.mark.parametrize("kind", ["a byte", "a byte of the header", "a page", "an older page", "cut off", "noise"])
def test_a_damaged_file(kind: str, history: History, truth: Truth, tmp_path: Path, counted: Counted) -> None:
    """A byte, a page, a mixture of two files, a part of it: all is there as it was, or an error says so."""
    kinds = of_file(history, pages(history.closed[-1], tmp_path / "pages"), 400 if LONG else 20)
    mutants = sampled(kinds[kind], 12, kind)
    assert_told(mutants, truth, tmp_path / "store")
    counted(f"damaged: {kind}", len(mutants))


@pytest.mark.timeout(3600)
def test_a_damaged_log(history: History, truth: Truth, tmp_path: Path, counted: Counted) -> None:
    """Whatever becomes of a WAL, its index, or the file beside it: one acknowledged state whole, or an error."""
    mutants = sampled(of_log(history, 60), 20, "log")
    assert_told(mutants, truth, tmp_path / "store")
    counted("damaged: WAL and SHM", len(mutants))


@pytest.mark.timeout(3600)
def test_files_of_different_moments(history: History, truth: Truth, tmp_path: Path, counted: Counted) -> None:
    """A file beside the WAL of another moment: the state of one moment whole, or an error, but no mixture."""
    mutants = sampled(mixed(history), 16, "mixed")
    assert_told(mutants, truth, tmp_path / "store")
    counted("damaged: files of different moments", len(mutants))


@pytest.mark.timeout(3600)
def test_damaged_indexes(history: History, truth: Truth, tmp_path: Path, counted: Counted) -> None:
    """The file of an index is a cache: however damaged, of another namespace or time, all searches are right."""
    mutants = sampled(of_indexes(history, 12), 4, "indexes")
    assert_told(mutants, truth, tmp_path / "store")
    counted("damaged: indexes", len(mutants))
