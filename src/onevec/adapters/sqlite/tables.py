"""The tables of a store's file."""

from __future__ import annotations

# A row's content never changes: a replaced document gets a new row, above all others, and its old row is listed in
# `gone`. So a process that has seen everything up to a row and a `gone` entry catches up by reading what is above.
# `gone` is cut from time to time; who has seen less than `cut` compares all rows instead.
#
# The checksums are CRC-32 (see checksums.py). Columns of a fixed size come first, so that reading them doesn't pass
# through texts and vectors.
TABLES = """
CREATE TABLE collections (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    dimension INTEGER NOT NULL,
    metric TEXT NOT NULL,
    embedder TEXT,
    index_settings TEXT,               -- JSON of what create_index was given; NULL: nothing
    created INTEGER NOT NULL,          -- microseconds since 1970, like all times here
    checksum INTEGER                   -- of the columns above
);
CREATE TABLE namespaces (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collections(number),
    name TEXT NOT NULL,
    documents INTEGER NOT NULL DEFAULT 0,  -- how many there are
    ids INTEGER NOT NULL DEFAULT 0,        -- the sum of the checksums of their rows and ids
    contents INTEGER NOT NULL DEFAULT 0,   -- the sum of their checksums
    indexed_row INTEGER,               -- texts_<number> has the texts up to this row; NULL: there is no such table
    indexed_gone INTEGER,              -- and lacks those that `gone` lists up to here
    indexed INTEGER,                   -- the sum of the checksums of what that table consists of
    checksum INTEGER,                  -- of the columns above
    UNIQUE (collection, name)
);
CREATE TABLE documents (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace INTEGER NOT NULL REFERENCES namespaces(number),
    checksum INTEGER NOT NULL,         -- of all other columns, by their own checksums where they have one
    text_checksum INTEGER NOT NULL,
    vector_checksum INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    id TEXT NOT NULL,
    metadata TEXT NOT NULL,            -- JSON; a datetime is {"$datetime": "2020-01-01T00:00:00.000000Z"}
    text TEXT,
    vector BLOB NOT NULL,              -- float32, little-endian
    UNIQUE (namespace, id)
);
CREATE INDEX documents_namespace ON documents (namespace);
CREATE TABLE gone (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace INTEGER NOT NULL,
    row INTEGER NOT NULL
);
CREATE TABLE cut (seq INTEGER NOT NULL);
INSERT INTO cut VALUES (0);
CREATE TABLE seal (                    -- one row: what the last commit left
    sums INTEGER NOT NULL,             -- the sum of the checksums of all collections and namespaces
    checksum INTEGER NOT NULL          -- of that, of `cut`, and of the highest numbers given out so far
);
"""
