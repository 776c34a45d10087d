"""A copy's upload that begins while the file is still arriving: whole chunks go out of the growing spool.

`finalize` is withheld: until the client's last byte is here and the File is committed, nothing may exist at Gemini.
What was sent is then handed to the page-in, or cancelled. A failure here fails no request: the page-in begins anew.
"""

from __future__ import annotations

import asyncio

from liftgate import ids
from liftgate.blobs.spool import Spool, SpoolDiscarded
from liftgate.deployments import Account
from liftgate.errors import LiftgateError
from liftgate.gemini.client import GeminiClient
from liftgate.gemini.upload_driver import NamedSession
from liftgate.tasks import Tasks


class HeadStart:
    """One file on its way to one account. `size` is the file's, known before its first byte."""

    def __init__(
        self, client: GeminiClient, account: Account, source: Spool, *, mime_type: str, size: int, tasks: Tasks
    ) -> None:
        self.account = account
        self.mime_type = mime_type
        self._client = client
        self._source = source
        self._size = size
        self._tasks = tasks
        self._sent: NamedSession | None = None
        self._stopping = False
        self._taken = False
        source.hold()
        self._sending = tasks.start(self._send(), name="head start")

    async def _send(self) -> None:
        try:
            await self._send_chunks()
        except (LiftgateError, SpoolDiscarded):
            # The session may still be good: the page-in asks it what it has.
            return
        finally:
            self._source.release()

    async def _send_chunks(self) -> None:
        name = ids.new_copy_name()
        started = await self._client.start_upload(self.account, mime_type=self.mime_type, size=self._size, name=name)
        self._sent = NamedSession(name, started.url, started.granularity)
        offset = 0
        # The last chunk carries the finalize and is the page-in's.
        while not self._stopping and offset + started.granularity < self._size:
            stop = offset + started.granularity
            await self._client.send_chunk(self.account, started.url, self._source, offset, stop, finalize=False)
            offset = stop

    @property
    def sent(self) -> NamedSession | None:
        """The session, which is asked what it holds; None before its start was answered."""
        return self._sent

    def matches(self, mime_type: str, size: int) -> bool:
        """Whether this is the upload of such a file: both were announced before its bytes had come."""
        return self.mime_type == mime_type and self._size == size

    async def hand_over(self) -> None:
        """Stops sending after the chunk under way: the session is the page-in's from here on."""
        self._stopping = self._taken = True
        await asyncio.gather(self._sending, return_exceptions=True)

    async def cancel(self) -> None:
        """Ends the upload. Without effect once it was handed over: then the session is the page-in's."""
        if self._taken:
            return
        self._taken = True
        self._sending.cancel()
        await asyncio.gather(self._sending, return_exceptions=True)
        if self._sent is not None:
            try:
                await self._client.cancel(self.account, self._sent.url)
            except LiftgateError:
                # An unfinished session holds no file and ends by itself.
                return
