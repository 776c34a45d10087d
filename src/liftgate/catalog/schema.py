"""What the schema holds, learnt from the migrations themselves. Whether a catalogue's is that: `schema_check`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import cache

from liftgate.catalog.connection import Connection
from liftgate.catalog.migrate import migrations

SQLITE_WORDS = {
    "AUTOKEY": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "TEAM_OF_TERMS": "json_extract(terms, '$.team_id')",
}


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


def built(newest: int) -> sqlite3.Connection:
    """An empty database in memory with the schema of that number."""
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
    raw = built(schema)
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
