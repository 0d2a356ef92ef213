"""Where a store is: URLs, config mappings, `onevec.toml`, and `${NAME}` from the environment."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, unquote, urlsplit

from onevec.errors import ConfigError
from onevec.secret import Secret

CONFIG_FILE = "onevec.toml"
URL_VARIABLE = "ONEVEC_URL"
_SCHEME = re.compile(r"[a-z][a-z0-9_]*://")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HIDDEN = re.compile(r"//[^/@]*@")


@dataclass(frozen=True, slots=True)
class Location:
    """An engine, and what a URL or a config says about the store there. `name` is the entry's, in `onevec.toml`."""

    engine: str
    settings: Mapping[str, Any]  # Any: text from a URL, TOML values, or objects from a program
    name: str | None = None


def locate(target: str | os.PathLike[str] | Mapping[str, Any]) -> Location:  # Any: as Location
    """Return what a URL, a config mapping, or the name of a store in `onevec.toml` means.

    Raises:
        ConfigError: It can't be understood; the message says how it should look. No password is shown.
    """
    if isinstance(target, Mapping):
        return _from_mapping(target, None)
    if not isinstance(target, str) or not target:
        raise ConfigError(
            f"connect takes a URL, a mapping, a name from {CONFIG_FILE} or an adapter, got {type(target).__name__}"
        )
    if _SCHEME.match(target):
        return _from_url(target)
    stores = _configured()
    if target in stores:
        return _from_mapping(stores[target], target)
    known = (
        f"{CONFIG_FILE} names {', '.join(sorted(stores))}" if stores else f"there is no {CONFIG_FILE} that names any"
    )
    raise ConfigError(
        f"{target!r} is neither a URL nor the name of a store ({known}); a URL looks like sqlite:///papers.db"
    )


def default_target() -> str | None:
    """Return what to connect to where nothing is said: `$ONEVEC_URL`, else the default of `onevec.toml`, else None."""
    if url := os.environ.get(URL_VARIABLE):
        return url
    path = _config_file()
    default = _read(path).get("default") if path else None
    if default is not None and not isinstance(default, str):
        raise ConfigError(f"{path}: default is the name of a store, got {default!r}")
    return default


def options_of(cls: type[Any], settings: Mapping[str, Any], engine: str) -> Any:  # Any: the engine's options class
    """Return an engine's options from settings, each converted to the type of its field.

    Raises:
        ConfigError: A setting is unknown, of another type, missing, or names a variable that isn't set.
    """
    types = get_type_hints(cls)
    known = [field.name for field in fields(cls)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        has = f"its options are {', '.join(known)}" if known else "it has no options"
        raise ConfigError(f"engine {engine!r} has no option {unknown[0]!r}; {has}", engine=engine)
    values = {name: _converted(name, _expanded(value), types[name], engine) for name, value in settings.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"engine {engine!r}: {str(error).partition(' ')[2]}", engine=engine) from None


def _from_url(url: str) -> Location:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{_HIDDEN.sub('//***@', url)}: {error}") from None
    settings: dict[str, Any] = {
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "host": unquote(parts.hostname) if parts.hostname else None,
        "port": port,
        "path": unquote(parts.path.removeprefix("/")) or None,
    }
    settings = {name: value for name, value in settings.items() if value is not None}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in settings:
            raise ConfigError(f"the URL says {name!r} twice")
        settings[name] = value
    if parts.fragment:
        raise ConfigError(f"a URL of a store has no #fragment, got #{parts.fragment}; write # as %23")
    return Location(parts.scheme, settings)


def _from_mapping(config: Mapping[str, Any], name: str | None) -> Location:
    where = f"store {name!r} of {CONFIG_FILE}" if name else "the config"
    settings = dict(config)
    if "url" in settings:
        url = settings.pop("url")
        if not isinstance(url, str) or "engine" in settings or not _SCHEME.match(url := _expanded(url)):
            raise ConfigError(
                f"{where}: url is a URL such as sqlite:///papers.db, and then there is no engine beside it"
            )
        location = _from_url(url)
        return Location(location.engine, {**location.settings, **settings}, name)
    engine = settings.pop("engine", None)
    if not isinstance(engine, str):
        raise ConfigError(f"{where} names neither an engine nor a url: {{'engine': 'sqlite', 'path': 'papers.db'}}")
    return Location(engine, settings, name)


def _configured() -> dict[str, Mapping[str, Any]]:
    path = _config_file()
    if path is None:
        return {}
    stores = _read(path).get("stores", {})
    if not isinstance(stores, dict) or not all(isinstance(store, dict) for store in stores.values()):
        raise ConfigError(f"{path}: stores are tables, such as [stores.papers] with url = 'sqlite:///papers.db'")
    return stores


def _config_file() -> Path | None:
    """`$ONEVEC_CONFIG`, or the nearest `onevec.toml` from the current folder upwards."""
    if named := os.environ.get("ONEVEC_CONFIG"):
        return Path(named)
    here = Path.cwd()
    return next((path for folder in (here, *here.parents) if (path := folder / CONFIG_FILE).is_file()), None)


def _read(path: Path) -> dict[str, Any]:  # Any: TOML values
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: {error}") from None


def _expanded(value: Any) -> Any:  # Any: only texts change
    if isinstance(value, str):
        return _VARIABLE.sub(_variable, value)
    return value


def _variable(match: re.Match[str]) -> str:
    value = os.environ.get(match[1])
    if value is None:
        raise ConfigError(f"the environment has no variable {match[1]}, which the config names as ${{{match[1]}}}")
    return value


def _converted(name: str, value: Any, kind: Any, engine: str) -> Any:  # Any: texts, then what the field is typed as
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if value is None and NoneType in kinds:
        return None
    for one in kinds:
        if get_origin(one) is Literal:
            if value in get_args(one):
                return value
            continue
        if one is NoneType:
            continue
        if isinstance(value, one) and not (isinstance(value, bool) and one is int):
            return value
        if one is Secret and isinstance(value, str):
            return Secret(value)
        if one is Path and isinstance(value, str | os.PathLike):
            return Path(value)
        if isinstance(value, str) and one in (int, float, bool):
            try:
                return (
                    {"true": True, "1": True, "false": False, "0": False}[value.lower()] if one is bool else one(value)
                )
            except (KeyError, ValueError):
                continue
        if one is float and isinstance(value, int):
            return float(value)
    choices = [repr(choice) for one in kinds if get_origin(one) is Literal for choice in get_args(one)]
    wanted = " or ".join(choices or [one.__name__ for one in kinds if one is not NoneType])
    shown = "***" if Secret in kinds else repr(value)
    raise ConfigError(f"engine {engine!r}: option {name} is {wanted}, got {shown}", engine=engine)
