"""`connect` and `connect_async`: what can be opened, what is refused, and what is left behind when it fails."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

import onevec
from onevec import Document, FunctionEmbedder, Secret
from onevec.capabilities import Capabilities
from onevec.errors import (
    AuthenticationFailed,
    ConfigError,
    EmbedderMismatch,
    InvalidInput,
    StoreClosed,
    UnknownEmbedder,
    UnknownEngine,
    UnknownOption,
)
from onevec.runtime import Runtime

from .limited import LimitedAdapter

PASSWORD = "hunter2"


@dataclass(frozen=True, slots=True)
class GuardedOptions:
    """What the guarded engine can be told."""

    host: str
    port: int = 1
    username: str | None = None
    password: Secret | None = None


class GuardedAdapter(LimitedAdapter):
    """An engine that asks for a password when it is opened."""

    name = "guarded"
    options: ClassVar[type[Any]] = GuardedOptions
    capabilities: ClassVar[Capabilities] = LimitedAdapter.capabilities

    @classmethod
    async def open(cls, io: Runtime, options: Any) -> Self:
        await io.offload(int)
        if options.password != Secret(PASSWORD):
            raise AuthenticationFailed(f"{options.host} refused {options.username} with {options.password}")
        return cls(io)


def count(texts: Any) -> list[list[float]]:
    return [[float(len(text)), 1.0] for text in texts]


EMBEDDER = FunctionEmbedder(count, dimension=2, name="count")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ONEVEC_CONFIG", raising=False)
    return tmp_path


def test_every_form_of_a_target(here: Path) -> None:
    """A URL, a mapping, the name of a configured store, an adapter class: all open the same."""
    (here / "onevec.toml").write_text('[stores.papers]\nurl = "sqlite:///papers.db"\n')
    with onevec.connect("sqlite:///papers.db") as store:
        store.create_collection("papers", dimension=2)
    for target in ("papers", {"engine": "sqlite", "path": "papers.db"}, {"url": f"sqlite:///{here}/papers.db"}):
        with onevec.connect(target) as store:
            assert [info.name for info in store.collections()] == ["papers"]
    with onevec.connect(LimitedAdapter) as store:
        assert store.engine == "limited"


def test_an_argument_wins_over_the_config(here: Path) -> None:
    """The program's own keyword is nearest."""
    (here / "onevec.toml").write_text('[stores.papers]\nurl = "sqlite:///papers.db?create=false"\n')
    with pytest.raises(onevec.OnevecError):
        onevec.connect("papers")
    with onevec.connect("papers", create=True) as store:
        assert store.collections() == []
    assert (here / "papers.db").exists()


def test_an_unknown_keyword_is_a_type_error() -> None:
    """As of every call, and as for every other config mistake a ConfigError; nothing is opened."""
    for target in ("memory://", LimitedAdapter, {"engine": "memory"}):
        with pytest.raises(TypeError, match="has no option 'timeut'") as raised:
            onevec.connect(target, timeut=5)
        assert isinstance(raised.value, UnknownOption)
        assert raised.value.operation == "connect"
        assert raised.value.engine in {"memory", "limited"}
    with pytest.raises(ConfigError, match="has no option 'timeut'"):
        onevec.connect("memory://?timeut=5")
    with pytest.raises(TypeError, match="positional"):
        onevec.connect("memory://", EMBEDDER)  # type: ignore[call-arg]  # the point


@pytest.mark.parametrize(
    "arguments",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"timeout": "5"},
        {"timeout": True},
        {"max_retries": -1},
        {"max_retries": 1.5},
        {"max_concurrency": 0},
        {"max_concurrency": None},
        {"embedder": 5},
        {"embedder": "no-such-embedder"},
    ],
    ids=str,
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any]) -> None:
    """With the name of the argument; nothing is opened."""
    with pytest.raises(InvalidInput) as raised:
        onevec.connect("memory://", **arguments)
    assert raised.value.operation == "connect"
    assert next(iter(arguments)) in str(raised.value)


@pytest.mark.parametrize(
    "arguments", [{"timeout": None}, {"timeout": 1}, {"max_retries": 0}, {"max_concurrency": 1}], ids=str
)
def test_arguments_at_their_ends_are_taken(arguments: dict[str, Any]) -> None:
    """No limit, whole seconds, no retry, one at a time."""
    with onevec.connect("memory://", **arguments) as store:
        assert store.health().status == "healthy"


@pytest.mark.parametrize(
    ("target", "arguments", "expected"),
    [
        ("memory://", {}, (30.0, 3, 4)),
        ("memory://?timeout=5&max_retries=0&max_concurrency=2", {}, (5.0, 0, 2)),
        ("memory://?timeout=5&max_retries=0", {"timeout": 7, "max_retries": 1}, (7.0, 1, 4)),
        ("memory://?timeout=5", {"timeout": None}, (None, 3, 4)),
        ({"engine": "memory", "timeout": 5, "max_retries": 1}, {}, (5.0, 1, 4)),
        ({"engine": "memory", "timeout": float("inf")}, {}, (None, 3, 4)),
        ({"url": "memory://", "max_concurrency": 1}, {"max_concurrency": 9}, (30.0, 3, 9)),
    ],
    ids=str,
)
def test_how_a_store_is_asked_can_stand_in_its_settings(
    target: Any, arguments: dict[str, Any], expected: tuple[float | None, int, int]
) -> None:
    """In a URL and in a mapping, so in `onevec.toml`, too; what the program says goes before."""
    with onevec.connect(target, **arguments) as store:
        pipeline = store._core
        assert (pipeline._policy.timeout, pipeline._policy.max_retries, pipeline.max_concurrency) == expected


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("timeout=soon", "option timeout is float, got 'soon'"),
        ("timeout=0", "timeout is a number of seconds above 0"),
        ("max_retries=-1", "max_retries"),
        ("max_concurrency=1.5", "option max_concurrency is int, got '1.5'"),
    ],
)
def test_settings_out_of_range_are_refused(setting: str, message: str) -> None:
    """By name, whatever the engine."""
    for url in ("memory://", "sqlite:///papers.db"):
        with pytest.raises(InvalidInput, match=re.escape(message)) as raised:
            onevec.connect(f"{url}?{setting}")
        assert raised.value.engine in {"memory", "sqlite"}


def test_an_engines_refusal_shows_no_password() -> None:
    """Whichever way the password was given; the error says of which engine it is."""
    targets: list[tuple[Any, dict[str, Any]]] = [
        (GuardedAdapter, {"host": "h", "username": "me", "password": PASSWORD + "x"}),
        (GuardedAdapter, {"host": "h", "password": Secret(PASSWORD + "x")}),
    ]
    for target, arguments in targets:
        with pytest.raises(AuthenticationFailed, match=r"h refused .* with \*\*\*") as raised:
            onevec.connect(target, **arguments)
        assert (raised.value.engine, raised.value.operation) == ("guarded", "connect")
        assert PASSWORD not in repr(raised.value)
    onevec.connect(GuardedAdapter, host="h", password=PASSWORD).close()


def test_a_password_of_a_url_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reaches the engine as it was written, from the URL or from the environment."""
    monkeypatch.setattr("onevec.opening.installed_adapter_class", {"guarded": GuardedAdapter}.__getitem__)
    monkeypatch.setenv("PASSWORD", PASSWORD)
    for url in (f"guarded://me:{PASSWORD}@h", "guarded://me:${PASSWORD}@h", "guarded://h?password=${PASSWORD}"):
        onevec.connect(url).close()
    onevec.connect("guarded://h", password="${PASSWORD}").close()
    with pytest.raises(AuthenticationFailed):
        onevec.connect("guarded://me:wrong@h")


def test_the_stores_embedder() -> None:
    """Collections that name no other one have it; a config can name it, and a keyword is nearer."""
    with onevec.connect("memory://", embedder=count) as store:
        papers = store.create_collection("papers")
        assert (papers.info().dimension, papers.info().embedder) == (2, "function:count")
        papers.upsert(Document("1", text="wing"))
        assert store.collection("papers").search("wing").ids == ["1"]
        other = store.create_collection("other", embedder=EMBEDDER)
        assert other.info().embedder == "count"
        with pytest.raises(EmbedderMismatch):
            store.collection("papers", embedder=EMBEDDER)
    with onevec.connect({"engine": "memory", "embedder": EMBEDDER}) as store:
        assert store.create_collection("papers").info().embedder == "count"
    with onevec.connect({"engine": "memory", "embedder": "no-such-embedder"}, embedder=EMBEDDER) as store:
        assert store.create_collection("papers").info().embedder == "count"
    with pytest.raises(UnknownEmbedder, match="no-such-embedder"):
        onevec.connect("memory://?embedder=no-such-embedder")


def test_the_async_form_is_awaited_or_entered() -> None:
    """Both open a store; leaving the block closes it."""

    async def main() -> None:
        store = await onevec.connect_async("memory://")
        assert await store.collections() == []
        await store.close()
        async with onevec.connect_async(LimitedAdapter) as store:
            assert store.engine == "limited"
        with pytest.raises(StoreClosed):
            await store.collections()

    asyncio.run(main())


def test_an_async_store_that_is_never_opened_leaves_nothing() -> None:
    """Making the object starts no thread and opens no file."""
    before = set(threading.enumerate())
    onevec.connect_async("memory://")
    gc.collect()
    assert set(threading.enumerate()) <= before


def test_a_failed_opening_leaves_no_thread() -> None:
    """Whatever it failed with."""
    before = set(threading.enumerate())

    async def main() -> None:
        with pytest.raises(UnknownEngine):
            await onevec.connect_async("nothing://")
        with pytest.raises(AuthenticationFailed):
            async with onevec.connect_async(GuardedAdapter, host="h"):
                pytest.fail("it was opened")
        with pytest.raises(UnknownOption):
            await onevec.connect_async("memory://", timeut=1)

    asyncio.run(main())
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_leaving_the_block_keeps_the_error() -> None:
    """An error inside `with` is raised as it was, and the store is closed."""
    with pytest.raises(LookupError, match="mine"), onevec.connect("memory://") as store:
        raise LookupError("mine")
    with pytest.raises(StoreClosed):
        store.collections()
