"""What files come to in tokens: counted by Google once for each model and way of asking, and known to every process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from liftgate.catalog.connection import Connection, chunks
from liftgate.catalog.table import Backup, BareTable

FILE_TOKENS = BareTable(
    name="file_tokens",
    also=("name", "blob_id", "tokens"),
    refers={"blob_id": "blobs"},
    texts=("name", "tokens"),
    through="blob_id",
    backup=Backup(only="blob_id IN (SELECT id FROM blobs WHERE orphaned_at IS NULL)"),
)


def find_tokens(conn: Connection, names: Sequence[str]) -> dict[str, str]:
    """Name → JSON, of those that are known."""
    found: dict[str, str] = {}
    for marks, piece in chunks(names):
        found |= {
            row[0]: row[1]
            for row in conn.execute(f"SELECT name, tokens FROM file_tokens WHERE name IN ({marks})", piece)
        }
    return found


def put_tokens(conn: Connection, counted: Mapping[str, tuple[str, str]]) -> None:
    """`counted`: name → (blob, JSON). Blobs that are gone meanwhile are left out."""
    for name, (blob_id, tokens) in sorted(counted.items()):
        if conn.execute("SELECT 1 FROM blobs WHERE id = ? /*FOR SHARE*/", (blob_id,)):
            conn.execute(
                "INSERT INTO file_tokens (name, blob_id, tokens) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
                (name, blob_id, tokens),
            )
