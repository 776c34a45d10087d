"""An answer on its way → server-sent events in the client's API: pings in a silence, an end, an error in-band.

What fails behind the 200 is written inside, and such a stream has no regular end: a cut answer never looks whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import TypeVar

from liftgate.answer.choice import Answer
from liftgate.answer.events import Event
from liftgate.ask.question import Question
from liftgate.deadlines import Deadlines
from liftgate.dialects.dialect import Encoder
from liftgate.engine.answer_stream import AnswerStream
from liftgate.engine.meter import recorded
from liftgate.errors import InternalError, LiftgateError, let_go
from liftgate.large_bodies import STEP, Body
from liftgate.server.large_answers import in_steps

log = logging.getLogger("liftgate.server")

Q = TypeVar("Q", bound=Question)


async def event_blocks(
    stream: AnswerStream[Q], encoder: Encoder[Q], deadlines: Deadlines, *, ping_seconds: float, large: bool = False
) -> AsyncGenerator[bytes, None]:
    """`ping_seconds`: the silence after which a ping keeps the connection alive. `large`: what the answer repeats of
    its request takes long to write."""
    encoder.large = large
    waits = deadlines.waits()
    try:
        answer = stream.answer
        events = None if answer is None else await _in_hand(stream, encoder, answer)
        while True:
            if answer is None and (answer := stream.answer) is not None:
                await _begin(encoder, answer)
            encoder.large = encoder.large or (answer is not None and answer.large)
            ended = stream.ended
            block = await asyncio.to_thread(_block, encoder, events) if encoder.large else _block(encoder, events)
            if ended:
                block += encoder.end()
            if len(block) > STEP:
                async for piece in in_steps(block):
                    yield piece
            elif block:
                yield bytes(block)
            if ended:
                return
            try:
                with waits.within(ping_seconds):
                    events = await stream.batch()
            except TimeoutError:
                events = None
    except Exception as error:
        failure = error if isinstance(error, LiftgateError) else InternalError()
        if failure is not error:
            # The status 200 is sent already, so the stream itself must tell that this is no regular end.
            log.exception("a stream failed")
        let_go(error)
        async for piece in in_steps(await _written(encoder, partial(encoder.error, recorded(failure)))):
            yield piece
    finally:
        waits.close()
        await stream.aclose()


async def _in_hand(stream: AnswerStream[Q], encoder: Encoder[Q], answer: Answer[Q]) -> Sequence[Event]:
    """The first events of a stream that has started."""
    await _begin(encoder, answer)
    return await stream.batch()


async def _begin(encoder: Encoder[Q], answer: Answer[Q]) -> None:
    if encoder.large:
        await asyncio.to_thread(encoder.begin, answer)
    else:
        encoder.begin(answer)


def _block(encoder: Encoder[Q], events: Sequence[Event] | None) -> Body:
    """None: there were none for a while."""
    return encoder.ping() if events is None else encoder.encode(events)


async def _written(encoder: Encoder[Q], write: Callable[[], Body]) -> Body:
    """What `write` gives, which takes long where the encoder is set to what is large."""
    return await asyncio.to_thread(write) if encoder.large else write()
