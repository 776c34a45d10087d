"""A catalogue, a blob store and an ingest in one directory, with a clock that tests can move."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from liftgate.blobs.open import open_blob_store
from liftgate.blobs.store import BlobStore
from liftgate.catalog.database import Database, open_database
from liftgate.catalog.rows.files import get_file
from liftgate.copies.kinds.files import delete_file
from liftgate.files.arrival import FileArrival, Ingest
from liftgate.files.belonging import settle
from liftgate.records import FileRecord, NewFile
from liftgate.settings.sections import LimitSettings


@dataclass
class MovableClock:
    """The machine's clock, `ahead` seconds later."""

    ahead: float = 0.0

    def now(self) -> float:
        return time.time() + self.ahead  # noqa: TID251 - the one place

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Bench:
    directory: Path
    db: Database
    blobs: BlobStore
    ingest: Ingest
    clock: MovableClock

    async def create(
        self, data: bytes, *, owner: str = "ann", name: str = "a.txt", life: int | None = None
    ) -> FileRecord:
        incoming = self.ingest.begin(owner, size=len(data))
        await write(incoming, data)
        return await incoming.commit(NewFile(filename=name, life_seconds=life))

    async def stored(self, file_id: str, *, owner: str = "ann") -> FileRecord | None:
        return await self.db.read(lambda conn: get_file(conn, owner, file_id, conn.now()))

    async def delete(self, file_id: str, *, owner: str = "ann") -> bool:
        """As an owner does; whether it was there."""
        return await self.db.write(lambda conn: delete_file(conn, owner, file_id)) is not None

    async def keys(self) -> set[str]:
        return {blob.id async for blob in self.blobs.list()}

    def spools(self) -> list[Path]:
        directory = self.directory / "spool"
        return list(directory.iterdir()) if directory.is_dir() else []


async def write(incoming: FileArrival, data: bytes, piece: int = 100_000) -> None:
    for at in range(0, len(data), piece):
        await incoming.write(data[at : at + piece])


@asynccontextmanager
async def open_bench(
    directory: Path, *, url: str = "", store: str = "local", limits: LimitSettings | None = None
) -> AsyncIterator[Bench]:
    clock = MovableClock()
    db = await open_database(url or f"sqlite://{directory}/catalog.db", clock=clock)
    blobs = open_blob_store(store, directory)
    await settle(db, blobs)
    ingest = Ingest(db, blobs, directory / "spool", limits or LimitSettings())
    try:
        yield Bench(directory, db, blobs, ingest, clock)
    finally:
        await ingest.close()
        await blobs.close()
        await db.close()
