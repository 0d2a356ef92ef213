"""What adapters of other people's engines share: what a document, a collection and a failure look like there.

Nothing here talks to an engine or knows one; each piece is a function from what the contract has to what engines have,
or back. `docs/write-an-adapter.md` says how they go together.
"""

from onevec.remote.collections import engine_name, info_from, info_to_keep
from onevec.remote.failures import failure_of_status, seconds_of
from onevec.remote.folders import locked, store_folder
from onevec.remote.handles import Missing, about, deleted
from onevec.remote.nearest import nearest
from onevec.remote.rows import Row, document_of, patched, point_id, rows_of, undated
from onevec.remote.turns import Turns, in_turn
from onevec.remote.vectors import check_measurable, unit, units

__all__ = [
    "Missing",
    "Row",
    "Turns",
    "about",
    "check_measurable",
    "deleted",
    "document_of",
    "engine_name",
    "failure_of_status",
    "in_turn",
    "info_from",
    "info_to_keep",
    "locked",
    "nearest",
    "patched",
    "point_id",
    "rows_of",
    "seconds_of",
    "store_folder",
    "undated",
    "unit",
    "units",
]
