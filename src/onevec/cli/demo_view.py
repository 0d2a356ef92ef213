"""How the demo looks in a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rich.text import Text

from onevec.cli.demo import COLLECTION, Answer, Built, Question
from onevec.cli.output import console, print_rich, print_text
from onevec.cli.text import printable, score_text, snippet
from onevec.config import shown
from onevec.documents import Hit

_INDENT = 2
_SCORE = 7
_GAP = 2


def show(built: Built, answers: Sequence[Answer], *, python: str) -> None:
    """Print what was built, the questions with their hits, and what to try on the store."""
    print_rich(
        Text(f"The documentation inside Python {python}, searched with onevec", style="bold"),
        Text(),
        *_facts(built),
        Text(),
        *_questions(answers),
    )
    if built.stays:
        target = built.target if shown(built.target) == built.target else "URL"
        print_text(_next(target, next((hit.id for answer in answers for hit in answer.hits), "dict")))
    else:
        print_text("That store is gone now. `onevec demo` without --store makes one to go on with.")


def _facts(built: Built) -> Iterator[Text]:
    for label, value in (
        ("store", printable(shown(built.target))),
        ("collection", COLLECTION),
        ("documents", f"{built.documents:,} docstrings, read in {built.read_seconds:.1f} s"),
        ("indexed in", f"{built.index_seconds:.1f} s, {built.documents_per_second:,.0f} documents a second"),
    ):
        yield Text.assemble((f"{label:<10}", "dim"), "  ", value)


def _questions(answers: Sequence[Answer]) -> Iterator[Text]:
    width = console().width
    longest = max((len(hit.id) for answer in answers for hit in answer.hits), default=0)
    names = min(longest, max(20, width // 3))
    for answer in answers:
        yield _asked(answer, width)
        for hit in answer.hits:
            yield _line(answer, hit, names, width)
        if not answer.hits:
            yield Text("  no hits")
        yield Text()


def _asked(answer: Answer, width: int) -> Text:
    query, filter, mode = answer.question
    asked = Text.assemble((f'"{query}"', "bold"), (f"  {1000 * answer.seconds:.1f} ms", "dim"))
    options = f"--filter {shlex.quote(filter)}" if filter is not None else "--mode text" if mode == "text" else ""
    if options:
        asked.append("  " if len(asked) + len(options) + 2 <= width else "\n  ").append(options)
    return asked


def _line(answer: Answer, hit: Hit, names: int, width: int) -> Text:
    name = Text(hit.id, style="cyan")
    name.truncate(names, overflow="ellipsis", pad=True)
    room = max(width - _INDENT - _SCORE - names - 2 * _GAP, 1)
    passage = Text(_passage(answer.question, hit, room))
    passage.truncate(room, overflow="ellipsis")
    return Text.assemble(" " * _INDENT, f"{score_text(hit.score):>{_SCORE}}", " " * _GAP, name, " " * _GAP, passage)


def _passage(question: Question, hit: Hit, room: int) -> str:
    """Where the words are for a search by words; else the first paragraph of the docstring, on one line."""
    text = (hit.text or "").removeprefix(f"{hit.id}: ")
    if question.mode == "text":
        return snippet(text, question.query, room)
    return " ".join(printable(text.partition("\n\n")[0]).split())


def _next(target: str, id: str) -> str:
    store = f"--store {shlex.quote(target)}"
    return f"""Try next

  onevec search "remove whitespace at the ends of a string" {store}
  onevec search "square root" --filter 'module != "math"' {store}
  onevec search umask --mode text {store}
  onevec get {id} {store}
  onevec info {store}

or in Python

  import onevec

  with onevec.connect({target!r}) as store:
      for hit in store.collection({COLLECTION!r}).search("a dictionary with a default value", top_k=5):
          print(f"{{hit.score:.3f}} {{hit.id}} {{hit.metadata['kind']}}")"""
