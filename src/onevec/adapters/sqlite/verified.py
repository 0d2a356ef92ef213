"""What of a file a store has compared with its checksums; each part before it is first relied on."""

from __future__ import annotations

import apsw

from onevec.adapters.sqlite import texts
from onevec.adapters.sqlite.checksums import verify_contents, verify_ids
from onevec.filters import Filter


class Verified:
    """The namespaces whose parts were verified. What is written while a store is open is taken as it is."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._contents: set[int] = set()
        self._texts: set[int] = set()

    def ids(self, connection: apsw.Connection, number: int) -> None:
        """Verify which ids there are: for what finds documents by id, or in the order of ids."""
        if number not in self._ids:
            verify_ids(connection, number)
            self._ids.add(number)

    def contents(self, connection: apsw.Connection, number: int) -> None:
        """Verify the documents, texts and vectors aside: for what SQLite itself looks for in them."""
        self.ids(connection, number)
        if number not in self._contents:
            verify_contents(connection, number)
            self._contents.add(number)

    def what_finds(self, connection: apsw.Connection, number: int, filter: Filter | None) -> None:
        """Verify what documents are found by: with a filter, by what is in them."""
        if filter is None:
            self.ids(connection, number)
        else:
            self.contents(connection, number)

    def texts(self, connection: apsw.Connection, number: int) -> bool:
        """Verify the full-text index; say whether it can be searched or brought up to date, or must be made anew."""
        if number not in self._texts:
            if not texts.is_sound(connection, number):
                return False
            self._texts.add(number)
        return True
