"""Searches of a file: whole, in one read transaction, or begun where the caller stands, if that is sure to be brief."""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

import apsw
import numpy as np
import numpy.typing as npt

from onevec.adapter import Found, Place, Request
from onevec.adapters.sqlite import documents, native, texts
from onevec.adapters.sqlite.collections import namespace_number
from onevec.adapters.sqlite.file import StoreFile
from onevec.adapters.sqlite.recent import RecentDocuments
from onevec.adapters.sqlite.spaces import Spaces
from onevec.adapters.sqlite.verified import Verified
from onevec.errors import EngineBusy
from onevec.local.space import SearchSpace
from onevec.local.vectors import Matrix, Rows
from onevec.runtime import Rest

# Row numbers and distances, both of shape (found,).
Nearest: TypeAlias = tuple[Rows, npt.NDArray[np.float64]]


class Finder:
    """Searches one file, by what `spaces` has of it in memory."""

    def __init__(self, file: StoreFile, spaces: Spaces, verified: Verified) -> None:
        self._file = file
        self._spaces = spaces
        self._verified = verified
        self._recent = RecentDocuments()

    def whole(self, place: Place, request: Request, ranking: texts.Ranking | None = None) -> list[Found]:
        """Search; of texts by their ranking, if nothing was written since."""
        with self._file.reading() as connection:
            return self._search(connection, place, request, ranking)

    def brief(self, place: Place, request: Request) -> list[Found] | Rest[list[Found]]:
        """Search as far as that takes less than a millisecond and waits for nothing, neither a lock nor the disk."""
        whole = Rest(partial(self.whole, place, request))
        if request.vector is None or request.ids is not None or request.native is not None or request.include_vectors:
            return whole
        try:
            with self._file.glancing() as connection:
                space = None if connection is None else self._spaces.current(connection, place)
                if space is None or not space.is_brief(
                    request.top_k, request.filter, exact=request.exact, width=request.width
                ):
                    return whole
                values = _values(self.nearest(space, request.vector, request, None))
                version = self._spaces.version
                found = self._recent.found(values)
        except EngineBusy:
            return whole
        return Rest(partial(self._rest, place, request, version, values)) if found is None else found

    def kept(self, place: Place, request: Request) -> texts.Kept | None:
        """Return which rows a text search may find; None if nothing was written yet."""
        with self._file.reading() as connection:
            number = self._spaces.number(connection, place)
            if number is None:
                return None
            space = self._spaces.space(connection, place, number)
            keep = space.keeper(request.filter, self._rows(connection, number, request))
            return texts.Kept(texts.state(connection, number), keep)

    def rank(self, place: Place, request: Request, kept: texts.Kept | None) -> tuple[bool, texts.Ranking | None]:
        """Return whether the texts are indexed, and what takes long in searching them.

        It is done apart from other reads: the other half of a hybrid search runs meanwhile.
        """
        with self._file.ranking() as connection:
            number = namespace_number(connection, place)
            if number is None:
                return True, None
            self._verified.ids(connection, number)
            if not self._has_current_texts(connection, number):
                return False, None
            return True, texts.ranked(connection, number, request.text or "", request.top_k, kept)

    def nearest(self, space: SearchSpace, vector: Matrix, request: Request, rows: list[int] | None) -> Nearest:
        """Return the rows and distances of the nearest."""
        return space.search(vector, request.top_k, request.filter, rows, exact=request.exact, width=request.width)

    def _rest(self, place: Place, request: Request, version: int, values: dict[int, float]) -> list[Found]:
        """The documents of rows that were found when the file's content had this version."""
        with self._file.reading() as connection:
            if self._spaces.is_at(connection, version):
                return documents.found(connection, values, request, self._recent)
            return self._search(connection, place, request, None)

    def _search(
        self, connection: apsw.Connection, place: Place, request: Request, ranking: texts.Ranking | None
    ) -> list[Found]:
        number = self._spaces.number(connection, place)
        if number is None:
            return []
        is_current = request.text is not None and self._has_current_texts(connection, number)
        if ranking is not None and is_current and ranking.state == texts.state(connection, number):
            return documents.found(connection, ranking.scores, request, self._recent)
        space = self._spaces.space(connection, place, number)
        rows = self._rows(connection, number, request)
        if request.vector is not None:
            values = _values(self.nearest(space, request.vector, request, rows))
        else:
            index = texts.index_of(connection, number) if is_current else self._spaces.texts(connection, number)
            values = dict(index.search(request.text or "", request.top_k, space.keeper(request.filter, rows)))
        return documents.found(connection, values, request, self._recent)

    def _rows(self, connection: apsw.Connection, number: int, request: Request) -> list[int] | None:
        """The rows that a search is restricted to, its filter aside; None for all."""
        rows = None
        if request.ids is not None:
            self._verified.ids(connection, number)
            rows = documents.rows_of(connection, number, request.ids)
        if request.native is not None:
            self._verified.contents(connection, number)
            rows = native.rows_that_match(connection, number, request.native, rows)
        return rows

    def _has_current_texts(self, connection: apsw.Connection, number: int) -> bool:
        return texts.is_current(connection, number) and self._verified.texts(connection, number)


def _values(nearest: Nearest) -> dict[int, float]:
    rows, distances = nearest
    return dict(zip(rows.tolist(), distances.tolist(), strict=True))
