"""The command itself: overview, version, unknown words, and how failures are told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import onevec
from onevec.cli import COMMANDS, main

from .runs import Cli, child


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)], ids=str)
def test_the_overview_names_every_command(cli: Cli, words: tuple[str, ...]) -> None:
    """Without a command, or asked for help, it lists the commands on stdout."""
    run = cli(*words)
    assert (run.code, run.err) == (0, "")
    listed = {line.split()[0] for line in run.out.splitlines() if line.startswith("  ")}
    assert listed == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_of_its_own(cli: Cli, name: str) -> None:
    """`onevec COMMAND --help` and `onevec help COMMAND` say the same, and both offer --json."""
    run = cli(name, "--help")
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith(f"usage: onevec {name} ")
    assert "--json" in run.out
    assert cli("help", name) == run


def test_the_version(cli: Cli) -> None:
    """`onevec --version` is the version of the library."""
    assert cli("--version").out == f"onevec {onevec.__version__}\n"


def test_python_m_onevec_is_the_command() -> None:
    """`python -m onevec` runs it, and its exit code is the command's."""
    assert child("--version").stdout == f"onevec {onevec.__version__}\n"
    assert child("search").returncode == 2


def test_help_and_slips_load_no_library() -> None:
    """The overview, each command's own help, and a slip of the hand load neither numpy, SQLite, an engine nor rich."""
    slips = [["--help"], ["serch"], ["search"], ["delete"], *([name, "--help"] for name in COMMANDS)]
    code = f"""
import sys
from onevec.cli import main
for words in {slips!r}:
    main(words)
print(*sys.modules, sep="\\n", file=sys.stderr)
"""
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stderr.split()
    assert "onevec.cli" in loaded
    assert {"numpy", "apsw", "sqlite3", "orjson", "rich", "wordllama", "asyncio", "onevec.adapter"}.isdisjoint(loaded)


def test_the_overview_loads_no_command() -> None:
    """`onevec --help` reads its table only: no command's module, no parser of options."""
    code = "import sys\nfrom onevec.cli import main\nmain(['--help'])\nprint(*sys.modules, sep='\\n', file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = run.stderr.split()
    assert [name for name in loaded if name.startswith("onevec.cli.")] == []
    assert "argparse" not in loaded


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("serch", "did you mean `onevec search`?"),
        ("Collection", "did you mean `onevec collections`?"),
        ("xyzzy", "`onevec --help` lists them"),
        ("--store", "options follow the command"),
        ("", "`onevec --help` lists them"),
    ],
)
def test_an_unknown_command_is_told_with_the_nearest(cli: Cli, word: str, hint: str) -> None:
    """A slip is a usage error that names the nearest command, or says where they are listed."""
    cli(word).fails(2, f"there is no command {word!r}", hint)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("search", "a", "--top_k", "3"), "--top_k"),
        (("search", "a", "-k", "many"), "invalid int value: 'many'"),
        (("search", "a", "--mode", "fuzzy"), "fuzzy"),
        (("search", "a", "b"), "unrecognized arguments: b"),
        (("count", "--fil", "a == 1"), "--fil"),
        (("get",), "ID"),
        (("ingest",), "PATH"),
    ],
    ids=str,
)
def test_options_that_are_not_known_are_refused(cli: Cli, words: tuple[str, ...], said: str) -> None:
    """A wrong option or value is one line with the command whose help to read; nothing is abbreviated or ignored."""
    cli(*words).fails(2, said, f"`onevec {words[0]} --help`")


def test_a_failure_as_json(cli: Cli) -> None:
    """With --json a failure is one object on stderr with type, message, exit_code and retryable; stdout stays empty."""
    assert cli("count", "--json").error == {
        "type": "StoreNotFound",
        "message": "there is no store at sqlite:///onevec.db; `onevec ingest PATH` makes one, `onevec demo` one to "
        "try, and --store URL names another",
        "exit_code": 1,
        "retryable": False,
    }
    assert cli("serch", "--json").error["type"] == "UnknownCommand"
    assert cli("search", "--json").error["exit_code"] == 2


def test_a_bug_is_one_line_and_the_traceback_on_request(
    cli: Cli, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception that nobody expected is one line with its type; ONEVEC_DEBUG=1 puts the traceback before it."""

    def broken(*_: object, **__: object) -> int:
        raise ZeroDivisionError("half\na message")

    monkeypatch.setattr("onevec.collection.Collection.count", broken)
    cli("count").fails(1, "ZeroDivisionError: half a message", "ONEVEC_DEBUG=1")
    monkeypatch.setenv("ONEVEC_DEBUG", "1")
    run = cli("count")
    assert run.code == 1
    assert run.err.startswith("Traceback")
    assert run.err.splitlines()[-1].startswith("onevec: ZeroDivisionError")


def test_ctrl_c_is_quiet(cli: Cli, papers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt ends the command with 130 and no word."""

    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("onevec.collection.Collection.count", interrupted)
    run = cli("count")
    assert (run.code, run.out, run.err) == (130, "", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to one process")
def test_ctrl_c_from_a_terminal_is_quiet(folder: Path) -> None:
    """The signal, sent while documents are read, ends the process with 130 and no traceback."""
    words = [sys.executable, "-m", "onevec", "demo"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
        while not (folder / "onevec-demo.db").exists() and demo.poll() is None:
            time.sleep(0.01)
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=60)
    assert (demo.returncode, out, err) == (130, b"", b"")


@pytest.mark.skipif(os.name == "nt", reason="Windows tells of a closed pipe in another way")
@pytest.mark.parametrize("words", ["--help", "get wing-1 plate-2", "get wing-1 --json"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_is_quiet(papers: Path, monkeypatch: pytest.MonkeyPatch, words: str, unbuffered: str) -> None:
    """`onevec ... | head` that stops reading gets no traceback and no complaint of Python's own."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run(
        [sys.executable, "-m", "onevec", *words.split()], stdout=write, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(write)
    assert (run.returncode, run.stderr) == (141, b"")


def test_main_takes_the_words_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Called without arguments, as the installed script does, it reads `sys.argv`."""
    monkeypatch.setattr("sys.argv", ["onevec", "--version"])
    assert main() == 0
    assert capsys.readouterr().out == f"onevec {onevec.__version__}\n"


def test_a_terminal_without_unicode_is_no_failure(papers: Path) -> None:
    """Where stdout can't write a letter, tables have a question mark for it, and JSON stays UTF-8."""
    with onevec.connect("sqlite:///onevec.db") as store:
        store.collection("papers").upsert({"id": "日本", "vector": [1, 1, 1]})
    plain = child("get", "日本", PYTHONIOENCODING="ascii")
    assert (plain.returncode, plain.stderr) == (0, "")
    assert plain.stdout.splitlines()[0] == "??"
    assert '"id":"日本"' in child("get", "日本", "--json", PYTHONIOENCODING="ascii").stdout
