"""The tables of a store in PostgreSQL: how they are made, found, recognised and refused.

A store is a schema. It has a table `collections`, and for each collection a table `documents_<number>`; a number is
never given twice, so a collection that is deleted and made again is another table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from onevec.errors import ConfigError, Corrupted, EngineError, StoreNotFound, UnsupportedVersion

if TYPE_CHECKING:
    from onevec.adapters.pgvector.link import Session

VERSION = 1
OLDEST = (0, 8, 0)  # the first with iterative index scans, without which a filter makes pages short

_COMMENT = "onevec, schema version "
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
_LOCK = 0x6F6E6576  # "onev"

# Times are microseconds since 1970. `instants` has the points in time in the metadata as such numbers, for ranges. A
# vector is wide where PostgreSQL's float32 arithmetic would overflow or vanish on it. What every search reads of every
# row comes first: PostgreSQL goes through all columns before the one it needs.
_COLLECTIONS = """
CREATE TABLE {schema}.collections (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    dimension integer NOT NULL,
    metric text NOT NULL,
    embedder text,
    created bigint NOT NULL,
    index jsonb
)
"""
_DOCUMENTS = """
CREATE TABLE {table} (
    namespace text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    vector vector({dimension}) NOT NULL,
    wide boolean NOT NULL DEFAULT false,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    text text,
    metadata jsonb NOT NULL,
    instants jsonb,
    PRIMARY KEY (namespace, id)
) WITH (toast_tuple_target = {target});
ALTER TABLE {table} ALTER COLUMN vector SET STORAGE MAIN;
CREATE INDEX ON {table} (namespace) WHERE wide
"""
_FOUND = """
SELECT current_setting('server_encoding'), extension.extversion, coalesce(place.nspname, 'public'),
    coalesce(one.oid::integer, 0), coalesce(one.typarray::integer, 0),
    to_regclass(%s) IS NOT NULL, obj_description(to_regclass(%s), 'pg_class'),
    EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')
FROM (SELECT) AS always
LEFT JOIN pg_extension AS extension ON extension.extname = 'vector'
LEFT JOIN pg_namespace AS place ON place.oid = extension.extnamespace
LEFT JOIN pg_type AS one ON one.typname = 'vector' AND one.typnamespace = extension.extnamespace
"""


# https://www.postgresql.org/docs/current/storage-toast.html: a row is made smaller than the target by compressing and
# moving out what is long. A search of all vectors is five times as fast where they are not moved: the target has
# room for the vector and a short text, and a long text goes first.
_SHORT = 1_000
_LEAST, _MOST = 2_032, 8_160  # PostgreSQL's own, and the most that a page can have


class Found(NamedTuple):
    """What a database has of what a store needs."""

    encoding: str
    extension: str | None
    extension_schema: str
    vector: int
    vectors: int
    has_tables: bool
    comment: str | None
    is_available: bool


def checked_schema(name: str) -> str:
    """Return the name of a schema if it can be one, so that it can stand in a statement between quotes.

    Raises:
        ConfigError: It can't.
    """
    if _NAME.fullmatch(name):
        return name
    raise ConfigError(f"schema= is up to 63 letters, digits and _, not starting with a digit, got {name!r}")


def table(schema: str, number: int) -> str:
    """Return the table of a collection, as SQL."""
    return f'"{schema}".documents_{number:d}'


def documents(schema: str, number: int, dimension: int) -> str:
    """Return the statements that make the table of a collection."""
    target = min(max(_SHORT + 4 * dimension, _LEAST), _MOST)
    return _DOCUMENTS.format(table=table(schema, number), dimension=f"{dimension:d}", target=f"{target:d}")


async def prepared(session: Session, schema: str, *, create: bool) -> Found:
    """Make what a store needs and the database has not; return what it has.

    Raises:
        StoreNotFound: The schema has no store, and `create` is False.
        Corrupted: The schema is another program's.
        UnsupportedVersion: The extension is too old, or the store was made by a newer onevec.
        EngineError: The server has no such extension.
        AuthenticationFailed: The role may not make what is missing.
    """
    found = await _look(session, schema)
    if found.encoding != "UTF8":
        raise ConfigError(
            f"the database has the encoding {found.encoding}, which can't hold every text; "
            "make one with UTF8: createdb --encoding=UTF8 --template=template0 NAME"
        )
    if found.extension is None or not found.has_tables:
        if not create:
            raise StoreNotFound(
                f"the database has no store in schema {schema!r}; open it with create=True, or name another schema="
            )
        if not found.is_available:
            raise EngineError(
                "the server has no extension 'vector'; install pgvector on it: https://github.com/pgvector/pgvector"
            )
        await _make(session, schema)
        found = await _look(session, schema)
    _recognise(found, schema)
    return found


async def _look(session: Session, schema: str) -> Found:
    collections = f'"{schema}".collections'
    (row,) = await session.fetch(_FOUND, (collections, collections))
    return Found(*row)


async def _make(session: Session, schema: str) -> None:
    async with session.transaction():
        # Of several processes that find nothing at once, one makes it.
        await session.fetch("SELECT pg_advisory_xact_lock(%s)::text", (_LOCK,))
        found = await _look(session, schema)
        if found.extension is None:
            await session.run("CREATE EXTENSION vector")
        if not found.has_tables:
            await session.run(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            await session.run(_COLLECTIONS.format(schema=f'"{schema}"'))
            await session.run(f"COMMENT ON TABLE \"{schema}\".collections IS '{_COMMENT}{VERSION}'")


def _recognise(found: Found, schema: str) -> None:
    if found.comment is None or not found.comment.startswith(_COMMENT):
        raise Corrupted(f"schema {schema!r} has a table 'collections' of another program; name another schema=")
    version = found.comment.removeprefix(_COMMENT)
    if version != str(VERSION):
        raise UnsupportedVersion(
            f"the store in schema {schema!r} has version {version}, this onevec knows {VERSION}; "
            "upgrade: pip install --upgrade onevec"
        )
    if version_of(found.extension) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UnsupportedVersion(
            f"the database has pgvector {found.extension}, onevec needs {oldest} or newer; install it and run: "
            "ALTER EXTENSION vector UPDATE"
        )


def version_of(text: str | None) -> tuple[int, ...]:
    """Return a version such as `"0.8.5"` in a form that can be compared."""
    return tuple(map(int, re.findall(r"\d+", text or "")))
