"""Carries out what an `UploadSession` asks for until the file is at Gemini.

The gateway's page-in and the SDK's direct upload are its two `Uploader`s: they differ in what they write down, in how
long they wait, and in what they can do about a project that is full.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from liftgate.byte_source import ByteSource
from liftgate.deployments import Account
from liftgate.errors import UpstreamDisconnected, UpstreamStorageFull, UpstreamTimeout
from liftgate.gemini.client import GeminiClient
from liftgate.gemini.files import GeminiFile
from liftgate.gemini.upload_rules import ChunkAnswer
from liftgate.gemini.upload_session import Action, Done, Fail, FindByName, Query, Restart, SendChunk, UploadSession
from liftgate.spans import CLIENT, active, span

log = logging.getLogger("liftgate.gemini")


@dataclass(frozen=True, slots=True)
class NamedSession:
    """A session at Gemini, and the name that its file will have."""

    name: str
    url: str
    granularity: int


class Uploader(Protocol):
    """What the one who uploads decides."""

    def check(self) -> None:
        """Before each step. Raises where this process may not go on."""

    async def pause(self, seconds: float) -> None:
        """Waits, or raises where that is too long."""

    async def start(self) -> NamedSession:
        """A new session, under a new name."""

    async def find(self, name: str) -> GeminiFile | None:
        """The file of this name; None where Gemini has none."""

    async def abandon(self, name: str) -> None:
        """A file of this name may exist and is of no use."""

    async def make_room(self) -> bool:
        """The project is full. Whether it is worth another try."""


class UploadDriver:
    """`about`: what the log calls the file."""

    def __init__(
        self, client: GeminiClient, account: Account, source: ByteSource, uploader: Uploader, about: str
    ) -> None:
        self._client = client
        self._account = account
        self._source = source
        self._uploader = uploader
        self._about = about

    async def run(self, at: NamedSession, session: UploadSession, action: Action) -> GeminiFile:
        """The file as Gemini has it, maybe still PROCESSING. Raises what the session fails with, and what the uploader
        raises."""
        uploader, sent = self._uploader, False
        while True:
            uploader.check()
            match action:
                case SendChunk(start, stop, finalize):
                    sending = self._client.send_chunk(
                        self._account, at.url, self._source, start, stop, finalize=finalize
                    )
                    if not sent and start and (page_in := active.get()) is not None:
                        page_in.attributes["liftgate.resumed_at"] = start
                    sent = True
                    round_of = {"liftgate.offset": start, "liftgate.bytes": stop - start}
                    with span("liftgate.page_in.chunk", kind=CLIENT, attributes=round_of):
                        action = await _report(session, sending)
                    log.debug("%s: bytes %d to %d of %d were sent", self._about, start, stop, self._source.size)
                case Query(after):
                    await uploader.pause(after)
                    action = await _report(session, self._client.query(self._account, at.url))
                case FindByName():
                    action = session.found(await uploader.find(at.name))
                case Restart(after, purge, why):
                    log.info("%s: its upload begins again: %s", self._about, why.message)
                    await uploader.pause(after)
                    if purge:
                        await uploader.abandon(at.name)
                    at = await uploader.start()
                    action = session.restarted(at.granularity)
                case Done(file):
                    return file
                case Fail(error):
                    if not (isinstance(error, UpstreamStorageFull) and await uploader.make_room()):
                        raise error.again()
                    action = session.resume()


async def _report(session: UploadSession, call: Awaitable[ChunkAnswer]) -> Action:
    try:
        return session.answered(await call)
    except (UpstreamDisconnected, UpstreamTimeout) as error:
        return session.broke(error)
