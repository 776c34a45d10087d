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
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from liftgate import ids
from liftgate.blobs.disk import in_thread
from liftgate.blobs.manifest import PartsSource
from liftgate.blobs.spool import Spool, SpoolDiscarded
from liftgate.catalog.blobs import BlobPart
from liftgate.catalog.connection import Connection
from liftgate.catalog.uploads import Finished, UploadPart, UploadRecord, add_part, count_parts, finish, note_completion
from liftgate.errors import InvalidRequest, LiftgateError, RequestError, TooLarge
from liftgate.files.ingest import Ingest
from liftgate.media_types import HEAD, OCTET_STREAM, normalise, resolve
from liftgate.records import BlobRecord, FileRecord

if TYPE_CHECKING:
    from hashlib import _Hash

log = logging.getLogger("liftgate.files")

PART_BYTES = 64 * 1024 * 1024
"""The largest part: OpenAI's limit, and what a kill may cost of a native session's long chunk."""
MOST_PARTS = 10_000
_CHAINS = 4096
_HASHED_AT_ONCE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Chain:
    """The hash of an upload so far: of these objects, in this order, of so many bytes."""

    keys: tuple[str, ...]
    size: int
    digest: _Hash


class PartStore:
    """One per process: the running hashes are here, the truth about parts is in the catalogue."""

    def __init__(self, ingest: Ingest) -> None:
        self.ingest = ingest
        self._chains: OrderedDict[str, _Chain] = OrderedDict()

    def begin(self, upload: UploadRecord, *, start: int | None) -> IncomingPart:
        """A part about to arrive; `start`: its offset in a native session. Raises StorageFull."""
        chain = self._chains.get(upload.id) or _Chain((), 0, hashlib.sha256())
        if start is None or start == chain.size:
            return IncomingPart(self, upload, start, chain)
        return IncomingPart(self, upload, start, None if start else _Chain((), 0, hashlib.sha256()))

    def advance(self, upload_id: str, chain: _Chain, part: UploadPart, digest: _Hash) -> None:
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
        """Begins to delete objects that no row names any more; what fails is found by a sweep."""
        if keys:
            self.ingest.tasks.start(self._delete(keys), name="delete parts")

    async def _delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                await self.ingest.blobs.delete(key)
            except LiftgateError as error:
                log.warning("%s is not needed any more and is left to the sweep: %s", key, error.message)

    # ── the whole ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def assemble(
        self, upload: UploadRecord, parts: Sequence[UploadPart], *, md5: str | None, completion: str | None
    ) -> FileRecord:
        """Makes the file of `parts`, in this order, at least one. `md5`: hex, what the client says of the whole.

        Goes on when the caller is cancelled. Raises InvalidRequest (the md5), and what `catalog.uploads.finish` raises.
        """
        work = self.ingest.tasks.start(self._assembled(upload, parts, md5, completion), name=f"assemble {upload.id}")
        outcome: FileRecord | LiftgateError = await asyncio.shield(work)
        if isinstance(outcome, LiftgateError):
            raise outcome
        return outcome

    async def _assembled(
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
        ingest, now = self.ingest, self.ingest.clock.now()
        size = sum(part.bytes for part in parts)
        blob = BlobRecord(ids.new_blob_id(), upload.owner, sha256, size, now)
        life = upload.file_expires_after
        file = FileRecord(
            id=ids.new_file_id(),
            owner=upload.owner,
            blob_id=blob.id,
            filename=upload.filename,
            mime_type=await self._mime_type(upload, parts[0]),
            bytes=size,
            sha256=sha256,
            purpose=upload.purpose,
            created_at=now,
            expires_at=None if life is None else now + life,
            alias=upload.alias,
            display_name=upload.display_name,
        )
        manifest = [BlobPart(part.key, part.bytes) for part in parts]
        quota = ingest.limits.storage_quota(upload.owner)

        def work(conn: Connection) -> Finished:
            if completion is not None:
                note_completion(conn, upload.id, completion, now)
            return finish(conn, upload.id, file, blob, manifest, owner_limit=quota, now=now)

        finished = await ingest.db.write(work)
        self.forget(upload.id)
        self.delete(finished.unused)
        return finished.file

    async def _mime_type(self, upload: UploadRecord, first: UploadPart) -> str:
        head = b""
        if normalise(upload.mime_type) in ("", OCTET_STREAM):
            pieces = cast("AsyncGenerator[bytes]", self._source([first]).read(0, min(HEAD, first.bytes)))
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


def _update(digests: Sequence[_Hash], pieces: Sequence[bytes]) -> None:
    for digest in digests:
        for piece in pieces:
            digest.update(piece)


class IncomingPart:
    """A part that is arriving: `write` its bytes, then `commit` or `abort`. What fails leaves nothing behind."""

    def __init__(self, store: PartStore, upload: UploadRecord, start: int | None, chain: _Chain | None) -> None:
        self._store = store
        self._ingest = store.ingest
        self._upload = upload
        self._start = start
        self._chain = chain
        self._key = ids.new_blob_id()
        self._spool = Spool.create(
            self._ingest.spool_dir,
            expected=None,
            threads=self._ingest.threads,
            digest=None if chain is None else chain.digest.copy(),
        )
        self._ended = False
        self._storing = self._ingest.tasks.start(self._stored(), name=f"store {self._key}")

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._spool.written

    async def write(self, piece: bytes | memoryview) -> None:
        """Raises TooLarge over `PART_BYTES`, StorageFull and Unavailable; nothing of the part is kept then."""
        try:
            if self.size + len(piece) > PART_BYTES:
                raise TooLarge(
                    f"Maximum part size ({PART_BYTES} bytes) exceeded: the part has {self.size + len(piece)} bytes or"
                    " more.",
                    param="data",
                )
            if self._storing.done() and (failure := self._storing.result()):
                raise failure
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
            raise outcome
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
                raise failure
        except LiftgateError as error:
            await self._dropped()
            return error
        try:
            part = self._part()
            if not await self._ingest.db.write(lambda conn: _add(conn, part)):
                await self._dropped()
                return None
        except RequestError as refused:
            await self._dropped()
            return refused
        except LiftgateError as error:
            # A database that went away may have committed: what belongs to nothing, the sweep finds.
            return error
        finally:
            await self._spool.close()
        if self._chain is not None:
            self._store.advance(self._upload.id, self._chain, part, self._spool.digest)
        return part

    def _part(self) -> UploadPart:
        whole = self._start is not None and self._chain is not None
        return UploadPart(
            id=ids.new_part_id(),
            upload_id=self._upload.id,
            key=self._key,
            bytes=self._spool.written,
            sha256=self._spool.sha256 if whole else "",
            created_at=self._ingest.clock.now(),
            start=self._start,
        )

    async def _dropped(self) -> None:
        self._storing.cancel()
        await asyncio.gather(self._storing, return_exceptions=True)
        await self._spool.discard()
        self._store.delete([self._key])


def _add(conn: Connection, part: UploadPart) -> bool:
    if count_parts(conn, part.upload_id) >= MOST_PARTS:
        raise InvalidRequest(f"An upload has at most {MOST_PARTS} parts.", param="upload_id", code="too_many_parts")
    return add_part(conn, part, part.created_at)
