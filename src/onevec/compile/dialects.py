"""The languages that engines have for conditions, as far as a caller's own text needs to be looked through."""

from __future__ import annotations

from typing import NamedTuple


class TextDialect(NamedTuple):
    """A language of conditions.

    Attributes:
        language: Its name, for messages.
        strings: A pattern of its strings, and of its names in quotes.
        symbols: The characters of its operators.
        placeholder: What stands for a bound value, if it has that.
        words: Words that can't be in a condition: those that begin a subquery, or reach beyond the document.
        calls: The functions, and words before a parenthesis, that can be; None for all, where none reads other tables.
        lists: Whether only a list can follow IN, which otherwise reads a table.
    """

    language: str
    strings: str
    symbols: str
    placeholder: str | None = None
    words: frozenset[str] = frozenset()
    calls: frozenset[str] | None = None
    lists: bool = False


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_SUBQUERIES = _words("select values table")
_STRING = r"'(?:[^']|'')*'"
_NAME = r"[A-Za-z0-9_ .-]*"

SQLITE = TextDialect(
    "SQLite's SQL",
    rf'{_STRING}|"{_NAME}"|`{_NAME}`|\[{_NAME}\]',
    "-+*/<>=!~|&%,.",
    placeholder="?",
    words=_SUBQUERIES | {"load_extension", "fts3_tokenizer"},
    lists=True,
)
LANCE = TextDialect("LanceDB's SQL", rf'{_STRING}|"{_NAME}"|`{_NAME}`', "-+*/<>=!~|&%,.", words=_SUBQUERIES)
MILVUS = TextDialect("a Milvus expression", r"""'(?:[^'\\\r\n]|\\.)*'|"(?:[^"\\\r\n]|\\.)*\"""", "-+*/<>=!|&%,.")

# Other functions run queries (query_to_xml), read files (pg_read_file), or are the database's own.
_POSTGRES_CALLS = _words(
    "all and any array as between case cast char collate decimal else escape exists for from ilike in is like not",
    "numeric or row similar some then to varchar when bit halfvec sparsevec vector time timestamp timestamptz interval",
    "abs ceil ceiling div exp floor greatest least ln log mod nullif coalesce pi power random round sign sqrt trunc",
    "ascii btrim char_length character_length chr concat concat_ws initcap left length lower lpad ltrim md5",
    "octet_length overlay position regexp_count regexp_instr regexp_like regexp_match regexp_replace regexp_substr",
    "replace reverse right rpad rtrim split_part starts_with strpos substr substring translate trim unaccent upper",
    "array_append array_cat array_length array_position array_to_string cardinality string_to_array",
    "jsonb_array_length jsonb_build_array jsonb_build_object jsonb_exists jsonb_exists_all jsonb_exists_any",
    "jsonb_extract_path jsonb_extract_path_text jsonb_path_exists jsonb_path_exists_tz jsonb_path_match",
    "jsonb_path_match_tz jsonb_path_query_first jsonb_typeof to_jsonb",
    "age date_bin date_part date_trunc extract isfinite justify_days make_date make_interval make_timestamp",
    "make_timestamptz now to_char to_date to_number to_timestamp",
    "phraseto_tsquery plainto_tsquery to_tsquery to_tsvector ts_rank ts_rank_cd websearch_to_tsquery",
    "similarity strict_word_similarity word_similarity levenshtein soundex",
    "cosine_distance inner_product l1_distance l2_distance l2_norm vector_dims vector_norm",
)
POSTGRES = TextDialect(
    "PostgreSQL's SQL",
    rf"'(?:[^'\\]|'')*'|\"{_NAME}\"",  # a backslash is one character or an escape, as the server is set up
    "-+*/<>=!~|&^%,.?@#",
    placeholder="%s",
    words=_SUBQUERIES,
    calls=_POSTGRES_CALLS,
)
