"""Where a store is: URLs, mappings, `onevec.toml`, and the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onevec
from onevec import Secret
from onevec.adapters.milvus.opening import MilvusOptions
from onevec.config import CONFIG_FILE, default_target, expanded, locate, placed
from onevec.errors import ConfigError

PASSWORD = "hunter2"


def from_url(url: str) -> Mapping[str, Any]:
    location = locate(url)
    assert location.name is None
    return location.settings


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a config above it, that is the current one; no variable points elsewhere."""
    monkeypatch.chdir(tmp_path)
    for name in ("ONEVEC_CONFIG", "ONEVEC_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("url", "engine", "settings"),
    [
        ("memory://", "memory", {}),
        ("sqlite:///papers.db", "sqlite", {"path": "papers.db"}),
        ("sqlite:///a/b/papers.db", "sqlite", {"path": "a/b/papers.db"}),
        ("sqlite:////data/papers.db", "sqlite", {"path": "/data/papers.db"}),
        ("sqlite:///C:/papers.db", "sqlite", {"path": "C:/papers.db"}),
        ("SQLite:///Papers.DB", "sqlite", {"path": "Papers.DB"}),
        ("my_engine:///x", "my_engine", {"path": "x"}),
        ("sqlite:///a%20b%2Fc%23%3F%25.db", "sqlite", {"path": "a b/c#?%.db"}),
        ("sqlite:///a b.db", "sqlite", {"path": "a b.db"}),
        ("sqlite:///a+b.db", "sqlite", {"path": "a+b.db"}),
        ("sqlite:///%C3%BC.db", "sqlite", {"path": "\u00fc.db"}),
        ("sqlite:///\u00fc.db", "sqlite", {"path": "\u00fc.db"}),
        ("sqlite:///a\tb\nc.db", "sqlite", {"path": "a\tb\nc.db"}),
        ("sqlite:///x?create=false&busy_timeout=2", "sqlite", {"path": "x", "create": "false", "busy_timeout": "2"}),
        ("some://?name=a%26b%3Dc+d", "some", {"name": "a&b=c d"}),
        ("some://?name=", "some", {"name": ""}),
        ("some://host", "some", {"host": "host"}),
        ("some://host:6333", "some", {"host": "host", "port": 6333}),
        ("some://host:6333/", "some", {"host": "host", "port": 6333}),
        ("some://[::1]:6333/db", "some", {"host": "::1", "port": 6333, "path": "db"}),
        ("some://me@host/db", "some", {"username": "me", "host": "host", "path": "db"}),
        (
            "some://m%40e:p%3A%2F%40%23@host/db",
            "some",
            {"username": "m@e", "password": Secret("p:/@#"), "host": "host", "path": "db"},
        ),
    ],
)
def test_a_url_has_its_parts(url: str, engine: str, settings: dict[str, Any]) -> None:
    """Each part is decoded, and the same as if it were given as an option."""
    location = locate(url)
    assert (location.engine, dict(location.settings)) == (engine, settings)


@given(
    path=st.text(st.characters(codec="utf-8"), min_size=1),
    password=st.text(st.characters(codec="utf-8"), min_size=1),
)
def test_every_text_can_be_written_in_a_url(path: str, password: str) -> None:
    """Percent-encoded, any path, password and option comes through as it was."""
    given_path, given_password = quote(path, safe=""), quote(password, safe="")
    settings = from_url(f"some://me:{given_password}@host/{given_path}?note={given_path}")
    assert settings["path"] == settings["note"] == path
    assert settings["password"].reveal() == password


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("some://host:port", "can't be read"),
        ("some://host:99999", "can't be read"),
        ("some://[::1", "can't be read"),
        ("some:///%ff", "can't be read"),
        ("some:///x?create", "can't be read"),
        ("some:///x?a=1&a=2", "says 'a' twice"),
        ("some://host?host=other", "says 'host' twice"),
        ("some:///x#y", "no #fragment"),
        ("some:///x?a b=1", "options are"),
        ("", "neither a URL nor the name of a store"),
        ("papers.db", "'papers.db' is neither a URL nor the name"),
        ("sqlite:papers.db", "neither a URL"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_is_no_url_is_refused(url: str, message: str) -> None:
    """The message says what is wrong, and how it should look."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        locate(url)


@pytest.mark.parametrize(
    "target",
    [
        f"some://me:{PASSWORD}/{PASSWORD}@host:80",
        f"some://me:{PASSWORD}#{PASSWORD}@host",
        f"some://me:12#{PASSWORD}@host",
        f"some://me:12?{PASSWORD}@host",
        f"some://me:{PASSWORD}@[host",
        f"some://me:{PASSWORD}@host:x",
        f"some://me:{PASSWORD}%ff@host",
        f"some://host?api_key={PASSWORD}&api_key={PASSWORD}",
        f"me:{PASSWORD}@host/db",
        {"engine": "some", "url": f"some://me:{PASSWORD}@host"},
        {"url": f"me:{PASSWORD}@host"},
        {"api_key": PASSWORD},
    ],
    ids=str,
)
@pytest.mark.usefixtures("here")
def test_no_error_shows_a_password(target: Any) -> None:
    """Not in a message, however wrongly it was written, and not in the causes of an error."""
    with pytest.raises(ConfigError) as raised:
        locate(target)
    error: BaseException | None = raised.value
    while error is not None:
        assert PASSWORD not in str(error)
        assert PASSWORD not in repr(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_a_password_is_secret_from_the_start() -> None:
    """Nobody who prints a location shows it."""
    assert PASSWORD not in repr(locate(f"some://me:{PASSWORD}@host"))


@pytest.mark.parametrize("target", [None, 5, b"memory://", Path("papers.db"), ["memory://"]], ids=str)
def test_a_target_of_another_type_is_refused(target: Any) -> None:
    """The message names the types there are, and the one it got."""
    with pytest.raises(ConfigError, match=f"got {type(target).__name__}"):
        locate(target)


def test_a_mapping() -> None:
    """An engine with its options, or a URL with more options, which win; the mapping isn't changed."""
    config = {"engine": "some", "path": "x", "level": "high"}
    location = locate(config)
    assert (location.engine, location.settings) == ("some", {"path": "x", "level": "high"})
    assert config == {"engine": "some", "path": "x", "level": "high"}
    location = locate({"url": "some://host/x?level=low", "level": "high"})
    assert (location.engine, location.settings) == ("some", {"host": "host", "path": "x", "level": "high"})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "names neither an engine nor a url"),
        ({"engine": 5}, "names neither an engine nor a url"),
        ({"path": "x"}, "names neither an engine nor a url"),
        ({"url": 5}, "url is a URL"),
        ({"url": "papers.db"}, "url is a URL"),
        ({"url": "some://", "engine": "some"}, "no engine beside it"),
    ],
    ids=str,
)
def test_a_mapping_that_names_no_store_is_refused(config: dict[str, Any], message: str) -> None:
    """The message shows what a mapping needs."""
    with pytest.raises(ConfigError, match=message):
        locate(config)


def test_the_environment_fills_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """`${NAME}` in a URL, an option, a list, or as the whole URL; the value is taken as it is, and only once."""
    monkeypatch.setenv("KEY", "a/b@c#d?e%20f")
    monkeypatch.setenv("PORT", "6333")
    monkeypatch.setenv("NESTED", "${KEY}")
    monkeypatch.setenv("WHOLE", "some://host:1/x")
    monkeypatch.setenv("EMPTY", "")
    settings = from_url("some://me:${KEY}@host:${PORT}/${KEY}/x?note=${KEY}")
    assert settings["password"].reveal() == settings["note"] == os.environ["KEY"]
    assert (settings["path"], settings["port"]) == (f"{os.environ['KEY']}/x", 6333)
    assert locate({"url": "some://me:${KEY}@host"}).settings["password"] == Secret(os.environ["KEY"])
    assert locate({"url": "${WHOLE}"}).settings == {"host": "host", "port": 1, "path": "x"}
    location = locate({"engine": "some", "path": "a${PORT}b${EMPTY}", "native": ["${PORT}", {"k": "${KEY}"}], "n": 5})
    assert location.settings["path"] == "a6333b"
    assert location.settings["native"] == ["6333", {"k": os.environ["KEY"]}]
    assert location.settings["n"] == 5
    assert expanded("${NESTED}") == "${KEY}"
    assert from_url("some:///${NESTED}")["path"] == "${KEY}"
    for text in ("$KEY", "${}", "${a-b}", "$${", "{KEY}"):
        assert expanded(text) == text


@pytest.mark.parametrize(
    "target", ["some://${NO_SUCH}@host", {"engine": "some", "path": "${NO_SUCH}"}, {"url": "${NO_SUCH}"}], ids=str
)
def test_a_missing_variable_is_named(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never becomes an empty text."""
    monkeypatch.delenv("NO_SUCH", raising=False)
    with pytest.raises(ConfigError, match=r"no variable NO_SUCH, which the config names as \$\{NO_SUCH\}"):
        locate(target)


def test_a_named_store(here: Path) -> None:
    """`onevec.toml` names stores by a URL or by their options; the nearest one upwards is read."""
    (here / CONFIG_FILE).write_text(
        '[stores.papers]\nurl = "sqlite:///papers.db"\nbusy_timeout = 2\n\n'
        '[stores.cluster]\nengine = "some"\nhost = "h"\nport = 5\n'
    )
    location = locate("papers")
    assert (location.engine, location.name) == ("sqlite", "papers")
    assert location.settings == {"path": "papers.db", "busy_timeout": 2}
    location = locate("cluster")
    assert (location.engine, location.settings, location.name) == ("some", {"host": "h", "port": 5}, "cluster")
    with pytest.raises(ConfigError, match=r"'paper' is neither a URL .*onevec.toml names cluster, papers"):
        locate("paper")


def test_the_nearest_config_counts(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the current folder upwards; `$ONEVEC_CONFIG` is before all of them."""
    inner = here / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    (here / CONFIG_FILE).write_text('[stores.x]\nurl = "outer://"')
    assert locate("x").engine == "outer"
    (here / "a" / CONFIG_FILE).write_text('[stores.x]\nurl = "middle://"')
    assert locate("x").engine == "middle"
    other = here / "other.toml"
    other.write_text('[stores.x]\nurl = "other://"')
    monkeypatch.setenv("ONEVEC_CONFIG", str(other))
    assert locate("x").engine == "other"
    monkeypatch.setenv("ONEVEC_CONFIG", str(here / "missing.toml"))
    with pytest.raises(ConfigError, match=r"missing\.toml"):
        locate("x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[stores.x\n", "at line 1"),
        (b"\xff", "can't decode"),
        (b"stores = 5", "stores are tables"),
        (b"[stores]\nx = 'sqlite:///x.db'", "stores are tables"),
        (b"[stores.x]\npath = 'y'", "store 'x' of onevec.toml names neither an engine nor a url"),
        (b"[stores.x]\nurl = 'y'", "store 'x' of onevec.toml: url is a URL"),
    ],
    ids=repr,
)
def test_a_bad_config_is_refused(here: Path, text: bytes, message: str) -> None:
    """The message has the file or the store, and the place."""
    (here / CONFIG_FILE).write_bytes(text)
    with pytest.raises(ConfigError, match=message) as raised:
        locate("x")
    assert CONFIG_FILE in str(raised.value)


def test_the_default(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to connect to where nothing is said: `$ONEVEC_URL`, else the default of the config, else nothing."""
    assert default_target() is None
    (here / CONFIG_FILE).write_text("[stores]")
    assert default_target() is None
    (here / CONFIG_FILE).write_text('default = "papers"')
    assert default_target() == "papers"
    monkeypatch.setenv("ONEVEC_URL", "memory://")
    assert default_target() == "memory://"
    monkeypatch.setenv("ONEVEC_URL", "")
    (here / CONFIG_FILE).write_text("default = 5")
    with pytest.raises(ConfigError, match="default is the name of a store, got 5"):
        default_target()


def test_relative_paths_begin_where_the_config_is(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store is the same one from every folder below; what a program says itself begins at the current folder."""
    inner = here / "a"
    inner.mkdir()
    (here / CONFIG_FILE).write_text(
        '[stores.papers]\nurl = "sqlite:///papers.db"\nembedding_cache = "vectors.db"\n'
        '[stores.server]\nurl = "milvus://h/papers"\n[stores.memory]\nengine = "qdrant"\npath = ":memory:"\n'
    )
    monkeypatch.chdir(inner)
    with onevec.connect("papers"), onevec.connect("sqlite:///mine.db"):
        assert sorted(path.name for path in here.glob("*.db")) == ["papers.db", "vectors.db"]
        assert [path.name for path in inner.glob("*.db")] == ["mine.db"]
    for name, option in (("server", "papers"), ("memory", ":memory:")):
        assert placed(locate(name), MilvusOptions)["path"] == option
