"""What `eval` searches: collections that are there, or a corpus that is indexed for the while."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from onevec.cli.output import progress
from onevec.cli.stores import open_collection, open_store, target_of
from onevec.cli.writing import EMBEDDER

if TYPE_CHECKING:
    from onevec.collection import Collection
    from onevec.documents import Document
    from onevec.store import Store

_STORE = "memory://"


class Searchable(NamedTuple):
    """A collection, and the modes that its engine has."""

    collection: Collection
    modes: tuple[str, ...]


def opened(stack: ExitStack, arguments: Namespace) -> dict[str, Searchable]:
    """Return the collection of each store, by a name that tells them apart."""
    targets = arguments.store or [target_of(arguments)]
    stores = [stack.enter_context(open_store(target, create=False)) for target in targets]
    found = [Searchable(open_collection(store, arguments), _modes(store)) for store in stores]
    return dict(zip(_labels(targets), found, strict=True)) if len(found) > 1 else {"": found[0]}


def indexed(stack: ExitStack, arguments: Namespace, documents: Sequence[Document]) -> dict[str, Searchable]:
    """Return a new collection of these documents for each store and embedder; the stack's end deletes them.

    A text is embedded once, whatever the number of stores.
    """
    cache = arguments.embedding_cache
    if cache is None:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="onevec-eval-"))
        cache = str(Path(folder) / "vectors.db")
    targets = arguments.store or [_STORE]
    made: dict[tuple[str, str], Searchable] = {}
    for target, label in zip(targets, _labels(targets), strict=True):
        store = stack.enter_context(open_store(target, create=True, embedding_cache=cache))
        for embedder in dict.fromkeys(arguments.embedder or [EMBEDDER]):
            collection = _made(stack, store, embedder)
            with progress(f"indexing in {label}", unit="documents", quiet=arguments.json) as tell:
                collection.upsert(iter(documents), on_progress=lambda done, _: tell(done, len(documents)))
            made[label, embedder] = Searchable(collection, _modes(store))
    return _told_apart(made)


def _made(stack: ExitStack, store: Store, embedder: str) -> Collection:
    name = f"onevec-eval-{uuid4().hex[:12]}"
    stack.callback(store.delete_collection, name)
    return store.create_collection(name, embedder=embedder)


def _modes(store: Store) -> tuple[str, ...]:
    return ("vector", "text", "hybrid") if store.capabilities.text_search else ("vector",)


def _labels(targets: Sequence[str]) -> list[str]:
    """The engines' names; the URLs of stores that share one."""
    from onevec.config import locate, shown

    engines = [locate(target).engine for target in targets]
    count = Counter(engines)
    return [engine if count[engine] == 1 else shown(target) for engine, target in zip(engines, targets, strict=True)]


def _told_apart(made: Mapping[tuple[str, str], Searchable]) -> dict[str, Searchable]:
    """Named by store and embedder, as far as there are several."""
    several = [len({key[part] for key in made}) > 1 for part in (0, 1)]
    return {
        " ".join(part for part, differs in zip(key, several, strict=True) if differs): one for key, one in made.items()
    }
