"""What the schema must hold, learnt from the migrations themselves, and what of it a catalogue lacks.

A dropped table, a column that is not there or a lost unique index would make every call fail, or files be kept twice:
so the start looks for them, and readiness does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from liftgate.catalog.connection import Connection
from liftgate.catalog.migrate import migrations

SHOWN = 3
SQLITE_WORDS = {"AUTOKEY": "INTEGER PRIMARY KEY AUTOINCREMENT"}

IN_SQLITE = (
    "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
    " UNION ALL SELECT 'index ' || name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
)
IN_POSTGRES = (
    "SELECT t.relname || '.' || a.attname FROM pg_namespace n JOIN pg_class t ON t.relnamespace = n.oid"
    " JOIN pg_attribute a ON a.attrelid = t.oid"
    " WHERE n.nspname = 'liftgate' AND t.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
    # What this role may not use is as good as not there.
    " AND has_schema_privilege(n.oid, 'USAGE')"
    " AND has_table_privilege(t.oid, 'SELECT') AND has_table_privilege(t.oid, 'INSERT')"
    " AND has_table_privilege(t.oid, 'UPDATE') AND has_table_privilege(t.oid, 'DELETE')"
    " UNION ALL SELECT 'index ' || i.relname FROM pg_namespace n JOIN pg_class i ON i.relnamespace = n.oid"
    " JOIN pg_index x ON x.indexrelid = i.oid WHERE n.nspname = 'liftgate' AND x.indisvalid"
)
"""Each gives what is there, a row of one text for every `table.column` and every `index name`."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One table. `columns` in the order of the schema; `key`: its primary key. `autokey`: the column whose values
    the database makes, or ''."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    autokey: str


def body_in_postgres(conn: Connection) -> str:
    """Which cluster, which database of it and which table these are: a copy or a restored dump has others."""
    [(database, table, allowed)] = conn.execute(
        "SELECT (SELECT oid FROM pg_database WHERE datname = current_database()),"
        " to_regclass('liftgate.store')::oid, has_function_privilege('pg_control_system()', 'EXECUTE')"
    )
    cluster = conn.execute("SELECT system_identifier FROM pg_control_system()")[0][0] if allowed else ""
    return f"{cluster}:{database}:{table}"


def _made(newest: int) -> sqlite3.Connection:
    raw = sqlite3.connect(":memory:")
    for migration in migrations():
        if migration.number <= newest:
            for statement in migration.in_words(SQLITE_WORDS):
                raw.execute(statement)
    return raw


def newest_schema() -> int:
    return migrations()[-1].number


@cache
def shapes(schema: int) -> tuple[Shape, ...]:
    """The tables of a schema's number, in the order in which they are made: what is referred to comes first."""
    raw = _made(schema)
    try:
        found = []
        names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid").fetchall()
        for (name,) in names:
            if name.startswith("sqlite_"):
                continue
            columns = raw.execute("SELECT name, type, pk FROM pragma_table_info(?)", (name,)).fetchall()
            key = [(place, column) for column, _, place in columns if place]
            made = [column for column, kind, place in columns if place and kind == "INTEGER"]
            found.append(
                Shape(
                    name,
                    tuple(column for column, _, _ in columns),
                    tuple(column for _, column in sorted(key)),
                    made[0] if made else "",
                )
            )
        return tuple(found)
    finally:
        raw.close()


@cache
def _expected() -> frozenset[str]:
    raw = _made(newest_schema())
    try:
        return frozenset(row[0] for row in raw.execute(IN_SQLITE) if not row[0].startswith("sqlite_"))
    finally:
        raw.close()


def lacking(there: Iterable[str]) -> str:
    """What is not there, for a sentence: `table files, index files_alias and 2 more`; "" when all is."""
    found = set(there)
    names: dict[str, None] = {}
    for gone in sorted(_expected() - found, key=lambda name: (name.startswith("index "), name)):
        table, dot, _ = gone.partition(".")
        whole = dot and not any(name.startswith(table + ".") for name in found)
        names[f"table {table}" if whole else f"column {gone}" if dot else gone] = None
    listed = list(names)
    if len(listed) <= SHOWN:
        return ", ".join(listed)
    return f"{', '.join(listed[:SHOWN])} and {len(listed) - SHOWN} more"
