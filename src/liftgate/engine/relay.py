"""A chat's stream on its way to the client: Gemini's events folded into SSE blocks, comment lines in silence.

Its first event has come before it is handed out, or 15 s of page-in have passed (DESIGN.md 7). What fails after that is
told in-band, and such a stream has no `[DONE]`: a cut answer never looks whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from functools import partial

import msgspec

from liftgate.answer.fold import AnswerFold
from liftgate.deadlines import Deadlines
from liftgate.dialects.chat.chunks import ChunkEncoder
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.openai_errors import error_body
from liftgate.engine.signatures import Signatures
from liftgate.errors import InternalError, LiftgateError, let_go
from liftgate.gemini.json_body import decoded
from liftgate.gemini.stream import GeminiStream
from liftgate.records import Owner
from liftgate.sse import DONE, PING, event

log = logging.getLogger("liftgate.engine")

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream whose first event has come. `hold` counts it as in flight."""

    owner: Owner
    stream: GeminiStream
    fold: AnswerFold[ChatQuestion]
    encoder: ChunkEncoder
    first: bytes
    hold: ExitStack

    async def close(self) -> None:
        """Idempotent."""
        self.hold.close()
        await self.stream.close()


Opening = asyncio.Task[Opened | LiftgateError]
"""A stream that is being opened; a failure is a value, so that nobody's absence makes it news."""


class EventStream:
    """A chat's answer as SSE blocks. `aclose()` cancels the upstream, also when nothing was read yet. `opened`: Gemini
    has the request, of which nothing is needed any more.
    """

    def __init__(
        self, blocks: AsyncGenerator[bytes, None], close: Callable[[], Awaitable[None]], *, opened: bool
    ) -> None:
        self.opened = opened
        self._blocks = blocks
        self._close = close

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._blocks

    async def aclose(self) -> None:
        await self._blocks.aclose()
        await self._close()


class Relay:
    """`ping_seconds`: silence after which a comment line keeps a stream's connection alive."""

    def __init__(self, signatures: Signatures, *, ping_seconds: float) -> None:
        self._signatures = signatures
        self._ping_seconds = ping_seconds
        self._deadlines = Deadlines()

    def of(self, opened: Opened) -> EventStream:
        return EventStream(self._blocks(opened), opened.close, opened=True)

    def of_late(self, opening: Opening) -> EventStream:
        """Comment lines until it is there."""
        return EventStream(self._late_blocks(opening), partial(abandon, opening), opened=False)

    async def _late_blocks(self, opening: Opening) -> AsyncGenerator[bytes, None]:
        while not opening.done():
            yield PING
            await asyncio.wait({opening}, timeout=self._ping_seconds)
        try:
            outcome = opening.result()
        except Exception:
            log.exception("a stream failed")
            outcome = InternalError()
        if isinstance(outcome, LiftgateError):
            yield in_band(outcome)
            return
        async with aclosing(self._blocks(outcome)) as blocks:
            async for block in blocks:
                yield block

    async def _blocks(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        stream, fold, encoder, block = opened.stream, opened.fold, opened.encoder, opened.first
        batch = [block]
        try:
            while batch:
                if signatures := fold.take_signatures():
                    await self._signatures.save(opened.owner, signatures)
                if block:
                    yield block
                while True:
                    try:
                        with self._deadlines.within(self._ping_seconds):
                            batch = await stream.batch()
                        break
                    except TimeoutError:
                        yield PING
                block = blocks_of(batch, fold, encoder)
            yield encoder.encode(fold.end()) + DONE
        except LiftgateError as error:
            let_go(error)
            yield in_band(error)
        except Exception as error:
            # The 200 is out: the client must still learn that this is no regular end.
            log.exception("a stream failed")
            let_go(error)
            yield in_band(InternalError())
        finally:
            await opened.close()


def blocks_of(batch: Sequence[bytes], fold: AnswerFold[ChatQuestion], encoder: ChunkEncoder) -> bytes:
    """The SSE blocks for a batch of Gemini's events. Raises UpstreamProtocolError."""
    return b"".join([encoder.encode(fold.feed(decoded(data))) for data in batch])


async def abandon(opening: Opening) -> None:
    """Ends a stream that nobody waits for any more, opened or not."""
    opening.cancel()
    await asyncio.wait({opening})
    if not opening.cancelled() and opening.exception() is None:
        outcome = opening.result()
        if isinstance(outcome, Opened):
            await outcome.close()


def in_band(error: LiftgateError) -> bytes:
    """An error behind the 200 of a stream."""
    return event(_encode(error_body(error)))
