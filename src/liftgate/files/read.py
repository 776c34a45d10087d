"""The bytes of a File as a source, whether its blob is one object or a manifest of parts."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import Executor
from contextlib import aclosing
from typing import cast

from liftgate.blobs.disk import PIECES_PER_HOP
from liftgate.blobs.manifest import PartsSource
from liftgate.blobs.store import BlobMissing, BlobStore
from liftgate.byte_source import ByteSource
from liftgate.catalog.database import Database
from liftgate.catalog.rows.blobs import blob_parts
from liftgate.records import FileRecord


async def open_blob(db: Database, blobs: BlobStore, blob_id: str, size: int) -> ByteSource:
    """The bytes of a blob of `size` bytes. Asks the catalogue once, the store only when read."""
    parts = await db.read(lambda conn: blob_parts(conn, blob_id))
    if not parts:
        return blobs.open(blob_id, size)
    return PartsSource([blobs.open(part.key, part.bytes) for part in parts])


class FileBytes:
    """A File's bytes as a ByteSource. Read from the first to the last, at once or a part after the other, they are
    compared with its SHA-256: the last piece is given only where all of them are those that were stored. A part that
    is read alone cannot be compared.

    BlobMissing names the File. `threads`: where the hash is made.
    """

    def __init__(self, file: FileRecord, source: ByteSource, threads: Executor | None = None) -> None:
        self._file = file
        self._source = source
        self._threads = threads
        self._read_so_far: tuple[int, hashlib._Hash] | None = None

    @property
    def size(self) -> int:
        return self._source.size

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        pieces = cast("AsyncGenerator[bytes]", self._source.read(start, stop))
        digest = self._taken_up(start)
        if digest is not None:
            pieces = self._compared(pieces, digest, stop)
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece
        except BlobMissing as missing:
            file = self._file
            raise BlobMissing(missing.blob_id, of=f"{file.id} ({file.filename!r}, {file.mime_type})") from None

    def _taken_up(self, start: int) -> hashlib._Hash | None:
        """The hash of all bytes before `start`, for the one who reads on; None where it is not known."""
        known, self._read_so_far = self._read_so_far, None
        if start == 0:
            return hashlib.sha256()
        return known[1] if known is not None and known[0] == start else None

    async def _compared(self, pieces: AsyncGenerator[bytes], digest: hashlib._Hash, stop: int) -> AsyncGenerator[bytes]:
        loop = asyncio.get_running_loop()
        hashing: asyncio.Future[None] | None = None
        unhashed: list[bytes] = []
        held = b""
        async with aclosing(pieces):
            async for piece in pieces:
                if held:
                    yield held
                held = piece
                unhashed.append(piece)
                if len(unhashed) == PIECES_PER_HOP:
                    # They are hashed while what comes next is read and sent.
                    if hashing is not None:
                        await hashing
                    hashing = loop.run_in_executor(self._threads, _update, digest, unhashed)
                    unhashed = []
        if hashing is not None:
            await hashing
        if unhashed:
            await loop.run_in_executor(self._threads, _update, digest, unhashed)
        if stop == self.size and digest.hexdigest() != self._file.sha256:
            raise BlobMissing(self._file.blob_id)
        self._read_so_far = (stop, digest)
        if held:
            yield held


def _update(digest: hashlib._Hash, pieces: list[bytes]) -> None:
    for piece in pieces:
        digest.update(piece)
