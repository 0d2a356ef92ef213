"""The examples run as they stand, and print what they say they print."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


def promised(example: Path) -> re.Pattern[str]:
    """Return the pattern of what the docstring says the example prints; `...` is anything."""
    docstring = ast.get_docstring(ast.parse(example.read_text("utf-8"))) or ""
    _, found, output = docstring.partition("Prints:\n")
    assert found, f"{example.name} doesn't say what it prints"
    return re.compile(".*?".join(map(re.escape, dedent(output).strip().split("..."))), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_the_example_prints_what_it_says(example: Path, tmp_path: Path) -> None:
    """Run in an empty folder, it ends well, without a warning, and its output is the one in its docstring."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert promised(example).fullmatch(done.stdout.strip()), done.stdout
