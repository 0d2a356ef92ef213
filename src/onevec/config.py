"""Where a store is: URLs, config mappings, `onevec.toml`, and `${NAME}` from the environment."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import partial
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from onevec.errors import ConfigError, UnknownOption
from onevec.secret import Secret

CONFIG_FILE = "onevec.toml"
URL_VARIABLE = "ONEVEC_URL"
# URLs that are written so everywhere, and the engines they are of.
_SCHEMES = {"postgresql": "pgvector", "postgres": "pgvector"}
_SECRETS = re.compile(r"(?<=//).*(?=@)|\?.*", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

_unquoted = partial(unquote, errors="strict")


@dataclass(frozen=True, slots=True)
class Location:
    """An engine, and what a URL or a config says about the store there.

    Attributes:
        engine: Its name.
        settings: Text from a URL, TOML values, or objects from a program.
        name: The entry's, in `onevec.toml`.
        folder: That file's, which relative paths of the entry begin at; else they begin at the current folder.
    """

    engine: str
    settings: Mapping[str, Any]  # Any: as above
    name: str | None = None
    folder: Path | None = None


def locate(target: str | Mapping[str, Any]) -> Location:  # Any: as Location
    """Return what a URL, a config mapping, or the name of a store in `onevec.toml` means.

    Raises:
        ConfigError: It can't be understood; the message says how it should look. No password is shown.
    """
    if isinstance(target, Mapping):
        return _from_mapping(target, None)
    if not isinstance(target, str):
        raise ConfigError(
            f"connect takes a URL, a mapping, a name from {CONFIG_FILE} or an adapter, got {type(target).__name__}"
        )
    if "://" in target:
        return _from_url(target)
    file = _config_file()
    stores = _stores_of(file)
    if file is not None and target in stores:
        return replace(_from_mapping(stores[target], target), folder=file.absolute().parent)
    known = (
        f"{CONFIG_FILE} names {', '.join(sorted(stores))}" if stores else f"there is no {CONFIG_FILE} that names any"
    )
    shown = "this" if "@" in target else repr(target)  # it could be a URL with a password, mistyped
    raise ConfigError(
        f"{shown} is neither a URL nor the name of a store ({known}); a URL looks like sqlite:///papers.db"
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


def shown(target: str) -> str:
    """Return a target without what may be secret in it: the credentials and the query of a URL."""
    return _SECRETS.sub("***", target)


def expanded(value: Any) -> Any:  # Any: texts change, alone and in lists and mappings
    """Return a config's value with every `${NAME}` in it read from the environment.

    Raises:
        ConfigError: There is no such variable; the message names it.
    """
    match value:
        case str():
            return _VARIABLE.sub(_variable, value)
        case Mapping():
            return {name: expanded(item) for name, item in value.items()}
        case list() | tuple():
            return [expanded(item) for item in value]
        case _:
            return value


def placed(location: Location, cls: type[Any]) -> dict[str, Any]:  # Any: an engine's options class, and settings
    """Return a location's settings with each relative path from where it begins."""
    settings, folder = dict(location.settings), location.folder
    if folder is None:
        return settings
    paths = {name for name, kind in get_type_hints(cls).items() if Path in (kind, *get_args(kind))}
    for name in settings.keys() & (paths | {"embedding_cache"}):
        value = settings[name]
        # Beside a host `path` is a part of the server's address, and some engines have a name for memory.
        if isinstance(value, str) and not (name == "path" and "host" in settings) and value != ":memory:":
            settings[name] = str(folder / Path(value).expanduser())
    return settings


def options_of(cls: type[Any], settings: Mapping[str, Any], engine: str) -> Any:  # Any: the engine's options class
    """Return an engine's options from settings, each converted to the type of its field.

    Raises:
        ConfigError: A setting is missing or of another type.
        UnknownOption: The engine has no such option.
    """
    types = get_type_hints(cls)
    known = {field.name: field for field in fields(cls)}
    hint = f"; in a URL the path comes after three slashes, as in {engine}:///NAME" if "path" in known else ""
    for name in settings:
        if name not in known:
            has = f"its options are {', '.join(known)}" if known else "it has no options"
            raise UnknownOption(
                f"engine {engine!r} has no option {name!r}; {has}{hint if name == 'host' else ''}", engine=engine
            )
    for name, field in known.items():
        if name not in settings and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(
                f"engine {engine!r} needs the option {name!r}{hint if name == 'path' else ''}", engine=engine
            )
    return cls(**{name: _converted(name, value, types[name], engine) for name, value in settings.items()})


def _from_url(url: str) -> Location:
    """Errors show nothing after the engine: a password with a `/` or `#` in it can stand in any part."""
    engine, _, rest = _VARIABLE.sub(lambda match: quote(_variable(match), safe=""), url).partition("://")
    try:
        # urlsplit would drop the control characters that a file's name can have.
        parts = urlsplit("//" + rest.translate({ord(char): quote(char) for char in "\t\r\n"}))
        settings: dict[str, Any] = {
            "username": parts.username and _unquoted(parts.username),
            "password": parts.password and Secret(_unquoted(parts.password)),
            "host": parts.hostname and _unquoted(parts.hostname),
            "port": parts.port,
            "path": _unquoted(parts.path.removeprefix("/")),
        }
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query), errors="strict")
    except ValueError:
        raise ConfigError(
            f"{engine}://... can't be read: a URL is engine://user:password@host:port/path?option=value, "
            "with / # ? @ and % in a part of it written as %2F %23 %3F %40 and %25"
        ) from None
    settings = {name: value for name, value in settings.items() if value not in (None, "")}
    for name, value in options:
        if not name.isidentifier():
            raise ConfigError(
                f"{engine}://...: options are ?name=value&name=value; write & = ? and # in a value as %.."
            )
        if name in settings:
            raise ConfigError(f"{engine}://...: the URL says {name!r} twice")
        settings[name] = value
    if parts.fragment:
        raise ConfigError(f"{engine}://...: a URL of a store has no #fragment; write # as %23")
    scheme = engine.lower()
    return Location(_SCHEMES.get(scheme, scheme), settings)


def _from_mapping(config: Mapping[str, Any], name: str | None) -> Location:
    where = f"store {name!r} of {CONFIG_FILE}" if name else "the config"
    settings = dict(config)
    if "url" in settings:
        url = settings.pop("url")
        if not isinstance(url, str) or "engine" in settings:
            raise ConfigError(
                f"{where}: url is a URL such as sqlite:///papers.db, and then there is no engine beside it"
            )
        url = url if "://" in url else expanded(url)
        if "://" not in url:
            raise ConfigError(f"{where}: url is a URL such as sqlite:///papers.db")
        location = _from_url(url)
        return Location(location.engine, {**location.settings, **expanded(settings)}, name)
    engine = settings.pop("engine", None)
    if not isinstance(engine, str):
        raise ConfigError(f"{where} names neither an engine nor a url: {{'engine': 'sqlite', 'path': 'papers.db'}}")
    return Location(engine, expanded(settings), name)


def _stores_of(path: Path | None) -> dict[str, Mapping[str, Any]]:
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
        if one is Any or (isinstance(value, get_origin(one) or one) and not (type(value) is bool and one is int)):
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
        if one is float and type(value) is int:
            return float(value)
    wanted = " or ".join(choice for one in kinds if one is not NoneType for choice in _choices(one))
    shown = "***" if Secret in kinds else repr(value)
    raise ConfigError(f"engine {engine!r}: option {name} is {wanted}, got {shown}", engine=engine)


def _choices(kind: Any) -> list[str]:  # Any: what a field is typed as
    if get_origin(kind) is Literal:
        return list(map(repr, get_args(kind)))
    return ["true", "false"] if kind is bool else [kind.__name__]
