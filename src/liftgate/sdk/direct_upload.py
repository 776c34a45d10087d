"""One file's way to Gemini when nothing is kept here: an `Uploader` without a catalogue.

The bytes are hashed on their way out, and compared with what Gemini says it stored. The name is random and ours, so
that a file whose last answer was lost is found again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping

from liftgate import ids
from liftgate.byte_source import ByteSource
from liftgate.errors import LiftgateError, UpstreamFileLost, UpstreamProtocolError
from liftgate.gemini.files import GeminiFile
from liftgate.gemini.upload_driver import NamedSession, UploadDriver
from liftgate.gemini.upload_session import UploadSession
from liftgate.sdk.retry import Exchange

CANCELLING = 5.0
"""Seconds for taking leave of a session that is given up."""


class DirectUpload:
    """`send()` gives the File as Gemini has it, maybe still PROCESSING. Once.

    `metadata`: fields of Gemini's File beside `name`.
    """

    def __init__(self, at: Exchange, source: ByteSource, mime_type: str, metadata: Mapping[str, object]) -> None:
        self._client = at.client
        self._account = at.account
        self._clock = at.clock
        self._attempts = at.attempts
        self._source = _Hashed(source)
        self._mime_type = mime_type
        self._metadata = metadata

    async def send(self) -> GeminiFile:
        """A stored size or hash that differs is an error, and the file is removed again."""
        started = await self.start()
        try:
            session = UploadSession(total=self._source.size, granularity=started.granularity)
            driver = UploadDriver(self._client, self._account, self._source, self, started.name)
            file = await driver.run(started, session, session.begin())
        except BaseException:
            await self._give_up()
            raise
        if file.size == self._source.size and file.sha256 in (None, self._source.sha256()):
            return file
        await self._client.delete_file(self._account, file.name)
        raise UpstreamProtocolError("Gemini stored other bytes than were sent (its size or SHA-256 differs).")

    # ── as an Uploader ───────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        """There is no lease: no other process sends this."""

    async def pause(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    async def start(self) -> NamedSession:
        name = ids.new_copy_name()
        started = await self._attempts.run(
            lambda: self._client.start_upload(
                self._account, mime_type=self._mime_type, size=self._source.size, name=name, metadata=self._metadata
            )
        )
        self._session = NamedSession(name, started.url, started.granularity)
        return self._session

    async def find(self, name: str) -> GeminiFile | None:
        try:
            return await self._attempts.run(lambda: self._client.get_file(self._account, name))
        except UpstreamFileLost:
            return None

    async def abandon(self, name: str) -> None:
        await self._client.delete_file(self._account, name)

    async def make_room(self) -> bool:
        """All files of the project are its owner's own."""
        return False

    async def _give_up(self) -> None:
        try:
            async with asyncio.timeout(CANCELLING):
                await self._client.cancel(self._account, self._session.url)
        except (LiftgateError, TimeoutError):
            # An unfinished session holds no file, and Google forgets it.
            return


class _Hashed:
    """A source that hashes each byte the first time it is read in order; what is sent again is not hashed again."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self._hashed = 0

    @property
    def size(self) -> int:
        return self._source.size

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        at = start
        async for piece in self._source.read(start, stop):
            if at <= self._hashed < at + len(piece):
                self._hash.update(piece[self._hashed - at :])
                self._hashed = at + len(piece)
            at += len(piece)
            yield piece

    def sha256(self) -> str | None:
        """Hex; None where not every byte was read in order."""
        return self._hash.hexdigest() if self._hashed == self.size else None
