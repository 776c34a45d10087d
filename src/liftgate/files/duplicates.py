"""Equal bytes are stored once, and those that came again are thrown away: only once the stored ones were read, whole.

A blob whose bytes were lost or damaged takes those that came in their place, for all its Files: to upload a file again
mends it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from liftgate.blobs.digest import sha256_of
from liftgate.blobs.store import BlobMissing, BlobStore
from liftgate.catalog.database import Database
from liftgate.catalog.rows.blobs import DuplicateFound
from liftgate.errors import LiftgateError
from liftgate.files.read import open_blob

T = TypeVar("T")

log = logging.getLogger("liftgate.files")


async def commit_once(
    db: Database, blobs: BlobStore, sha256: str, size: int, commit: Callable[[Mapping[str, bool]], Awaitable[T]]
) -> T:
    """What `commit` gives, once it knows of each blob that it met whether its bytes are whole (`commit_file`)."""
    looked_at: dict[str, bool] = {}
    while True:
        try:
            return await commit(looked_at)
        except DuplicateFound as duplicate:
            found = duplicate.blob_id
        looked_at[found] = await _is_whole(db, blobs, found, sha256, size)


async def _is_whole(db: Database, blobs: BlobStore, blob_id: str, sha256: str, size: int) -> bool:
    """False also where it cannot be read at this moment: to keep bytes twice loses nothing."""
    try:
        source = await open_blob(db, blobs, blob_id, size)
        whole = source.size == size and await sha256_of(source) == sha256
    except BlobMissing:
        whole = False
    except LiftgateError as error:
        log.warning("%s cannot be compared with equal bytes that came: %s", blob_id, error.message)
        return False
    if not whole:
        log.error("the stored bytes of %s are missing or damaged; equal bytes that came take their place", blob_id)
    return whole
