"""Compile a lowered filter into an engine's own language.

`Compiler` walks the tree; an engine's compiler says how its conditions look and how they combine. `SqlCompiler` is the
family of the SQL dialects, `SqliteCompiler` the one for metadata in a column of JSON text. `FacetCompiler` is the
family of the engines that keep facets, and `DictCompiler` that of those among them which filter by `$` dicts.
"""

from onevec.compile.dicts import DictCompiler
from onevec.compile.facets import FacetCompiler
from onevec.compile.sql import Sql, SqlCompiler, SqlValue
from onevec.compile.sqlite import FUNCTIONS, SqliteCompiler
from onevec.compile.tree import Compiler, compiles

__all__ = [
    "FUNCTIONS",
    "Compiler",
    "DictCompiler",
    "FacetCompiler",
    "Sql",
    "SqlCompiler",
    "SqlValue",
    "SqliteCompiler",
    "compiles",
]
