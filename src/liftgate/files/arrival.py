"""How bytes come in, of a whole file and of a part: into the spool, from there into the blob store, then a row.

An `Arrival` is written to and ends with its `commit` or with `abort`. The order is the guarantee: bytes durable in the
store, then the row, then the answer. A crash in between leaves an object that nothing refers to, for the sweep. Gemini
is not waited for; who wants to send there meanwhile reads the spool.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from liftgate import ids
from liftgate.blobs.disk import file_threads
from liftgate.blobs.spool import Spool, SpoolDiscarded
from liftgate.blobs.store import BlobStore
from liftgate.catalog.database import Connection, Database
from liftgate.catalog.rows.files import commit_file
from liftgate.errors import InvalidRequest, LiftgateError, RequestError, StorageFull, TooLarge
from liftgate.files.deleting import delete_objects
from liftgate.files.duplicates import commit_once
from liftgate.files.filename import clean_filename
from liftgate.files.quota import Limits, Quotas, amount
from liftgate.magic_bytes import HEAD
from liftgate.media_types import is_taken, resolve, unusable
from liftgate.records import BlobRecord, FileRecord, FileStatus, NewFile, Owner
from liftgate.sizes import exact_size
from liftgate.tasks import Tasks

if TYPE_CHECKING:
    from hashlib import _Hash

T = TypeVar("T")

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

    def begin(self, owner: Owner, *, size: int | None = None) -> FileArrival:
        """A file about to arrive; `size`: its bytes, where their number is certain. Raises TooLarge, StorageFull,
        Unavailable."""
        largest = self.limits.largest_file(owner)
        if size is not None and size > largest:
            raise too_large(size, largest)
        return FileArrival(self, owner, size)

    def check_open(self) -> None:
        """Raises Unavailable while the store is not this catalogue's any more: what is stored then would be lost."""
        if self.refusal is not None:
            raise self.refusal.again()

    async def delete_objects(self, keys: Sequence[str]) -> None:
        """Objects that no row names any more; what fails is left to a sweep."""
        await delete_objects(self.blobs, keys)

    async def close(self, seconds: float = 30.0) -> None:
        """Waits for the commits under way, so long."""
        await self.tasks.drain(seconds)
        self.threads.shutdown(wait=False)


class Arrival:
    """Bytes on their way in, and the object `key` that they become. Any failure leaves nothing behind.

    `param`: what an error names. `digest`: a SHA-256 of what stands before these bytes; `spool.digest` goes on from it.
    """

    def __init__(
        self, ingest: Ingest, owner: Owner, *, size: int | None = None, param: str = "file", digest: _Hash | None = None
    ) -> None:
        ingest.db.admit()
        ingest.check_open()
        self.key = ids.new_blob_id()
        self.spool = Spool.create(ingest.spool_dir, expected=size, threads=ingest.threads, digest=digest)
        self._ingest = ingest
        self._owner = owner
        self._share = ingest.quotas.share(owner, param=param)
        self._ended = False
        ingest.arriving.add(self.key)
        self._storing = ingest.tasks.start(self._store(), name=f"store {self.key}")

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.spool.written

    async def write(self, piece: bytes | memoryview) -> None:
        """Raises TooLarge (a limit, the owner's quota), StorageFull, Unavailable, and InvalidRequest when more comes
        than was announced. A memoryview's memory is the caller's again afterwards."""
        if self._ended:
            raise ValueError("this arrival was committed or aborted before")
        try:
            counted = await self._admit(len(piece))
            if self._storing.done() and (failure := self._storing.result()):
                raise failure.again()
            await self._share.take(counted)
            await self.spool.write(piece)
        except LiftgateError:
            await self.abort()
            raise

    async def _admit(self, more: int) -> int:
        """How many of so many more bytes count against the quota. Raises TooLarge where they may not come."""
        raise NotImplementedError

    async def _finish(self, record: Callable[[], Awaitable[T | None]]) -> T | None:
        """What `record` gives once its rows are durable; None where it wrote none, and the bytes are thrown away.

        From here on they are saved even if the caller is cancelled.
        """
        if self._ended:
            raise ValueError("this arrival was committed or aborted before")
        self._ended = True
        saving = self._ingest.tasks.start(self._save(record), name=f"save {self.key}")
        outcome: T | LiftgateError | None = await asyncio.shield(saving)
        if isinstance(outcome, LiftgateError):
            raise outcome.again()
        return outcome

    async def abort(self) -> None:
        """Nothing of it is kept. Idempotent; without effect once `commit` has begun, which ends by itself."""
        if not self._ended:
            self._ended = True
            await asyncio.shield(self._ingest.tasks.start(self._drop(), name=f"abort {self.key}"))

    async def _store(self) -> LiftgateError | None:
        try:
            await self._ingest.blobs.store(self.key, self.spool)
        except SpoolDiscarded:
            return None
        except LiftgateError as error:
            return error
        return None

    async def _save(self, record: Callable[[], Awaitable[T | None]]) -> T | LiftgateError | None:
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
            recorded = await record()
            if recorded is None:
                await self._drop()
                return None
        except (RequestError, StorageFull) as refused:
            await self._drop()
            return refused
        except LiftgateError as error:
            # A database that went away during the commit may have committed: the bytes stay, and if they belong to
            # nothing, the sweep finds them.
            self._share.end(kept=True)
            return error
        finally:
            self._ingest.arriving.discard(self.key)
            await self.spool.close()
        self._share.end(kept=True)
        return recorded

    async def _drop(self) -> None:
        self._share.end(kept=False)
        self._storing.cancel()
        await asyncio.wait([self._storing])
        # Its cancellation refers to this, and would keep it.
        del self._storing
        await self.spool.discard()
        await self._ingest.delete_objects([self.key])
        self._ingest.arriving.discard(self.key)


class FileArrival(Arrival):
    """A whole file. `on_head` is called once, with its first bytes, when they are in the spool."""

    def __init__(self, ingest: Ingest, owner: Owner, size: int | None) -> None:
        super().__init__(ingest, owner, size=size)
        self._largest = ingest.limits.largest_file(owner)
        self._quota = ingest.limits.storage_quota(owner)
        self._head = b""
        self._admitted = size is None
        self.on_head: Callable[[bytes], None] | None = None

    async def write(self, piece: bytes | memoryview) -> None:
        head = bytes(piece[: HEAD - len(self._head)]) if len(self._head) < HEAD else b""
        await super().write(piece)
        if head:
            self._head += head
            begin, self.on_head = self.on_head, None
            if begin is not None:
                begin(head)

    async def _admit(self, more: int) -> int:
        if not self._admitted and self.spool.expected is not None:
            await self._ingest.quotas.admit(self._owner, self.spool.expected, exact=True)
        self._admitted = True
        if self.size + more > self._largest:
            raise too_large(self.size + more, self._largest)
        return more

    async def commit(self, new: NewFile, *, status: FileStatus = "processed") -> FileRecord:
        """All bytes are here: returns once they and the row are durable.

        Raises FileUnusable where it is to go to Gemini at once (`status` is `uploaded`), which does not take its type;
        InvalidRequest (empty, a bad name, fewer bytes than announced), TooLarge (the quota), Conflict (the alias is
        taken), StorageFull, Unavailable.
        """
        if self._ended:
            raise ValueError("this arrival was committed or aborted before")
        try:
            name = clean_filename(new.filename)
            if not self.size and not self.spool.expected:
                raise InvalidRequest(f"The file '{name}' is empty: it has 0 bytes.", param="file", code="empty_file")
            mime_type = resolve(declared=new.mime_type, filename=name, head=self._head)
            if status == "uploaded" and not is_taken(mime_type):
                raise unusable(f"The file {name!r}", mime_type, param="file")
        except LiftgateError:
            await self.abort()
            raise
        named = replace(new, filename=name, mime_type=mime_type)
        file = await self._finish(partial(self._record, named, status))
        assert file is not None, "a file has a row, or its commit failed"
        return file

    async def _record(self, new: NewFile, status: FileStatus) -> FileRecord:
        ingest, spool = self._ingest, self.spool
        kept = True

        async def commit(looked_at: Mapping[str, bool]) -> FileRecord:
            nonlocal kept
            file = await ingest.db.write(lambda conn: self._commit(conn, new, status, looked_at), storing=True)
            kept = file.blob_id == self.key or not looked_at[file.blob_id]
            return file

        file = await commit_once(ingest.db, ingest.blobs, spool.sha256, spool.written, commit)
        if not kept:
            ingest.tasks.start(ingest.delete_objects([self.key]), name=f"delete {self.key}")
        return file

    def _commit(self, conn: Connection, new: NewFile, status: FileStatus, looked_at: Mapping[str, bool]) -> FileRecord:
        blob = BlobRecord(self.key, self._owner, self.spool.sha256, self.size, conn.now())
        file = replace(file_of(new, blob), status=status)
        return commit_file(conn, file, blob, owner_limit=self._quota, looked_at=looked_at)


def file_of(new: NewFile, blob: BlobRecord) -> FileRecord:
    """The File that these bytes become now."""
    now = blob.created_at
    return FileRecord(
        id=ids.new_file_id(),
        owner=blob.owner,
        blob_id=blob.id,
        filename=new.filename,
        mime_type=new.mime_type,
        bytes=blob.bytes,
        sha256=blob.sha256,
        purpose=new.purpose,
        created_at=now,
        expires_at=None if new.life_seconds is None else now + new.life_seconds,
        alias=new.alias,
        display_name=new.display_name,
    )


def too_large(size: int, largest: int, *, param: str = "file", exact: bool = False) -> TooLarge:
    """A file over its owner's limit, both in bytes; not `exact`: so much of it has come, or was announced roughly."""
    words = f"Maximum file size, {exact_size(largest)}, exceeded: the file has {amount(size, exact)}."
    return TooLarge(words, param=param)
