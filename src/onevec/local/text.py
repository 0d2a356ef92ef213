"""Full-text search: SQLite's FTS5, with its BM25 and the Porter stemmer, in a file or in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from onevec.errors import InvalidQuery

if TYPE_CHECKING:
    import apsw

# Letters, digits, and the accents that `unicode61` drops from the letter before them. A character that is newer than
# its tables (Unicode 6.1), such as most emoji and U+2069, it takes for a letter; that is not left to it.
_WORD = re.compile(r"[\w\u0300-\u0331]+")
_CHUNK = 256

# FTS5 scores every word of the query for every row it finds: 5,000 words over 5,000 rows took two seconds.
MAX_WORDS = 1024

# A longer text is no question, and what it repeats would only take time.
_QUESTION = 64


class TextIndex:
    """One FTS5 table, of texts by row number. It keeps the words, not the texts.

    Scores are FTS5's `bm25()` with the sign turned, so that higher is better (k1 = 1.2, b = 0.75:
    https://www.sqlite.org/fts5.html#the_bm25_function). Texts and queries are split and folded by the `unicode61`
    tokenizer and stemmed by `porter`, so "wings" finds "wing".

    Args:
        connection: The apsw connection the table is in.
        table: Its name, made by the program and never from a user's text.
    """

    def __init__(self, connection: apsw.Connection, table: str) -> None:
        self._connection = connection
        self._table = table

    @property
    def sql(self) -> str:
        """The statement that makes the table."""
        return (
            f"CREATE VIRTUAL TABLE {self._table} USING fts5"
            "(text, content='', contentless_delete=1, tokenize='porter unicode61')"
        )

    def create(self) -> None:
        """Make the table."""
        self._connection.execute(self.sql)

    def drop(self) -> None:
        """Remove the table, if it is there."""
        self._connection.execute(f"DROP TABLE IF EXISTS {self._table}")

    def add(self, texts: Iterable[tuple[int, str]]) -> None:
        """Add `(row, text)` pairs."""
        words = ((row, text if text.isascii() else " ".join(_WORD.findall(text))) for row, text in texts)
        self._connection.executemany(f"INSERT INTO {self._table}(rowid, text) VALUES (?, ?)", words)

    def remove(self, rows: Iterable[int]) -> None:
        """Remove rows, those that are here."""
        self._connection.executemany(f"DELETE FROM {self._table} WHERE rowid = ?", ((row,) for row in rows))

    def flush(self) -> None:
        """Write into the tables beside it what FTS5 keeps in memory until the commit."""
        self._connection.execute(f"INSERT INTO {self._table}({self._table}) VALUES ('flush')")

    def search(
        self, query: str, top_k: int, keep: Callable[[npt.NDArray[np.int64]], Sequence[bool] | npt.NDArray[np.bool_]]
    ) -> list[tuple[int, float]]:
        """Return `(row, score)` of the best rows that have a word of the query, best first.

        Args:
            query: Any text of up to 1,024 different words; it has no syntax. Without a word in it nothing is found.
            top_k: How many. Rows that score like the last of them come with it, so that the caller can break the tie.
            keep: Says of some row numbers which may be in the result.
        """
        expression = match_expression(query)
        if not expression:
            return []
        ranked = self._connection.execute(
            f"SELECT rowid, -rank FROM {self._table} WHERE {self._table} MATCH ? ORDER BY rank",
            (expression,),
        )
        best: list[tuple[int, float]] = []
        while chunk := list(islice(ranked, _CHUNK)):
            kept = keep(np.fromiter((row for row, _ in chunk), np.int64, len(chunk)))
            for (row, score), wanted in zip(chunk, kept, strict=True):
                if len(best) >= top_k and score < best[top_k - 1][1]:
                    ranked.close()
                    return best
                if wanted:
                    best.append((row, score))
        return best


def match_expression(query: str) -> str:
    """Return the FTS5 expression for "any of the words of this text"; empty if it has none.

    A word counts as often as it stands there, as BM25 has it; in a text of more than 64 words, once.

    Raises:
        InvalidQuery: It has more than 1,024 different words.
    """
    words: list[str] = []
    repeated: list[str] = []
    known: set[str] = set()
    for word in _WORD.findall(query):
        (repeated if word.lower() in known else words).append(word)
        known.add(word.lower())
    if len(words) > MAX_WORDS:
        raise InvalidQuery(
            f"a text search takes up to {MAX_WORDS} different words, got {len(words)}; search for the words that matter"
        )
    if len(words) + len(repeated) <= _QUESTION:
        words += repeated
    return " OR ".join(f'"{word}"' for word in words)
