"""Which files: folders walked in order, each file with the name it is recorded by."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from onevec.errors import InvalidInput


class Kind(StrEnum):
    """How a file is read."""

    TEXT = "text"
    MARKDOWN = "markdown"
    PYTHON = "python"
    HTML = "html"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"


VENDOR_FOLDERS = frozenset(
    ("__pycache__", "__pypackages__", "bower_components", "node_modules", "site-packages", "venv")
)
SUFFIXES = {
    **dict.fromkeys((".md", ".markdown", ".mdx"), Kind.MARKDOWN),
    **dict.fromkeys((".py", ".pyi"), Kind.PYTHON),
    **dict.fromkeys((".html", ".htm", ".xhtml"), Kind.HTML),
    **dict.fromkeys((".jsonl", ".ndjson"), Kind.JSONL),
    ".json": Kind.JSON,
    ".csv": Kind.CSV,
    ".tsv": Kind.TSV,
    **dict.fromkeys((".txt", ".text", ".rst", ".adoc", ".org", ".tex"), Kind.TEXT),
    **dict.fromkeys(
        (
            *(".c", ".cc", ".cpp", ".cs", ".cxx", ".h", ".hpp", ".m", ".mm", ".rs", ".go", ".zig", ".swift"),
            *(".java", ".kt", ".kts", ".scala", ".groovy", ".clj", ".dart", ".js", ".jsx", ".mjs", ".ts", ".tsx"),
            *(".rb", ".php", ".pl", ".pm", ".lua", ".r", ".jl", ".ex", ".exs", ".erl", ".hs", ".ml", ".fs", ".lisp"),
            *(".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".sql", ".proto", ".graphql", ".tf", ".cmake"),
            *(".css", ".scss", ".less", ".vue", ".svelte", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf"),
        ),
        Kind.TEXT,
    ),
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to ingest.

    Attributes:
        path: Its name in metadata and ids: with `/`, relative to the working directory where it lies inside it.
        location: Its absolute place.
        kind: How it is read.
        size: Its size in bytes when it was found.
    """

    path: str
    location: Path
    kind: Kind
    size: int


@dataclass(slots=True)
class Listing:
    """What was found under the paths given.

    Attributes:
        files: The files by path, in order of their paths.
        folders: The recorded paths of the folders given.
        failed: `(path, reason)` of what can't be read.
        ignored: How many files in folders have a suffix that isn't known.
    """

    files: dict[str, SourceFile] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    ignored: int = 0


def find_files(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Listing:
    """Return the files to ingest. Hidden and vendor folders, hidden files and links to folders are passed by.

    Raises:
        InvalidInput: No path was given, or one doesn't exist.
    """
    given = [os.fspath(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    if not given:
        raise InvalidInput("ingest takes at least one file or folder")
    missing = [path for path in given if not path or not _exists(path)]
    if missing:
        raise InvalidInput(f"no such file or folder: {', '.join(map(repr, missing))}; nothing was written")
    listing = Listing()
    for path in given:
        if (seen := _seen(path, listing)) is None:
            continue
        name, status = seen
        if stat.S_ISDIR(status.st_mode):
            listing.folders.append(name)
            _walk(path, listing)
        else:
            _add(path, name, status, SUFFIXES.get(_suffix(path), Kind.TEXT), listing)
    listing.files = dict(sorted(listing.files.items()))
    return listing


def recorded(path: str) -> str:
    """Return the name a path is recorded by.

    Raises:
        UnicodeEncodeError: It isn't valid Unicode, and so can't be stored.
    """
    place, here = _absolute(path), Path.cwd()
    name = (place.relative_to(here) if place.is_relative_to(here) else place).as_posix()
    name.encode()
    return name


def are_gone(paths: Iterable[str]) -> list[str]:
    """Return those of the recorded paths where there is certainly no file any more."""
    return [path for path in paths if not _exists(path, follow_symlinks=False)]


def _exists(path: str, *, follow_symlinks: bool = True) -> bool:
    try:
        Path(path).stat(follow_symlinks=follow_symlinks)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the path
        return False
    except OSError:  # what can't be looked at may be there
        return True
    return True


def _walk(folder: str, listing: Listing) -> None:
    left = [folder]
    while left:
        folder = left.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            listing.failed.append((_printable(folder), error.strerror or str(error)))
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in VENDOR_FOLDERS:
                    left.append(entry.path)
            elif (kind := SUFFIXES.get(_suffix(entry.name))) is None:
                listing.ignored += 1
            elif (seen := _seen(entry.path, listing)) is not None and not stat.S_ISDIR(seen[1].st_mode):
                _add(entry.path, *seen, kind, listing)


def _seen(path: str, listing: Listing) -> tuple[str, os.stat_result] | None:
    """The name and status of what is there; None, and counted as failed, if it can't be looked at."""
    try:
        return recorded(path), Path(path).stat()
    except UnicodeEncodeError:
        listing.failed.append((_printable(path), "its name isn't valid Unicode"))
    except OSError as error:
        listing.failed.append((_printable(path), error.strerror or str(error)))
    return None


def _add(path: str, name: str, status: os.stat_result, kind: Kind, listing: Listing) -> None:
    if stat.S_ISREG(status.st_mode):
        listing.files[name] = SourceFile(name, _absolute(path), kind, status.st_size)
    else:
        listing.failed.append((name, "it isn't a regular file"))


def _absolute(path: str) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (a link keeps its own name; resolve() would follow it)


def _suffix(path: str) -> str:
    return Path(path).suffix.lower()


def _printable(path: str) -> str:
    return os.fsencode(path).decode(errors="backslashreplace")
