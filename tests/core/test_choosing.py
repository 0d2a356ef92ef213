"""Stores without a fixed engine: the best embedded one, and the first of several that is well."""

from __future__ import annotations

import asyncio
import copy
import pickle
from pathlib import Path
from typing import Any, Literal

import pytest

import onevec
from onevec import Store
from onevec.adapters.memory import MemoryAdapter
from onevec.documents import Health
from onevec.errors import ConfigError, EngineNotInstalled, NoStoreAvailable, OnevecError

AWAY = "qdrant://key:s3cret@127.0.0.1:9?api_key=alsos3cret&tls=false"


class Ailing(MemoryAdapter):
    """An engine that answers, and isn't well."""

    name = "ailing"
    status: Literal["degraded", "unhealthy"] = "degraded"
    closed = 0

    async def health(self) -> Health:
        return Health(self.status, self.name, None, 0.0, warnings=("the roof leaks",))

    async def close(self) -> None:
        type(self).closed += 1
        await super().close()


def ailing(status: Literal["degraded", "unhealthy"]) -> type[Ailing]:
    """An engine of its own, so that its closings are counted by themselves."""
    return type("Ailing", (Ailing,), {"status": status, "closed": 0})


def test_development_is_sqlite(tmp_path: Path) -> None:
    """The best embedded engine is always there: the store is made, and found again."""
    path = tmp_path / "dev.db"
    for number in range(2):
        with onevec.create_development_store(path) as store:
            assert store.engine == "sqlite"
            papers = store.create_collection("papers", dimension=2, if_exists="open")
            assert papers.count() == number
            papers.upsert({"id": "a", "vector": [1, 0]})


def test_production_takes_the_first_that_is_healthy(tmp_path: Path) -> None:
    """One that is away and one that isn't well are passed over, with the reason, and left closed."""
    sick, ill = ailing("unhealthy"), ailing("degraded")
    good = f"sqlite:///{tmp_path}/a.db"
    with onevec.create_production_store([AWAY, sick, ill, good, "memory://"], max_retries=0) as store:
        assert store.engine == "sqlite"
        report = store.candidates
    assert [(one.engine, one.status, one.chosen) for one in report] == [
        ("qdrant", "unreachable", False),
        ("ailing", "unhealthy", False),
        ("ailing", "degraded", False),
        ("sqlite", "healthy", True),
    ]
    assert "127.0.0.1:9" in str(report[0])
    assert "s3cret" not in str(report)
    assert report[2].reasons == ("the roof leaks",)
    assert (sick.closed, ill.closed) == (1, 1)


def test_production_takes_one_with_warnings_if_no_other_is_well() -> None:
    """The first that is degraded, and the second one is closed."""
    first, second = ailing("degraded"), ailing("degraded")
    with onevec.create_production_store([AWAY, first, second], max_retries=0) as store:
        assert store.client is not None or store.engine == "ailing"
        assert [one.chosen for one in store.candidates] == [False, True, False]
        assert (first.closed, second.closed) == (0, 1)
        assert store.create_collection("papers", dimension=2).count() == 0


def test_production_without_any_says_why_of_each(tmp_path: Path) -> None:
    """The error lists every store and what was wrong with it; a secret isn't shown; it can be pickled."""
    missing = {"engine": "sqlite", "path": str(tmp_path / "none.db"), "create": False}
    with pytest.raises(NoStoreAvailable) as refused:
        onevec.create_production_store([AWAY, missing, "nosuch://x", ailing("unhealthy")], max_retries=0)
    error = refused.value
    assert [one.status for one in error.candidates] == ["unreachable", "unreachable", "unreachable", "unhealthy"]
    assert "none.db" in str(error)
    assert "there is no engine 'nosuch'" in str(error)
    assert "the roof leaks" in str(error)
    assert "s3cret" not in str(error)
    again = pickle.loads(pickle.dumps(copy.copy(error)))
    assert again.candidates == error.candidates


@pytest.mark.parametrize("preferred", [[], "sqlite:///a.db", {"engine": "memory"}])
def test_preferred_is_a_list(preferred: Any) -> None:
    """One URL by itself is refused, rather than read letter by letter."""
    with pytest.raises(ConfigError, match="list"):
        onevec.create_production_store(preferred)


def test_a_mistake_in_the_settings_is_no_reason_to_go_on(tmp_path: Path) -> None:
    """A wrong argument is wrong for every store, and raised."""
    with pytest.raises(OnevecError, match="timeout"):
        onevec.create_production_store([f"sqlite:///{tmp_path}/a.db"], timeout=-1)


def test_the_async_ones_do_the_same(tmp_path: Path) -> None:
    """They return async stores, chosen the same way."""

    async def both() -> None:
        async with await onevec.create_development_store_async(tmp_path / "dev.db") as store:
            assert store.engine == "sqlite"
        ill = ailing("degraded")
        async with await onevec.create_production_store_async([ill, "memory://"]) as store:
            assert store.engine == "memory"
            assert [one.chosen for one in store.candidates] == [False, True]
        assert ill.closed == 1
        with pytest.raises(NoStoreAvailable):
            await onevec.create_production_store_async([AWAY], max_retries=0)

    asyncio.run(both())


def test_a_store_of_connect_has_no_candidates() -> None:
    """Nothing was chosen."""
    with onevec.connect("memory://") as store:
        assert isinstance(store, Store)
        assert store.candidates == ()


def test_requirements_name_the_packages_and_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the extra installs, which version of it is there, and the command for the rest."""
    qdrant = onevec.requirements("qdrant")
    assert qdrant.install == 'pip install "onevec[qdrant]"'
    assert any(package.startswith("qdrant-client>=") for package in qdrant.packages)
    assert qdrant.missing == ()
    assert qdrant.installed["qdrant-client"] is not None
    assert onevec.requirements("memory").packages == ()
    monkeypatch.setattr("onevec.registry.find_spec", lambda name: None)
    assert onevec.requirements("qdrant").missing == ("qdrant_client",)
    with pytest.raises(EngineNotInstalled, match=r"onevec\[qdrant\]"):
        onevec.connect("qdrant://127.0.0.1:9")
    with pytest.raises(ConfigError, match="did you mean 'qdrant'"):
        onevec.requirements("qdrnt")
