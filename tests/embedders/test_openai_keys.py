"""The key: named where it is missing, never shown, and sent to nobody it isn't for."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable

import numpy as np
import pytest
from tests.embedders.openai_calls import TEXTS, Make, failure_of, vectors_of
from tests.servers.openai import Answer, OpenAIServer

from onevec import Secret
from onevec.embedders.openai import OpenAIEmbedder
from onevec.errors import AuthenticationFailed, ConfigError, OnevecError


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch, server: OpenAIServer) -> None:
    """When the embedder is made, before anything is sent; an empty variable is a missing one."""
    monkeypatch.setenv("OPENAI_API_KEY", "")
    with pytest.raises(ConfigError, match="set OPENAI_API_KEY in the environment"):
        OpenAIEmbedder("text-embedding-3-small")
    assert server.requests == []


@pytest.mark.parametrize("key", ["sk-secret\n", "sk secret", "sk-sécret", ""])
def test_a_key_that_cannot_be_one_is_refused_unshown(make: Make, key: str) -> None:
    """The client would show it in its own error."""
    with pytest.raises(ConfigError, match="api_key is no key") as error:
        make(api_key=key)
    assert "cret" not in "".join(traceback.format_exception(error.value))


def test_a_wrong_key_is_refused_unshown(server: OpenAIServer, make: Make) -> None:
    """Even by a server that repeats it: not in the message, nor in what the error came from."""
    embedder = make(api_key=Secret("sk-wrong-0123456789"))
    error = failure_of(embedder, TEXTS, AuthenticationFailed, "refuses the key; check it")
    assert "sk-wrong" not in "".join(traceback.format_exception(error)) + repr(error) + repr(embedder)
    assert (error.__cause__, error.__context__) == (None, None)
    assert len(server.requests) == 2  # one of each form: it isn't tried again
    server.answers.append(Answer(400, {"error": {"message": "what is sk-wrong-0123456789?"}}))
    with pytest.raises(ConfigError, match=r"what is \*\*\*\?"):
        embedder.embed(TEXTS)


def test_no_failure_shows_the_key(server: OpenAIServer, make: Make) -> None:
    """Not even a traceback with the variables of its frames, those of the tests left out."""
    key = "sk-of-mine-0123456789"
    server.keys.add(key)

    def shown(act: Callable[[], object]) -> str:
        with pytest.raises(OnevecError) as raised:
            act()
        told = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
        assert told.__context__ is None or told.__suppress_context__
        errors = [told, *([told.__cause__] if told.__cause__ else [])]
        frames = [frame for error in errors for frame in error.stack if "/tests/" not in frame.filename]
        assert frames
        return "".join(map(str, errors)) + "".join(str(frame.locals) for frame in frames)

    embedder = make(api_key=key, max_retries=0, timeout=0.3)
    for status in (400, 401, 403, 404, 429, 500):
        server.answers.extend([Answer(status)] * 2)
        assert key not in shown(lambda: embedder.embed(TEXTS)), status
        assert key not in shown(lambda: asyncio.run(embedder.embed_async(TEXTS))), status
    server.gate.clear()
    assert key not in shown(lambda: embedder.embed(TEXTS))
    assert key not in shown(lambda: make(api_key=key, max_retries=0, base_url="http://127.0.0.1:9/v1").embed(TEXTS))
    assert key not in shown(lambda: make(api_key=key, model=" "))
    assert key not in shown(lambda: make(api_key=key + " "))


def test_the_environments_key_goes_to_no_other_server(
    server: OpenAIServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server given by `base_url=` gets the key that is given with it, or none."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    failure_of(make(api_key=None), TEXTS, AuthenticationFailed, "needs a key: pass api_key=")
    server.keys.clear()
    assert np.array_equal(make(api_key=None).embed(TEXTS), vectors_of(TEXTS))
    assert all("authorization" not in headers for headers in server.headers)
