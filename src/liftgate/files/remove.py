"""How Files go: one, or all of an owner. Gone for clients at once; their bytes go with the sweep, after its grace."""

from __future__ import annotations

from liftgate.catalog.database import Database
from liftgate.catalog.rows.files import delete_file, erase_owner
from liftgate.errors import FileNotFound
from liftgate.records import FileRecord, Owner

_ERASE_SECONDS = 600.0


async def remove(db: Database, owner: Owner, file_id: str, *, now: float) -> FileRecord:
    """What it was. Raises FileNotFound."""
    file = await db.write(lambda conn: delete_file(conn, owner, file_id, now))
    if file is None:
        raise FileNotFound(file_id)
    return file


async def erase(db: Database, owner: Owner, *, now: float) -> int:
    """Everything of an owner, uploads and signatures too; how many files there were. May take minutes."""
    return await db.write(lambda conn: erase_owner(conn, owner, now), timeout=_ERASE_SECONDS)
