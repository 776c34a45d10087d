"""Removes what nobody needs: expired files, orphaned blobs, objects without a blob, spools of dead processes.

Every step may be interrupted, repeated and run beside others: the row goes first, and an object without a row is what
a later sweep finds. The grace (seconds) keeps what is being written now, and must be longer than a backup takes. A
grace of 0 is only for when no gateway runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from liftgate.blobs.spool import remove_dead_spools
from liftgate.blobs.store import BlobStore
from liftgate.catalog.blobs import blob_parts, drop_blob, known_blobs, orphaned_blobs
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.files import expire_files
from liftgate.catalog.uploads import expire_uploads
from liftgate.errors import LiftgateError

log = logging.getLogger("liftgate.files")

_ROWS_AT_ONCE = 200
_KEYS_AT_ONCE = 400
_DELETES_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each were removed. `objects`: those of the store that belonged to nothing; `parts`: of uploads whose
    time was over."""

    files: int = 0
    blobs: int = 0
    objects: int = 0
    spools: int = 0
    parts: int = 0


async def sweep(db: Database, blobs: BlobStore, spool_dir: Path, *, grace: float, now: float) -> Swept:
    """All of it, once. Raises Unavailable; what was done until then stays done.

    Under a lease where several nodes share a catalogue: not for safety, but to do it once. `sweep_spools` is about
    this machine only, so each node calls that one for itself.
    """
    spools = await sweep_spools(spool_dir)
    files = await sweep_expired(db, now=now)
    parts = await sweep_uploads(db, blobs, now=now)
    dropped = await sweep_orphans(db, blobs, before=now - grace)
    objects = await sweep_unknown(db, blobs, before=now - grace)
    swept = Swept(files=files, blobs=dropped, objects=objects, spools=spools, parts=parts)
    if swept != Swept():
        log.info("swept %s", swept)
    return swept


async def sweep_spools(spool_dir: Path) -> int:
    return await asyncio.to_thread(remove_dead_spools, spool_dir)


async def sweep_expired(db: Database, *, now: float) -> int:
    total = 0
    while removed := len(await db.write(partial(expire_files, now=now, limit=_ROWS_AT_ONCE))):
        total += removed
    return total


async def sweep_uploads(db: Database, blobs: BlobStore, *, now: float) -> int:
    """Ends uploads that were not completed in time, and removes their parts."""
    total = 0
    while keys := await db.write(partial(expire_uploads, now=now, limit=_ROWS_AT_ONCE)):
        total += await _delete(blobs, keys)
    return total


async def sweep_orphans(db: Database, blobs: BlobStore, *, before: float) -> int:
    """Blobs that were orphaned before this time."""
    total = 0
    while keys := await db.write(partial(_drop_orphans, before=before)):
        total += len(keys)
        await _delete(blobs, [key for of_blob in keys for key in of_blob])
    return total


def _drop_orphans(conn: Connection, *, before: float) -> list[list[str]]:
    """The keys of each blob that was dropped."""
    dropped = []
    for blob in orphaned_blobs(conn, before, _ROWS_AT_ONCE):
        parts = blob_parts(conn, blob.id)
        if drop_blob(conn, blob.id):
            dropped.append([part.key for part in parts] or [blob.id])
    return dropped


async def sweep_unknown(db: Database, blobs: BlobStore, *, before: float) -> int:
    """Objects of the store that the catalogue does not know and that were last written before this time."""
    total = 0
    old: list[str] = []
    async for stored in blobs.list():
        if stored.modified_at < before:
            old.append(stored.id)
        if len(old) >= _KEYS_AT_ONCE:
            total += await _delete_unknown(db, blobs, old)
            old = []
    return total + await _delete_unknown(db, blobs, old)


async def _delete_unknown(db: Database, blobs: BlobStore, keys: list[str]) -> int:
    if not keys:
        return 0
    known = await db.read(lambda conn: known_blobs(conn, keys))
    return await _delete(blobs, [key for key in keys if key not in known])


async def _delete(blobs: BlobStore, keys: list[str]) -> int:
    deleted = 0
    for some in _batches(keys):
        for key, outcome in zip(
            some, await asyncio.gather(*(blobs.delete(key) for key in some), return_exceptions=True), strict=True
        ):
            if outcome is None:
                deleted += 1
            elif isinstance(outcome, LiftgateError):
                # It is unknown to the catalogue by now, so the next sweep meets it again.
                log.warning("%s could not be deleted: %s", key, outcome.message)
            else:
                raise outcome
    return deleted


def _batches(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _DELETES_AT_ONCE):
        yield keys[start : start + _DELETES_AT_ONCE]
