"""What a server can do wrong, and what comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import numpy as np
import pytest
from tests.embedders.openai_calls import TEXTS, Make, failure_of, vectors_of
from tests.servers.openai import Answer, Json, OpenAIServer

from onevec.embedders.openai import OpenAIEmbedder
from onevec.errors import (
    AuthenticationFailed,
    EmbeddingFailed,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    OnevecError,
    RateLimited,
)


@pytest.mark.parametrize(
    ("headers", "bounds"),
    [
        ((("Retry-After", "7"),), (7, 7)),
        ((("Retry-After", "7.5"),), (7.5, 7.5)),
        ((("retry-after-ms", "2500"), ("Retry-After", "3")), (2.5, 2.5)),
        ((("Retry-After", "in 45 seconds"),), (5, 45)),
        ((("Retry-After", "soon"),), (0, 0.5)),
    ],
    ids=["seconds", "fraction", "milliseconds", "date", "nonsense"],
)
def test_a_busy_server_is_asked_again_when_it_says(
    server: OpenAIServer, make: Make, waits: list[float], headers: Any, bounds: tuple[float, float]
) -> None:
    """`Retry-After` in each of its forms."""
    date = formatdate(time.time() + 45, usegmt=True)
    sent = tuple((name, value.replace("in 45 seconds", date)) for name, value in headers)
    server.answers.append(Answer(429, headers=sent))
    assert np.array_equal(make().embed(TEXTS), vectors_of(TEXTS))
    assert len(waits) == 1
    assert bounds[0] <= waits[0] <= bounds[1]


def test_a_wait_beyond_the_timeout_is_an_error_at_once(server: OpenAIServer, make: Make, waits: list[float]) -> None:
    """It says how long the server asked to wait."""
    server.answers.extend([Answer(429, headers=(("Retry-After", "61"),))] * 2)
    error = failure_of(make(), TEXTS, RateLimited)
    assert (error.retry_after, error.retryable, waits) == (61, True, [])


def test_an_async_call_is_retried_too(server: OpenAIServer, make: Make) -> None:
    """After a server's own failure."""
    server.answers.append(Answer(500, headers=(("Retry-After", "0"),)))
    assert np.array_equal(asyncio.run(make().embed_async(TEXTS)), vectors_of(TEXTS))
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (Answer(429), (RateLimited, 3)),
        (Answer(500), (EngineError, 3)),
        (Answer(503), (EngineUnavailable, 3)),
        (Answer(403), (AuthenticationFailed, 1)),
        (
            Answer(429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}),
            (RateLimited, 1),
        ),
        (Answer(200, b"<html>"), (EngineError, 1)),
        (Answer(200, {}), (EmbeddingFailed, 1)),
    ],
    ids=["busy", "failing", "down", "forbidden", "quota", "html", "nothing"],
)
def test_a_refusal_is_one_of_onevecs_errors(
    server: OpenAIServer, make: Make, waits: list[float], answer: Answer, refused: tuple[type[OnevecError], int]
) -> None:
    """Tried again only where that can help."""
    kind, requests = refused
    server.answers.extend([answer] * requests)
    with pytest.raises(kind):
        make(max_retries=2).embed(TEXTS)
    assert len(server.requests) == requests
    assert len(waits) == requests - 1


def test_a_server_that_does_not_answer_is_a_timeout(server: OpenAIServer, make: Make) -> None:
    """Of the whole batch, with its retries."""
    server.gate.clear()
    failure_of(make(timeout=0.3), TEXTS, EngineTimeout)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """The message says where it was looked for."""
    embedder = OpenAIEmbedder("tiny", base_url="http://127.0.0.1:9/v1", max_retries=0)
    assert failure_of(embedder, TEXTS, EngineUnavailable, "127.0.0.1:9 can't be reached").retryable


def changed(change: Callable[[list[Json]], Any]) -> Callable[[list[Json]], list[Json]]:
    def tamper(items: list[Json]) -> list[Json]:
        change(items)
        return items

    return tamper


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (lambda items: items[:-1], "gave 2 vectors for 3 texts"),
        (lambda items: [*items, items[0]], "gave 4 vectors for 3 texts"),
        (lambda _: [], "gave 0 vectors for 3 texts"),
        (lambda items: [items[0], items[0], items[2]], "indexes aren't 0 to 2, each once"),
        (changed(lambda items: items[2].update(index=3)), "indexes aren't 0 to 2, each once"),
        (changed(lambda items: items[1].update(embedding=[1.0, 2.0])), "vectors of 2 to 4 numbers"),
        (changed(lambda items: [item.update(embedding=[1.0, 2.0]) for item in items]), "its dimension is 4"),
        (changed(lambda items: items[1].update(embedding=[1.0, 2.0, float("nan"), 0.0])), "text 1 of 3, 'a slab'"),
        (changed(lambda items: items[1].update(embedding="AAAA")), "buffer size|multiple of element size"),
        (changed(lambda items: items[1].update(embedding=None)), "vectors of 1 to 4 numbers"),
    ],
    ids=["fewer", "more", "none", "twice", "beyond", "short", "dimension", "nan", "torn", "null"],
)
def test_an_answer_that_is_not_usable_fails(server: OpenAIServer, make: Make, tamper: Any, reason: str) -> None:
    """And is never taken for vectors."""
    server.tamper = tamper
    failure_of(make(dimension=4), TEXTS, EmbeddingFailed, reason)


def test_the_order_is_that_of_the_indexes(server: OpenAIServer, make: Make) -> None:
    """Whichever way the server sends its vectors; that of the answer where a server has no indexes."""
    server.tamper = lambda items: items[::-1]
    assert np.array_equal(make().embed(TEXTS), vectors_of(TEXTS))
    server.tamper = changed(lambda items: [item.pop("index") for item in items])
    assert np.array_equal(make().embed(TEXTS), vectors_of(TEXTS))
