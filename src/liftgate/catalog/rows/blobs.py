"""Blobs in the catalogue: which objects of the store are bytes of a file, and which have no use any more.

An orphaned blob is never used again: equal bytes that come later get a blob of their own. The bytes of a blob lie
under its id in the object store, or, when it is a manifest, under the keys of its parts, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.copies import FILE_COPIES, purge_where
from liftgate.catalog.steady import steady
from liftgate.catalog.table import Backup, Table
from liftgate.records import BlobRecord, Owner


@dataclass(frozen=True, slots=True)
class BlobPart:
    """A piece of a manifest: an object of the store and its size in bytes."""

    key: str
    bytes: int


BLOBS = Table(
    name="blobs",
    record=BlobRecord,
    also=("orphaned_at",),
    owner="owner",
    objects={"id": "bytes"},
    texts=("sha256",),
    erased_by="orphan_blob with the last file, then sweep_blob",
    # A manifest has no object of its own: its parts do.
    stored_where="NOT EXISTS (SELECT 1 FROM blob_parts WHERE blob_parts.blob_id = blobs.id)",
    counted_by="owners",
    # Bytes of deleted files are not in a backup.
    backup=Backup(only="orphaned_at IS NULL"),
)
BLOB_PARTS = Table(
    name="blob_parts",
    record=BlobPart,
    also=("blob_id", "ordinal"),
    objects={"key": "bytes"},
    refers={"blob_id": "blobs"},
    through="blob_id",
    counted_by="owners",
    backup=Backup(only="blob_id IN (SELECT id FROM blobs WHERE orphaned_at IS NULL)"),
)


OF_BLOBS = (BLOBS, BLOB_PARTS)
"""Whose objects are looked at as those of a blob."""


class DuplicateFound(Exception):
    """Raised inside a transaction, which is undone: the owner has equal bytes already, under `blob_id`. Whether those
    are whole is to be seen before the ones that came are thrown away."""

    def __init__(self, blob_id: str) -> None:
        super().__init__(blob_id)
        self.blob_id = blob_id


def live_blob(conn: Connection, owner: Owner, sha256: str, size: int) -> str | None:
    """The id of the owner's blob with these bytes. Inside a transaction that holds the owner's row."""
    rows = conn.execute(
        "SELECT id FROM blobs WHERE owner = ? AND sha256 = ? AND bytes = ? AND orphaned_at IS NULL",
        (owner, sha256, size),
    )
    return str(rows[0][0]) if rows else None


def insert_blob(conn: Connection, blob: BlobRecord, parts: Sequence[BlobPart] = ()) -> None:
    """`parts` make it a manifest; their bytes must add up to the blob's."""
    if parts and sum(part.bytes for part in parts) != blob.bytes:
        raise ValueError(f"the parts of {blob.id} do not add up to its {blob.bytes} bytes")
    BLOBS.insert(conn, blob)
    _insert_parts(conn, blob.id, parts)


def is_whole(blob_id: str, looked_at: Mapping[str, bool]) -> bool:
    """Raises `DuplicateFound` for one that was not looked at."""
    if blob_id not in looked_at:
        raise DuplicateFound(blob_id)
    return looked_at[blob_id]


def replace_bytes(conn: Connection, blob_id: str, parts: Sequence[BlobPart]) -> None:
    """Its bytes lie under these keys from now on: those it had are lost. What is left of them is unknown then."""
    conn.execute("DELETE FROM blob_parts WHERE blob_id = ?", (blob_id,))
    _insert_parts(conn, blob_id, parts)


def _insert_parts(conn: Connection, blob_id: str, parts: Sequence[BlobPart]) -> None:
    for ordinal, part in enumerate(parts):
        BLOB_PARTS.insert(conn, part, blob_id=blob_id, ordinal=ordinal)


def blob_alive(conn: Connection, blob_id: str) -> bool:
    """Whether a file still needs it."""
    return bool(conn.execute("SELECT 1 FROM blobs WHERE id = ? AND orphaned_at IS NULL", (blob_id,)))


def is_orphaned(conn: Connection, blob_id: str) -> bool:
    """Whether it is there and no file needs it. A part of an unfinished upload, which is named alike, is no blob."""
    return bool(conn.execute("SELECT 1 FROM blobs WHERE id = ? AND orphaned_at IS NOT NULL", (blob_id,)))


def count_blobs(conn: Connection) -> int:
    return int(conn.execute("SELECT count(*) FROM blobs")[0][0])


def blob_parts(conn: Connection, blob_id: str) -> list[BlobPart]:
    """The manifest in order; [] for a blob that is one object under its own id."""
    return BLOB_PARTS.select(conn, "WHERE blob_id = ? ORDER BY ordinal", (blob_id,))


def orphan_blob(conn: Connection, blob_id: str, now: float) -> None:
    """No file uses it any more: its copies are purged, and it is swept after a grace on the steady clock."""
    # The blob first: a copy that is being saved meanwhile holds this row, and is seen below once it is saved.
    conn.execute("UPDATE blobs SET orphaned_at = ? WHERE id = ? AND orphaned_at IS NULL", (steady(conn), blob_id))
    purge_where(conn, FILE_COPIES, "blob_id = ?", (blob_id,), now)


def orphaned_blobs(conn: Connection, before: float, limit: int) -> list[BlobRecord]:
    """Those orphaned before this steady time, longest ago first."""
    return BLOBS.select(conn, "WHERE orphaned_at < ? ORDER BY orphaned_at LIMIT ?", (before, limit))


def sweep_blob(conn: Connection, blob_id: str) -> bool:
    """Forgets an orphaned blob that nothing refers to; the caller then deletes its object, or those of its parts
    (`blob_parts`, asked before). False: it is not orphaned, or not there."""
    rows = conn.execute(
        "SELECT 1 FROM blobs WHERE id = ? AND orphaned_at IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM files WHERE files.blob_id = blobs.id)"
        " AND NOT EXISTS (SELECT 1 FROM replicas WHERE replicas.blob_id = blobs.id) /*FOR UPDATE*/",
        (blob_id,),
    )
    if not rows:
        return False
    conn.execute("DELETE FROM blob_parts WHERE blob_id = ?", (blob_id,))
    conn.execute("DELETE FROM blobs WHERE id = ?", (blob_id,))
    return conn.changed() == 1


def all_blobs(conn: Connection, after_id: str, limit: int) -> list[BlobRecord]:
    """Every blob in the order of ids, a page at a time; begin with ''."""
    return BLOBS.select(conn, "WHERE id > ? ORDER BY id LIMIT ?", (after_id, limit))
