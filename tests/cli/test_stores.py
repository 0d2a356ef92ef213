"""Which store and collection a command is about, and what it says where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

import onevec

from .runs import PAPERS, Cli

READING = [
    ("search", "wings"),
    ("search", "--vector", "[1, 0, 0]"),
    ("get", "wing-1"),
    ("count",),
    ("delete", "wing-1"),
    ("delete", "--all", "--yes"),
    ("collections",),
    ("info",),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_reading_makes_no_database(cli: Cli, folder: Path, words: tuple[str, ...]) -> None:
    """Where there is no store the command says so and how to make one, and leaves no file behind."""
    cli(*words).fails(1, "there is no store at sqlite:///onevec.db", "`onevec ingest PATH`", "`onevec demo`")
    assert list(folder.iterdir()) == []


def test_the_order_of_places(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--store goes before $ONEVEC_URL, which goes before the default of onevec.toml, before onevec.db in the folder."""
    for count, name in enumerate(("onevec", "toml", "variable", "option")):
        with onevec.connect(f"sqlite:///{name}.db") as store:
            store.create_collection("papers", dimension=3).upsert(PAPERS[:count])
    assert cli("count").out == "0\n"
    (folder / "onevec.toml").write_text('default = "mine"\n[stores.mine]\nurl = "sqlite:///toml.db"\n')
    assert cli("count").out == "1\n"
    monkeypatch.setenv("ONEVEC_URL", "sqlite:///variable.db")
    assert cli("count").out == "2\n"
    assert cli("count", "--store", "sqlite:///option.db").out == "3\n"
    assert cli("count", "--store", "mine").out == "1\n"


def test_the_only_collection_is_meant(cli: Cli, papers: Path) -> None:
    """With one collection none need be named; with several the error lists them; with none it says how to make one."""
    assert cli("count").out == "3\n"
    with onevec.connect("sqlite:///onevec.db") as store:
        store.create_collection("empty", dimension=3)
    cli("count").fails(2, "name one with -c: empty, papers")
    assert cli("count", "-c", "papers").out == "3\n"
    assert cli("count", "--collection", "empty").out == "0\n"
    with onevec.connect("sqlite:///onevec.db") as store:
        store.delete_collection("empty")
        store.delete_collection("papers")
    cli("count").fails(1, "the store has no collection", "`onevec ingest PATH`")


def test_a_namespace(cli: Cli, papers: Path) -> None:
    """--namespace reads and deletes there and nowhere else."""
    with onevec.connect("sqlite:///onevec.db") as store:
        store.collection("papers").namespace("acme").upsert(PAPERS[:1])
    assert cli("count", "--namespace", "acme").out == "1\n"
    assert cli("delete", "--namespace", "acme", "--all", "--yes").out == "deleted 1\n"
    assert cli("count").out == "3\n"


@pytest.mark.parametrize(
    ("store", "code", "said"),
    [
        ("nosuch://x", 2, "there is no engine 'nosuch'"),
        ("sqlit:///x.db", 2, "did you mean 'sqlite'?"),
        ("papers", 2, "'papers' is neither a URL nor the name of a store"),
        ("", 2, "URL"),
        ("sqlite:///folder", 2, "folder"),
        ("sqlite:///text.db", 1, "text.db"),
        ("sqlite:///no/such/folder/x.db", 1, "no store at"),
        ("sqlite:///papers.db?colour=red", 2, "no option 'colour'"),
        ("sqlite:///${NO_SUCH_VARIABLE}.db", 2, "NO_SUCH_VARIABLE"),
    ],
)
def test_a_store_that_cannot_be_opened(cli: Cli, folder: Path, store: str, code: int, said: str) -> None:
    """The line names what is wrong with it; 2 for a name or URL, 1 for what is found there."""
    (folder / "folder").mkdir()
    (folder / "text.db").write_text("This is a letter to a friend, and not a database at all.\n" * 100)
    before = (folder / "text.db").read_bytes()
    cli("count", "--store", store).fails(code, said)
    assert cli("count", "--store", store, "--json").error["exit_code"] == code
    assert sorted(path.name for path in folder.iterdir()) == ["folder", "text.db"]
    assert (folder / "text.db").read_bytes() == before


def test_an_unknown_collection(cli: Cli, papers: Path) -> None:
    """The line names those there are."""
    cli("count", "-c", "paper").fails(1, "there is no collection 'paper'", "'papers'")
    cli("count", "-c", "../papers").fails(2, "'../papers'")
    assert cli("count", "-c", "paper", "--json").error["type"] == "CollectionNotFound"


def test_a_password_is_not_shown(cli: Cli, folder: Path) -> None:
    """Credentials and options of a URL stay out of messages."""
    run = cli("count", "--store", "sqlite:///onevec.db?busy_timeout=77")
    run.fails(1, "there is no store at sqlite:///onevec.db***")
    assert "77" not in run.err
    for store in ("nosuch://user:hunter2@host/x", "nosuch://host/x?api_key=hunter2"):
        assert "hunter2" not in cli("count", "--store", store).err
        assert "hunter2" not in cli("doctor", "--store", store).out
