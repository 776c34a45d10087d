"""The bytes of one chunk on their way to Gemini, as aiohttp wants them: pieces, with their progress watched.

Pieces keep memory flat and halve the CPU time that aiohttp spends on one large `bytes` (STACK.md). Waiting for our own
source is not the upstream's silence, so the clock of the exchange stands still meanwhile.
"""

from __future__ import annotations

import asyncio

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from liftgate.byte_source import ByteSource
from liftgate.errors import InternalError


class ChunkBody(Payload):
    """[start, stop) of `source`, at least one byte.

    `limit` is moved `idle` seconds ahead whenever the source gave a piece, `answer` seconds after the network took the
    last one. `failure` is what the source raised: aiohttp hides it behind an error of the connection.
    """

    def __init__(self, source: ByteSource, start: int, stop: int) -> None:
        super().__init__(source, content_type="application/octet-stream")
        self._source = source
        self._start = start
        self._stop = stop
        self._size = stop - start
        self._limit: asyncio.Timeout | None = None
        self._idle = 0.0
        self._answer = 0.0
        self._transport: asyncio.WriteTransport | None = None
        self._written = False
        self.failure: Exception | None = None

    def watch(self, limit: asyncio.Timeout, *, idle: float, answer: float) -> None:
        self._limit, self._idle, self._answer = limit, idle, answer

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Called by aiohttp, in a task of its own, which it cancels when the exchange ends early."""
        self._consumed = True
        self._transport = writer.transport
        wanted, given = self._stop - self._start, 0
        pieces = self._source.read(self._start, self._stop)
        try:
            while given < wanted:
                self._give(None)
                try:
                    piece = await anext(pieces, b"")
                    given += len(piece)
                    if given > wanted or not piece:
                        raise InternalError(f"A byte source gave {given} bytes where {wanted} were asked for.")
                except Exception as error:
                    self.failure = error
                    raise
                self._give(self._idle)
                await writer.write(piece)
        finally:
            aclose = getattr(pieces, "aclose", None)
            if aclose is not None:
                await aclose()
        self._written = True
        self._give(self._answer)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("the bytes of a chunk are not text")

    def abort(self) -> None:
        """Drops the connection with what it has not sent: an orderly close would wait for a peer that reads no more."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def written(self) -> bool:
        return self._written

    def _give(self, seconds: float | None) -> None:
        limit = self._limit
        if limit is None or limit.expired():
            return
        try:
            limit.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)
        except RuntimeError:
            # The exchange is over, and this is its body's last breath.
            self._limit = None
