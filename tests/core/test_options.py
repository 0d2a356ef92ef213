"""An engine's options from texts and config values: their types, and what is unknown or missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from onevec import Secret
from onevec.config import locate, options_of
from onevec.errors import ConfigError, InvalidInput, UnknownOption

PASSWORD = "hunter2"


@dataclass(frozen=True, slots=True)
class Options:
    """One of each kind."""

    path: Path | None = None
    host: str = "localhost"
    port: int = 80
    username: str | None = None
    password: Secret | None = None
    secure: bool = False
    wait: float = 1.0
    level: Literal["low", "high"] = "low"
    limit: int | Literal["none"] = 1
    headers: dict[str, str] | None = None
    native: Any = None


def options(**settings: Any) -> Options:
    made = options_of(Options, settings, "some")
    assert isinstance(made, Options)
    return made


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("path", "a/b", Path("a/b")),
        ("path", None, None),
        ("host", "h", "h"),
        ("port", "8080", 8080),
        ("port", 8080, 8080),
        ("password", "x", Secret("x")),
        ("password", Secret("x"), Secret("x")),
        ("secure", "true", True),
        ("secure", "FALSE", False),
        ("secure", "1", True),
        ("secure", "0", False),
        ("secure", True, True),
        ("wait", "1.5", 1.5),
        ("wait", "2", 2.0),
        ("wait", 2, 2.0),
        ("level", "high", "high"),
        ("limit", "7", 7),
        ("limit", "none", "none"),
        ("headers", {"a": "b"}, {"a": "b"}),
        ("native", {"any": [1]}, {"any": [1]}),
    ],
    ids=str,
)
def test_an_option_gets_its_type(name: str, text: Any, value: Any) -> None:
    """Texts of a URL and values of a config become what the engine's option is typed as."""
    made = getattr(options(**{name: text}), name)
    assert (made, type(made)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("port", "http", "option port is int, got 'http'"),
        ("port", True, "option port is int, got True"),
        ("port", 1.5, "option port is int, got 1.5"),
        ("port", None, "option port is int, got None"),
        ("host", 5, "option host is str, got 5"),
        ("secure", "yes", "option secure is true or false, got 'yes'"),
        ("secure", 1, "option secure is true or false, got 1"),
        ("wait", True, "option wait is float, got True"),
        ("wait", "soon", "option wait is float, got 'soon'"),
        ("level", "middle", "option level is 'low' or 'high', got 'middle'"),
        ("limit", "some", "option limit is int or 'none', got 'some'"),
        ("path", 5, "option path is Path, got 5"),
        ("headers", "a=b", "option headers is dict, got 'a=b'"),
        ("password", 1234567, "option password is Secret, got ***"),
    ],
)
def test_an_option_of_another_type_is_refused(name: str, value: Any, message: str) -> None:
    """The message has the engine, the option, what it can be, and what it got unless that is secret."""
    with pytest.raises(ConfigError, match=re.escape(f"engine 'some': {message}")) as raised:
        options(**{name: value})
    assert raised.value.engine == "some"


def test_a_secret_option_does_not_show() -> None:
    """Nor do the options that hold it."""
    made = options(password=PASSWORD)
    assert made.password == Secret(PASSWORD)
    assert PASSWORD not in repr(made)


def test_an_unknown_option_lists_the_known() -> None:
    """It is a ConfigError, and a TypeError as of every keyword that isn't known."""
    with pytest.raises(UnknownOption, match=r"engine 'some' has no option 'hots'; its options are path, host, port, "):
        options(hots="x")
    assert issubclass(UnknownOption, ConfigError)
    assert issubclass(UnknownOption, InvalidInput)
    assert issubclass(UnknownOption, TypeError)


def test_an_engine_without_options_says_so() -> None:
    """There is nothing to list."""

    @dataclass(frozen=True)
    class NoOptions:
        pass

    with pytest.raises(UnknownOption, match=r"engine 'none' has no option 'host'; it has no options$"):
        options_of(NoOptions, {"host": "x"}, "none")


def test_a_required_option_is_asked_for() -> None:
    """By its name; a path with how it stands in a URL, also where it was written with two slashes."""

    @dataclass(frozen=True)
    class File:
        path: Path
        key: Secret

    with pytest.raises(ConfigError, match=r"engine 'file' needs the option 'key'$"):
        options_of(File, {"path": "x"}, "file")
    with pytest.raises(ConfigError, match=r"needs the option 'path'.* three slashes, as in file:///NAME"):
        options_of(File, locate("file://").settings, "file")
    with pytest.raises(UnknownOption, match=r"no option 'host'.* three slashes, as in file:///NAME"):
        options_of(File, locate("file://papers.db").settings, "file")
