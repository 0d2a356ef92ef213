"""Strings that break software which puts them together with others: quotes, wildcards, operators, paths, Unicode.

The contract gives none of them a meaning of its own: whatever is written as an id, a name, a key, a value, a text or a
query is that string and nothing else. Each is a plain `str` of valid Unicode; no two are equal.
"""

from __future__ import annotations

_SQL = (
    *("'", "''", '"', '""', "`", "'; DROP TABLE documents; --", '"; DROP TABLE documents; --'),
    *("x'); DELETE FROM documents; --", "' OR '1'='1", '" OR "1"="1', "' OR 1=1 --", "' OR 1=1 #"),
    *("' OR 1=1 /*", "1 OR 1=1", "') OR ('1'='1", "' UNION SELECT name FROM sqlite_master --"),
    *("' UNION ALL SELECT NULL, NULL, NULL --", "'; ATTACH DATABASE 'other.db' AS other; --"),
    *("'; PRAGMA writable_schema = 1; --", "'; UPDATE documents SET namespace = ''; --"),
    *("'; COPY documents TO PROGRAM 'id'; --", "'||(SELECT pg_sleep(5))||'", "'; WAITFOR DELAY '0:0:5'; --"),
    *("admin'--", "a/**/b", "a--b", "/* a */", "$$a$$", "$tag$a$tag$", "E'\\x27'", "0x27", "X'00'", "N'a'"),
    *("?", "?1", ":id", "@id", "$1", "%s", "%(id)s", "NULL", "SELECT", "rowid"),
)

_PATTERNS = (
    *("%", "_", "%%", "a%", "_a_", "100%_sure", "\\%", "*", "**", "a*", "a?c", "[a-z]", "[^a]", "[", "]"),
    *("(", ")", "{", "}", "^$", ".*", "(a+)+$", "(?i)A", "a|b", "\\d+", "\\Q"),
)

_JSON = (
    *('{"a": 1}', "[1, 2]", '"a"', "null", "true", "0", "-1", "1e999", "NaN", "Infinity", "$", "$.a", "$[0]"),
    *("$.a[*]", "a.b", "a..b", ".", "..", ".a", "a.", "a[0]", 'a"].b["c', 'a","b":"c', '"}, {"id": "x', "\\"),
    *("\\\\", '\\"', "\\u0000", "\\n", "{a,b}", "a->b", "a->>'b'", "a#>>'{b}'", "__proto__", "constructor"),
    "__class__",
)

_OPERATORS = (
    *('{"$gt": ""}', '{"$ne": null}', '{"$where": "sleep(5000)"}', '{"$datetime": "2020-01-01T00:00:00Z"}'),
    *("$gt", "$and", "$or", "$not", "$where", "$datetime", "$$datetime", "$contains"),
    *("year >= 1958 or all_of()", "all_of()", "not", "a == 1"),
)

_QUERIES = (
    *("AND", "OR", "NOT", "NEAR", "a AND b", "a OR b", "a NOT b", "NOT a", "a NEAR b", "NEAR(a b)"),
    *("NEAR(a b, 2", "NEAR/2", "text: a", "text : a OR id : b", "{text id}: a", "-text: a", "- {text}: a"),
    *("^a", "a + b", '"a', 'a"b"c', '"a" *', "a* b*", "(a OR b", "()", "a, b; c: d", "+a -b", "a && b || !c"),
    *("a~2", '"a b"~3', "a^4", "[a TO z]", "{a TO z}", "[* TO *]", "_exists_:a", "id:*", "*:*", "a\\:b"),
    *("<a>", ">=1", "/a.*/", 'id == "a" or id != ""', 'id in ["a", "b"]', 'id like "%"', "id > 0 || 1 == 1"),
    *('json_contains(metadata["tags"], "a")', "array_length(a) > 0", '") { id } } #'),
    *('"}) { _additional { id } } # ', "{ Get { Papers(where: {operator: Or, operands: []}) { text } } }"),
    *("query { __schema { types { name } } }", "@key:{a}", "=>[KNN 10 @vector $v]"),
)

_PROGRAMS = (
    *("$(id)", "`id`", "; id", "| id", "& id", "&& id", "$HOME", "${HOME}", "${ONEVEC_SECRET}", "%PATH%"),
    *("~", "-rf", "--help", "-", "#", "!", "a b", "a=b", "a&b=c", "a#b", "a%20b", "%00", "%2e%2e%2f"),
    *("http://localhost:1/", "file:///etc/passwd", "sqlite:///other.db", "memory://", "{}", "{0}"),
    *("{0.__class__}", "{self}", "{!r}", "%d", "%n", "%(a", "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>"),
    *("{% raw %}", "${jndi:ldap://localhost:1/a}", "__import__('os').getcwd()", "<script>alert(1)</script>"),
    *("<!--", "]]>", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]>", "=1+1", "@SUM(1)"),
    *("[bold]a[/bold]", "[/]"),
)

_PATHS = (
    *("../a", "../../../../etc/passwd", "..\\..\\a", "/", "/a", "//a", "a/b", "a\\b", "./a", "C:\\a"),
    *("\\\\host\\a", "CON", "nul.txt", "a.db", "a.db-wal", ".hidden", "a:b", "a ", " a", " "),
)

_CONTROLS = (
    *("\0", "a\0b", "\0a", "a\0", "\n", "a\nb", "a\r\nb", "\t", "\x01", "\x08", "\x1a", "\x1b[31mred\x1b[0m"),
    *("\x1b]0;title\x07", "\x7f", "\x85", "a\r\nSet-Cookie: b=c", "GET / HTTP/1.1\r\n\r\n"),
)

_UNICODE = (
    "\u00e9",  # e acute in one character ...
    "e\u0301",  # ... and in two
    *("\u00df", "SS"),
    "\u0130",  # a capital I with a dot: two characters in lower case
    "\u0131",
    "\u212a",  # the Kelvin sign: a k in lower case
    "\uff07",  # fullwidth quotes, which some normal forms make plain ones
    *("\uff02", "\uff1b DROP TABLE documents", "\uff0e\uff0e\uff0f", "\u02bc", "\u2018a\u2019", "\u2032"),
    *("\u00a0", "\u3000", "\u200b", "a\u200bb", "\u200d", "\ufeff", "\ufeffa", "\u2028", "\u2029"),
    "\u202ecba",  # right to left
    *("\u2067a\u2069", "\u05d0\u05d1\u05d2", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629"),
    "\u65e5\u672c\u8a9e",
    "\ufdfa",  # one character, eighteen in a compatibility form
    *("\U0001f9a9", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\U0010ffff"),
    *("\ufffd", "\uffff", "\ue000"),
    "\u0660\u0661",  # digits that are not 0 to 9
    "\u2460",
    "\u0430dmin",  # a Cyrillic a
    "Z" + "\u0351\u0321" * 40,
)

_LENGTHS = (
    *("", "a" * 128, "a" * 129, "a" * 512, "a" * 513, "\U0001f9a9" * 128, "'" * 1000, "(" * 1000, "[" * 1000),
    *("a" * 100_000, "a " * 10_000),
)

PAYLOADS: tuple[str, ...] = (
    *_SQL,
    *_PATTERNS,
    *_JSON,
    *_OPERATORS,
    *_QUERIES,
    *_PROGRAMS,
    *_PATHS,
    *_CONTROLS,
    *_UNICODE,
    *_LENGTHS,
)
