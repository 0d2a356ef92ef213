"""`collections` and `info`."""

from __future__ import annotations

from argparse import Namespace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from onevec.cli import Command
from onevec.cli.arguments import add_collection, add_store
from onevec.cli.output import moment, print_json, print_rich, print_text, table
from onevec.cli.stores import open_collection, open_store, target_of

if TYPE_CHECKING:
    from onevec.documents import CollectionInfo
    from onevec.store import Store


def _collections(arguments: Namespace) -> int:
    with open_store(target_of(arguments), create=False) as store:
        found = [(info, _documents(store, info.name)) for info in store.collections()]
    if arguments.json:
        print_json({"collections": [_info_json(info) | {"documents": count} for info, count in found]})
    elif found:
        rows = table(
            "name", "dimension", "metric", "embedder", "documents", "created", right=("dimension", "documents")
        )
        for info, count in found:
            created = f"{info.created_at:%Y-%m-%d}"
            rows.add_row(info.name, str(info.dimension), info.metric, info.embedder or "-", f"{count:,}", created)
        print_rich(rows)
    else:
        print_text("no collections; `onevec ingest PATH` makes one")
    return 0


def _documents(store: Store, name: str) -> int:
    """How many documents there are, in all namespaces."""
    collection = store.collection(name)
    return sum(collection.namespace(namespace).count() for namespace in collection.namespaces())


def _info(arguments: Namespace) -> int:
    with open_store(target_of(arguments), create=False) as store:
        collection = open_collection(store, arguments)
        info, stats = collection.info(), collection.stats()
        facts = _info_json(info) | {
            "engine": store.engine,
            "namespace": collection.bound_namespace,
            "namespaces": collection.namespaces(),
            "documents": stats.documents,
            "updated_at": stats.updated_at,
            "storage_bytes": stats.storage_bytes,
            "index_bytes": stats.index_bytes,
            "memory_bytes": stats.memory_bytes,
        }
    if arguments.json:
        print_json(facts)
        return 0
    rows = table("", "", header=False)
    for label, value in (
        ("collection", info.name),
        ("engine", facts["engine"]),
        ("dimension", str(info.dimension)),
        ("metric", info.metric),
        ("embedder", info.embedder or "none: it is given vectors"),
        ("created", moment(info.created_at)),
        ("namespace", facts["namespace"] or "the default one"),
        (
            "namespaces",
            ", ".join(repr(name) if name else "the default one" for name in facts["namespaces"]) or "none yet",
        ),
        ("documents", f"{stats.documents:,}"),
        ("updated", moment(stats.updated_at)),
        ("on disk", _size(stats.storage_bytes, "all collections together")),
        ("index", _size(stats.index_bytes, "on disk")),
        ("in memory", _size(stats.memory_bytes, "of this process")),
    ):
        if value:
            rows.add_row(label, value)
    print_rich(rows)
    return 0


def _info_json(info: CollectionInfo) -> dict[str, Any]:  # Any: JSON values and a datetime
    return {
        "name": info.name,
        "dimension": info.dimension,
        "metric": info.metric.value,
        "embedder": info.embedder,
        "created_at": info.created_at,
    }


def _size(size: int | None, of: str) -> str:
    if not size:
        return ""
    number, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if number < 1000:  # noqa: PLR2004
            break
        number, unit = number / 1000, larger
    return f"{number:.3g} {unit}, {of}"


COMMANDS = MappingProxyType(
    {
        "collections": Command(add_store, _collections),
        "info": Command(add_collection, _info),
    }
)
