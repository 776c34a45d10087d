"""An answer on its way → server-sent events in the client's API: pings in a silence, an end, an error in-band.

What fails behind the 200 is written inside, and such a stream has no regular end: a cut answer never looks whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import TypeVar

from liftgate.ask.question import Question
from liftgate.deadlines import Deadlines
from liftgate.dialects.dialect import Encoder
from liftgate.engine.answer_stream import AnswerStream
from liftgate.engine.meter import told
from liftgate.errors import InternalError, LiftgateError, let_go
from liftgate.large_bodies import Body
from liftgate.server.large_answers import in_steps

log = logging.getLogger("liftgate.server")

Q = TypeVar("Q", bound=Question)


async def event_blocks(
    stream: AnswerStream[Q], encoder: Encoder[Q], deadlines: Deadlines, *, ping_seconds: float
) -> AsyncGenerator[bytes, None]:
    """`ping_seconds`: the silence after which a ping keeps the connection alive."""
    try:
        answer = stream.answer
        if answer is None:
            yield encoder.ping()
        else:
            encoder.begin(answer)
        # What has begun has its first events already: they are not waited for.
        here = answer is not None
        while True:
            try:
                if here:
                    here, events = False, await stream.batch()
                else:
                    with deadlines.within(ping_seconds):
                        events = await stream.batch()
            except TimeoutError:
                yield encoder.ping()
                continue
            if answer is None and (answer := stream.answer) is not None:
                encoder.begin(answer)
            if answer is not None and answer.large:
                async for piece in in_steps(await asyncio.to_thread(encoder.encode, events)):
                    yield piece
                block: Body = b""
            else:
                block = encoder.encode(events)
            if stream.ended:
                yield bytes(block + encoder.end())
                return
            if block:
                yield bytes(block)
    except LiftgateError as error:
        let_go(error)
        yield encoder.error(told(error))
    except Exception as error:
        # The 200 is out: the client must still learn that this is no regular end.
        log.exception("a stream failed")
        let_go(error)
        yield encoder.error(told(InternalError()))
    finally:
        await stream.aclose()
