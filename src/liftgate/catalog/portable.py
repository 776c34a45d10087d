"""The catalogue's rows as plain files, which any engine can take in: a file of JSON lines for each table.

The first line of a file names the columns, each further one is a row in their order; bytes are `{"base64": …}`. Tables
are walked as the migrations make them, so a new one is in the next backup by itself, unless `LEFT_OUT` names it. Chosen
over a SQLite file because it binds to no engine, can be read and compared without one, and is loaded into the schema
of its own number, which the migrations then bring up to date.
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
from typing import Any

from liftgate.catalog.connection import Connection
from liftgate.catalog.schema import Table, newest_schema, tables
from liftgate.errors import ConfigError

ROWS_AT_ONCE = 500
INSERTED_AT_ONCE = 100
LEFT_OUT = frozenset(
    {
        "schema_version",
        # Who does what at the moment, and what processes tell each other.
        *("leases", "invalidations"),
        # To which store the catalogue belongs: a restored pair gets marks of its own.
        *("store", "unknown_objects"),
    }
)
COPIES = ("replicas", "doomed")
"""What is at Gemini. Two catalogues must never hold the same copy: one would delete it under the other."""

ONLY = {
    # Bytes of deleted files are not in a backup.
    "blobs": "orphaned_at IS NULL",
    "blob_parts": "blob_id IN (SELECT id FROM blobs WHERE orphaned_at IS NULL)",
    # The address of an upload session is a capability: for who holds the lease, not for who reads a backup.
    "replicas": "state = 'active'",
    "doomed": "upload_url = ''",
}
INSTEAD = {("replicas", "upload_url"): "NULL"}


@dataclass(frozen=True, slots=True)
class TableFile:
    """What a manifest says of one."""

    rows: int
    sha256: str


def dump(conn: Connection, directory: Path) -> dict[str, TableFile]:
    """Within a read: all tables, as of one moment, into `directory`, durably. Raises OSError."""
    with conn.snapshot():
        return {
            table.name: _dump_table(conn, table, directory / f"{table.name}.jsonl")
            for table in tables(newest_schema())
            if table.name not in LEFT_OUT
        }


def _dump_table(conn: Connection, table: Table, path: Path) -> TableFile:
    digest, count = hashlib.sha256(), 0
    columns = [column for column in table.columns if column != table.autokey]
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:

        def write(value: Sequence[object]) -> None:
            line = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_encoded).encode() + b"\n"
            digest.update(line)
            file.write(line)

        write(columns)
        for row in _rows(conn, table, columns):
            write(row)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return TableFile(count, digest.hexdigest())


def _rows(conn: Connection, table: Table, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """In the order of the primary key, a page at a time."""
    chosen = ", ".join(INSTEAD.get((table.name, column), column) for column in columns)
    keys = ", ".join(table.key)
    only = ONLY.get(table.name, "1 = 1")
    after: tuple[Any, ...] = ()
    while True:
        beyond = f" AND ({keys}) > ({', '.join('?' * len(table.key))})" if after else ""
        page = conn.execute(
            f"SELECT {keys}, {chosen} FROM {table.name} WHERE {only}{beyond} ORDER BY {keys} LIMIT {ROWS_AT_ONCE}",
            after,
        )
        for row in page:
            yield row[len(table.key) :]
        if len(page) < ROWS_AT_ONCE:
            return
        after = tuple(page[-1][: len(table.key)])


def _encoded(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    raise TypeError(f"a column holds a {type(value).__name__}")


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
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
    stored = ("files", "blobs", "uploads", "signatures")
    return not any(conn.execute(f"SELECT 1 FROM {table} LIMIT 1") for table in stored)


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
    dropped = gone | _uploads_of(directory, gone)
    for table in tables(schema):
        if table.name not in files or (table.name in COPIES and not copies):
            continue
        conn.execute(f"DELETE FROM {table.name}")
        rows = (row for row in read_rows(directory / f"{table.name}.jsonl") if dropped.isdisjoint(_names(row)))
        while page := list(islice(rows, INSERTED_AT_ONCE)):
            columns = list(page[0])
            marks = ", ".join(f"({', '.join('?' * len(columns))})" for _ in page)
            conn.execute(
                f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES {marks}",
                tuple(value for row in page for value in row.values()),
            )
    if dropped:
        conn.execute(
            "UPDATE owners SET files = (SELECT count(*) FROM files WHERE files.owner = owners.owner),"
            " bytes = (SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM files WHERE files.owner = owners.owner)"
        )


def _names(row: Mapping[str, Any]) -> set[object]:
    return {row.get(column) for column in ("id", "blob_id", "upload_id") if isinstance(row.get(column), str)}


def _uploads_of(directory: Path, gone: frozenset[str]) -> frozenset[str]:
    """Uploads of which a part is gone: they were ended meanwhile."""
    if not gone:
        return frozenset()
    parts = directory / "upload_parts.jsonl"
    return frozenset(row["upload_id"] for row in read_rows(parts) if row["key"] in gone)
