"""`demo`, and the documents it is about."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import onevec
from onevec.cli import main
from onevec.cli.stdlib_docs import documents
from onevec.documents import Document
from onevec.errors import EngineNotInstalled

from .runs import Cli, Run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that the whole demo was indexed into."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    here = os.getcwd()  # noqa: PTH109 (a fixture of a module can't use monkeypatch)
    os.chdir(path.parent)
    try:
        assert main(["demo", "--store", "sqlite:///demo.db"]) == 0
    finally:
        os.chdir(here)
    return path


@pytest.fixture(scope="module")
def library(whole: Path) -> dict[str, Document]:
    """Every document of the standard library, by id."""
    with onevec.connect(f"sqlite:///{whole}") as store:
        return {document.id: document for document in store.collection("stdlib").scan(include_vectors=False)}


def test_the_library_has_thousands_of_documents(library: dict[str, Document]) -> None:
    """Modules, classes, functions and methods, from sources and from C."""
    assert len(library) > 3000
    assert {document.metadata["kind"] for document in library.values()} == {"module", "class", "function", "method"}


@pytest.mark.parametrize(
    ("id", "module", "kind"),
    [
        ("os.path.split", "os.path", "function"),
        ("os.path.exists", "os.path", "function"),
        ("os.listdir", "os", "function"),
        ("json.JSONDecoder", "json", "class"),
        ("asyncio.to_thread", "asyncio", "function"),
        ("collections.Counter.most_common", "collections", "method"),
        ("concurrent.futures.Future.result", "concurrent.futures", "method"),
        ("heapq.merge", "heapq", "function"),
        ("textwrap", "textwrap", "module"),
        ("str.split", "builtins", "method"),
        ("open", "builtins", "function"),
        ("math.sqrt", "math", "function"),
        ("itertools.pairwise", "itertools", "class"),
    ],
)
def test_names_are_those_that_people_import(library: dict[str, Document], id: str, module: str, kind: str) -> None:
    """A thing is named by the module it is imported from, not by the file it is written in."""
    metadata = library[id].metadata
    assert (metadata["name"], metadata["module"], metadata["kind"]) == (id, module, kind)


def test_a_document_of_a_function(library: dict[str, Document]) -> None:
    """Its text is the name and the docstring without the indent; signature and line are beside it; no path is."""
    document = library["textwrap.wrap"]
    lines = (document.text or "").splitlines()
    assert lines[0] == "textwrap.wrap: Wrap a single paragraph of text, returning a list of wrapped lines."
    assert not any(line.startswith(" ") for line in lines)
    assert document.metadata["signature"] == "(text, width=70, **kwargs)"
    assert type(document.metadata["line"]) is int
    assert set(document.metadata) == {"module", "kind", "name", "signature", "line"}


def test_what_is_private_or_not_the_library_is_left_out(library: dict[str, Document]) -> None:
    """No private names, no tests, no installed packages."""
    modules = {document.metadata["module"].partition(".")[0] for document in library.values()}
    assert modules <= sys.stdlib_module_names
    assert {"test", "idlelib", "lib2to3", "site", "pytest"} & modules <= {"site"}
    assert not any(part.startswith("_") for id in library for part in id.split("."))


def test_sources_are_parsed_and_not_imported() -> None:
    """Importing some modules does things, such as opening a browser or printing a poem; reading them doesn't."""
    code = """
import sys
from onevec.cli.stdlib_docs import documents
modules = {document.metadata["module"] for document in documents()}
assert "webbrowser" in modules
print({"turtle", "webbrowser", "tkinter", "this", "antigravity"} & set(sys.modules))
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.stdout, run.stderr) == ("set()\n", "")


def test_a_source_that_is_broken_is_passed_by(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that this Python can't parse costs only its own documents."""
    (folder / "broken.py").write_text("this is not Python")
    (folder / "strange.py").write_bytes(b"\xff\xfe\x00")
    (folder / "whole.py").write_text('def public():\n    """Do a thing."""\ndef _private():\n    """Hidden."""\n')
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(folder))
    assert [document.id for document in documents()][-1] == "whole.public"


def in_the_demo(cli: Cli, whole: Path, *words: str) -> Run:
    return cli(*words, "--store", f"sqlite:///{whole}")


@pytest.mark.parametrize(
    ("question", "best"),
    [
        (["split a path into its parts"], "os.path.split"),
        (["run a function in another thread"], "asyncio.to_thread"),
        (["merge several sorted lists"], "heapq.merge"),
        (["check whether a file exists", "--filter", 'module == "os.path"'], "os.path.exists"),
        (["make a temporary directory", "--filter", 'kind == "class"'], "tempfile.TemporaryDirectory"),
        (["mersenne twister", "--mode", "text"], "random"),
        (["umask", "--mode", "text"], "os.umask"),
        (["square root", "--filter", 'module == "math"'], "math.sqrt"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else value,
)
def test_the_answers_are_good(cli: Cli, whole: Path, question: list[str], best: str) -> None:
    """The best hit is what someone who asks so looks for."""
    hits = in_the_demo(cli, whole, "search", *question, "--json").json["hits"]
    assert hits[0]["id"] == best


def test_the_demo_says_what_it_did(cli: Cli, folder: Path) -> None:
    """Questions, filters, scores and names are shown, with how many documents there are and how fast it was."""
    run = cli("demo", "--limit", "300")
    assert (run.code, run.err) == (0, "")
    assert "300 docstrings" in run.out
    assert "documents a second" in run.out
    assert '"split a path into its parts"' in run.out
    assert "--filter 'kind == \"class\"'" in run.out
    assert "--mode text" in run.out
    assert (folder / "onevec-demo.db").exists()
    assert max(len(line) for line in run.out.partition("Try next")[0].splitlines()) <= 100


def test_what_the_demo_proposes_works(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command and the Python snippet that it prints last run on the store just made."""
    commands, _, snippet = cli("demo", "--limit", "300").out.partition("Try next")[2].partition("or in Python")
    proposed = [shlex.split(line)[1:] for line in commands.splitlines() if line.strip()]
    assert len(proposed) >= 4
    for words in proposed:
        run = cli(*words)
        assert (run.code, run.err) == (0, ""), words
    exec(compile("\n".join(line[2:] for line in snippet.splitlines()), "snippet", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_the_demo_as_json(cli: Cli) -> None:
    """The object has the numbers and every question with its hits."""
    done = cli("demo", "--limit", "200", "--json").json
    assert set(done) == {
        *("store", "collection", "documents", "read_seconds", "index_seconds", "documents_per_second"),
        *("milliseconds_per_query", "searches"),
    }
    assert (done["store"], done["collection"], done["documents"]) == ("sqlite:///onevec-demo.db", "stdlib", 200)
    assert {"query", "filter", "mode", "milliseconds", "hits"} == set(done["searches"][0])
    assert done["searches"][0]["hits"][0]["rank"] == 1


def test_the_demo_again_replaces_its_collection_only(cli: Cli) -> None:
    """A second run starts afresh, and other collections of the store stay."""
    with onevec.connect("sqlite:///mine.db") as store:
        store.create_collection("papers", dimension=3)
    for limit in ("300", "100"):
        assert cli("demo", "--limit", limit, "--store", "sqlite:///mine.db").code == 0
    found = {
        info["name"]: info["documents"]
        for info in cli("collections", "--store", "sqlite:///mine.db", "--json").json["collections"]
    }
    assert found == {"papers": 0, "stdlib": 100}


def test_the_demo_leaves_the_configured_store_alone(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$ONEVEC_URL is for one's own documents: the demo goes to its own file unless --store says otherwise."""
    monkeypatch.setenv("ONEVEC_URL", "sqlite:///precious.db")
    assert cli("demo", "--limit", "50").code == 0
    assert [path.name for path in folder.glob("*.db")] == ["onevec-demo.db"]


def test_the_demo_in_memory(cli: Cli) -> None:
    """A store that is gone with the process is not proposed for more."""
    run = cli("demo", "--limit", "100", "--store", "memory://")
    assert run.code == 0
    assert "Try next" not in run.out
    assert "gone now" in run.out


def test_the_demo_without_its_embedder(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says how to install it, and no store is made."""

    def missing(_name: str) -> None:
        raise EngineNotInstalled('the embedder wordllama needs its library: pip install "onevec[wordllama]"')

    monkeypatch.setattr("onevec.registry.load_embedder", missing)
    cli("demo").fails(1, 'pip install "onevec[wordllama]"')
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"), [(["--limit", "0"], "--limit"), (["--limit", "x"], "--limit"), (["x"], "x")]
)
def test_the_demo_refuses(cli: Cli, words: list[str], said: str) -> None:
    """A limit is one document or more, and there is nothing else to say."""
    cli("demo", *words).fails(2, said)
