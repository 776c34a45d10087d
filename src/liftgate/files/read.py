"""A File found by its owner, and its bytes as a source, whether its blob is one object or a manifest of parts."""

from __future__ import annotations

from liftgate.blobs.manifest import PartsSource
from liftgate.blobs.store import BlobStore
from liftgate.byte_source import ByteSource
from liftgate.catalog.blobs import blob_parts
from liftgate.catalog.database import Database
from liftgate.catalog.files import get_file
from liftgate.errors import FileNotFound
from liftgate.records import FileRecord, Owner


async def find(db: Database, owner: Owner, file_id: str, *, now: float) -> FileRecord:
    """Raises FileNotFound, in the same words for a foreign, an expired and an impossible id."""
    file = await db.read(lambda conn: get_file(conn, owner, file_id, now))
    if file is None:
        raise FileNotFound(file_id)
    return file


async def open_blob(db: Database, blobs: BlobStore, blob_id: str, size: int) -> ByteSource:
    """The bytes of a blob of `size` bytes. Asks the catalogue once, the store only when read."""
    parts = await db.read(lambda conn: blob_parts(conn, blob_id))
    if not parts:
        return blobs.open(blob_id, size)
    return PartsSource([blobs.open(part.key, part.bytes) for part in parts])
