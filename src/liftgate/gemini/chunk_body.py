"""The bytes of one chunk on their way to Gemini, as aiohttp wants them: pieces, with their progress watched.

Pieces keep memory flat and halve the CPU time that aiohttp spends on one large `bytes` (STACK.md). Waiting for our own
source is not the upstream's silence, so the clock of the exchange stands still meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from liftgate.byte_source import ByteSource
from liftgate.errors import InternalError


class ChunkBody:
    """An async iterator over [start, stop) of `source`.

    `limit` is moved `idle` seconds ahead whenever the network took a piece, `answer` seconds after the last one.
    `failure` is what the source raised: aiohttp hides it behind an error of the connection.
    """

    def __init__(self, source: ByteSource, start: int, stop: int) -> None:
        self._pieces = source.read(start, stop)
        self._left = stop - start
        self._reading = False
        self._limit: asyncio.Timeout | None = None
        self._idle = 0.0
        self._answer = 0.0
        self.failure: Exception | None = None

    def watch(self, limit: asyncio.Timeout, *, idle: float, answer: float) -> None:
        self._limit, self._idle, self._answer = limit, idle, answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self._give(None)
        self._reading = True
        try:
            piece = await anext(self._pieces)
            self._left -= len(piece)
            if self._left < 0:
                raise InternalError("A byte source gave more bytes than it was asked for.")
        except StopAsyncIteration:
            if self._left:
                self.failure = InternalError(f"A byte source ended {self._left} bytes early.")
                raise self.failure from None
            self._give(self._answer)
            raise
        except Exception as error:
            self.failure = error
            raise
        finally:
            self._reading = False
        self._give(self._idle)
        return piece

    async def close(self) -> None:
        """Releases what the source holds. A read that is being cancelled ends by itself."""
        aclose = getattr(self._pieces, "aclose", None)
        if aclose is not None and not self._reading:
            await aclose()

    def _give(self, seconds: float | None) -> None:
        limit = self._limit
        if limit is None or limit.expired():
            return
        try:
            limit.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)
        except RuntimeError:
            # The exchange is over; aiohttp only empties what is left of its body.
            self._limit = None
