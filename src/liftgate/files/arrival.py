"""How a file comes in: into the spool, from there into the blob store, then into the catalogue.

`Ingest.begin` gives an `Incoming`, which is written to and ends with `commit` or `abort`. The order is the guarantee:
bytes durable in the store, then the row, then the answer. A crash in between leaves an object that nothing refers to,
for the sweep. Gemini is not waited for; who wants to send there meanwhile reads `Incoming.spool`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from liftgate import ids
from liftgate.blobs.disk import file_threads
from liftgate.blobs.spool import Spool, SpoolDiscarded
from liftgate.blobs.store import BlobStore
from liftgate.catalog.database import Connection, Database
from liftgate.catalog.rows.files import commit_file
from liftgate.errors import InvalidRequest, LiftgateError, RequestError, StorageFull, TooLarge
from liftgate.files.filename import clean_filename
from liftgate.files.quota import Limits, Quotas, amount
from liftgate.files.twins import with_twins
from liftgate.media_types import is_taken, resolve, unusable
from liftgate.records import BlobRecord, FileRecord, FileStatus, Owner
from liftgate.signatures import HEAD
from liftgate.tasks import Tasks

log = logging.getLogger("liftgate.files")

_THREADS = 4


class Ingest:
    """Takes files in. `spool_dir` should be on the file system of a local blob store, which then costs no copy."""

    def __init__(self, db: Database, blobs: BlobStore, spool_dir: Path, limits: Limits) -> None:
        self.db = db
        self.blobs = blobs
        self.limits = limits
        # Keys of objects that are being stored and have no row yet: what keeps them from the sweep.
        self.arriving: set[str] = set()
        self.refusal: LiftgateError | None = None
        self.spool_dir = spool_dir
        self.threads = file_threads(_THREADS, "liftgate-ingest")
        self.tasks = Tasks()
        self.quotas = Quotas(db, limits)

    def begin(self, owner: Owner, *, expected: int | None) -> Incoming:
        """A file about to arrive; `expected`: its length in bytes, where it is known. Raises TooLarge, StorageFull,
        Unavailable."""
        self.db.admit()
        self.check_open()
        largest = self.limits.largest_file(owner)
        if expected is not None and expected > largest:
            raise too_large(expected, largest)
        return Incoming(self, owner, Spool.create(self.spool_dir, expected=expected, threads=self.threads))

    def check_open(self) -> None:
        """Raises Unavailable while the store is not this catalogue's any more: what is stored then would be lost."""
        if self.refusal is not None:
            raise self.refusal.again()

    async def close(self, seconds: float = 30.0) -> None:
        """Waits for the commits under way, so long."""
        await self.tasks.drain(seconds)
        self.threads.shutdown(wait=False)


@dataclass(frozen=True, slots=True)
class _Named:
    """What is said of the file when all of it has come."""

    filename: str
    mime_type: str
    purpose: str
    expires_after: int | None
    alias: str | None
    display_name: str | None
    status: FileStatus


class Incoming:
    """A file that is arriving. Any failure of `write` or `commit` leaves nothing behind."""

    def __init__(self, ingest: Ingest, owner: Owner, spool: Spool) -> None:
        self.spool = spool
        self._ingest = ingest
        self._owner = owner
        self._largest = ingest.limits.largest_file(owner)
        self._quota = ingest.limits.storage_quota(owner)
        self._arrival = ingest.quotas.arrival(owner)
        self._head = b""
        self._blob_id = ids.new_blob_id()
        ingest.arriving.add(self._blob_id)
        self._admitted = False
        self._ended = False
        self._kept = True
        self._storing = ingest.tasks.start(self._store(), name=f"store {self._blob_id}")

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.spool.written

    async def write(self, piece: bytes | memoryview) -> None:
        """Raises TooLarge (the file's limit, the owner's quota), StorageFull, Unavailable, and InvalidRequest when
        more comes than was announced. A memoryview's memory is the caller's again afterwards.
        """
        if self._ended:
            raise ValueError("this file was committed or aborted before")
        try:
            await self._check(len(piece))
            if len(self._head) < HEAD:
                self._head += bytes(piece[: HEAD - len(self._head)])
            await self.spool.write(piece)
        except LiftgateError:
            await self.abort()
            raise

    async def _check(self, more: int) -> None:
        if not self._admitted and self.spool.expected is not None:
            await self._ingest.quotas.admit(self._owner, self.spool.expected, exact=True)
        self._admitted = True
        if self.spool.written + more > self._largest:
            raise too_large(self.spool.written + more, self._largest)
        await self._arrival.take(more)
        if self._storing.done() and (failure := self._storing.result()):
            raise failure.again()

    async def commit(
        self,
        *,
        filename: str | None,
        content_type: str | None,
        purpose: str,
        expires_after: int | None = None,
        alias: str | None = None,
        display_name: str | None = None,
        status: FileStatus = "processed",
    ) -> FileRecord:
        """All bytes are here: returns once they and the row are durable. `expires_after`: seconds of life.

        From here on the file is saved even if the caller is cancelled. Raises FileUnusable where it is to go to Gemini
        at once (`status` is `uploaded`), which does not take its type; InvalidRequest (empty, a bad name, fewer bytes
        than announced), TooLarge (the quota), Conflict (the alias is taken), StorageFull, Unavailable.
        """
        if self._ended:
            raise ValueError("this file was committed or aborted before")
        try:
            name = clean_filename(filename)
            if not self.spool.written and not self.spool.expected:
                raise InvalidRequest(f"The file '{name}' is empty: it has 0 bytes.", param="file", code="empty_file")
            mime_type = resolve(declared=content_type, filename=name, head=self._head)
            if status == "uploaded" and not is_taken(mime_type):
                raise unusable(f"The file {name!r}", mime_type, param="file")
        except LiftgateError:
            await self.abort()
            raise
        named = _Named(name, mime_type, purpose, expires_after, alias, display_name, status)
        self._ended = True
        saving = self._ingest.tasks.start(self._save(named), name=f"commit {self._blob_id}")
        outcome: FileRecord | LiftgateError = await asyncio.shield(saving)
        if isinstance(outcome, LiftgateError):
            raise outcome.again()
        return outcome

    async def abort(self) -> None:
        """Nothing of it is kept. Idempotent; without effect once `commit` has begun, which ends by itself."""
        if self._ended:
            return
        self._ended = True
        await asyncio.shield(self._ingest.tasks.start(self._drop(), name=f"abort {self._blob_id}"))

    async def _store(self) -> LiftgateError | None:
        try:
            await self._ingest.blobs.store(self._blob_id, self.spool)
        except SpoolDiscarded:
            return None
        except LiftgateError as error:
            return error
        return None

    async def _save(self, named: _Named) -> FileRecord | LiftgateError:
        try:
            await self.spool.finish()
            if failure := await self._storing:
                raise failure.again()
            self._ingest.check_open()
        except LiftgateError as error:
            await self._drop()
            return error
        except BaseException:
            await self._drop()
            raise
        try:
            file = await self._record(named)
        except (RequestError, StorageFull) as refused:
            await self._drop()
            return refused
        except LiftgateError as error:
            # A database that went away during the commit may have committed: the bytes stay, and if they belong to
            # nothing, the sweep finds them.
            self._arrival.end(kept=True)
            return error
        finally:
            self._ingest.arriving.discard(self._blob_id)
            await self.spool.close()
        self._arrival.end(kept=True)
        if not self._kept:
            self._ingest.tasks.start(self._delete_object(), name=f"delete {self._blob_id}")
        return file

    async def _record(self, named: _Named) -> FileRecord:
        ingest, spool = self._ingest, self.spool

        async def commit(looked_at: Mapping[str, bool]) -> FileRecord:
            file = await ingest.db.write(lambda conn: self._commit(conn, named, looked_at), storing=True)
            self._kept = file.blob_id == self._blob_id or not looked_at[file.blob_id]
            return file

        return await with_twins(ingest.db, ingest.blobs, spool.sha256, spool.written, commit)

    def _commit(self, conn: Connection, named: _Named, looked_at: Mapping[str, bool]) -> FileRecord:
        now, size = conn.now(), self.spool.written
        blob = BlobRecord(self._blob_id, self._owner, self.spool.sha256, size, now)
        file = FileRecord(
            id=ids.new_file_id(),
            owner=self._owner,
            blob_id=blob.id,
            filename=named.filename,
            mime_type=named.mime_type,
            bytes=size,
            sha256=blob.sha256,
            purpose=named.purpose,
            created_at=now,
            expires_at=None if named.expires_after is None else now + named.expires_after,
            status=named.status,
            alias=named.alias,
            display_name=named.display_name,
        )
        return commit_file(conn, file, blob, owner_limit=self._quota, looked_at=looked_at)

    async def _drop(self) -> None:
        self._arrival.end(kept=False)
        self._storing.cancel()
        await asyncio.wait([self._storing])
        # Its cancellation refers to this, and would keep it.
        del self._storing
        await self.spool.discard()
        await self._delete_object()
        self._ingest.arriving.discard(self._blob_id)

    async def _delete_object(self) -> None:
        try:
            await self._ingest.blobs.delete(self._blob_id)
        except LiftgateError as error:
            log.warning("%s was stored for nothing and is left to the sweep: %s", self._blob_id, error.message)


def too_large(size: int, largest: int, *, param: str = "file", exact: bool = False) -> TooLarge:
    """A file over its owner's limit, both in bytes; not `exact`: so much of it has come, or was announced roughly."""
    said = f"Maximum file size ({largest} bytes) exceeded: the file has {amount(size, exact)}."
    return TooLarge(said, param=param)
