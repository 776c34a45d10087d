"""Bytes to store, and how they go in and come out."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from liftgate import ids
from liftgate.blobs.spool import Spool
from liftgate.blobs.store import BlobStore
from liftgate.byte_source import PIECE, ByteSource


def some_bytes(count: int, seed: int = 1) -> bytes:
    """The same for the same arguments, and without a pattern."""
    return hashlib.shake_128(bytes([seed])).digest(count)


async def put(store: BlobStore, directory: Path, data: bytes, *, piece: int = 300_000) -> str:
    """Stores beside the writing, as ingest does."""
    blob_id = ids.new_blob_id()
    spool = Spool.create(directory, expected=None)
    async with asyncio.TaskGroup() as group:
        group.create_task(store.store(blob_id, spool))
        for at in range(0, len(data), piece):
            await spool.write(data[at : at + piece])
        await spool.finish()
    await spool.close()
    return blob_id


async def read(source: ByteSource, start: int = 0, stop: int | None = None) -> bytes:
    pieces = [piece async for piece in source.read(start, source.size if stop is None else stop)]
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)
