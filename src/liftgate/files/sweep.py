"""Removes what has no use: expired files, orphaned blobs, objects without a blob, spools of dead processes.

Every step may be interrupted, repeated and run beside others: the row goes first, and an object without a row is what
a later sweep finds. Deleting bytes needs proof: the store bears the catalogue's mark, no other catalogue has swept it
for a whole grace, and what the catalogue does not know was noted a grace ago and is condemned under the lock that a
commit takes too. Every age is on the steady clock. The grace (seconds) must be longer than a backup takes; a grace of 0
is only for when no gateway runs. It shortens no proof that this catalogue is the only one (`alone`).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from liftgate.blobs.spool import remove_dead_spools
from liftgate.blobs.store import BlobStore
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows.blobs import blob_parts, orphaned_blobs, sweep_blob
from liftgate.catalog.rows.files import expire_files
from liftgate.catalog.rows.unknown import condemn, due_unknown, forget_unknown, note_unknown, unknown_of
from liftgate.catalog.rows.uploads import expire_uploads
from liftgate.catalog.steady import steady
from liftgate.files.alone import declare_alone, is_alone, take_turn
from liftgate.files.belonging import listed_keys
from liftgate.files.deleting import delete_objects

log = logging.getLogger("liftgate.files")

SMALL_PART, SMALL_COUNT = 0.1, 10
"""Of the objects in a store, the part that a round may delete because the catalogue does not know them; fewer than the
count are always a small part. More are likelier a mistake than litter, and wait for `liftgate admin sweep --all`."""

_ROWS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each were removed. `objects`: those of the store that belonged to nothing; `parts`: of uploads whose
    time was over. Of unknown objects `waiting` are left until the grace has passed, and `held` because they are too
    large a part of the store. Not `alone`: no bytes were deleted, since another catalogue may need them.
    """

    files: int = 0
    blobs: int = 0
    objects: int = 0
    spools: int = 0
    parts: int = 0
    waiting: int = field(default=0, compare=False)
    held: int = field(default=0, compare=False)
    alone: bool = field(default=True, compare=False)


async def sweep(
    db: Database,
    blobs: BlobStore,
    spool_dir: Path,
    *,
    grace: float,
    large: bool = False,
    deleted: bool = False,
    first: bool = False,
) -> Swept:
    """All of it, once. `large`: an operator says that this is the only catalogue and the right one, so unknown objects
    are deleted even where they are more than a small part of the store.
    `deleted`: bytes whose last file was deleted go at once and not after the grace: no one can ask for them any more.
    `first`: of a process that goes on sweeping; it deletes no bytes yet, so that the process of another catalogue can
    hear of it before. Raises Unavailable, also where store and catalogue do not belong together; what was done until
    then stays done.

    Under a lease where several nodes share a catalogue: not for safety, but to do it once. `sweep_spools` is about
    this machine only, so each node calls that one for itself.
    """
    spools = await sweep_spools(spool_dir)
    files = await sweep_expired(db)
    await take_turn(db, blobs)
    if large:
        await declare_alone(db)
    alone = large or await is_alone(db, blobs)
    before = await db.read(steady) - grace
    proven = alone and not first
    # Without their rows the parts would wait for a whole grace: the next round of this process may delete them.
    parts = 0 if first else await sweep_uploads(db, blobs, delete=alone)
    dropped = await sweep_orphans(db, blobs, before=math.inf if deleted else before) if proven else 0
    objects, waiting, held = await sweep_unknown(db, blobs, before=before if proven else None, large=large)
    return Swept(files, dropped, objects, spools, parts, waiting, held, alone)


async def sweep_spools(spool_dir: Path) -> int:
    return await asyncio.to_thread(remove_dead_spools, spool_dir)


async def sweep_expired(db: Database) -> int:
    total = 0
    while removed := len(await db.write(lambda conn: expire_files(conn, conn.now(), _ROWS_AT_ONCE))):
        total += removed
    return total


async def sweep_uploads(db: Database, blobs: BlobStore, *, delete: bool) -> int:
    """Ends uploads that were not completed in time, and removes their parts; without `delete` those are unknown objects
    from then on."""
    total = 0
    while keys := await db.write(lambda conn: expire_uploads(conn, conn.now(), _ROWS_AT_ONCE)):
        total += await delete_objects(blobs, keys) if delete else 0
    return total


async def sweep_orphans(db: Database, blobs: BlobStore, *, before: float) -> int:
    """Blobs that were orphaned before this steady time."""
    total = 0
    while keys := await db.write(partial(_drop_orphans, before=before)):
        total += len(keys)
        await delete_objects(blobs, [key for of_blob in keys for key in of_blob])
    return total


def _drop_orphans(conn: Connection, *, before: float) -> list[list[str]]:
    """The keys of each blob that was dropped."""
    dropped = []
    for blob in orphaned_blobs(conn, before, _ROWS_AT_ONCE):
        parts = blob_parts(conn, blob.id)
        if sweep_blob(conn, blob.id):
            dropped.append([part.key for part in parts] or [blob.id])
    return dropped


async def sweep_unknown(
    db: Database, blobs: BlobStore, *, before: float | None, large: bool = False
) -> tuple[int, int, int]:
    """Objects of the store that the catalogue does not know: (deleted, waiting for their grace, held back). All are
    noted; those that were noted before this steady time are deleted, None: none yet."""
    objects = 0
    unknown: list[str] = []
    async for keys in listed_keys(blobs):
        objects += len(keys)
        if found := await db.read(partial(unknown_of, keys=keys)):
            unknown += await db.write(partial(note_unknown, keys=found))
    await _forget(db, set(unknown))
    due = await db.read(partial(due_unknown, keys=unknown, before=before)) if before is not None else []
    if len(due) > max(SMALL_COUNT, SMALL_PART * objects) and not large:
        log.error(
            "%d of the %d objects in the store %s are unknown to the catalogue %s: so large a part is never deleted"
            " by itself. If it is the right catalogue, `liftgate admin sweep --all` deletes them",
            *(len(due), objects, blobs.notes.place, db.place),
        )
        return 0, len(unknown) - len(due), len(due)
    deleted = 0
    for start in range(0, len(due), _ROWS_AT_ONCE):
        some = due[start : start + _ROWS_AT_ONCE]
        deleted += await delete_objects(blobs, await db.write(partial(condemn, keys=some, before=before or 0.0)))
    return deleted, len(unknown) - len(due), 0


async def _forget(db: Database, listed: set[str]) -> None:
    """Notes of what is not in the store any more, or is known by now."""
    after: str | None = ""
    while after is not None:
        step: Callable[[Connection], str | None] = partial(
            forget_unknown, after=after, limit=_ROWS_AT_ONCE, listed=listed
        )
        after = await db.write(step)
