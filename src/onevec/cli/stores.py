"""From the options of a command to an open store and a collection."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import fields
from typing import TYPE_CHECKING

import onevec
from onevec.cli.failures import UsageError
from onevec.errors import CollectionNotFound, InvalidFilter, StoreNotFound

if TYPE_CHECKING:
    from onevec.collection import Collection
    from onevec.filters import Filter
    from onevec.store import Store

DEFAULT_URL = "sqlite:///onevec.db"
_NAMED = 20


def target_of(arguments: Namespace) -> str:
    """Return the URL or the name of the store that a command is about."""
    if arguments.store is not None:
        return str(arguments.store)
    from onevec.config import default_target

    return default_target() or DEFAULT_URL


def open_store(target: str, *, create: bool, embedding_cache: str | None = None) -> Store:
    """Open a store.

    Args:
        target: A URL, or the name of a store in `onevec.toml`.
        create: Whether one that isn't there is made, by an engine that could.
        embedding_cache: The file that keeps vectors, if there is to be one.

    Raises:
        StoreNotFound: There is none; the message says which commands make one.
    """
    if create or not _can_create(target):
        return onevec.connect(target, embedding_cache=embedding_cache)
    try:
        return onevec.connect(target, create=False)
    except StoreNotFound as error:
        from onevec.config import shown

        raise StoreNotFound(
            f"there is no store at {shown(target)}; `onevec ingest PATH` makes one, `onevec demo` one to try, "
            "and --store URL names another",
            engine=error.engine,
            operation=error.operation,
        ) from error


def open_collection(store: Store, arguments: Namespace) -> Collection:
    """Return the collection and namespace that a command is about.

    Raises:
        CollectionNotFound: There is none of that name, or none at all.
        UsageError: None was named, and there are several.
    """
    collection = store.collection(_name(store) if arguments.collection is None else arguments.collection)
    return collection.namespace(arguments.namespace) if arguments.namespace else collection


def filter_of(arguments: Namespace) -> Filter | None:
    """Return the filter that `--filter` says.

    Raises:
        InvalidFilter: It can't be understood; the message has the column, on one line.
    """
    if arguments.filter is None:
        return None
    try:
        return onevec.parse_filter(arguments.filter)
    except InvalidFilter as error:
        raise InvalidFilter(f"--filter: {str(error).splitlines()[0]}") from None


def _name(store: Store) -> str:
    names = [info.name for info in store.collections()]
    match names:
        case [name]:
            return name
        case []:
            raise CollectionNotFound("the store has no collection; `onevec ingest PATH` makes one")
        case _:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            raise UsageError(
                f"the store has several collections, so name one with -c: {', '.join(names[:_NAMED])}{more}"
            )


def _can_create(target: str) -> bool:
    from onevec.config import locate
    from onevec.registry import installed_adapter_class

    location = locate(target)
    options = installed_adapter_class(location.engine).options
    return "create" not in location.settings and any(field.name == "create" for field in fields(options))
