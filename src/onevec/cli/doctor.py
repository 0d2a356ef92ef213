"""`doctor`."""

from __future__ import annotations

import platform
from argparse import Namespace
from types import MappingProxyType
from typing import Any

import onevec
from onevec.cli import Command
from onevec.cli.arguments import Parser, add_store
from onevec.cli.output import print_json, print_rich, print_text, table
from onevec.cli.stores import DEFAULT_URL, open_store
from onevec.cli.text import metadata_value, printable
from onevec.errors import ConfigError, OnevecError, StoreNotFound

# Writing and resetting the log at once could lose a commit: https://sqlite.org/wal.html#walresetbug
_WAL_BUG_FROM = (3, 7, 0)
_WAL_BUG_FIXED = (3, 51, 3)

Facts = dict[str, Any]  # Any: JSON values


def _arguments(parser: Parser) -> None:
    add_store(parser)
    parser.epilog = "The exit code is 1 if something that is there doesn't work."


def _doctor(arguments: Namespace) -> int:
    facts: Facts = {
        "onevec": onevec.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "sqlite": {"apsw": _sqlite_of_apsw(), "python": _sqlite_of_python()},
        "engines": _engines(),
        "embedders": _embedders(),
        "store": _store(arguments),
    }
    apsw, store = facts["sqlite"]["apsw"], facts["store"]
    facts["healthy"] = "error" not in apsw and not apsw["wal_bug"] and (store is None or store["status"] != "unhealthy")
    if arguments.json:
        print_json(facts)
    else:
        _print(facts)
    return 0 if facts["healthy"] else 1


def has_wal_bug(version: str) -> bool:
    """Return whether this SQLite can lose commits of a WAL database that several connections write and checkpoint."""
    return _WAL_BUG_FROM <= tuple(map(int, version.split("."))) < _WAL_BUG_FIXED


def _sqlite_of_apsw() -> Facts:
    try:
        import apsw
    except ImportError as error:
        return {"version": None, "wal_bug": None, "error": str(error)}
    return {"version": apsw.sqlite_lib_version(), "wal_bug": has_wal_bug(apsw.sqlite_lib_version())}


def _sqlite_of_python() -> Facts | None:
    try:
        import sqlite3
    except ImportError:  # a Python built without it
        return None
    return {"version": sqlite3.sqlite_version, "wal_bug": has_wal_bug(sqlite3.sqlite_version)}


def _engines() -> list[Facts]:
    return [
        {"name": engine.name, "installed": engine.installed, "install": engine.install} for engine in onevec.engines()
    ]


def _embedders() -> list[Facts]:
    from onevec.registry import embedder_names

    return [_embedder(name) for name in embedder_names()]


def _embedder(name: str) -> Facts:
    from onevec.registry import install_command, load_embedder

    try:
        load_embedder(name)
    except ConfigError as error:  # it needs a key, or the name of a model
        return {"name": name, "installed": True, "install": install_command(name), "error": str(error)}
    except Exception as error:  # noqa: BLE001 (someone else's code; what is wrong with it is the finding)
        return {"name": name, "installed": False, "install": install_command(name), "error": str(error)}
    return {"name": name, "installed": True, "install": install_command(name), "error": None}


def _store(arguments: Namespace) -> Facts | None:
    """How the store is; None where none was named and there is none at the default place."""
    from onevec.config import default_target, shown

    named = arguments.store if arguments.store is not None else default_target()
    target = DEFAULT_URL if named is None else named
    found: Facts = {"target": shown(target)}
    try:
        with open_store(target, create=False) as store:
            health = store.health()
    except StoreNotFound as error:
        if named is None:
            return None
        return found | _unhealthy(error)
    except OnevecError as error:
        return found | _unhealthy(error)
    return found | {
        "engine": health.engine,
        "status": health.status,
        "version": health.version,
        "response_time": health.response_time,
        "issues": health.issues,
        "warnings": health.warnings,
        "details": dict(health.details),
    }


def _unhealthy(error: OnevecError) -> Facts:
    return {
        "engine": error.engine,
        "status": "unhealthy",
        "version": None,
        "response_time": None,
        "issues": (str(error),),
        "warnings": (),
        "details": {},
    }


def _print(facts: Facts) -> None:
    rows = table("", "", header=False)
    rows.add_row("onevec", f"{facts['onevec']} on Python {facts['python']}, {facts['platform']}")
    rows.add_row("SQLite of onevec", _sqlite_line(facts["sqlite"]["apsw"]))
    rows.add_row("SQLite of Python", f"{_sqlite_line(facts['sqlite']['python'])}; onevec doesn't use it")
    for kind in ("engines", "embedders"):
        for number, one in enumerate(facts[kind]):
            state = "installed" if one["installed"] else f"not installed: {one['install']}"
            if one["installed"] and one.get("error"):
                state = f"installed; {one['error']}"
            rows.add_row("" if number else kind, f"{one['name']}: {state}")
    store = facts["store"]
    if store is None:
        rows.add_row("store", f"none at {DEFAULT_URL}; `onevec demo` makes one to try")
    else:
        rows.add_row("store", f"{printable(store['target'])}: {store['status']}")
        for kind in ("issues", "warnings"):
            for line in store[kind]:
                rows.add_row("", printable(line))
        for name, value in store["details"].items():
            rows.add_row("", printable(f"{name}: {metadata_value(value)}"))
    print_rich(rows)
    print_text("\nall is well" if facts["healthy"] else "\nsomething is wrong, see above")


def _sqlite_line(facts: Facts | None) -> str:
    match facts:
        case None:
            return "none"
        case {"error": error}:
            return f"can't be loaded: {error}; pip install apsw"
        case {"version": version, "wal_bug": True}:
            return f"{version}, which can corrupt a WAL database (fixed in 3.51.3)"
        case _:
            return str(facts["version"])


COMMANDS = MappingProxyType({"doctor": Command(_arguments, _doctor)})
