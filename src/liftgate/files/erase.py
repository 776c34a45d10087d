"""Everything of one owner, gone at once: files, uploads, signatures, and their bytes without the sweep's grace.

For the command line. Every step may be interrupted and the whole be repeated. A running gateway hears of it as of any
deletion; one that still lets the owner in can store something new meanwhile.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from liftgate.blobs.store import BlobStore
from liftgate.catalog.database import Connection, Database
from liftgate.catalog.rows.erasing import count_orphans, erase_owner, sweep_orphans_of
from liftgate.catalog.table import known_objects, objects_of
from liftgate.files.alone import is_alone
from liftgate.files.deleting import delete_objects
from liftgate.records import Owner

log = logging.getLogger("liftgate.files")

_FILES_AT_ONCE = 500
"""Few enough that a running gateway's writes get their turn."""

_ROWS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Erased:
    """`bytes`: of the blobs. `parts`: of unfinished uploads. `left`: objects that the store would not delete; the sweep
    will.
    """

    files: int = 0
    blobs: int = 0
    bytes: int = 0
    parts: int = 0
    left: int = 0


async def erase_at_once(db: Database, blobs: BlobStore, owner: Owner) -> Erased:
    """Raises Unavailable; what was done until then stays done. Copies at Gemini are not yet purged.

    Where another catalogue may use the store too, a copy of this one, the bytes are left to the sweep.
    """
    unfinished = await db.read(partial(objects_of, owner=owner))
    files = 0
    while (removed := await db.write(partial(_erase_some, owner=owner))) > 0:
        files += removed
        if removed < _FILES_AT_ONCE:
            break
    if not await is_alone(db, blobs):
        log.warning("another catalogue may use the store %s: the bytes are left to the sweep", blobs.notes.place)
        waiting = await db.read(partial(count_orphans, owner=owner))
        return Erased(files, left=waiting + len(unfinished))
    count = size = left = 0
    while dropped := await db.write(partial(sweep_orphans_of, owner=owner, limit=_ROWS_AT_ONCE)):
        count += len(dropped)
        size += sum(of_blob for _, of_blob, _ in dropped)
        objects = [key for _, _, keys in dropped for key in keys]
        left += len(objects) - await delete_objects(blobs, objects)
    # A part may have become a file's between the two looks; then it was a blob's above, or is another owner's to keep.
    known = await db.read(partial(known_objects, keys=unfinished))
    parts = [key for key in unfinished if key not in known]
    left += len(parts) - await delete_objects(blobs, parts)
    return Erased(files, count, size, len(parts), left)


def _erase_some(conn: Connection, *, owner: Owner) -> int:
    return erase_owner(conn, owner, conn.now(), _FILES_AT_ONCE)
