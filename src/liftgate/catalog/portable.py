"""The catalogue's rows as plain files, which any engine can take in: a file of JSON lines for each table.

The first line of a file names the columns, each further one is a row in their order; bytes are `{"base64": …}`. Tables
are walked as the migrations make them, so a new one is in the next backup by itself, unless its declaration leaves it
out (`catalog/table.py`). Chosen over a SQLite file because it binds to no engine, can be read and compared without one,
and is loaded into the schema of its own number, which the migrations then bring up to date.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from liftgate.catalog.connection import Connection, SqlRow
from liftgate.catalog.migrate import applied
from liftgate.catalog.schema import Shape, newest_schema, shapes
from liftgate.catalog.table import NODE_LOCAL, Backup, table_named
from liftgate.errors import ConfigError
from liftgate.json_types import JsonObject

ROWS_AT_ONCE = 500
INSERTED_AT_ONCE = 100
_RESTORED = "restored|"
"""In `counters`, before the id of the backup that the catalogue was restored from."""
_BACKUP = "backup|"
"""In `counters`, before the name of a backup's directory: how often it was brought up to date."""
TRACES = ("owners", "removed_files", "removed_items")
"""Tables whose rows may outlive all that was stored."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """What a manifest says of one."""

    rows: int
    sha256: str


def dump(conn: Connection, directory: Path) -> dict[str, TableFile]:
    """Within a read: all tables, as of one moment, into `directory`, durably. Raises OSError."""
    with conn.snapshot():
        written = {}
        for shape in shapes(newest_schema()):
            if (backup := _backup_of(shape.name)) is not None:
                written[shape.name] = _dump_table(conn, shape, backup, directory / f"{shape.name}.jsonl")
        return written


def _backup_of(name: str) -> Backup | None:
    """How a backup writes the table; None where it leaves it out. One of an older schema that is declared no more is
    written whole."""
    table = table_named(name)
    if table is not None:
        return table.backup
    return None if name in NODE_LOCAL else Backup()


def _dump_table(conn: Connection, shape: Shape, backup: Backup, path: Path) -> TableFile:
    digest, count = hashlib.sha256(), 0
    columns = [column for column in shape.columns if column != shape.autokey]
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:

        def write(value: Sequence[object]) -> None:
            line = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_encoded).encode() + b"\n"
            digest.update(line)
            file.write(line)

        write(columns)
        for row in _rows(conn, shape, backup, columns):
            write(row)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return TableFile(count, digest.hexdigest())


def _rows(conn: Connection, shape: Shape, backup: Backup, columns: Sequence[str]) -> Iterator[SqlRow]:
    """In the order of the primary key, a page at a time."""
    chosen = ", ".join(backup.instead.get(column, column) for column in columns)
    keys = ", ".join(shape.key)
    after: SqlRow = ()
    while True:
        beyond = f" AND ({keys}) > ({', '.join('?' * len(shape.key))})" if after else ""
        page = conn.execute(
            f"SELECT {keys}, {chosen} FROM {shape.name} WHERE {backup.only}{beyond}"
            f" ORDER BY {keys} LIMIT {ROWS_AT_ONCE}",
            after,
        )
        for row in page:
            yield row[len(shape.key) :]
        if len(page) < ROWS_AT_ONCE:
            return
        after = tuple(page[-1][: len(shape.key)])


def _encoded(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    raise TypeError(f"a column holds a {type(value).__name__}")


def read_rows(path: Path) -> Iterator[JsonObject]:
    """The rows of a table's file, by column."""
    with path.open("rb") as file:
        columns = json.loads(next(file))
        for line in file:
            values = json.loads(line, object_hook=lambda found: base64.b64decode(found["base64"]))
            yield dict(zip(columns, values, strict=True))


def verify(directory: Path, files: Mapping[str, TableFile]) -> None:
    """Raises `ConfigError` for a file that is not as it was written, or not there."""
    for name, known in files.items():
        path = directory / f"{name}.jsonl"
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ConfigError(f"The backup is not whole: {path} cannot be read ({error.strerror}).") from None
        if found != known.sha256:
            raise ConfigError(f"The backup is damaged: {path} is not as it was written.")


def empty(conn: Connection) -> bool:
    """Whether the catalogue knows of nothing that anyone stored."""
    stored = [shape.name for shape in shapes(applied(conn)) if shape.name not in TRACES and _is_owned(shape.name)]
    return not any(conn.execute(f"SELECT 1 FROM {name} LIMIT 1") for name in stored)


def _is_owned(name: str) -> bool:
    table = table_named(name)
    return table is not None and bool(table.owner or table.objects)


def load(
    conn: Connection,
    directory: Path,
    files: Mapping[str, TableFile],
    schema: int,
    *,
    gone: frozenset[str],
    copies: bool,
) -> None:
    """Within a write, into an empty catalogue of this `schema`: all rows, but for those of the blobs and objects that
    were `gone` when the backup came to them. `copies`: what is at Gemini too.
    """
    written = [shape.name for shape in shapes(schema) if shape.name in files]
    left = gone | _losing(directory, written, gone)
    for name in written:
        backup = _backup_of(name)
        if backup is not None and backup.at_google and not copies:
            # Two catalogues must never hold the same copy: one would delete it under the other.
            continue
        conn.execute(f"DELETE FROM {name}")
        rows = (row for row in read_rows(directory / f"{name}.jsonl") if left.isdisjoint(_names(name, row)))
        while page := list(islice(rows, INSERTED_AT_ONCE)):
            columns = list(page[0])
            marks = ", ".join(f"({', '.join('?' * len(columns))})" for _ in page)
            conn.execute(
                f"INSERT INTO {name} ({', '.join(columns)}) VALUES {marks}",
                tuple(value for row in page for value in row.values()),
            )
    if left:
        conn.execute(
            "UPDATE owners SET files = (SELECT count(*) FROM files WHERE files.owner = owners.owner),"
            " bytes = (SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM files WHERE files.owner = owners.owner)"
        )


def note_restored(conn: Connection, backup: str) -> None:
    """That the catalogue was restored from the backup of this id."""
    conn.execute("INSERT INTO counters (name, value) VALUES (?, 1)", (_RESTORED + backup,))


def was_restored(conn: Connection, backup: str) -> bool:
    return bool(conn.execute("SELECT 1 FROM counters WHERE name = ?", (_RESTORED + backup,)))


def backup_runs(conn: Connection, line: str) -> int:
    """How often the backup of this name was brought up to date from this catalogue, or from what it was copied from."""
    rows = conn.execute("SELECT value FROM counters WHERE name = ?", (_BACKUP + line,))
    return int(rows[0][0]) if rows else 0


def count_backup(conn: Connection, line: str) -> int:
    """Once more; how often that makes."""
    [(runs,)] = conn.execute(
        "INSERT INTO counters (name, value) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = counters.value + 1"
        " RETURNING value",
        (_BACKUP + line,),
    )
    return int(runs)


def lacking_files(conn: Connection, directory: Path, gone: frozenset[str]) -> int:
    """How many files of the backup the catalogue does not have. `gone`: blobs whose files do not count."""
    there = {row[0] for row in conn.execute("SELECT id FROM files")}
    return sum(row["id"] not in there and row["blob_id"] not in gone for row in read_rows(directory / "files.jsonl"))


def _names(name: str, row: Mapping[str, object]) -> set[object]:
    """What a row is called, and the rows and objects that it needs: without one of them it is not taken in."""
    table = table_named(name)
    columns = ["id"] if table is None else ["id", *table.objects, *table.refers]
    return {row.get(column) for column in columns if isinstance(row.get(column), str)}


def _losing(directory: Path, names: Sequence[str], gone: frozenset[str]) -> frozenset[str]:
    """The rows that lose a part of theirs with what is gone, such as an upload that was ended meanwhile."""
    losing = set()
    for name in names:
        table = table_named(name)
        if gone and table is not None and table.objects and table.through:
            for row in read_rows(directory / f"{name}.jsonl"):
                if not gone.isdisjoint(row[column] for column in table.objects):
                    losing.add(row[table.through])
    return frozenset(losing)
