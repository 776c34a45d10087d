"""One file's way to Gemini when nothing is kept here: the driver of `gemini/upload_session.py` without a catalogue.

The bytes are hashed on their way out, and compared with what Gemini says it stored. The name is random and ours, so
that a file whose last answer was lost is found again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass

from liftgate import ids
from liftgate.byte_source import ByteSource
from liftgate.clock import Clock
from liftgate.errors import (
    LiftgateError,
    UpstreamDisconnected,
    UpstreamFileLost,
    UpstreamProtocolError,
    UpstreamTimeout,
)
from liftgate.gemini.client import GeminiClient
from liftgate.gemini.files import GeminiFile
from liftgate.gemini.upload_rules import ChunkAnswer
from liftgate.gemini.upload_session import Action, Done, Fail, FindByName, Query, Restart, SendChunk, UploadSession
from liftgate.records import Account
from liftgate.sdk.retry import Attempts

CANCELLING = 5.0
"""Seconds for taking leave of a session that is given up."""


@dataclass(frozen=True, slots=True)
class _Session:
    name: str
    url: str
    granularity: int


class DirectUpload:
    """`send()` gives the File as Gemini has it, maybe still PROCESSING. Once."""

    def __init__(
        self, client: GeminiClient, account: Account, clock: Clock, attempts: Attempts, source: ByteSource
    ) -> None:
        self._client = client
        self._account = account
        self._clock = clock
        self._attempts = attempts
        self._source = _Hashed(source)

    async def send(self, mime_type: str, metadata: Mapping[str, object]) -> GeminiFile:
        """`metadata`: fields of Gemini's File beside `name`. A stored size or hash that differs is an error, and the
        file is removed again."""
        started = await self._start(mime_type, metadata)
        try:
            file = await self._drive(started, mime_type, metadata)
        except BaseException:
            await self._give_up(started)
            raise
        if file.size == self._source.size and file.sha256 in (None, self._source.sha256()):
            return file
        await self._client.delete_file(self._account, file.name)
        raise UpstreamProtocolError("Gemini stored other bytes than were sent (its size or SHA-256 differs).")

    async def _start(self, mime_type: str, metadata: Mapping[str, object]) -> _Session:
        name = ids.new_replica_name()
        started = await self._attempts.of(
            lambda: self._client.start_upload(
                self._account, mime_type=mime_type, size=self._source.size, name=name, metadata=metadata
            )
        )
        return _Session(name, started.url, started.granularity)

    async def _drive(self, current: _Session, mime_type: str, metadata: Mapping[str, object]) -> GeminiFile:
        session = UploadSession(total=self._source.size, granularity=current.granularity)
        action = session.begin()
        while True:
            url = current.url
            match action:
                case SendChunk(start, stop, finalize):
                    action = await _report(
                        session,
                        self._client.send_chunk(self._account, url, self._source, start, stop, finalize=finalize),
                    )
                case Query(after):
                    await self._clock.sleep(after)
                    action = await _report(session, self._client.query(self._account, url))
                case FindByName():
                    action = session.found(await self._find(current.name))
                case Restart(after, doom, _):
                    await self._clock.sleep(after)
                    if doom:
                        await self._client.delete_file(self._account, current.name)
                    current = await self._start(mime_type, metadata)
                    action = session.restarted(current.granularity)
                case Done(file):
                    return file
                case Fail(error):
                    raise error
                case _:
                    raise AssertionError(f"not asked to hold back: {action}")

    async def _find(self, name: str) -> GeminiFile | None:
        try:
            return await self._attempts.of(lambda: self._client.get_file(self._account, name))
        except UpstreamFileLost:
            return None

    async def _give_up(self, started: _Session) -> None:
        try:
            async with asyncio.timeout(CANCELLING):
                await self._client.cancel(self._account, started.url)
        except (LiftgateError, TimeoutError):
            # An unfinished session holds no file, and Google forgets it.
            return


async def _report(session: UploadSession, call: Awaitable[ChunkAnswer]) -> Action:
    try:
        return session.answered(await call)
    except (UpstreamDisconnected, UpstreamTimeout) as error:
        return session.broke(error)


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
