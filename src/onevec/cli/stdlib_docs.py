"""The documentation inside Python's standard library, as documents.

Sources are parsed, never imported. What is written in C has none: a few such modules, which every interpreter has and
whose import does nothing, are asked through `inspect`.
"""

from __future__ import annotations

import ast
import inspect
import os
import sysconfig
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from onevec.documents import Document, Metadata

_IN_C = (
    *("builtins", "math", "cmath", "itertools", "collections", "io", "os", "sys", "time"),
    *("re", "struct", "array", "zlib", "binascii", "hashlib", "threading", "signal", "gc"),
)
_NOT_READ = frozenset(
    (
        *("__pycache__", "distutils", "encodings", "ensurepip", "idlelib", "lib2to3"),
        *("pydoc_data", "site-packages", "test", "tests", "turtledemo"),
    )
)
# Modules whose names belong to another one, which is where people import them from.
_HOMES = MappingProxyType(
    {
        os.path.__name__: "os.path",
        "genericpath": "os.path",
        "_collections_abc": "collections.abc",
        "_pydatetime": "datetime",
        "_pydecimal": "decimal",
        "concurrent.futures._base": "concurrent.futures",
        "concurrent.futures.process": "concurrent.futures",
        "concurrent.futures.thread": "concurrent.futures",
        "importlib._abc": "importlib.abc",
        "json.decoder": "json",
        "json.encoder": "json",
        "pathlib._local": "pathlib",
        "re._compiler": "re",
    }
)
_OTHER_PLATFORM = "ntpath" if os.name == "posix" else "posixpath"

_Definition: TypeAlias = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class _Entry(NamedTuple):
    name: str
    module: str
    kind: str
    text: str
    signature: str | None = None
    line: int | None = None


def documents() -> Iterator[Document]:
    """Yield a document for every docstring of a module, class, function or method with a public name.

    The id is the qualified name, such as `os.path.split`, and the text is the name and the docstring. Metadata:
    `module`, `kind`, `name`, and where they are known `signature` and `line`.
    """
    seen: set[str] = set()
    for entry in _entries():
        if entry.name not in seen:
            seen.add(entry.name)
            facts: Metadata = entry._asdict()
            text = facts.pop("text")
            metadata = {name: value for name, value in facts.items() if value is not None}
            yield Document(entry.name, text=f"{entry.name}: {text}", metadata=metadata)


def _entries() -> Iterator[_Entry]:
    for name in _IN_C:
        yield from _inspected(name)
    for name, path in _sources(Path(sysconfig.get_path("stdlib"))):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of an invalid escape in a string
                tree = _tree(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            continue
        yield from _parsed(tree, name)


def _tree(source: bytes) -> ast.Module:
    try:
        return ast.parse(source)
    except SystemError:  # other threads can confuse it: https://github.com/python/cpython/issues/106905
        return ast.parse(source)


def _sources(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the names and files of the public modules; folders of installed packages are not entered."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _NOT_READ and "-" not in name)
        parts = Path(folder).relative_to(root).parts
        for file in sorted(files):
            stem = file.removesuffix(".py")
            name = ".".join(parts if stem == "__init__" else (*parts, stem))
            if stem == file or not name or name == _OTHER_PLATFORM:
                continue
            if name in _HOMES or not any(part.startswith("_") for part in name.split(".")):
                yield name, Path(folder, file)


def _parsed(tree: ast.Module, source: str) -> Iterator[_Entry]:
    module = "asyncio" if source.startswith("asyncio.") else _HOMES.get(source, source)
    exported = None if module == source else _exported(tree)
    text = ast.get_docstring(tree)
    if text and module == source:
        yield _Entry(module, module, "module", text, line=1)
    for node in tree.body:
        if isinstance(node, _Definition) and (exported is None or node.name in exported):
            yield from _defined(node, module, module, "function")


def _defined(node: _Definition, parent: str, module: str, kind: str) -> Iterator[_Entry]:
    if node.name.startswith("_"):
        return
    name, text = f"{parent}.{node.name}", ast.get_docstring(node)
    if not isinstance(node, ast.ClassDef):
        if text:
            yield _Entry(name, module, kind, text, f"({ast.unparse(node.args)})", node.lineno)
        return
    if text:
        yield _Entry(name, module, "class", text, line=node.lineno)
    for part in node.body:
        if isinstance(part, _Definition):
            yield from _defined(part, name, module, "method")


def _exported(tree: ast.Module) -> set[object] | None:
    """The names in `__all__` where it is a literal."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=names) | ast.Tuple(elts=names)):
                return {name.value for name in names if isinstance(name, ast.Constant)}
    return None


def _inspected(module: str) -> Iterator[_Entry]:
    prefix = "" if module == "builtins" else f"{module}."
    for attribute, value in sorted(vars(import_module(module)).items()):
        if attribute.startswith("_") or not _written_in_c(value, module):
            continue
        name = f"{prefix}{attribute}"
        if not isinstance(value, type):
            yield from _described(value, name, module, "function")
        elif value.__name__ == attribute:  # else a second name for it, such as IOError
            yield from _described(value, name, module, "class")
            for member in sorted(vars(value)):
                if not member.startswith("_") and inspect.isroutine(method := getattr(value, member)):
                    yield from _described(method, f"{name}.{member}", module, "method")


def _written_in_c(value: object, module: str) -> bool:
    if module != "builtins" and getattr(value, "__module__", None) not in {module, f"_{module}", os.name}:
        return False
    if isinstance(value, type):
        return not any(map(inspect.isfunction, vars(value).values()))
    return inspect.isbuiltin(value)


def _described(value: Any, name: str, module: str, kind: str) -> Iterator[_Entry]:  # Any: a class or a callable
    text = inspect.getdoc(value)
    if text:
        yield _Entry(name, module, kind, text, None if kind == "class" else _signature(value))


def _signature(value: Any) -> str | None:  # Any: a callable
    try:
        return str(inspect.signature(value))
    except (ValueError, TypeError):
        return None
