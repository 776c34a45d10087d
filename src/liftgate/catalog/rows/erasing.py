"""Erasing an owner: the rows in every table, and which of the bytes are left.

For the command line; the gateway's own jobs come to the same end after their grace.
"""

from __future__ import annotations

from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.blobs import blob_parts, sweep_blob
from liftgate.catalog.rows.files import delete_some
from liftgate.catalog.table import erase_rows
from liftgate.records import Owner


def erase_owner(conn: Connection, owner: Owner, now: float, limit: int) -> int:
    """Removes every file of the owner with all that belongs to it; how many files.

    100,000 files take seconds, in which no one else can write to SQLite: so it removes `limit` files at a time, and is
    to be repeated until it gives fewer.
    """
    files = delete_some(conn, owner, now, limit)
    if files < limit:
        erase_rows(conn, owner)
    return files


def sweep_orphans_of(conn: Connection, owner: Owner, limit: int) -> list[tuple[str, int, list[str]]]:
    """Forgets orphaned blobs of the owner, whatever their age: (id, bytes, keys of the objects to delete) of each."""
    swept = []
    for blob_id, size in conn.execute(
        "SELECT id, bytes FROM blobs WHERE orphaned_at IS NOT NULL AND owner = ? ORDER BY orphaned_at LIMIT ?",
        (owner, limit),
    ):
        parts = blob_parts(conn, blob_id)
        if sweep_blob(conn, blob_id):
            swept.append((blob_id, size, [part.key for part in parts] or [blob_id]))
    return swept


def count_orphans(conn: Connection, owner: Owner) -> int:
    """How many blobs of the owner no file needs any more."""
    [(count,)] = conn.execute("SELECT count(*) FROM blobs WHERE orphaned_at IS NOT NULL AND owner = ?", (owner,))
    return int(count)
