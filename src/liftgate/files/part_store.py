"""The bytes of uploads, a part at a time: durable in the object store, then a row, and at the end one file of them all.

A completed upload is a manifest: its parts stay the objects that they are, and nothing is written twice. The blob needs
the SHA-256 of the whole, which goes on from part to part while they come in order through this process; what was not
hashed so is read once when the upload is completed. Called by `uploads` (OpenAI's) and `sessions` (Gemini's).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from liftgate import ids
from liftgate.blobs.disk import in_thread
from liftgate.blobs.manifest import PartsSource
from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.blobs import BlobPart
from liftgate.catalog.rows.uploads import Finished, add_part, count_parts, finish, note_completion
from liftgate.errors import InvalidRequest, LiftgateError, TooLarge
from liftgate.files.alone import is_alone
from liftgate.files.arrival import Arrival, Ingest, file_of
from liftgate.files.duplicates import commit_once
from liftgate.magic_bytes import HEAD
from liftgate.media_types import is_taken, resolve, unusable
from liftgate.records import BlobRecord, FileRecord, NewFile, UploadPart, UploadRecord
from liftgate.sizes import exact_size

if TYPE_CHECKING:
    from hashlib import _Hash

log = logging.getLogger("liftgate.files")

PART_BYTES = 64 * 1024 * 1024
"""The largest part: OpenAI's limit, and what a kill may cost of a Gemini session's long chunk."""
MOST_PARTS = 10_000
_CHAINS = 4096
_HASHED_AT_ONCE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Chain:
    """The hash of an upload so far: of these objects, in this order, of so many bytes."""

    keys: tuple[str, ...]
    size: int
    digest: _Hash


class PartArrival(Arrival):
    """A part of an upload. `start`: its offset in a session of Gemini's. `digest`: of what stands before it, None where
    that is not known; `landed` is called with it, gone on, when the part has its row.
    """

    def __init__(
        self,
        ingest: Ingest,
        upload: UploadRecord,
        start: int | None,
        digest: _Hash | None,
        landed: Callable[[UploadPart, _Hash], None],
    ) -> None:
        super().__init__(ingest, upload.owner, param="data", digest=digest)
        self._upload_id = upload.id
        self._most = PART_BYTES if upload.bytes is None else min(PART_BYTES, upload.bytes)
        # A part that is sent again does not make the file larger.
        self._lacking = PART_BYTES if upload.bytes is None else max(0, upload.bytes - upload.received)
        self._start = start
        self._whole = start is not None and digest is not None
        self._landed = landed

    async def _admit(self, more: int) -> int:
        if self.size + more > self._most:
            why = f"Maximum part size, {exact_size(PART_BYTES)}, exceeded"
            if self._most < PART_BYTES:
                why = f"The upload was to have {self._most} bytes"
            raise TooLarge(f"{why}: the part has {self.size + more} bytes or more.", param="data")
        counted = min(more, self._lacking)
        self._lacking -= counted
        return counted

    async def commit(self) -> UploadPart | None:
        """Durable, with its row; None: the session does not stand at this part's offset, and it was thrown away.

        Raises UploadNotFound, InvalidRequest (the upload has ended, or has too many parts), StorageFull, Unavailable.
        """
        part = await self._finish(self._record)
        if part is not None:
            self._landed(part, self.spool.digest)
        return part

    async def _record(self) -> UploadPart | None:
        part = UploadPart(
            id=ids.new_part_id(),
            upload_id=self._upload_id,
            key=self.key,
            bytes=self.size,
            sha256=self.spool.sha256 if self._whole else "",
            created_at=0.0,  # the database's time, known when it is written
            start=self._start,
        )
        return await self._ingest.db.write(lambda conn: _add(conn, part), storing=True)


class PartStore:
    """One per process: the running hashes are here, the truth about parts is in the catalogue."""

    def __init__(self, ingest: Ingest) -> None:
        self.ingest = ingest
        self._chains: OrderedDict[str, _Chain] = OrderedDict()

    def begin(self, upload: UploadRecord, *, start: int | None) -> PartArrival:
        """A part about to arrive; `start`: its offset in a Gemini session. Raises StorageFull."""
        chain = self._chains.get(upload.id) or _Chain((), 0, hashlib.sha256())
        if start is not None and start != chain.size:
            if start:
                return PartArrival(self.ingest, upload, start, None, lambda part, digest: None)
            chain = _Chain((), 0, hashlib.sha256())
        landed = partial(self._advance, upload.id, chain)
        return PartArrival(self.ingest, upload, start, chain.digest.copy(), landed)

    def _advance(self, upload_id: str, chain: _Chain, part: UploadPart, digest: _Hash) -> None:
        """`part` was hashed behind `chain`. Of parts that came side by side the first one counts."""
        current = self._chains.get(upload_id)
        if part.start is not None or current is None or current.keys == chain.keys:
            self._chains[upload_id] = _Chain((*chain.keys, part.key), chain.size + part.bytes, digest)
            self._chains.move_to_end(upload_id)
            if len(self._chains) > _CHAINS:
                self._chains.popitem(last=False)

    def forget(self, upload_id: str) -> None:
        self._chains.pop(upload_id, None)

    def delete(self, keys: Sequence[str]) -> None:
        """Begins to delete objects that no row names any more; what fails, or a copy of this catalogue may need, is
        left to the sweep."""
        if keys:
            self.ingest.tasks.start(self._delete(keys), name="delete parts")

    async def _delete(self, keys: Sequence[str]) -> None:
        try:
            alone = await is_alone(self.ingest.db, self.ingest.blobs)
        except LiftgateError as error:
            log.warning("parts of an upload that ended are left to the sweep: %s", error.message)
            return
        if alone:
            await self.ingest.delete_objects(keys)

    # ── the whole ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def assemble(
        self,
        upload: UploadRecord,
        parts: Sequence[UploadPart],
        *,
        md5: str | None,
        completion: str | None,
        for_gemini: bool = False,
    ) -> FileRecord:
        """Makes the file of `parts`, in this order, at least one. `md5`: hex, what the client says of the whole.

        Goes on when the caller is cancelled. Raises InvalidRequest (the md5), FileUnusable where it is `for_gemini`,
        which does not take its type, and what `rows.uploads.finish` raises.
        """
        mime_type = await self._mime_type(upload, parts)
        if for_gemini and not is_taken(mime_type):
            raise unusable(f"The file {upload.filename!r}", mime_type, param="target_model_names")
        typed = replace(upload, mime_type=mime_type)
        work = self.ingest.tasks.start(
            self._assemble_or_error(typed, parts, md5, completion), name=f"assemble {upload.id}"
        )
        outcome: FileRecord | LiftgateError = await asyncio.shield(work)
        if isinstance(outcome, LiftgateError):
            raise outcome.again()
        return outcome

    async def _assemble_or_error(
        self, upload: UploadRecord, parts: Sequence[UploadPart], md5: str | None, completion: str | None
    ) -> FileRecord | LiftgateError:
        try:
            sha256, found = await self._digests(upload, parts, with_md5=md5 is not None)
            if md5 is not None and md5.lower() != found:
                return InvalidRequest(
                    f"The md5 of the uploaded bytes is {found}, not {md5}.", param="md5", code="md5_mismatch"
                )
            return await self._finish(upload, parts, sha256, completion)
        except LiftgateError as error:
            return error

    async def _finish(
        self, upload: UploadRecord, parts: Sequence[UploadPart], sha256: str, completion: str | None
    ) -> FileRecord:
        ingest = self.ingest
        size = sum(part.bytes for part in parts)
        manifest = [BlobPart(part.key, part.bytes) for part in parts]
        quota = ingest.limits.storage_quota(upload.owner)

        def work(conn: Connection, looked_at: Mapping[str, bool]) -> Finished:
            now = conn.now()
            blob = BlobRecord(ids.new_blob_id(), upload.owner, sha256, size, now)
            file = file_of(_announced(upload), blob)
            if completion is not None:
                note_completion(conn, upload.id, completion, now)
            return finish(conn, upload.id, file, blob, manifest, owner_limit=quota, looked_at=looked_at)

        async def commit(looked_at: Mapping[str, bool]) -> Finished:
            return await ingest.db.write(partial(work, looked_at=looked_at), storing=True)

        finished = await commit_once(ingest.db, ingest.blobs, sha256, size, commit)
        self.forget(upload.id)
        self.delete(finished.unused)
        return finished.file

    async def _mime_type(self, upload: UploadRecord, parts: Sequence[UploadPart]) -> str:
        source = self._source(parts)
        pieces = cast("AsyncGenerator[bytes]", source.read(0, min(HEAD, source.size)))
        async with aclosing(pieces):
            head = b"".join([piece async for piece in pieces])
        return resolve(declared=upload.mime_type, filename=upload.filename, head=head)

    def _source(self, parts: Sequence[UploadPart]) -> PartsSource:
        return PartsSource([self.ingest.blobs.open(part.key, part.bytes) for part in parts])

    async def _digests(
        self, upload: UploadRecord, parts: Sequence[UploadPart], *, with_md5: bool
    ) -> tuple[str, str | None]:
        """(SHA-256, md5 if asked for), hex. Reads what no running hash covers, and all of it for an md5."""
        if with_md5:
            sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
            await self._hash(parts, 0, [sha256, md5])
            return sha256.hexdigest(), md5.hexdigest()
        if upload.kind == "gemini" and parts[-1].sha256:
            return parts[-1].sha256, None
        chain = self._chains.get(upload.id)
        keys = tuple(part.key for part in parts)
        if chain is None or keys[: len(chain.keys)] != chain.keys:
            chain = _Chain((), 0, hashlib.sha256())
        digest = chain.digest.copy()
        await self._hash(parts, chain.size, [digest])
        return digest.hexdigest(), None

    async def _hash(self, parts: Sequence[UploadPart], start: int, digests: Sequence[_Hash]) -> None:
        source = self._source(parts)
        batch: list[bytes] = []
        gathered = 0
        pieces = cast("AsyncGenerator[bytes]", source.read(start, source.size))
        async with aclosing(pieces):
            async for piece in pieces:
                batch.append(piece)
                gathered += len(piece)
                if gathered >= _HASHED_AT_ONCE:
                    await in_thread(self.ingest.threads, partial(_update, digests, batch))
                    batch, gathered = [], 0
        await in_thread(self.ingest.threads, partial(_update, digests, batch))


def _announced(upload: UploadRecord) -> NewFile:
    return NewFile(
        filename=upload.filename,
        mime_type=upload.mime_type,
        purpose=upload.purpose,
        life_seconds=upload.file_expires_after,
        alias=upload.alias,
        display_name=upload.display_name,
    )


def _add(conn: Connection, part: UploadPart) -> UploadPart | None:
    """The part as it was written; None: the session does not stand at its offset."""
    if count_parts(conn, part.upload_id) >= MOST_PARTS:
        raise InvalidRequest(f"An upload has at most {MOST_PARTS} parts.", param="upload_id", code="too_many_parts")
    now = conn.now()
    part = replace(part, created_at=now)
    return part if add_part(conn, part, now) else None


def _update(digests: Sequence[_Hash], pieces: Sequence[bytes]) -> None:
    for digest in digests:
        for piece in pieces:
            digest.update(piece)
