"""Gemini's resumable uploads at our own front: a session, chunks in order, a File when it is finalized.

A session is found by its capability alone. Every byte that was acknowledged is durable, and so is what arrived of a
chunk whose line broke: the client asks where the session stands and goes on from there, at any node. Long chunks are
stored in parts of `PART_BYTES`. It knows offsets and bytes; headers and statuses are `server.handlers.gemini_uploads`'.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace

from liftgate import ids
from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.files import get_file, get_file_by_alias
from liftgate.catalog.rows.uploads import (
    MoreCame,
    begin_upload,
    cancel,
    get_upload,
    get_upload_by_secret,
    parts_of,
)
from liftgate.errors import (
    Conflict,
    InvalidRequest,
    LiftgateError,
    RequestError,
    RequestTimeout,
    UploadNotFound,
)
from liftgate.files.arrival import too_large
from liftgate.files.filename import clean_filename
from liftgate.files.part_store import PART_BYTES, PartArrival, PartStore
from liftgate.files.session_lock import SessionLock, SessionTaken
from liftgate.names import file_id_of
from liftgate.records import FileRecord, NewFile, Owner, UploadPart, UploadRecord

LIFE_SECONDS = 86_400
"""A session that was not finalized a day after its start is gone; Google says no number."""
GRANULARITY = 8 * 1024 * 1024
"""Bytes; what Google announces. Chunks of any length are taken."""


class OffsetGap(InvalidRequest):
    """A chunk that begins beyond what the session has."""

    def __init__(self, expected: int, offset: int) -> None:
        super().__init__(f"Invalid offset: expected {expected}, got {offset}", param="X-Goog-Upload-Offset")


class UploadIncomplete(InvalidRequest):
    """A finalize before all bytes that were announced are here."""


class Sessions:
    """One per process; what it remembers is only who writes at the moment."""

    def __init__(self, parts: PartStore) -> None:
        self._parts = parts
        self._ingest = parts.ingest
        self._db = parts.ingest.db
        self._lock = SessionLock()

    async def start(self, owner: Owner, new: NewFile) -> str:
        """The session's capability. Raises TooLarge, InvalidRequest, and Conflict for a name that is taken already."""
        if new.size is not None:
            largest = self._ingest.limits.largest_file(owner)
            if new.size > largest:
                raise too_large(new.size, largest, exact=True)
            await self._ingest.quotas.admit(owner, new.size, exact=True)
        secret = secrets.token_urlsafe(64)
        upload = UploadRecord(
            id=ids.new_upload_id(),
            owner=owner,
            kind="gemini",
            filename=clean_filename(new.filename),
            purpose=new.purpose,
            mime_type=new.mime_type,
            bytes=new.size,
            created_at=0.0,
            expires_at=0.0,
            secret_hash=_hashed(secret),
            alias=new.alias,
            display_name=new.display_name,
        )
        if new.alias is not None:
            await self.check_name(owner, new.alias)
        most = self._ingest.limits.max_pending_uploads
        await self._db.write(lambda conn: begin_upload(conn, upload, life=LIFE_SECONDS, most=most), storing=True)
        return secret

    async def check_name(self, owner: Owner, alias: str) -> None:
        """Raises Conflict when a file of this owner has the name; the commit decides once more."""

        def is_taken(conn: Connection) -> bool:
            now = conn.now()
            return bool(get_file_by_alias(conn, owner, alias, now) or get_file(conn, owner, file_id_of(alias), now))

        if await self._db.read(is_taken):
            raise Conflict(f"{alias} already exists.", param="name")

    async def find(self, secret: str) -> UploadRecord:
        """In whatever state it is; raises UploadNotFound."""
        upload = await self._db.read(lambda conn: get_upload_by_secret(conn, _hashed(secret), conn.now()))
        if upload is None:
            raise UploadNotFound("of this upload_id")
        return upload

    async def settled(self, upload: UploadRecord) -> UploadRecord:
        """Where it stands once whoever still writes to it has saved what came."""
        async with self._lock.hold(upload.id):
            return await self._fresh(upload)

    async def file_of(self, upload: UploadRecord) -> FileRecord | None:
        """Of a completed one, unless it was deleted since."""
        return await self._db.read(lambda conn: get_file(conn, upload.owner, upload.file_id or "", conn.now()))

    async def receive(self, upload: UploadRecord, offset: int, pieces: AsyncIterator[bytes]) -> UploadRecord:
        """Takes a chunk; what the session has already is skipped. All of it is durable when this returns.

        When `pieces` fail, what came before is kept and the failure is raised; of a body that cannot be read, what
        came with earlier ones. Raises OffsetGap; SessionTaken; InvalidRequest and TooLarge for more bytes than were
        announced or are allowed, which end the session; StorageFull, Unavailable.
        """
        async with self._lock.hold(upload.id) as writing:
            upload = await self._fresh(upload)
            if upload.status != "pending":
                return upload
            if offset > upload.received:
                raise OffsetGap(upload.received, offset)
            largest = self._ingest.limits.largest_file(upload.owner)
            chunk = _Chunk(self._parts, upload, skip=upload.received - offset, largest=largest)
            try:
                await chunk.begin()
                async for piece in writing.pieces(pieces):
                    await chunk.take(piece)
            except RequestTimeout:
                await chunk.keep()
                raise
            except RequestError:
                await chunk.drop()
                # Of a body that is not what it says, what was saved of it may be wrong as well.
                if chunk.refused or chunk.saved:
                    await self.cancel(upload)
                raise
            except BaseException:
                await chunk.keep()
                raise
            return replace(upload, received=await chunk.keep())

    async def finalize(self, upload: UploadRecord) -> FileRecord:
        """The File of all that came, also while it was made. Again: the same. Raises UploadIncomplete, after which it
        can go on; Conflict for a name that is taken, TooLarge and InvalidRequest, which end the session."""

        def work(conn: Connection) -> tuple[list[UploadPart], UploadRecord | None]:
            # The parts first: a session that is pending after that had all of them.
            parts = parts_of(conn, upload.id)
            return parts, get_upload(conn, upload.owner, upload.id, conn.now())

        while True:
            parts, found = await self._db.read(work)
            if found is not None and found.status == "completed":
                file = await self.file_of(found)
                if file is not None:
                    return file
            if found is None or found.status != "pending":
                raise InvalidRequest("Upload has already been terminated.")
            if found.bytes is not None and found.received < found.bytes:
                raise UploadIncomplete(f"The upload has {found.received} of {found.bytes} bytes.")
            try:
                if not parts:
                    raise InvalidRequest("The file is empty: it has 0 bytes.", param="file", code="empty_file")
                return await self._parts.assemble(found, parts, md5=None, completion=None)
            except MoreCame:
                continue
            except RequestError:
                await self.cancel(found)
                raise

    async def cancel(self, upload: UploadRecord) -> None:
        """Ends it and removes its bytes. Raises InvalidRequest for one that is completed."""
        _, keys = await self._db.write(lambda conn: cancel(conn, upload.owner, upload.id, conn.now()))
        self._parts.forget(upload.id)
        self._parts.delete(keys)

    async def _fresh(self, upload: UploadRecord) -> UploadRecord:
        found = await self._db.read(lambda conn: get_upload(conn, upload.owner, upload.id, conn.now()))
        if found is None:
            raise UploadNotFound("of this upload_id")
        return found


class _Chunk:
    """The bytes of one request on their way into parts, from where the session stands."""

    def __init__(self, parts: PartStore, upload: UploadRecord, *, skip: int, largest: int) -> None:
        self._parts = parts
        self._upload = upload
        self._skip = skip
        self._largest = largest
        self._position = upload.received
        self._part: PartArrival | None = None
        # The upload may not have these bytes; some of them are durable.
        self.refused = self.saved = False

    async def begin(self) -> None:
        with self._noted():
            await self._parts.ingest.quotas.admit(self._upload.owner, 0)

    async def take(self, piece: bytes) -> None:
        with self._noted():
            await self._take(piece)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except RequestError:
            self.refused = True
            raise

    async def _take(self, piece: bytes) -> None:
        if self._skip:
            skipped = min(self._skip, len(piece))
            self._skip -= skipped
            piece = piece[skipped:]
        self._check(self._position + len(piece))
        while piece:
            part = self._part = self._part or self._parts.begin(self._upload, start=self._position)
            some = piece[: PART_BYTES - part.size]
            try:
                await part.write(some)
            except LiftgateError:
                self._part = None
                raise
            self._position += len(some)
            piece = piece[len(some) :]
            if part.size == PART_BYTES:
                await self._save()

    def _check(self, end: int) -> None:
        if end > self._largest:
            raise too_large(end, self._largest)
        if self._upload.bytes is not None and end > self._upload.bytes:
            raise InvalidRequest(f"More bytes came than were announced: {self._upload.bytes}.")

    async def keep(self) -> int:
        """Makes all that came durable; where the session then stands."""
        await self._save()
        return self._position

    async def drop(self) -> None:
        part, self._part = self._part, None
        if part is not None:
            await part.abort()

    async def _save(self) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        if not part.size:
            await part.abort()
        elif await part.commit() is None:
            raise SessionTaken
        else:
            self.saved = True


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).hexdigest()
