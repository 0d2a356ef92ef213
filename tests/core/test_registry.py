"""Engines and embedders by name: of installed packages and of the program; what is missing, doubled or mistyped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest

import onevec
from onevec import FunctionEmbedder, registry
from onevec.adapters.memory import MemoryAdapter
from onevec.adapters.sqlite import SqliteAdapter
from onevec.errors import ConfigError, EngineNotInstalled, UnknownEmbedder, UnknownEngine
from onevec.registry import adapter_class, engine_names, engines, install_command, load_embedder, register

from .limited import LimitedAdapter


class Package:
    """What an entry point says of the package it comes from."""

    def __init__(self, name: str) -> None:
        self.name = name


Install = Callable[..., None]


def constant(model: str = "default") -> FunctionEmbedder:
    """What an embedder's entry point leads to."""
    return FunctionEmbedder(lambda texts: [[1.0]] * len(texts), dimension=1, name=f"constant:{model}")


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs entry points, `(package, group, name, object)` each, beside nothing else."""
    objects: dict[str, Any] = {}
    found: list[EntryPoint] = []

    def load(entry: EntryPoint) -> Any:
        if isinstance(loaded := objects[entry.value], Exception):
            raise loaded
        return loaded

    def add(package: str, group: str, name: str, value: Any) -> None:
        objects[f"{package}:{value!r}"] = value
        entry = EntryPoint(name, f"{package}:{value!r}", f"onevec.{group}")
        vars(entry).update(dist=Package(package))
        found.append(entry)
        registry._entries.cache_clear()

    monkeypatch.setattr(EntryPoint, "load", load)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [one for one in found if one.group == group])
    monkeypatch.setattr(registry, "_registered", {})
    registry._entries.cache_clear()
    registry._embedder.cache_clear()
    yield add
    registry._entries.cache_clear()
    registry._embedder.cache_clear()


class Lacking(LimitedAdapter):
    name = "lacking"
    requires = ("no_such_module", "os", "no_such.module")


def test_the_built_in_engines_are_there() -> None:
    """By name, in order, with what they can do, without opening anything."""
    assert [name for name in engine_names() if name in {"memory", "sqlite"}] == ["memory", "sqlite"]
    assert adapter_class("memory") is MemoryAdapter
    assert adapter_class("sqlite") is SqliteAdapter
    found = {engine.name: engine for engine in engines()}
    assert found["memory"].installed
    assert found["memory"].capabilities is MemoryAdapter.capabilities
    assert found["sqlite"].install == "pip install onevec"
    assert found["memory"].install == "pip install onevec"


@pytest.mark.usefixtures("install")
def test_a_program_registers_its_own() -> None:
    """The class is given back, and known by its name from then on; doing it again is no mistake."""
    assert register("limited")(LimitedAdapter) is LimitedAdapter
    assert register("limited")(LimitedAdapter) is LimitedAdapter
    assert engine_names() == ["limited"]
    (engine,) = engines()
    assert (engine.name, engine.installed, engine.install) == ("limited", True, "")
    with onevec.connect("limited://") as store:
        assert store.engine == "limited"


@pytest.mark.parametrize("name", ["", "Mine", "my-engine", "my engine", "1st", "m\u00e4in", "a/b", "MINE"])
def test_a_name_is_one_lower_case_word(name: str) -> None:
    """Any other could not stand before `://`."""
    with pytest.raises(ConfigError, match="one lower-case word"):
        register(name)(LimitedAdapter)


def test_a_name_is_not_taken_twice(install: Install) -> None:
    """Neither another class's of this program nor a package's is overridden."""
    register("mine")(LimitedAdapter)
    with pytest.raises(ConfigError, match="there is an engine 'mine' already"):
        register("mine")(MemoryAdapter)
    install("some-package", "engines", "theirs", MemoryAdapter)
    with pytest.raises(ConfigError, match="there is an engine 'theirs' already"):
        register("theirs")(LimitedAdapter)
    assert adapter_class("mine") is LimitedAdapter
    assert adapter_class("theirs") is MemoryAdapter


def test_two_packages_with_one_name_are_an_error(install: Install) -> None:
    """It names both packages; nothing is chosen silently, and other engines still work."""
    install("first", "engines", "mine", LimitedAdapter)
    install("second", "engines", "mine", MemoryAdapter)
    install("first", "engines", "other", MemoryAdapter)
    with pytest.raises(ConfigError, match=r"several packages provide 'mine' \(first, second\); uninstall all but one"):
        adapter_class("mine")
    with pytest.raises(ConfigError, match="several packages"):
        onevec.connect("mine://")
    assert adapter_class("other") is MemoryAdapter
    assert engine_names() == ["mine", "other"]


def test_one_package_found_twice_is_not(install: Install) -> None:
    """As where it is in two folders of the path."""
    install("first", "engines", "mine", LimitedAdapter)
    install("first", "engines", "mine", LimitedAdapter)
    assert adapter_class("mine") is LimitedAdapter


@pytest.mark.parametrize(("name", "meant"), [("sqllite", "sqlite"), ("Sqlite", "sqlite"), ("memroy", "memory")])
def test_an_unknown_engine_suggests_one(name: str, meant: str) -> None:
    """The nearest name, and all there are."""
    with pytest.raises(UnknownEngine, match=rf"no engine {name!r} \(did you mean {meant!r}\?\); engines are .*memory"):
        adapter_class(name)


def test_an_unknown_engine_unlike_any() -> None:
    """No suggestion where nothing is near; the same error from `connect`, for a URL and a mapping."""
    with pytest.raises(UnknownEngine, match="no engine 'xyzzy'; engines are"):
        adapter_class("xyzzy")
    for target in ("xyzzy://host", {"engine": "xyzzy"}):
        with pytest.raises(UnknownEngine) as raised:
            onevec.connect(target)
        assert raised.value.operation == "connect"


def test_a_missing_library_says_how_to_install_it(install: Install) -> None:
    """The command has the package that provides the engine; what is missing is named, and what isn't, isn't."""
    install("some-package", "engines", "lacking", Lacking)
    with pytest.raises(EngineNotInstalled) as raised:
        onevec.connect("lacking://host")
    assert str(raised.value) == (
        "engine 'lacking' needs no_such_module, no_such.module: pip install \"some-package[lacking]\""
    )
    assert (raised.value.engine, raised.value.operation) == ("lacking", "connect")
    assert adapter_class("lacking") is Lacking
    (engine,) = engines()
    assert not engine.installed
    assert engine.install == 'pip install "some-package[lacking]"'


@pytest.mark.usefixtures("install")
def test_a_missing_library_of_the_programs_own_engine() -> None:
    """There is no package to name, so its libraries are."""
    register("lacking")(Lacking)
    with pytest.raises(EngineNotInstalled, match=r"pip install no_such_module os no_such\.module"):
        onevec.connect("lacking://")


def test_an_engine_is_loaded_when_asked_for(install: Install) -> None:
    """A package that can't be imported keeps nobody from the names, nor from other engines."""
    install("broken", "engines", "broken", ImportError("no such thing"))
    install("good", "engines", "good", LimitedAdapter)
    assert engine_names() == ["broken", "good"]
    onevec.connect("good://").close()
    with pytest.raises(UnknownEngine, match="engines are broken, good"):
        adapter_class("other")
    with pytest.raises(ImportError, match="no such thing"):
        adapter_class("broken")


class Ready:
    """An embedder that is an object of a class of the program's own."""

    name = "ready"
    dimension = 2

    def embed(self, texts: Any) -> Any:
        return [[1.0, 2.0]] * len(texts)


def test_an_embedder_is_an_object_a_function_or_a_name(install: Install) -> None:
    """An object is taken as it is, a function is wrapped, a name is looked up and loaded once."""
    install("some-package", "embedders", "constant", constant)
    ready = Ready()
    assert load_embedder(ready) is ready
    assert load_embedder(lambda texts: [[1.0]] * len(texts)).embed(["x"]) == [[1.0]]
    assert load_embedder("constant").name == "constant:default"
    assert load_embedder("constant:small").name == "constant:small"
    assert load_embedder("constant:a:b").name == "constant:a:b"
    assert load_embedder("constant") is load_embedder("constant")
    assert registry.embedder_names() == ["constant"]


def test_an_unknown_embedder_suggests_one(install: Install) -> None:
    """The nearest name, all there are, and that a function would do."""
    install("some-package", "embedders", "constant", constant)
    with pytest.raises(UnknownEmbedder, match=r"'constent' \(did you mean 'constant'\?\); .* are constant, and any"):
        load_embedder("constent")
    with pytest.raises(UnknownEmbedder, match="an embedder is a name, an Embedder or a function, got int"):
        load_embedder(5)  # type: ignore[arg-type]  # the point


def test_two_packages_with_one_embedder_are_an_error(install: Install) -> None:
    """As with engines."""
    install("first", "embedders", "constant", constant)
    install("second", "embedders", "constant", Ready)
    with pytest.raises(ConfigError, match=r"several packages provide 'constant' \(first, second\)"):
        load_embedder("constant")


def test_the_command_of_an_extra() -> None:
    """Quoted, as a shell would take the brackets for a pattern."""
    assert install_command("wordllama") == 'pip install "onevec[wordllama]"'
