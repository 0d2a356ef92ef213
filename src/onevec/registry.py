"""Engines, embedders and rerankers by name: those of installed packages, and those a program registers itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from typing import Any, TypeVar

from onevec.adapter import Adapter
from onevec.capabilities import Capabilities
from onevec.embedders import Embedder, EmbedderLike, FunctionEmbedder
from onevec.errors import (
    ConfigError,
    EngineNotInstalled,
    OnevecError,
    UnknownEmbedder,
    UnknownEngine,
    UnknownReranker,
)
from onevec.rerank import FunctionReranker, Reranker, RerankerLike

AdapterClass = type[Adapter[Any]]  # Any: each engine's own options
AdapterT = TypeVar("AdapterT", bound=AdapterClass)

_registered: dict[str, AdapterClass] = {}

# Where a model lies, in an embedder's name that has its digest after it.
_PLACE = re.compile(r"(?<=:)[^#(),]+(?=#[0-9a-f]{12}(?![0-9a-f]))")
# A line of a package's metadata, such as `psycopg[binary]>=3.3; extra == 'pgvector'`.
_REQUIREMENT = re.compile(r"""(?P<wanted>(?P<package>[\w.-]+)[^;]*)(;.*extra\s*==\s*["'](?P<extra>[^"']+)["'])?""")


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """An engine that there is.

    Attributes:
        name: What stands before `://` in its URL.
        installed: Whether its library can be imported.
        install: The command that installs it; empty for an engine of this program that needs no library.
        capabilities: What it can do.
    """

    name: str
    installed: bool
    install: str
    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class Requirements:
    """What an engine needs.

    Attributes:
        engine: The engine's name.
        packages: What its extra installs, such as `qdrant-client>=1.20`. Empty where the base has all.
        installed: The version of each of these packages that is there; None for one that isn't.
        missing: The modules that can't be imported.
        install: The command that installs it; empty for an engine of this program that needs no library.
    """

    engine: str
    packages: tuple[str, ...]
    installed: Mapping[str, str | None]
    missing: tuple[str, ...]
    install: str


def register(name: str) -> Callable[[AdapterT], AdapterT]:
    """Return a decorator that makes an adapter class known in this program.

    Example:
        >>> @register("mine")
        ... class MyAdapter(Adapter): ...

    Raises:
        ConfigError: The name isn't one lower-case word, or is taken.
    """

    def decorate(adapter: AdapterT) -> AdapterT:
        if not (name.isascii() and name.isidentifier() and name.islower()):
            raise ConfigError(f"an engine's name is one lower-case word, got {name!r}")
        if _registered.get(name, adapter) is not adapter or name in _entries("onevec.engines"):
            raise ConfigError(f"there is an engine {name!r} already; choose another name")
        _registered[name] = adapter
        return adapter

    return decorate


def engine_names() -> list[str]:
    """Return the names of the engines there are, in order."""
    return sorted({*_registered, *_entries("onevec.engines")})


def engines() -> list[EngineInfo]:
    """Return the engines there are, which of them are installed, and how to install the others."""
    return [
        EngineInfo(name, not _missing(adapter := adapter_class(name)), _install(name, adapter), adapter.capabilities)
        for name in engine_names()
    ]


def requirements(name: str) -> Requirements:
    """Return what an engine needs, and what of that is there.

    Raises:
        UnknownEngine: There is none of that name.
    """
    adapter = adapter_class(name)
    packages = _packages(name)
    return Requirements(
        name,
        tuple(packages.values()),
        {package: _version(package) for package in packages},
        tuple(_missing(adapter)),
        _install(name, adapter),
    )


def adapter_class(name: str) -> AdapterClass:
    """Return the adapter class of an engine. Its module is imported; the engine's own library isn't.

    Raises:
        UnknownEngine: There is none of that name.
        ConfigError: Two packages provide one.
    """
    if name in _registered:
        return _registered[name]
    entry = _entry("onevec.engines", name)
    if entry is None:
        raise UnknownEngine(
            f"there is no engine {name!r}{_meant(name, engine_names())}; engines are {', '.join(engine_names())}"
        )
    adapter: AdapterClass = entry.load()
    return adapter


def installed_adapter_class(name: str) -> AdapterClass:
    """Return the adapter class of an engine whose library is there.

    Raises:
        EngineNotInstalled: It isn't; the message has the command that installs it.
    """
    adapter = adapter_class(name)
    missing = _missing(adapter)
    if missing:
        raise EngineNotInstalled(f"engine {name!r} needs {', '.join(missing)}: {_install(name, adapter)}", engine=name)
    return adapter


def install_command(extra: str) -> str:
    """Return the command that installs an engine's or embedder's library."""
    return f'pip install "onevec[{extra}]"'


def embedder_names() -> list[str]:
    """Return the names of the embedders that can be found by name, in order."""
    return sorted(_entries("onevec.embedders"))


def load_embedder(like: EmbedderLike) -> Embedder:
    """Return an embedder: of that name, or the object itself, or a function wrapped.

    A name is the entry point's, or `entry:model`, where the model goes to the entry point's function.

    Raises:
        UnknownEmbedder: There is none of that name, or the object is no embedder.
        EngineNotInstalled: Its library is missing; the message has the command that installs it.
    """
    if isinstance(like, Embedder):
        return like
    if callable(like):
        return FunctionEmbedder(like)
    if not isinstance(like, str):
        raise UnknownEmbedder(f"an embedder is a name, an Embedder or a function, got {type(like).__name__}")
    return _embedder(like)


def is_same_embedder(name: str, other: str | None) -> bool:
    """Return whether two names are of one embedder: they are equal, but for the places of models with a digest.

    `onnx:/models/minilm#58f1c02d9a3e` is `onnx:minilm#58f1c02d9a3e`.
    """
    return other is not None and (name == other or _PLACE.sub("", name) == _PLACE.sub("", other))


@cache
def _embedder(spec: str) -> Embedder:
    """Loaded once: a model's weights are large and never change."""
    embedder: Embedder = _made("embedder", spec, UnknownEmbedder, "texts to vectors")
    return embedder


def reranker_names() -> list[str]:
    """Return the names of the rerankers that can be found by name, in order."""
    return sorted(_entries("onevec.rerankers"))


def load_reranker(like: RerankerLike) -> Reranker:
    """Return a reranker: of that name, or the object itself, or a function wrapped. A name is as of an embedder.

    Raises:
        UnknownReranker: There is none of that name, or the object is no reranker.
        EngineNotInstalled: Its library is missing; the message has the command that installs it.
        ConfigError: It needs a setting, such as a key, that isn't there.
    """
    if isinstance(like, Reranker):
        return like
    if callable(like):
        return FunctionReranker(like)
    if not isinstance(like, str):
        raise UnknownReranker(f"a reranker is a name, a Reranker or a function, got {type(like).__name__}")
    return _reranker(like)


@cache
def _reranker(spec: str) -> Reranker:
    reranker: Reranker = _made("reranker", spec, UnknownReranker, "a query and texts to scores")
    return reranker


def _made(kind: str, spec: str, unknown: type[OnevecError], function: str) -> Any:  # Any: what the entry point gives
    """What an entry point makes of a name, or of `name:model`."""
    group = f"onevec.{kind}s"
    name, colon, model = spec.partition(":")
    entry = _entry(group, name)
    if entry is None:
        names = sorted(_entries(group))
        raise unknown(
            f"there is no {kind} {spec!r}{_meant(name, names)}; {kind}s by name are {', '.join(names)}, "
            f"and any function from {function} is one"
        )
    return entry.load()(model) if colon else entry.load()()


def _entry(group: str, name: str) -> EntryPoint | None:
    found = _entries(group).get(name, [])
    if len({entry.value for entry in found}) > 1:
        packages = ", ".join(sorted(entry.dist.name if entry.dist else "?" for entry in found))
        raise ConfigError(f"several packages provide {name!r} ({packages}); uninstall all but one")
    return found[0] if found else None


@cache
def _entries(group: str) -> dict[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, []).append(entry)
    return found


def _install(name: str, adapter: AdapterClass) -> str:
    """An engine of a package is an extra of it; one of this program has only its libraries."""
    entry = None if name in _registered else _entry("onevec.engines", name)
    if entry is None or entry.dist is None:
        return f"pip install {' '.join(adapter.requires)}" if adapter.requires else ""
    return f'pip install "{entry.dist.name}[{name}]"' if adapter.requires else f"pip install {entry.dist.name}"


def _packages(name: str) -> dict[str, str]:
    """What the extra of that name installs: by the package's name, what is asked of it."""
    entry = None if name in _registered else _entry("onevec.engines", name)
    lines = (entry.dist.requires or []) if entry is not None and entry.dist is not None else []
    parsed = (_REQUIREMENT.match(line) for line in lines)
    return {one["package"]: one["wanted"].strip() for one in parsed if one is not None and one["extra"] == name}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _missing(adapter: AdapterClass) -> list[str]:
    return [module for module in adapter.requires if not _importable(module)]


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a dotted name, the package
        return False


def _meant(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
