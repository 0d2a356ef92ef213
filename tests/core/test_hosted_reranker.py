"""Rerankers behind HTTP, against a server that answers as the services do: through the real client, errors included."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.servers.reranker import KEY, MODEL, Answer, RerankerServer, reranker

import onevec
from onevec import SearchQuery, Secret, registry
from onevec.errors import (
    AuthenticationFailed,
    ConfigError,
    EngineError,
    EngineNotInstalled,
    EngineTimeout,
    EngineUnavailable,
    InvalidInput,
    RateLimited,
    RerankingFailed,
    UnknownReranker,
)
from onevec.registry import load_reranker
from onevec.rerank import Reranker, hosted
from onevec.rerank.hosted import HostedReranker

__all__ = ["reranker"]

TEXTS = ["heat in slabs", "the wing of a plane", "a wing"]


@pytest.fixture
def cohere(reranker: RerankerServer) -> Iterator[HostedReranker]:
    with HostedReranker(MODEL, base_url=reranker.url(), api_key=KEY, name="cohere") as one:
        yield one


def answered(*pairs: tuple[Any, Any], name: str = "results") -> Answer:
    rows = [{"index": index, "relevance_score": score} for index, score in pairs]
    return Answer(200, json.dumps({name: rows}).encode())


def test_scores_come_in_the_order_of_the_texts(cohere: HostedReranker, reranker: RerankerServer) -> None:
    """However the service sorts them; the request has the model, the query, the texts and the key, and nothing more."""
    assert isinstance(cohere, Reranker)
    assert cohere.score("wing plane", TEXTS) == [0.0, 1.0, 0.5]
    assert reranker.requests == [{"model": MODEL, "query": "wing plane", "documents": TEXTS}]
    assert reranker.keys == [f"Bearer {KEY}"]
    assert cohere.score("wing", []) == []
    assert len(reranker.requests) == 1


@pytest.mark.parametrize("version", ["/v1", "/v2", "/voyage/v1"])
def test_other_services_answer_alike(reranker: RerankerServer, version: str) -> None:
    """Jina's form and Voyage's, as they are documented."""
    with HostedReranker(MODEL, base_url=f"{reranker.url(version)}/", api_key=Secret(KEY)) as one:
        assert one.score("wing plane", TEXTS) == [0.0, 1.0, 0.5]


def test_a_server_of_ones_own_needs_no_key(reranker: RerankerServer) -> None:
    """Text Embeddings Inference: another word for the texts, a list for an answer, 32 texts in a request at most."""
    many = [*TEXTS, *(f"text {n} of a wing" for n in range(70))]
    with HostedReranker("bge", base_url=reranker.url(""), texts_as="texts", documents_at_once=32) as one:
        scores = one.score("wing plane", many)
    assert scores == [0.0, 1.0, 0.5, *[0.5] * 70]
    assert [len(request["texts"]) for request in reranker.requests] == [32, 32, 9]
    assert reranker.keys == [None] * 3


def test_an_event_loop_goes_on_while_the_service_thinks(cohere: HostedReranker, reranker: RerankerServer) -> None:
    """Searches wait for it together, though the store has fewer threads than there are searches here."""

    async def main() -> None:
        async with onevec.connect_async("memory://") as store:
            papers = await store.create_collection("papers", dimension=2)
            await papers.upsert(ids=["a", "b", "c"], texts=TEXTS, vectors=[[1, 0], [1, 1], [0, 1]])
            searches = [papers.search(SearchQuery("wing plane", vector=[1, 0]), rerank=cohere) for _ in range(5)]
            reranker.together = threading.Barrier(5)
            assert [hits.ids for hits in await asyncio.gather(*searches)] == [["b", "c", "a"]] * 5

    asyncio.run(main())


def test_a_refused_key_is_named_and_not_shown(reranker: RerankerServer) -> None:
    """Also where the service repeats it; it isn't tried again."""
    with HostedReranker(MODEL, base_url=reranker.url(), api_key="sk-wrong") as one:
        with pytest.raises(AuthenticationFailed, match=r"invalid api token Bearer \*\*\* .HTTP 401.*key") as refused:
            one.score("wing", TEXTS)
        assert "sk-wrong" not in f"{refused.value}{one!r}{vars(one)}"
    assert len(reranker.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_asks_to_wait_is_asked_again(
    cohere: HostedReranker, reranker: RerankerServer, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After as long as it says."""
    waits: list[float] = []
    monkeypatch.setattr("onevec.runtime.time.sleep", waits.append)
    reranker.answers.extend([Answer(status, b"{}", (("retry-after", "7"),))] * 2)
    assert cohere.score("wing plane", TEXTS) == [0.0, 1.0, 0.5]
    assert waits == [7.0, 7.0]


def test_a_service_that_stays_away_is_an_error(reranker: RerankerServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the retries, with its words; a connection that breaks off is the same."""
    monkeypatch.setattr("onevec.runtime.time.sleep", lambda seconds: None)
    with HostedReranker(MODEL, base_url=reranker.url(), api_key=KEY, name="cohere", max_retries=2) as one:
        reranker.answers.extend([Answer(429, b'{"message": "trial keys are limited to 10 calls a minute"}')] * 3)
        with pytest.raises(RateLimited, match="trial keys are limited") as limited:
            one.score("wing", TEXTS)
        assert (limited.value.engine, len(reranker.requests)) == ("cohere", 3)
        reranker.answers.extend([Answer(body=None)] * 3)
        with pytest.raises(EngineUnavailable, match="can't be reached"):
            one.score("wing", TEXTS)
        assert one.score("wing", TEXTS) == [0.0, 1.0, 1.0]


def test_a_service_that_does_not_answer_is_left(reranker: RerankerServer) -> None:
    """When the timeout is over."""
    reranker.held.clear()
    with (
        HostedReranker(MODEL, base_url=reranker.url(), api_key=KEY, timeout=0.2, max_retries=0) as one,
        pytest.raises(EngineTimeout, match="timeout="),
    ):
        one.score("wing", TEXTS)
    with (
        HostedReranker(MODEL, base_url="http://127.0.0.1:1/v2", max_retries=0) as nobody,
        pytest.raises(EngineUnavailable, match="can't be reached"),
    ):
        nobody.score("wing", TEXTS)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b'{"message": "model \'nope\' not found"}', "model 'nope' not found"),
        (422, b'{"detail": "query is too long"}', "query is too long"),
        (400, b'{"error": {"message": "bad request"}}', "bad request"),
        (413, b'{"error": "batch size 40 > 32"}', "batch size 40 > 32"),
        (400, b"<html>no</html>", "<html>no</html>"),
        (302, b"", "an empty body"),
    ],
)
def test_a_refusal_is_told_in_the_services_words(
    cohere: HostedReranker, reranker: RerankerServer, status: int, body: bytes, said: str
) -> None:
    """Once: a request that is wrong isn't sent again."""
    reranker.answers.append(Answer(status, body))
    with pytest.raises(EngineError) as refused:
        cohere.score("wing", TEXTS)
    assert said in str(refused.value)
    assert not refused.value.retryable
    assert len(reranker.requests) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (answered((0, 0.1), (1, 0.2)), "scored 2 of 3 texts; text 2 is missing"),
        (answered((0, 0.1), (1, 0.2), (2, 0.3), (3, 0.4)), r"wasn't sent \(of 3\).*3"),
        (answered((0, 0.1), (1, 0.2), (1, 0.3)), "scored text 1 twice"),
        (answered((-1, 0.1)), "wasn't sent"),
        (answered((True, 0.1)), "wasn't sent"),
        (answered(("0", 0.1)), "wasn't sent"),
        (answered((0, math.nan)), "text 0 no number"),
        (answered((0, math.inf)), "text 0 no number"),
        (answered((0, None)), "text 0 no number"),
        (answered((0, "0.5")), "text 0 no number"),
        (answered((0, 10**400)), "text 0 no number"),
        (answered((0, 0.1), name="hits"), "something else than a list of results"),
        (Answer(200, b"<html>"), "something else than a list of results: <html>"),
        (Answer(200, b""), "an empty body"),
        (Answer(200, b'{"results": [1, 2, 3]}'), "wasn't sent"),
        (Answer(200, b"[" * 100_000), "something else"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_that_is_none_is_an_error(
    cohere: HostedReranker, reranker: RerankerServer, answer: Answer, message: str
) -> None:
    """Fewer or more scores, one twice, none that is a number, or something else altogether; the next call works."""
    reranker.answers.append(answer)
    with pytest.raises(RerankingFailed, match=message) as failed:
        cohere.score("wing", TEXTS)
    assert len(str(failed.value)) < 500
    assert cohere.score("wing", TEXTS) == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("service", ["cohere", "jina", "voyage"])
def test_services_are_found_by_name(reranker: RerankerServer, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the model after a colon, and key and address from the environment; without the key, its name is said."""
    registry._reranker.cache_clear()
    with pytest.raises(ConfigError, match=f"set {service.upper()}_API_KEY"):
        load_reranker(f"{service}:{MODEL}")
    monkeypatch.setenv(f"{service.upper()}_API_KEY", KEY)
    monkeypatch.setenv(f"{service.upper()}_BASE_URL", reranker.url("/voyage/v1" if service == "voyage" else "/v1"))
    one = load_reranker(f"{service}:{MODEL}")
    assert one is load_reranker(f"{service}:{MODEL}")
    assert isinstance(one, HostedReranker)
    with one:
        assert one.name == f"{service}:{MODEL}"
        assert one.score("wing plane", TEXTS) == [0.0, 1.0, 0.5]
    registry._reranker.cache_clear()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "localhost:8000/v1"}, "http://localhost:8000/v1"),
        ({"base_url": "http://user:hunter2@host/v1"}, "without a user and password"),
        ({"base_url": "http://[half/v1"}, "base_url is an address"),
        ({"base_url": "http://host", "api_key": "hunter2\n"}, "api_key is no key"),
        ({"base_url": "http://host", "api_key": ""}, "api_key is no key"),
        ({"base_url": "http://host", "api_key": Secret("hunter\u00e4")}, "api_key is no key"),
        ({"base_url": "http://host", "documents_at_once": 0}, "documents_at_once"),
        ({"base_url": "http://host", "max_retries": -1}, "max_retries"),
        ({"base_url": "http://host", "texts_as": "text"}, "texts_as"),
        ({"base_url": "http://host", "timeout": 0}, "timeout is"),
        ({}, "set COHERE_API_KEY"),
    ],
    ids=str,
)
def test_a_mistake_in_the_settings_is_told_at_once(
    options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is sent; no key and no password is in the message."""
    monkeypatch.delenv("COHERE_API_KEY", raising=False)
    with pytest.raises(InvalidInput, match=message) as refused:
        HostedReranker(MODEL, **options)
    assert "hunter" not in str(refused.value)


def test_any_text_can_be_sent(cohere: HostedReranker, reranker: RerankerServer) -> None:
    """A lone surrogate is a question mark there, and the empty text is one, too."""
    assert cohere.score("wing \ud800", ["wing \ud800", "", "\0", "\U0001f6e9"]) == [1.0, 0.0, 0.0, 0.0]
    assert reranker.requests[0]["documents"] == ["wing ?", "", "\0", "\U0001f6e9"]


def test_an_unknown_reranker_suggests_one() -> None:
    """The nearest name, all there are, and that a function would do."""
    with pytest.raises(UnknownReranker, match=r"'coheer:x' .did you mean 'cohere'.*cohere, cross-encoder.*function"):
        load_reranker("coheer:x")
    with pytest.raises(UnknownReranker, match="got int"):
        load_reranker(5)  # type: ignore[arg-type]  # the point


def test_a_missing_client_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to install it."""
    monkeypatch.setattr(hosted, "find_spec", lambda name: None)
    with pytest.raises(EngineNotInstalled, match=r'pip install "onevec\[rerank\]"'):
        HostedReranker(MODEL, base_url="http://host")
