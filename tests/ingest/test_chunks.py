"""Files to chunks: where they are cut, and that their line numbers are true."""

from __future__ import annotations

import random
import textwrap
from itertools import pairwise
from pathlib import Path

import pytest

from onevec.errors import InvalidInput
from onevec.ingest.chunks import tokens_in
from onevec.ingest.contents import Contents
from onevec.ingest.files import find_files
from onevec.ingest.pieces import IngestOptions, Piece, Skipped
from onevec.ingest.reading import BLOCK, Unreadable, open_source


def options(*, chunk_tokens: int = 256, overlap_tokens: int = 0) -> IngestOptions:
    return IngestOptions(
        chunk_tokens=chunk_tokens,
        overlap_tokens=overlap_tokens,
        id_field=None,
        text_field=(),
        vector_field="vector",
        metadata_fields=None,
    )


def chunks(path: Path, *, chunk_tokens: int = 256, overlap_tokens: int = 0) -> list[Piece]:
    (file,) = find_files(path).files.values()
    source = open_source(file)
    try:
        pieces = list(Contents(options(chunk_tokens=chunk_tokens, overlap_tokens=overlap_tokens)).pieces(source))
        source.check_unchanged()
    finally:
        source.close()
    assert not any(isinstance(piece, Skipped) for piece in pieces)
    return [piece for piece in pieces if isinstance(piece, Piece)]


def prose(lines: int, seed: int = 0) -> str:
    draw = random.Random(seed)
    words = ["wing", "flow", "größe", "boundary", "layer", "shock", "Mach", "lift", "流体"]
    made: list[str] = []
    while len(made) < lines:
        made += textwrap.wrap(" ".join(draw.choices(words, k=draw.randint(5, 120))) + ".", 70)
        made += [""] * draw.choice([1, 1, 2, 3])
    return "\n".join(made[:lines])


CODE = '''
"""A module."""

import os


def first(a, b):
    """Add."""
    return a + b


class Second:
    """Two methods."""

    def one(self):
        return 1

    def two(self):
        return os.sep
'''


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.py", "a.rst", "a.js", "a.toml"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_lines_of_a_chunk_hold_its_text(folder: Path, name: str, newline: str) -> None:
    """Read back from the file, lines `start_line` to `end_line` are the chunk; together the chunks are the file."""
    text = (CODE * 100 if name == "a.py" else prose(3000)).lstrip()
    path = folder / name
    path.write_bytes(text.replace("\n", newline).encode())
    lines = path.read_text().split("\n")
    found = chunks(path)
    assert len(found) > 10
    assert [piece.number for piece in found] == list(range(len(found)))
    for piece in found:
        assert piece.text is not None
        of_lines = "\n".join(lines[piece.start_line - 1 : piece.end_line])
        assert piece.text in of_lines
        assert piece.text.split("\n")[0] in lines[piece.start_line - 1]
        assert piece.text.split("\n")[-1] in lines[piece.end_line - 1]
    assert "".join("".join(piece.text or "" for piece in found).split()) == "".join(text.split())


def test_no_chunk_is_larger_than_asked(folder: Path) -> None:
    """Not even where the text has no joints."""
    (folder / "a.txt").write_text(prose(200) + "\n" + "x" * 10_000 + "\n" + "词" * 5_000)
    assert max(tokens_in(piece.text or "") for piece in chunks(folder / "a.txt", chunk_tokens=40)) <= 40


def test_chunks_may_overlap(folder: Path) -> None:
    """With `overlap_tokens` a chunk begins with the end of the one before, and its lines say so."""
    (folder / "a.txt").write_text("".join(f"line {n} of the text\n" for n in range(400)))
    found = chunks(folder / "a.txt", chunk_tokens=50, overlap_tokens=20)
    assert all(b.start_line <= a.end_line for a, b in pairwise(found))
    assert len(found) > len(chunks(folder / "a.txt", chunk_tokens=50))


@pytest.mark.parametrize(("chunk_tokens", "overlap_tokens"), [(0, 0), (10, 10), (10, -1)])
def test_an_impossible_budget_is_refused(chunk_tokens: int, overlap_tokens: int) -> None:
    """Before anything is read."""
    with pytest.raises(InvalidInput, match="chunk_tokens"):
        options(chunk_tokens=chunk_tokens, overlap_tokens=overlap_tokens)


def test_python_is_cut_between_functions(folder: Path) -> None:
    """A function that fits in a chunk is in one."""
    (folder / "a.py").write_text(CODE)
    texts = [piece.text or "" for piece in chunks(folder / "a.py", chunk_tokens=16)]
    assert any(text.startswith("def first") and text.endswith("return a + b") for text in texts)


def test_a_markdown_chunk_knows_its_heading(folder: Path) -> None:
    """The nearest one above, or its own; a `#` in a fence is none."""
    body = "word " * 60
    text = f"before\n\n# One #\n\n{body}\n\n{body}\n\n```sh\n# not a heading\n```\n\n{body}\n\n## Two\n\n{body}\n"
    (folder / "a.md").write_text(text)
    found = chunks(folder / "a.md", chunk_tokens=80)
    headings = [piece.metadata.get("heading") for piece in found]
    assert headings == [None, *["One"] * (len(found) - 2), "Two"]
    assert len(found) > 4


def test_markdown_headings_carry_over_from_block_to_block(folder: Path) -> None:
    """A section of many blocks has its heading to the end."""
    (folder / "a.md").write_text("# Long\n\n" + prose(6000))
    found = chunks(folder / "a.md")
    assert len((folder / "a.md").read_text()) > 3 * BLOCK
    assert {piece.metadata["heading"] for piece in found} == {"Long"}


HTML = """<!doctype html>
<html><head><title>Wings &amp; flow</title>
<style>p { color: red }</style>
<script>if (a < b) { document.write("<p>never</p>") }</script>
</head><body>
<h1>Slip<b>stream</b></h1>
<p>One <i>experimental</i> study
of a wing.</p><!-- a
comment --><noscript>Turn it on</noscript>
<pre>
  kept   as
      it is
</pre>
<table><tr><td>a</td><td>b</td></tr></table>first<br>second
</body></html>
"""


def test_html_gives_its_visible_text(folder: Path) -> None:
    """Words stay whole, paragraphs apart, scripts, styles and comments out."""
    (folder / "a.html").write_text(HTML)
    (piece,) = chunks(folder / "a.html")
    assert (piece.text or "").split("\n\n") == [
        *("Wings & flow", "Slipstream", "One experimental study\nof a wing."),
        *("  kept   as\n      it is", "a b", "first\nsecond"),
    ]
    assert (piece.start_line, piece.end_line) == (2, 14)


def test_html_chunks_have_the_lines_of_the_file(folder: Path) -> None:
    """Also past comments, scripts and tags of many lines, over many blocks."""
    parts = [
        f"<div\n class='x'>\n<!-- {'c' * 50}\n -->\n<script>\n\n</script><p>mark{n} {'word ' * 30}</p>\n</div>"
        for n in range(2000)
    ]
    (folder / "a.html").write_text("\n".join(parts))
    lines = (folder / "a.html").read_text().split("\n")
    seen = 0
    for piece in chunks(folder / "a.html"):
        of_lines = "\n".join(lines[piece.start_line - 1 : piece.end_line])
        marks = [word for word in (piece.text or "").split() if word.startswith("mark")]
        seen += len(marks)
        assert all(f"<p>{mark} " in of_lines for mark in marks)
        assert of_lines.count("<p>") <= len(marks) + 1
    assert seen == 2000


def test_html_that_never_ends_is_refused_and_not_collected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment left open would take all the memory, and ever more time."""
    monkeypatch.setattr("onevec.ingest.markup._LONGEST_TAG", 2 * BLOCK)
    (folder / "a.html").write_text("<p>a</p>\n<!-- " + "x" * (4 * BLOCK))
    with pytest.raises(Unreadable, match="line 2 doesn't end"):
        chunks(folder / "a.html")


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.txt", "\ufeffgröße".encode(), "größe"),
        ("a.txt", "größe".encode("utf-16"), "größe"),
        ("a.html", b'<meta charset="latin-1"><p>gr\xf6\xdfe', "größe"),
        ("a.html", b'<meta charset="no-such"><p>word', "word"),
        ("a.html", b'<meta charset="utf-16"><p>word', "word"),
    ],
)
def test_the_encoding_is_found(folder: Path, name: str, data: bytes, text: str) -> None:
    """UTF-8, with a mark or without; UTF-16 with one; what an HTML file says of itself."""
    (folder / name).write_bytes(data)
    assert [piece.text for piece in chunks(folder / name)] == [text]


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"GIF89a\x00\x01", "binary"), (b"caf\xe9 au lait", "not utf-8"), (b"a" * 200_000 + b"\xc3", "not utf-8")],
)
def test_what_is_not_text_is_refused_before_its_first_chunk(folder: Path, data: bytes, reason: str) -> None:
    """A bad byte at the end of a long file keeps all of it out."""
    (folder / "a.txt").write_bytes(data)
    (file,) = find_files(folder / "a.txt").files.values()
    with pytest.raises(Unreadable, match=reason):
        open_source(file)


def test_a_file_that_changes_while_it_is_read_is_noticed(folder: Path) -> None:
    """Its chunks and its hash would be of different texts."""
    path = folder / "a.txt"
    path.write_text("one")
    (file,) = find_files(path).files.values()
    source = open_source(file)
    path.write_text("three")
    with pytest.raises(Unreadable, match="while it was read"):
        source.check_unchanged()
    source.close()


@pytest.mark.parametrize("data", ["", "\n\n \n", "\n" * 200_000])
def test_a_file_without_text_has_no_chunk(folder: Path, data: str) -> None:
    """White space isn't worth a vector."""
    (folder / "a.md").write_text(data)
    assert chunks(folder / "a.md") == []
