"""What erasing an owner at once needs to know beside `files.erase_owner`: which bytes are left, and what is at Gemini.

For the command line; the gateway's own jobs come to the same end after their grace.
"""

from __future__ import annotations

from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.blobs import BlobPart, blob_parts, drop_blob
from liftgate.records import Owner


def upload_keys(conn: Connection, owner: Owner) -> list[str]:
    """Objects of the owner's unfinished uploads."""
    rows = conn.execute(
        "SELECT key FROM upload_parts WHERE upload_id IN (SELECT id FROM uploads WHERE owner = ?)", (owner,)
    )
    return [str(row[0]) for row in rows]


def drop_orphans_of(conn: Connection, owner: Owner, limit: int) -> list[tuple[str, int, list[str]]]:
    """Forgets orphaned blobs of the owner, whatever their age: (id, bytes, keys of the objects to delete) of each."""
    dropped = []
    for blob_id, size in conn.execute(
        "SELECT id, bytes FROM blobs WHERE orphaned_at IS NOT NULL AND owner = ? ORDER BY orphaned_at LIMIT ?",
        (owner, limit),
    ):
        parts: list[BlobPart] = blob_parts(conn, blob_id)
        if drop_blob(conn, blob_id):
            dropped.append((blob_id, size, [part.key for part in parts] or [blob_id]))
    return dropped


def count_orphans(conn: Connection, owner: Owner) -> int:
    """How many blobs of the owner no file needs any more."""
    [(count,)] = conn.execute("SELECT count(*) FROM blobs WHERE orphaned_at IS NOT NULL AND owner = ?", (owner,))
    return int(count)


def doomed_by_account(conn: Connection) -> dict[str, int]:
    """How many copies at Gemini, or upload sessions there, are still to be removed at each account."""
    return {row[0]: row[1] for row in conn.execute("SELECT account, count(*) FROM doomed GROUP BY account")}
