"""Sample records, and a catalogue that is open for the length of a scenario."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from liftgate import ids
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database, open_database
from liftgate.catalog.rows.copies import FILE_COPIES, save_copy
from liftgate.catalog.rows.files import commit_file
from liftgate.clock import SystemClock
from liftgate.records import BlobRecord, CopyRecord, FileRecord

T = TypeVar("T")
NOW = 1_750_000_000.0


def run(url: str, scenario: Callable[[Database], Awaitable[T]], *, timeout: float = 5.0) -> T:
    async def main() -> T:
        async with opened(url, timeout=timeout) as database:
            return await scenario(database)

    return asyncio.run(main())


@asynccontextmanager
async def opened(url: str, *, timeout: float = 5.0) -> AsyncIterator[Database]:
    database = await open_database(url, clock=SystemClock(), timeout=timeout)
    try:
        yield database
    finally:
        await database.close()


def sample(owner: str = "anna", content: bytes = b"bytes", **changes: Any) -> tuple[FileRecord, BlobRecord]:
    """A file and the blob that was stored for it; the same content gives the same hash and size."""
    sha256 = hashlib.sha256(content).hexdigest()
    blob = BlobRecord(ids.new_blob_id(), owner, sha256, len(content), NOW)
    file = FileRecord(
        id=ids.new_file_id(),
        owner=owner,
        blob_id=blob.id,
        filename="talk.wav",
        mime_type="audio/wav",
        bytes=len(content),
        sha256=sha256,
        purpose="user_data",
        created_at=NOW,
    )
    return replace(file, **changes), blob


def commit(conn: Connection, owner: str = "anna", content: bytes = b"bytes", **changes: Any) -> FileRecord:
    file, blob = sample(owner, content, **changes)
    return commit_file(conn, file, blob, owner_limit=None)


def copy_of(blob_id: str, **changes: Any) -> CopyRecord:
    made = CopyRecord(
        subject=blob_id,
        form="audio/wav",
        account="project-1",
        state="active",
        bytes=5,
        name="files/abc",
        uri="https://generativelanguage.googleapis.com/v1beta/files/abc",
        generation=1,
        expires_at=NOW + 172_800,
        used_at=NOW,
    )
    return replace(made, **changes)


def saved(conn: Connection, blob_id: str, **changes: Any) -> CopyRecord:
    made = copy_of(blob_id, **changes)
    assert save_copy(conn, FILE_COPIES, made)
    return made


def counted(conn: Connection, owner: str) -> tuple[int, int]:
    """What the counters of an owner must say: (files, bytes), counted."""
    [(number, size)] = conn.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM files WHERE owner = ?", (owner,))
    return int(number), int(size)
