"""One page-in: a blob's bytes to one account, until Gemini says ACTIVE. Done by the holder of the copy's lease.

The protocol is `gemini/upload_session.py`'s, driven by `gemini/upload_driver.py`; the bytes come from a ByteSource.
Every step that another process may have to take up is in the copy's row before it is taken: the name before the
start, the session's URL before the first byte. Writes are fenced by the lease's generation, so a holder that lost it
cannot undo its successor's work.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from liftgate import ids
from liftgate.as_utf8 import Outgoing, for_gemini
from liftgate.backoff import CALLS, LONGEST_WAIT, POLLS, POLLS_WITHOUT_STATE, UPLOADED_PAUSES, WHOLE_UPLOADS
from liftgate.blobs.digest import sha256_of
from liftgate.blobs.store import BlobMissing
from liftgate.byte_source import ByteSource
from liftgate.copies.decide import Await, Make, Resume, Verdict
from liftgate.copies.kind import Making
from liftgate.copies.kinds.head_start import HeadStart
from liftgate.copies.kinds.wanted import Wanted
from liftgate.copies.services import Services
from liftgate.errors import (
    FileNotFound,
    FileUnusable,
    LiftgateError,
    UpstreamError,
    UpstreamFileLost,
    UpstreamKeyRejected,
    UpstreamProtocolError,
    UpstreamRateLimited,
    UpstreamStorageFull,
)
from liftgate.gemini.files import GeminiFile
from liftgate.gemini.upload_driver import NamedSession, UploadDriver
from liftgate.gemini.upload_session import CHUNK, Action, UploadSession
from liftgate.media_types import bare
from liftgate.records import CopyRecord

T = TypeVar("T")

log = logging.getLogger("liftgate.copies")

TRIES = 4
"""Tries of a call that is no part of the session, and of a whole upload whose hash came out wrong."""


class PageIn:
    """`run` gives the ACTIVE copy. Raises LeaseLost, FileUnusable, or what the upstream did.

    With `doubted` our own bytes are hashed before anything is sent. Raises BlobMissing where they are not those that
    were stored.
    """

    def __init__(self, services: Services, making: Making[Wanted], *, doubted: bool) -> None:
        self._services = services
        self._client = services.client
        self._clock = services.clock
        self._making = making
        self._lease = making.lease
        self._row = making.row
        self._file = making.subject.file
        self._mime_type = making.subject.mime_type
        self._account = making.account
        self._doubted = doubted
        self._compared = False
        self._source: ByteSource | None = None
        self._sent: Outgoing | None = None
        self._restarted: CopyRecord | None = None

    async def run(self) -> CopyRecord:
        verdict, begun = self._making.verdict, self._making.begun
        if isinstance(verdict, Await | Resume):
            verdict = type(verdict)(await self._row.take_up(verdict.copy))
        try:
            if self._doubted:
                await self._prove_bytes()
            return await self._until_ours(verdict, begun if isinstance(begun, HeadStart) else None)
        except (FileNotFound, FileUnusable):
            # The row is gone, or it says why.
            raise
        except LiftgateError as error:
            saved = self._row.saved
            if not error.retryable or (saved is not None and saved.state == "uploading" and saved.upload_url is None):
                await self._row.mark_lost()
            raise

    async def _until_ours(self, verdict: Verdict, head_start: HeadStart | None) -> CopyRecord:
        for attempt in range(TRIES):
            try:
                if isinstance(verdict, Await):
                    return await self._timed("active", self._until_active(verdict.copy))
                uploading, uploaded = await self._timed("send", self._uploaded(verdict, head_start))
                if await self._is_ours(uploaded):
                    sent = await self._save_uploaded(uploading, uploaded)
                    return await self._timed("active", self._until_active(sent))
            except UpstreamFileLost:
                # It was there and is not any more: nothing to wait for.
                log.info("%s was lost before it could be used", self._file.id)
            verdict, head_start = Make(), None
            if attempt < TRIES - 1:
                await self._clock.sleep(WHOLE_UPLOADS.pause(attempt))
        raise UpstreamProtocolError("Gemini repeatedly lost the file or stored other bytes (size or SHA-256 differ).")

    async def _timed(self, phase: str, work: Awaitable[T]) -> T:
        began = self._clock.monotonic()
        done = await work
        self._services.measurements.record("page_in_seconds", phase, by=self._clock.monotonic() - began)
        return done

    async def _uploaded(self, verdict: Verdict, head_start: HeadStart | None) -> tuple[CopyRecord, GeminiFile]:
        if isinstance(verdict, Resume):
            session = UploadSession(total=(await self._outgoing()).source.size, granularity=CHUNK)
            return await self._drive(verdict.copy, session, session.resume())
        return await self._drive(*await self._begin(head_start))

    async def _is_ours(self, uploaded: GeminiFile) -> bool:
        """Whether Gemini has the bytes that were sent. What it has otherwise is of no use; where the difference is in
        our own bytes, raises BlobMissing."""
        sent = await self._outgoing()
        size_fits = uploaded.size == sent.source.size
        if size_fits and uploaded.sha256 == sent.sha256:
            return True
        # Until our own bytes are known to be right, it is not known whose fault it is.
        try:
            await self._prove_bytes()
        except BlobMissing:
            await self._row.schedule_purge(uploaded.name)
            raise
        if size_fits and uploaded.sha256 is None:
            return True
        await self._row.schedule_purge(uploaded.name)
        return False

    async def _prove_bytes(self) -> None:
        """Hashes our own bytes, once. Raises BlobMissing where they are not those that were stored."""
        if not self._compared:
            self._compared = True
            if await sha256_of(await self._bytes()) != self._file.sha256:
                raise BlobMissing(self._file.blob_id)

    # ── beginning ────────────────────────────────────────────────────────────────────────────────

    async def _begin(self, head_start: HeadStart | None) -> tuple[CopyRecord, UploadSession, Action]:
        if head_start is not None and (sent := head_start.sent) is not None:
            # In the row before the chunk under way is waited for: a kill then wastes no more than that chunk.
            uploading = await self._row.begin(sent.name, sent.url, size=self._file.bytes)
            await head_start.hand_over()
            session = UploadSession(total=self._file.bytes, granularity=sent.granularity)
            return uploading, session, session.resume()
        uploading, granularity = await self._start()
        session = UploadSession(total=(await self._outgoing()).source.size, granularity=granularity)
        return uploading, session, session.begin()

    async def _start(self) -> tuple[CopyRecord, int]:
        name = ids.new_copy_name()
        size = (await self._outgoing()).source.size
        uploading = await self._row.begin(name, None, size=self._file.bytes)
        started = await self._retried(
            lambda: self._client.start_upload(self._account, mime_type=bare(self._mime_type), size=size, name=name)
        )
        uploading = replace(uploading, upload_url=started.url)
        await self._row.save(uploading)
        return uploading, started.granularity

    async def _retried(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call that may be repeated, with the pauses that Google asks for."""
        for attempt in range(TRIES):
            self._lease.check()
            try:
                return await call()
            except UpstreamStorageFull:
                await self._make_room()
            except (UpstreamFileLost, UpstreamKeyRejected):
                raise
            except UpstreamError as error:
                pause = CALLS.pause(attempt, error.retry_after)
                if not error.retryable or attempt == TRIES - 1 or pause > LONGEST_WAIT:
                    raise
                await self._clock.sleep(pause)
        return await call()

    async def _make_room(self) -> None:
        await self._making.make_room(self._file.bytes)

    # ── the session ──────────────────────────────────────────────────────────────────────────────

    async def _drive(
        self, uploading: CopyRecord, session: UploadSession, action: Action
    ) -> tuple[CopyRecord, GeminiFile]:
        """The row changes when a session is given up."""
        assert uploading.upload_url is not None, "a session has a URL"
        at = NamedSession(uploading.name, uploading.upload_url, CHUNK)
        driver = UploadDriver(self._client, self._account, (await self._outgoing()).source, self, self._file.id)
        sending = self._services.sending
        sending[uploading.key] = session
        try:
            uploaded = await driver.run(at, session, action)
        finally:
            if sending.get(uploading.key) is session:
                del sending[uploading.key]
        return self._restarted or uploading, uploaded

    def check(self) -> None:
        self._lease.check()

    async def start(self) -> NamedSession:
        uploading, granularity = await self._start()
        assert uploading.upload_url is not None, "a session has a URL"
        self._restarted = uploading
        return NamedSession(uploading.name, uploading.upload_url, granularity)

    async def abandon(self, name: str) -> None:
        """The row of the next session has the name of the last one purged."""

    async def make_room(self) -> bool:
        await self._make_room()
        return True

    async def _outgoing(self) -> Outgoing:
        if self._sent is None:
            self._sent = await for_gemini(await self._bytes(), self._file.sha256, self._mime_type)
        return self._sent

    async def _bytes(self) -> ByteSource:
        if self._source is None:
            self._source = await self._services.open_blob(self._file.blob_id, self._file.bytes)
        return self._source

    async def pause(self, seconds: float) -> None:
        if seconds > LONGEST_WAIT:
            raise UpstreamRateLimited(f"Gemini asks to wait {seconds:.0f} s.", retry_after=seconds)
        await self._clock.sleep(seconds)

    async def find(self, name: str) -> GeminiFile | None:
        try:
            return await self._look_at(name)
        except UpstreamFileLost:
            return None

    async def _look_at(self, name: str) -> GeminiFile:
        """Asked a few times: right after an upload Gemini may deny a file that it has (docs/protocol/gemini.md, "What
        goes wrong")."""
        for pause in UPLOADED_PAUSES:
            try:
                return await self._retried(partial(self._client.get_file, self._account, name))
            except UpstreamFileLost:
                await self._clock.sleep(pause)
        return await self._retried(partial(self._client.get_file, self._account, name))

    # ── until it can be used ─────────────────────────────────────────────────────────────────────

    async def _save_uploaded(self, uploading: CopyRecord, uploaded: GeminiFile) -> CopyRecord:
        copy = replace(
            uploading,
            state="active" if uploaded.state == "ACTIVE" else "processing",
            name=uploaded.name,
            uri=uploaded.uri,
            expires_at=uploaded.expires_at,
            upload_url=None,
        )
        if _failed(uploaded):
            await self._refuse(copy, uploaded)
        await self._row.save(copy)
        return copy

    async def _until_active(self, copy: CopyRecord) -> CopyRecord:
        polls = 0
        if copy.state == "processing":
            log.debug("%s: Gemini has it and processes it", self._file.id)
        while copy.state == "processing":
            await self._clock.sleep(POLLS.pause(polls))
            polls += 1
            self._lease.check()
            file = await self._look_at(copy.name)
            if _failed(file):
                await self._refuse(copy, file)
            if file.state == "ACTIVE" or (file.state == "" and polls >= POLLS_WITHOUT_STATE):
                copy = replace(
                    copy,
                    state="active",
                    uri=file.uri or copy.uri,
                    expires_at=file.expires_at or copy.expires_at,
                )
                await self._row.save(copy)
        return copy

    async def _refuse(self, copy: CopyRecord, file: GeminiFile) -> None:
        reason = file.error or "no reason was given"
        failed = replace(copy, state="failed", error=f"Gemini could not process it: {reason}", used_at=0.0)
        await self._row.schedule_purge(copy.name)
        if not self._making.keep:
            await self._row.save(failed)
        raise FileUnusable(failed.error or reason, code="file_processing_failed")


def _failed(file: GeminiFile) -> bool:
    return file.state == "FAILED" or (file.state == "" and file.error is not None)
