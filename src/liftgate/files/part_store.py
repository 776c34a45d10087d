"""The bytes of uploads, a part at a time: durable in the object store, then a row, and at the end one file of them all.

A completed upload is a manifest: its parts stay the objects that they are, and nothing is written twice. The blob needs
the SHA-256 of the whole, which goes on from part to part while they come in order through this process; what was not
hashed so is read once when the upload is completed. Called by `uploads` (OpenAI's) and `sessions` (Gemini's).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from liftgate import ids
from liftgate.blobs.disk import in_thread
from liftgate.blobs.manifest import PartsSource
from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.blobs import BlobPart
from liftgate.catalog.rows.uploads import Finished, finish, note_completion
from liftgate.errors import InvalidRequest, LiftgateError
from liftgate.files.arrival import Ingest
from liftgate.files.incoming_part import IncomingPart, delete_objects
from liftgate.files.twins import with_twins
from liftgate.media_types import is_taken, resolve, unusable
from liftgate.records import BlobRecord, FileRecord, UploadPart, UploadRecord
from liftgate.signatures import HEAD

if TYPE_CHECKING:
    from hashlib import _Hash

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
        if start is not None and start != chain.size:
            if start:
                return IncomingPart(self.ingest, upload, start, None, lambda part, digest: None)
            chain = _Chain((), 0, hashlib.sha256())
        landed = partial(self._advance, upload.id, chain)
        return IncomingPart(self.ingest, upload, start, chain.digest.copy(), landed)

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
        """Begins to delete objects that no row names any more; what fails is found by a sweep."""
        if keys:
            self.ingest.tasks.start(delete_objects(self.ingest, keys), name="delete parts")

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
        which does not take its type, and what `catalog.uploads.finish` raises.
        """
        mime_type = await self._mime_type(upload, parts)
        if for_gemini and not is_taken(mime_type):
            raise unusable(f"The file {upload.filename!r}", mime_type, param="target_model_names")
        typed = replace(upload, mime_type=mime_type)
        work = self.ingest.tasks.start(self._assembled(typed, parts, md5, completion), name=f"assemble {upload.id}")
        outcome: FileRecord | LiftgateError = await asyncio.shield(work)
        if isinstance(outcome, LiftgateError):
            raise outcome.again()
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
        ingest = self.ingest
        size = sum(part.bytes for part in parts)
        life = upload.file_expires_after
        manifest = [BlobPart(part.key, part.bytes) for part in parts]
        quota = ingest.limits.storage_quota(upload.owner)

        def work(conn: Connection, looked_at: Mapping[str, bool]) -> Finished:
            now = conn.now()
            blob = BlobRecord(ids.new_blob_id(), upload.owner, sha256, size, now)
            file = FileRecord(
                id=ids.new_file_id(),
                owner=upload.owner,
                blob_id=blob.id,
                filename=upload.filename,
                mime_type=upload.mime_type,
                bytes=size,
                sha256=sha256,
                purpose=upload.purpose,
                created_at=now,
                expires_at=None if life is None else now + life,
                alias=upload.alias,
                display_name=upload.display_name,
            )
            if completion is not None:
                note_completion(conn, upload.id, completion, now)
            return finish(conn, upload.id, file, blob, manifest, owner_limit=quota, looked_at=looked_at)

        async def commit(looked_at: Mapping[str, bool]) -> Finished:
            return await ingest.db.write(partial(work, looked_at=looked_at), storing=True)

        finished = await with_twins(ingest.db, ingest.blobs, sha256, size, commit)
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


def _update(digests: Sequence[_Hash], pieces: Sequence[bytes]) -> None:
    for digest in digests:
        for piece in pieces:
            digest.update(piece)
