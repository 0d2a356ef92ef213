"""Which files an ingest finds, and under which names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from onevec.errors import InvalidInput
from onevec.ingest.files import Kind, find_files


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")


def test_a_folder_is_walked_in_order_without_what_is_hidden_or_a_vendors(folder: Path) -> None:
    """Every file of a known suffix, sorted by path; `.git`, `node_modules`, hidden files, other suffixes left out."""
    make(folder, "b.md", "a/z.txt", "a/b/c.py", "A.TXT", ".hidden.md", ".git/x.md", "node_modules/m/x.md", "x.pdf")
    listing = find_files(".")
    assert list(listing.files) == ["A.TXT", "a/b/c.py", "a/z.txt", "b.md"]
    assert listing.files["A.TXT"].kind is Kind.TEXT
    assert listing.files["a/b/c.py"].kind is Kind.PYTHON
    assert (listing.ignored, listing.failed, listing.folders) == (1, [], ["."])


def test_a_file_named_by_itself_may_have_any_suffix_and_be_hidden(folder: Path) -> None:
    """It is taken as text."""
    make(folder, ".env", "notes.xyz")
    assert {name: file.kind for name, file in find_files([".env", Path("notes.xyz")]).files.items()} == {
        ".env": Kind.TEXT,
        "notes.xyz": Kind.TEXT,
    }


def test_names_are_relative_inside_the_working_directory_and_absolute_outside(folder: Path) -> None:
    """However the path is written, a file has one name."""
    make(folder, "docs/a.md", "../other/b.md")
    listing = find_files(["docs", folder / "docs" / "a.md", "docs/../docs/a.md", "../other"])
    assert list(listing.files) == sorted(["docs/a.md", (folder.parent / "other" / "b.md").as_posix()])


@pytest.mark.parametrize("paths", [[], ["missing.md"], ["there.md", "missing"], "", "there.md/x", "a\0b"])
def test_a_path_that_does_not_exist_is_refused(folder: Path, paths: str | list[str]) -> None:
    """Before anything is read, and by name."""
    make(folder, "there.md")
    with pytest.raises(InvalidInput, match=r"no such file or folder|at least one"):
        find_files(paths)


def test_links_are_followed_to_files_but_never_in_circles(folder: Path) -> None:
    """A link to a file has its own name; a link to a folder above is passed by; one to nowhere is reported."""
    make(folder, "docs/a.md", "elsewhere/b.md")
    (folder / "docs" / "loop").symlink_to(folder / "docs", target_is_directory=True)
    (folder / "docs" / "folder.md").symlink_to(folder / "elsewhere", target_is_directory=True)
    (folder / "docs" / "b.md").symlink_to(folder / "elsewhere" / "b.md")
    (folder / "docs" / "gone.md").symlink_to(folder / "nowhere.md")
    (folder / "docs" / "self.md").symlink_to(folder / "docs" / "self.md")
    listing = find_files("docs")
    assert list(listing.files) == ["docs/a.md", "docs/b.md"]
    assert [path for path, _ in listing.failed] == ["docs/gone.md", "docs/self.md"]


def test_what_is_no_regular_file_is_reported(folder: Path) -> None:
    """A named pipe would block the reader for ever."""
    make(folder, "docs/a.md")
    os.mkfifo(folder / "docs" / "pipe.txt")
    listing = find_files("docs")
    assert list(listing.files) == ["docs/a.md"]
    assert listing.failed == [("docs/pipe.txt", "it isn't a regular file")]


def test_a_name_that_is_not_unicode_is_reported(folder: Path) -> None:
    """It could be neither an id nor metadata."""
    make(folder, "docs/a.md")
    (folder / "docs" / os.fsdecode(b"caf\xe9.md")).write_text("text")
    (folder / "docs" / os.fsdecode(b"d\xe9")).mkdir()
    (folder / "docs" / os.fsdecode(b"d\xe9") / "b.md").write_text("text")
    listing = find_files("docs")
    assert list(listing.files) == ["docs/a.md"]
    assert listing.failed == [
        ("docs/caf\\xe9.md", "its name isn't valid Unicode"),
        ("docs/d\\xe9/b.md", "its name isn't valid Unicode"),
    ]
