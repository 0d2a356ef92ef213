"""Open stores by name, for programs whose parts share them without handing them around."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from onevec.errors import ConfigError, StoreNotFound

if TYPE_CHECKING:
    from onevec.aio import AsyncStore
    from onevec.store import Store

S = TypeVar("S")


class NamedStores:
    """Stores by name, one of them the default: the first registered, until another one is set.

    Safe to share between threads. The functions of this module are the methods of the program's own one.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._stores: dict[str, Store | AsyncStore] = {}
        self._default: str | None = None

    def register_store(self, name: str, store: Store | AsyncStore, *, default: bool = False) -> None:
        """Make an open store known by a name.

        Args:
            name: What `get_store` is to find it by.
            store: What `connect` or `connect_async` gave. It stays the caller's to close, by itself or with all.
            default: Whether it is the default from now on. The first store is, until another one is.

        Raises:
            ConfigError: The name is taken by another store, or isn't a text; or `store` isn't an open store.
        """
        from onevec.aio import AsyncStore
        from onevec.store import Store

        if type(name) is not str or not name:
            raise ConfigError(f"a store's name is a text that isn't empty, got {name!r}")
        if not isinstance(store, Store | AsyncStore):
            raise ConfigError(f"register_store takes what connect or connect_async gives, got {type(store).__name__}")
        with self._lock:
            if self._stores.setdefault(name, store) is not store:
                raise ConfigError(f"there is a store {name!r} already; choose another name, or unregister_store first")
            if default or self._default is None:
                self._default = name

    def unregister_store(self, name: str) -> None:
        """Forget a store, which stays open. If it was the default, there is none.

        Raises:
            StoreNotFound: There is none of that name.
        """
        with self._lock:
            self._named(name)
            del self._stores[name]
            if self._default == name:
                self._default = None

    def get_store(self, name: str | None = None) -> Store:
        """Return the store of that name, or the default one.

        Raises:
            StoreNotFound: There is none, or it is an async one, which `get_async_store` returns.
        """
        from onevec.store import Store

        return self._of_kind(name, Store, "get_async_store")

    def get_async_store(self, name: str | None = None) -> AsyncStore:
        """Return the async store of that name, or the default one.

        Raises:
            StoreNotFound: There is none, or it is a sync one, which `get_store` returns.
        """
        from onevec.aio import AsyncStore

        return self._of_kind(name, AsyncStore, "get_store")

    def set_default_store(self, name: str) -> None:
        """Let `get_store()` and `get_async_store()` without a name return this one.

        Raises:
            StoreNotFound: There is none of that name.
        """
        with self._lock:
            self._named(name)
            self._default = name

    def store_names(self) -> list[str]:
        """Return the names of the stores, in order."""
        with self._lock:
            return sorted(self._stores)

    def close_all_stores(self) -> None:
        """Close every store and forget its name. Each one is closed, whatever closing another one raises.

        Raises:
            ConfigError: Some are async, so that only `await close_all_stores_async()` can close them; none was closed.
        """
        from onevec.aio import AsyncStore
        from onevec.store import Store

        with self._lock:
            if waiting := sorted(name for name, store in self._stores.items() if isinstance(store, AsyncStore)):
                raise ConfigError(f"{', '.join(waiting)} are async; use `await close_all_stores_async()`")
            stores = self._emptied()
        failures: list[Exception] = []
        for store in stores:
            if isinstance(store, Store):
                try:
                    store.close()
                except Exception as error:  # noqa: BLE001 (raised below, when all are closed)
                    failures.append(error)
        _raise(failures)

    async def close_all_stores_async(self) -> None:
        """Close every store, sync or async, and forget its name. Each is closed, whatever closing another raises."""
        from onevec.aio import AsyncStore

        with self._lock:
            stores = self._emptied()
        failures: list[Exception] = []
        for store in stores:
            try:
                if isinstance(store, AsyncStore):
                    await store.close()
                else:
                    store.close()
            except Exception as error:  # noqa: BLE001 (raised below, when all are closed)
                failures.append(error)
        _raise(failures)

    def _of_kind(self, name: str | None, kind: type[S], other: str) -> S:
        with self._lock:
            if name is None:
                name = self._default
            if name is None:
                raise StoreNotFound("there is no default store; register_store or set_default_store makes one")
            store = self._named(name)
        if not isinstance(store, kind):
            raise StoreNotFound(f"store {name!r} is a {type(store).__name__}; {other}({name!r}) returns it")
        return store

    def _named(self, name: str) -> Store | AsyncStore:
        try:
            return self._stores[name]
        except KeyError:
            known = ", ".join(map(repr, sorted(self._stores))) or "none"
            raise StoreNotFound(f"there is no store {name!r} (there is {known}); register_store makes one") from None

    def _emptied(self) -> list[Store | AsyncStore]:
        stores = list(self._stores.values())
        self._stores.clear()
        self._default = None
        return stores


def _raise(failures: list[Exception]) -> None:
    match failures:
        case []:
            pass
        case [failure]:
            raise failure
        case _:
            raise ExceptionGroup("several stores could not be closed", failures)


_program = NamedStores()
register_store = _program.register_store
unregister_store = _program.unregister_store
get_store = _program.get_store
get_async_store = _program.get_async_store
set_default_store = _program.set_default_store
store_names = _program.store_names
close_all_stores = _program.close_all_stores
close_all_stores_async = _program.close_all_stores_async
