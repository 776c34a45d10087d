"""One page-in: a blob's bytes to one account, until Gemini says ACTIVE. Done by the holder of the replica's lease.

The protocol is `gemini/upload_session.py`'s, the bytes come from a ByteSource, and every step that another process may
have to take up is in the replica's row before it is taken: the name before the start, the session's URL before the
first byte. Writes are fenced by the lease's generation, so a holder that lost it cannot undo its successor's work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from liftgate import ids
from liftgate.byte_source import ByteSource
from liftgate.catalog import replicas as rows
from liftgate.catalog.blobs import blob_alive
from liftgate.catalog.database import Connection
from liftgate.errors import (
    FileNotFound,
    FileUnusable,
    UpstreamDisconnected,
    UpstreamError,
    UpstreamFileLost,
    UpstreamProtocolError,
    UpstreamStorageFull,
    UpstreamTimeout,
)
from liftgate.gemini.files import GeminiFile
from liftgate.gemini.upload_rules import ChunkAnswer
from liftgate.gemini.upload_session import (
    CHUNK,
    Action,
    Done,
    Fail,
    FindByName,
    Query,
    Restart,
    SendChunk,
    UploadSession,
)
from liftgate.records import Account, ReplicaRecord
from liftgate.replicas.decide import Await, Make, Resume, Verdict
from liftgate.replicas.early import EarlyUpload
from liftgate.replicas.evict import evict
from liftgate.replicas.lease import Lease, LeaseLost
from liftgate.replicas.parts import Parts, Wanted

T = TypeVar("T")

TRIES = 4
"""Tries of a call that is no part of the session, and of a whole upload whose hash came out wrong."""
DENIAL_PAUSES = (0.25, 0.5, 1.0)
POLL_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0)


class PageIn:
    """`run` gives the ACTIVE replica. Raises LeaseLost, FileUnusable, or what the upstream did."""

    def __init__(self, parts: Parts, lease: Lease, wanted: Wanted, account: Account) -> None:
        self._parts = parts
        self._db = parts.db
        self._client = parts.client
        self._clock = parts.clock
        self._lease = lease
        self._file = wanted.file
        self._mime_type = wanted.mime_type
        self._account = account
        self._source: ByteSource | None = None

    async def run(self, verdict: Verdict, early: EarlyUpload | None) -> ReplicaRecord:
        if isinstance(verdict, Await):
            try:
                return await self._until_active(verdict.replica)
            except UpstreamFileLost:
                verdict = Make(discard=verdict.replica)
        for attempt in range(TRIES):
            if isinstance(verdict, Resume):
                uploading, session = verdict.replica, UploadSession(total=self._file.bytes, granularity=CHUNK)
                action = session.resume()
            else:
                uploading, session, action = await self._begin(early)
                early = None
            uploading, uploaded = await self._drive(uploading, session, action)
            if self._is_ours(uploaded):
                return await self._until_active(await self._save_uploaded(uploading, uploaded))
            await self._db.write(partial(self._doom, name=uploaded.name))
            verdict = Make()
            await self._clock.sleep(min(2.0**attempt, 8.0))
        raise UpstreamProtocolError("Gemini repeatedly stored other bytes than were sent (size or SHA-256 differ).")

    def _is_ours(self, uploaded: GeminiFile) -> bool:
        same_hash = uploaded.sha256 is None or uploaded.sha256 == self._file.sha256
        return same_hash and uploaded.size == self._file.bytes

    # ── beginning ────────────────────────────────────────────────────────────────────────────────

    async def _begin(self, early: EarlyUpload | None) -> tuple[ReplicaRecord, UploadSession, Action]:
        sent = await early.hand_over() if early is not None else None
        if sent is not None:
            uploading = await self._save_begun(sent.name, sent.url)
            session = UploadSession(total=self._file.bytes, granularity=sent.granularity)
            return uploading, session, session.resume()
        uploading, granularity = await self._start()
        session = UploadSession(total=self._file.bytes, granularity=granularity)
        return uploading, session, session.begin()

    async def _start(self) -> tuple[ReplicaRecord, int]:
        name = ids.new_replica_name()
        uploading = await self._save_begun(name, None)
        started = await self._retried(
            lambda: self._client.start_upload(
                self._account, mime_type=self._mime_type, size=self._file.bytes, name=name
            )
        )
        uploading = replace(uploading, upload_url=started.url)
        await self._save(uploading)
        return uploading, started.granularity

    async def _save_begun(self, name: str, url: str | None) -> ReplicaRecord:
        """The row names what is about to exist."""
        uploading = ReplicaRecord(
            blob_id=self._file.blob_id,
            mime_type=self._mime_type,
            account=self._account.name,
            state="uploading",
            bytes=self._file.bytes,
            name=name,
            uri="",
            generation=self._lease.generation,
            upload_url=url,
            used_at=self._clock.now(),
        )
        await self._save(uploading)
        return uploading

    async def _retried(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call that may be repeated, with the pauses that Google asks for."""
        for attempt in range(TRIES):
            self._lease.check()
            try:
                return await call()
            except UpstreamStorageFull:
                await self._make_room()
            except UpstreamError as error:
                if not error.retryable or attempt == TRIES - 1:
                    raise
                await self._clock.sleep(max(error.retry_after or 0.0, min(0.5 * 2.0**attempt, 8.0)))
        return await call()

    async def _make_room(self) -> None:
        await evict(self._parts, self._account, wanted_bytes=self._file.bytes)

    # ── the session ──────────────────────────────────────────────────────────────────────────────

    async def _drive(
        self, uploading: ReplicaRecord, session: UploadSession, action: Action
    ) -> tuple[ReplicaRecord, GeminiFile]:
        """Carries out what the session asks for until it is done. The row changes when a session is given up."""
        while True:
            self._lease.check()
            assert uploading.upload_url is not None, "a session has a URL"
            url = uploading.upload_url
            match action:
                case SendChunk(start, stop, finalize):
                    source = await self._bytes()
                    sending = self._client.send_chunk(self._account, url, source, start, stop, finalize=finalize)
                    action = await self._report(session, sending)
                case Query(after):
                    await self._clock.sleep(after)
                    action = await self._report(session, self._client.query(self._account, url))
                case FindByName():
                    action = session.found(await self._find(uploading.name))
                case Restart(after):
                    await self._clock.sleep(after)
                    uploading, granularity = await self._start()
                    action = session.restarted(granularity)
                case Done(uploaded):
                    return uploading, uploaded
                case Fail(error) if isinstance(error, UpstreamStorageFull):
                    await self._make_room()
                    action = session.resume()
                case Fail(error):
                    raise error
                case _:
                    raise AssertionError(f"not asked to hold back: {action}")

    async def _bytes(self) -> ByteSource:
        if self._source is None:
            self._source = await self._parts.open_blob(self._file.blob_id, self._file.bytes)
        return self._source

    async def _report(self, session: UploadSession, call: Awaitable[ChunkAnswer]) -> Action:
        try:
            return session.answered(await call)
        except (UpstreamDisconnected, UpstreamTimeout) as error:
            return session.broke(error)

    async def _find(self, name: str) -> GeminiFile | None:
        """Asked a few times: right after an upload Gemini may deny a file that it has (GEMINI.md 6, pitfall 17)."""
        for pause in (*DENIAL_PAUSES, None):
            try:
                return await self._retried(lambda: self._client.get_file(self._account, name))
            except UpstreamFileLost:
                if pause is not None:
                    await self._clock.sleep(pause)
        return None

    # ── until it can be used ─────────────────────────────────────────────────────────────────────

    async def _save_uploaded(self, uploading: ReplicaRecord, uploaded: GeminiFile) -> ReplicaRecord:
        replica = replace(
            uploading,
            state="active" if uploaded.state == "ACTIVE" else "processing",
            name=uploaded.name,
            uri=uploaded.uri,
            expires_at=uploaded.expires_at,
            upload_url=None,
        )
        if uploaded.state == "FAILED":
            await self._refuse(replica, uploaded)
        await self._save(replica)
        return replica

    async def _until_active(self, replica: ReplicaRecord) -> ReplicaRecord:
        polls = 0
        while replica.state == "processing":
            await self._clock.sleep(POLL_SECONDS[min(polls, len(POLL_SECONDS) - 1)])
            polls += 1
            self._lease.check()
            file = await self._retried(partial(self._client.get_file, self._account, replica.name))
            if file.state == "FAILED":
                await self._refuse(replica, file)
            if file.state == "ACTIVE" or (file.state == "" and polls >= len(POLL_SECONDS)):
                replica = replace(
                    replica,
                    state="active",
                    uri=file.uri or replica.uri,
                    expires_at=file.expires_at or replica.expires_at,
                )
                await self._save(replica)
        return replica

    async def _refuse(self, replica: ReplicaRecord, file: GeminiFile) -> None:
        reason = file.error or "no reason was given"
        failed = replace(
            replica, state="failed", error=f"Gemini could not process it: {reason}", used_at=self._clock.now()
        )
        await self._db.write(lambda conn: self._doom(conn, replica.name))
        await self._save(failed)
        raise FileUnusable(failed.error or reason, code="file_processing_failed")

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────

    async def _save(self, replica: ReplicaRecord) -> None:
        """Raises LeaseLost where the fence refuses the row, and FileNotFound where its file was deleted meanwhile.

        Whatever the row named before, or a refused row names, is doomed in the same transaction.
        """
        if await self._db.write(lambda conn: rows.save_replica(conn, replica)):
            return
        if not await self._db.read(lambda conn: blob_alive(conn, self._file.blob_id)):
            raise FileNotFound(self._file.id)
        raise LeaseLost(replica.name)

    def _doom(self, conn: Connection, name: str) -> None:
        rows.doom(conn, self._account.name, name, self._clock.now())
