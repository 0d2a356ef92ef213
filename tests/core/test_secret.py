"""A secret never shows itself, wherever it gets to."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import asdict, dataclass, replace
from pprint import pformat
from string import Template

import pytest

from onevec import Secret
from onevec.errors import AuthenticationFailed

TEXT = "hunter2"


@dataclass(frozen=True, slots=True)
class Options:
    """Options as an engine has them."""

    host: str
    api_key: Secret


SECRET = Secret(TEXT)
OPTIONS = Options("h", SECRET)


@pytest.mark.parametrize(
    "shown",
    [
        repr(SECRET),
        str(SECRET),
        ascii(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>40}",
        format(SECRET),
        "%s %r %a" % (SECRET, SECRET, SECRET),  # noqa: UP031 (the point)
        "{} {!r} {!s}".format(SECRET, SECRET, SECRET),  # noqa: UP032 (the point)
        Template("$key").substitute(key=SECRET),
        repr(OPTIONS),
        repr([SECRET, {"key": SECRET}]),
        pformat(OPTIONS),
        json.dumps({"key": SECRET}, default=str),
        json.dumps({"key": SECRET}, default=repr),
        repr(replace(OPTIONS, host="other")),
        repr(AuthenticationFailed(f"refused {SECRET} of {OPTIONS}")),
        str(ValueError(SECRET)),
        repr(ValueError(SECRET)),
        str(getattr(SECRET, "__dict__", {})),
    ],
)
def test_no_text_of_it_has_it(shown: str) -> None:
    """Neither the usual ways of making a text, nor those of what holds it."""
    assert TEXT not in shown


def test_the_text_is_there_when_it_is_asked_for() -> None:
    """And only then."""
    assert SECRET.reveal() == TEXT


def test_a_format_is_refused_not_obeyed() -> None:
    """A width or a type that would need the text raises, and the error doesn't have it."""
    for spec in (">40", "x", ".3"):
        with pytest.raises(TypeError) as raised:
            format(SECRET, spec)
        assert TEXT not in str(raised.value)


def test_it_is_not_pickled() -> None:
    """Nor is what holds it; the error says what to do instead."""
    for value in (SECRET, [SECRET], ValueError(SECRET)):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="a Secret is not pickled; pass the name of an environment variable"):
                pickle.dumps(value, protocol)


def test_a_copy_of_what_holds_it_is_no_leak() -> None:
    """Copies and `asdict` keep it a secret."""
    for held in (copy.copy(OPTIONS), copy.deepcopy(OPTIONS), asdict(OPTIONS)):
        assert TEXT not in repr(held)
    assert copy.deepcopy(OPTIONS) == OPTIONS
    assert asdict(OPTIONS)["api_key"] == SECRET


def test_it_is_equal_to_the_same_secret_only() -> None:
    """Not to its text, which would let it be guessed through a plain comparison of options; equal ones hash alike."""
    assert Secret(TEXT) == SECRET
    assert Secret("other") != SECRET
    assert TEXT != SECRET
    assert hash(Secret(TEXT)) == hash(SECRET)
    assert hash(SECRET) != hash(TEXT)
    assert len({SECRET, Secret(TEXT), Secret("other")}) == 2


def test_a_traceback_with_its_locals_does_not_have_it() -> None:
    """As error trackers send them."""

    def connecting(options: Options) -> None:
        key = options.api_key
        raise AuthenticationFailed(f"{options.host} refused {key}")

    try:
        connecting(OPTIONS)
    except AuthenticationFailed as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "key = Secret('***')" in shown
    assert TEXT not in shown


def test_a_log_line_does_not_have_it(caplog: pytest.LogCaptureFixture) -> None:
    """Given as an argument, or inside of one."""
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("opening %s with %r", OPTIONS, SECRET)
    assert TEXT not in caplog.text
    assert "***" in caplog.text


def test_it_has_no_attribute_to_set() -> None:
    """So that nothing is hung onto it that shows."""
    with pytest.raises(AttributeError):
        SECRET.note = "x"  # type: ignore[attr-defined]  # the point
