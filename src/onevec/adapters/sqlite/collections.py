"""Collections and namespaces, as the file has them. Every function is called inside a transaction."""

from __future__ import annotations

import apsw
import orjson

from onevec.adapter import Place
from onevec.adapters.sqlite import texts
from onevec.documents import CollectionInfo, IndexSettings
from onevec.errors import CollectionNotFound
from onevec.metrics import Metric
from onevec.values import microseconds, moment_at

_SELECT = "SELECT name, dimension, metric, embedder, created FROM collections"


def infos(connection: apsw.Connection) -> list[CollectionInfo]:
    """Return what all collections are, by name."""
    return [_info(*row) for row in connection.execute(f"{_SELECT} ORDER BY name")]


def info(connection: apsw.Connection, name: str) -> CollectionInfo | None:
    """Return what a collection is, None if there is none."""
    row = connection.execute(f"{_SELECT} WHERE name = ?", (name,)).fetchone()
    return _info(*row) if row else None


def create(connection: apsw.Connection, info: CollectionInfo) -> bool:
    """Make a collection; False if there is one of that name."""
    connection.execute(
        "INSERT INTO collections (name, dimension, metric, embedder, created) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (name) DO NOTHING",
        (info.name, info.dimension, info.metric.value, info.embedder, microseconds(info.created_at)),
    )
    return connection.changes() == 1


def set_index(connection: apsw.Connection, info: CollectionInfo, settings: IndexSettings) -> None:
    """Record how a collection is to be indexed."""
    number = collection_number(connection, info)
    recorded = orjson.dumps(settings).decode()
    connection.execute("UPDATE collections SET index_settings = ? WHERE number = ?", (recorded, number))


def index_settings(connection: apsw.Connection, name: str) -> IndexSettings | None:
    """Return how a collection is to be indexed, None if nothing was recorded."""
    recorded = connection.execute("SELECT index_settings FROM collections WHERE name = ?", (name,)).get
    return None if recorded is None else IndexSettings(**orjson.loads(recorded))


def delete(connection: apsw.Connection, name: str) -> bool:
    """Delete a collection with its documents; False if there is none."""
    row = connection.execute("SELECT number FROM collections WHERE name = ?", (name,)).fetchone()
    if not row:
        return False
    numbers = [number for (number,) in connection.execute("SELECT number FROM namespaces WHERE collection = ?", row)]
    for number in numbers:
        texts.drop(connection, number)
    connection.execute(
        "DELETE FROM documents WHERE namespace IN (SELECT number FROM namespaces WHERE collection = ?)", row
    )
    connection.execute("DELETE FROM namespaces WHERE collection = ?", row)
    connection.execute("DELETE FROM collections WHERE number = ?", row)
    return True


def namespaces(connection: apsw.Connection, collection: CollectionInfo) -> list[str]:
    """Return the namespaces that have documents, by name."""
    found = connection.execute(
        "SELECT name FROM namespaces WHERE collection = ? AND documents > 0 ORDER BY name",
        (collection_number(connection, collection),),
    )
    return [name for (name,) in found]


def namespace_number(connection: apsw.Connection, place: Place) -> int | None:
    """Return the number of a namespace in the file, None if there is none.

    Raises:
        CollectionNotFound: The collection was deleted, or deleted and made again.
    """
    collection = collection_number(connection, place.collection)
    found = connection.execute(
        "SELECT number FROM namespaces WHERE collection = ? AND name = ?", (collection, place.namespace)
    ).fetchone()
    return found[0] if found else None


def collection_number(connection: apsw.Connection, info: CollectionInfo) -> int:
    """Return the number of a collection in the file.

    Raises:
        CollectionNotFound: It was deleted, or deleted and made again.
    """
    found = connection.execute(
        "SELECT number FROM collections WHERE name = ? AND created = ?", (info.name, microseconds(info.created_at))
    ).fetchone()
    if not found:
        raise CollectionNotFound(f"collection {info.name!r} was deleted; open or create it again")
    number: int = found[0]
    return number


def _info(name: str, dimension: int, metric: str, embedder: str | None, created: int) -> CollectionInfo:
    return CollectionInfo(name, dimension, Metric(metric), embedder, moment_at(created))
