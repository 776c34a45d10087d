"""A part of an upload that is arriving: into a spool, from there into the object store, then its row.

As `ingest.Incoming` is for a whole file, without what belongs to a file. Made by `part_store.PartStore.begin`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from liftgate import ids
from liftgate.blobs.spool import Spool, SpoolDiscarded
from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.uploads import add_part, count_parts
from liftgate.errors import InvalidRequest, LiftgateError, RequestError, TooLarge
from liftgate.files.arrival import Ingest
from liftgate.records import UploadPart, UploadRecord

if TYPE_CHECKING:
    from hashlib import _Hash

log = logging.getLogger("liftgate.files")

PART_BYTES = 64 * 1024 * 1024
"""The largest part: OpenAI's limit, and what a kill may cost of a native session's long chunk."""
MOST_PARTS = 10_000


class IncomingPart:
    """`write` its bytes, then `commit` or `abort`. What fails leaves nothing behind.

    `start`: its offset in a native session. `digest`: a SHA-256 of what stands before it, None where that is not known;
    `landed` is called with it, gone on, when the part has its row.
    """

    def __init__(
        self,
        ingest: Ingest,
        upload: UploadRecord,
        start: int | None,
        digest: _Hash | None,
        landed: Callable[[UploadPart, _Hash], None],
    ) -> None:
        ingest.db.admit()
        ingest.check_open()
        self._ingest = ingest
        self._upload_id = upload.id
        self._most = PART_BYTES if upload.bytes is None else min(PART_BYTES, upload.bytes)
        # A part that is sent again does not make the file larger.
        self._lacking = PART_BYTES if upload.bytes is None else max(0, upload.bytes - upload.received)
        self._arrival = ingest.quotas.arrival(upload.owner, param="data")
        self._start = start
        self._whole = start is not None and digest is not None
        self._landed = landed
        self._key = ids.new_blob_id()
        ingest.arriving.add(self._key)
        self._spool = Spool.create(ingest.spool_dir, expected=None, threads=ingest.threads, digest=digest)
        self._ended = False
        self._storing = ingest.tasks.start(self._stored(), name=f"store {self._key}")

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._spool.written

    async def write(self, piece: bytes | memoryview) -> None:
        """Raises TooLarge over `PART_BYTES` or the upload's, StorageFull and Unavailable; nothing of the part is kept
        then.
        """
        try:
            if self.size + len(piece) > self._most:
                why = f"Maximum part size ({PART_BYTES} bytes) exceeded"
                if self._most < PART_BYTES:
                    why = f"The upload was to have {self._most} bytes"
                raise TooLarge(f"{why}: the part has {self.size + len(piece)} bytes or more.", param="data")
            if self._storing.done() and (failure := self._storing.result()):
                raise failure.again()
            counted = min(len(piece), self._lacking)
            await self._arrival.take(counted)
            self._lacking -= counted
            await self._spool.write(piece)
        except LiftgateError:
            await self.abort()
            raise

    async def commit(self) -> UploadPart | None:
        """Durable, with its row; None: the session does not stand at this part's offset, and it was thrown away.

        Ends by itself when the caller is cancelled. Raises UploadNotFound, InvalidRequest (the upload has ended, or has
        too many parts), StorageFull, Unavailable.
        """
        self._ended = True
        saving = self._ingest.tasks.start(self._saved(), name=f"save {self._key}")
        outcome: UploadPart | LiftgateError | None = await asyncio.shield(saving)
        if isinstance(outcome, LiftgateError):
            raise outcome.again()
        return outcome

    async def abort(self) -> None:
        """Nothing of it is kept. Idempotent; without effect once `commit` has begun."""
        if not self._ended:
            self._ended = True
            await asyncio.shield(self._ingest.tasks.start(self._dropped(), name=f"abort {self._key}"))

    async def _stored(self) -> LiftgateError | None:
        try:
            await self._ingest.blobs.store(self._key, self._spool)
        except SpoolDiscarded:
            return None
        except LiftgateError as error:
            return error
        return None

    async def _saved(self) -> UploadPart | LiftgateError | None:
        try:
            await self._spool.finish()
            if failure := await self._storing:
                raise failure.again()
            self._ingest.check_open()
        except LiftgateError as error:
            await self._dropped()
            return error
        try:
            part = self._part()
            if not await self._ingest.db.write(lambda conn: _add(conn, part), storing=True):
                await self._dropped()
                return None
        except RequestError as refused:
            await self._dropped()
            return refused
        except LiftgateError as error:
            # A database that went away may have committed: what belongs to nothing, the sweep finds.
            self._arrival.end(kept=True)
            return error
        finally:
            self._ingest.arriving.discard(self._key)
            await self._spool.close()
        self._arrival.end(kept=True)
        self._landed(part, self._spool.digest)
        return part

    def _part(self) -> UploadPart:
        return UploadPart(
            id=ids.new_part_id(),
            upload_id=self._upload_id,
            key=self._key,
            bytes=self._spool.written,
            sha256=self._spool.sha256 if self._whole else "",
            created_at=0.0,
            start=self._start,
        )

    async def _dropped(self) -> None:
        self._arrival.end(kept=False)
        self._storing.cancel()
        await asyncio.wait([self._storing])
        # Its cancellation refers to this, and would keep it.
        del self._storing
        await self._spool.discard()
        await delete_objects(self._ingest, [self._key])
        self._ingest.arriving.discard(self._key)


async def delete_objects(ingest: Ingest, keys: Sequence[str]) -> None:
    """Objects that no row names any more; what fails is left to a sweep."""
    for key in keys:
        try:
            await ingest.blobs.delete(key)
        except LiftgateError as error:
            log.warning("%s is not needed any more and is left to the sweep: %s", key, error.message)


def _add(conn: Connection, part: UploadPart) -> bool:
    if count_parts(conn, part.upload_id) >= MOST_PARTS:
        raise InvalidRequest(f"An upload has at most {MOST_PARTS} parts.", param="upload_id", code="too_many_parts")
    now = conn.now()
    return add_part(conn, replace(part, created_at=now), now)
