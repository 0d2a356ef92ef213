"""Open stores by name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import onevec
from onevec.errors import ConfigError, StoreClosed, StoreNotFound


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Every test starts and ends with no store registered."""
    assert onevec.store_names() == []
    yield
    asyncio.run(onevec.close_all_stores_async())


def test_a_store_is_found_by_its_name() -> None:
    """The first is the default, until another one is."""
    a, b = onevec.connect("memory://"), onevec.connect("memory://")
    onevec.register_store("a", a)
    onevec.register_store("b", b)
    assert onevec.store_names() == ["a", "b"]
    assert onevec.get_store() is a
    assert onevec.get_store("b") is b
    onevec.set_default_store("b")
    assert onevec.get_store() is b
    onevec.unregister_store("b")
    with pytest.raises(StoreNotFound, match="no default store"):
        onevec.get_store()
    assert b.collections() == []
    b.close()
    c = onevec.connect("memory://")
    onevec.register_store("c", c, default=True)
    assert onevec.get_store() is c


def test_a_name_has_one_store() -> None:
    """Another store of that name is refused, the same one isn't."""
    with onevec.connect("memory://") as a, onevec.connect("memory://") as b:
        onevec.register_store("a", a)
        onevec.register_store("a", a)
        with pytest.raises(ConfigError, match="already"):
            onevec.register_store("a", b)
        assert onevec.get_store("a") is a


@pytest.mark.parametrize(("name", "store"), [("", None), (7, None), ("a", "memory://")])
def test_what_is_no_store_is_refused(name: Any, store: Any) -> None:
    """A name is a text, and a store an open one, not a URL."""
    with onevec.connect("memory://") as real, pytest.raises(ConfigError):
        onevec.register_store(name, real if store is None else store)
    assert onevec.store_names() == []


def test_a_missing_name_is_told_with_those_there_are() -> None:
    """In every function that takes a name."""
    onevec.register_store("papers", onevec.connect("memory://"))
    for function in (onevec.get_store, onevec.set_default_store, onevec.unregister_store):
        with pytest.raises(StoreNotFound, match="there is 'papers'"):
            function("paper")


def test_closing_all_closes_each_and_forgets_it() -> None:
    """Also those after one whose closing fails."""
    stores = [onevec.connect("memory://") for _ in range(3)]
    for number, store in enumerate(stores):
        onevec.register_store(str(number), store)

    async def failing() -> None:
        raise OSError("no")

    stores[0]._core.adapter.close = failing  # type: ignore[method-assign]
    with pytest.raises(OSError, match="no"):
        onevec.close_all_stores()
    assert onevec.store_names() == []
    for store in stores:
        with pytest.raises(StoreClosed):
            store.collections()
    onevec.close_all_stores()


def test_async_stores_stand_beside_the_others() -> None:
    """Each kind has its own way to be returned and closed; asked for the other way, the message names the right one."""

    async def both() -> None:
        waiting, plain = await onevec.connect_async("memory://"), onevec.connect("memory://")
        onevec.register_store("waiting", waiting)
        onevec.register_store("plain", plain)
        assert onevec.get_async_store() is waiting
        with pytest.raises(StoreNotFound, match="get_async_store"):
            onevec.get_store("waiting")
        with pytest.raises(StoreNotFound, match="get_store"):
            onevec.get_async_store("plain")
        with pytest.raises(ConfigError, match="close_all_stores_async"):
            onevec.close_all_stores()
        assert plain.collections() == []
        await onevec.close_all_stores_async()
        with pytest.raises(StoreClosed):
            await waiting.collections()
        with pytest.raises(StoreClosed):
            plain.collections()

    asyncio.run(both())
