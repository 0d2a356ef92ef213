"""What the pgvector engine says when its server, or what is in it, is not as it should be."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg_pool import PoolTimeout
from tests.servers.postgres import PASSWORD, PostgresServer

import onevec
from onevec import Document
from onevec.adapters.pgvector.failures import as_onevec
from onevec.adapters.pgvector.health import flaws_of
from onevec.errors import (
    AuthenticationFailed,
    CollectionNotFound,
    ConfigError,
    Corrupted,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    InvalidDocument,
    InvalidQuery,
    OnevecError,
    ReadOnly,
    StorageFull,
    StoreNotFound,
    UnsupportedVersion,
)
from onevec.secret import Secret
from onevec.testing.payloads import PAYLOADS

QUERY = [1.0, 2.0]
WRONG = "hunter2-hunter2"


@pytest.fixture
def admin(postgres: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        yield connection


def database(admin: psycopg.Connection[Any], name: str, options: str = "") -> str:
    """Make an empty database."""
    admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    admin.execute(f"CREATE DATABASE {name} {options}")
    return name


def refusal(kind: type[OnevecError], url: str, **options: Any) -> str:
    """The message of an error of exactly this kind, which names the engine and the call."""
    with pytest.raises(kind) as refused:
        onevec.connect(url, **options).close()
    assert type(refused.value) is kind
    assert (refused.value.engine, refused.value.operation) == ("pgvector", "connect")
    return str(refused.value)


def test_a_password_opens_the_store(postgres: PostgresServer) -> None:
    """By TCP, with a password of awkward characters in the URL, or as an option."""
    with onevec.connect(postgres.tcp_url(), schema="by_password") as store:
        assert store.collections() == []
    with onevec.connect(postgres.tcp_url(None), password=Secret(PASSWORD), schema="by_password") as store:
        assert store.health().details["schema"] == "by_password"


def test_a_refused_login_says_what_to_check(postgres: PostgresServer) -> None:
    """A wrong password, none, and a role that there isn't are `AuthenticationFailed`, which no retry helps."""
    for url in (postgres.tcp_url("wrong"), postgres.tcp_url(None), postgres.tcp_url(user="nobody_here")):
        assert "check username and password" in refusal(AuthenticationFailed, url)
    assert "nobody_here" in refusal(AuthenticationFailed, postgres.url(user="nobody_here"))


def test_a_missing_database_or_server_is_named(postgres: PostgresServer) -> None:
    """A database that there isn't is `StoreNotFound`, a server that there isn't `EngineUnavailable`."""
    assert "createdb" in refusal(StoreNotFound, postgres.tcp_url(database="missing"))
    message = refusal(EngineUnavailable, "postgresql://u:secret@127.0.0.1:1/db")
    assert "127.0.0.1:1" in message
    assert "secret" not in message
    assert "is it running" in refusal(EngineUnavailable, "postgresql://u@no-such-host.invalid/db", connect_timeout=5)


def test_a_setting_that_is_not_taken_is_named(postgres: PostgresServer) -> None:
    """`options` that the server doesn't know, or whose value is none, are a `ConfigError`."""
    assert "no_such" in refusal(ConfigError, postgres.url(), options="-c no_such=1")
    assert "work_mem" in refusal(ConfigError, postgres.url(), options="-c work_mem=much")


def test_a_store_that_is_not_made_is_not_there(postgres: PostgresServer, admin: psycopg.Connection[Any]) -> None:
    """`create=False` makes neither the extension nor the schema."""
    url = postgres.url(database(admin, "untouched"))
    assert "create=True" in refusal(StoreNotFound, url, create=False)
    with psycopg.connect(postgres.conninfo, dbname="untouched") as connection:
        found = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'").fetchall()
        found += connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'onevec'").fetchall()
    assert found == []
    onevec.connect(url).close()
    onevec.connect(url, create=False).close()


def test_a_missing_extension_says_what_to_install(postgres: PostgresServer, admin: psycopg.Connection[Any]) -> None:
    """A server without pgvector is refused with where to get it; a role that may not make what is missing, too."""
    url = postgres.url(database(admin, "bare"))
    admin.execute("ALTER DATABASE bare SET extension_control_path = '/nonexistent'")
    assert "install pgvector" in refusal(EngineError, url)
    admin.execute("ALTER DATABASE bare RESET extension_control_path")
    admin.execute("DROP ROLE IF EXISTS guest")
    admin.execute("CREATE ROLE guest LOGIN")
    assert "GRANT" in refusal(AuthenticationFailed, postgres.url("bare", user="guest"))
    onevec.connect(url).close()
    assert "GRANT" in refusal(AuthenticationFailed, postgres.url("bare", user="guest", schema="other"))
    admin.execute("ALTER DATABASE bare OWNER TO guest")
    with onevec.connect(postgres.url("bare", user="guest", schema="other")) as store:
        store.create_collection("papers", dimension=2).upsert(Document("a", vector=QUERY))


def test_a_database_that_can_not_hold_every_text_is_refused(
    postgres: PostgresServer, admin: psycopg.Connection[Any]
) -> None:
    """It has to have the encoding UTF8."""
    database(admin, "latin", "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    assert "UTF8" in refusal(ConfigError, postgres.url("latin"))


def test_a_schema_of_another_program_is_left_alone(postgres: PostgresServer, admin: psycopg.Connection[Any]) -> None:
    """A table `collections` that onevec didn't make is refused, and so is a store of a newer onevec."""
    admin.execute("DROP SCHEMA IF EXISTS theirs CASCADE")
    admin.execute("CREATE SCHEMA theirs; CREATE TABLE theirs.collections (name text)")
    assert "another program" in refusal(Corrupted, postgres.url(schema="theirs"))
    onevec.connect(postgres.url(schema="newer")).close()
    admin.execute("COMMENT ON TABLE newer.collections IS 'onevec, schema version 99'")
    assert "upgrade" in refusal(UnsupportedVersion, postgres.url(schema="newer"))


def test_a_schema_has_a_plain_name(postgres: PostgresServer) -> None:
    """What could break out of a statement's quotes is no name of a schema."""
    payloads = [payload for payload in PAYLOADS if re.search(r"[^A-Za-z0-9_$]", payload) and "${" not in payload]
    assert len(payloads) > 100
    for payload in payloads:
        assert "schema=" in refusal(ConfigError, postgres.url(), schema=payload)


def test_the_extension_may_be_in_any_schema(postgres: PostgresServer, admin: psycopg.Connection[Any]) -> None:
    """Also in one whose name needs quotes, and that no search path has."""
    url = postgres.url(database(admin, "moved"))
    with psycopg.connect(postgres.conninfo, dbname="moved") as connection:
        connection.execute('CREATE SCHEMA "my \\ ""ext"""; CREATE EXTENSION vector SCHEMA "my \\ ""ext"""')
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(Document("a", vector=QUERY))
        papers.create_index("hnsw")
        assert papers.search(QUERY).ids == ["a"]


def test_no_password_is_shown(postgres: PostgresServer) -> None:
    """Not in a message or a repr, and not in the variables of the frames from the adapter down."""
    with pytest.raises(AuthenticationFailed) as refused:
        onevec.connect(postgres.tcp_url(WRONG))
    error: BaseException | None = refused.value
    seen = 0
    while error is not None:
        assert WRONG not in str(error)
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if re.search("pgvector|psycopg", frame.f_code.co_filename.replace(__file__, "")):
                assert WRONG not in repr(frame.f_locals), frame
                seen += 1
        error = error.__cause__ or error.__context__
    assert seen > 2
    with onevec.connect(postgres.tcp_url(), schema="by_password") as store:
        assert PASSWORD not in repr(store) + repr(store.client) + repr(store.health())


STATES: dict[str, tuple[type[OnevecError], bool]] = {
    "28P01": (AuthenticationFailed, False),
    "28000": (AuthenticationFailed, False),
    "42501": (AuthenticationFailed, False),
    "3D000": (StoreNotFound, False),
    "42P01": (CollectionNotFound, False),
    "53100": (StorageFull, False),
    "53300": (EngineUnavailable, True),
    "57P01": (EngineUnavailable, True),
    "57P03": (EngineUnavailable, True),
    "08006": (EngineUnavailable, True),
    "57014": (EngineTimeout, True),
    "40P01": (EngineBusy, True),
    "40001": (EngineBusy, True),
    "25006": (ReadOnly, False),
    "22003": (InvalidDocument, False),
    "22023": (InvalidQuery, False),
    "XX001": (Corrupted, False),
    "XX002": (Corrupted, False),
    "54000": (EngineError, False),
    "42601": (EngineError, False),
}


@pytest.mark.parametrize("state", STATES)
def test_every_sqlstate_has_its_error(state: str) -> None:
    """The kind says what happened, `retryable` whether the same call can work later, the message where it was."""
    kind, retryable = STATES[state]
    error = as_onevec(psycopg.errors.lookup(state)("what the server said\nmore"), "postgresql://here:5432/db")
    assert type(error) is kind
    assert error.retryable is retryable
    assert state == "42P01" or "postgresql://here:5432/db" in str(error) or kind is InvalidQuery


def test_what_psycopg_itself_raises_has_its_error() -> None:
    """Errors without a SQLSTATE are the client's: of the pool, or of a connection."""
    for error in (PoolTimeout("x"), psycopg.OperationalError("connection lost"), psycopg.InterfaceError("closed")):
        assert type(as_onevec(error, "here")) is EngineUnavailable
    assert type(as_onevec(psycopg.ProgrammingError("a slip"), "here")) is EngineError


def test_known_flaws_are_named(postgres: PostgresServer) -> None:
    """`health` warns of the versions of pgvector that its changelog says were dangerous."""
    assert any("CVE-2026-3172" in flaw for flaw in flaws_of("0.8.1"))
    assert not any("CVE-2026-3172" in flaw for flaw in flaws_of("0.8.2"))
    assert flaws_of("0.8.7") == flaws_of("0.10.0") == flaws_of("1.0.0") == []
    with onevec.connect(postgres.url(schema="health")) as store:
        health = store.health()
        assert health.version is not None
        assert any(health.version in warning for warning in health.warnings) is bool(flaws_of(health.version))
        assert any("fsync" in warning for warning in health.warnings)
        assert health.details["postgresql"].startswith("18.")
        assert health.details["database_bytes"] > 1_000_000
