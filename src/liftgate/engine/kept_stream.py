"""An answer on its way that is kept: before its last events are handed out, and also when its reader has left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from liftgate.answer.choice import Answer, Head
from liftgate.answer.events import Event
from liftgate.ask.question import Question
from liftgate.engine.answer_stream import AnswerStream
from liftgate.errors import LiftgateError
from liftgate.tasks import Tasks, Work

Q = TypeVar("Q", bound=Question)

log = logging.getLogger("liftgate.engine")


class KeptStream(Generic[Q]):
    """`keep` stores an answer that is whole. A stream that is closed before its end is read to the end and kept."""

    def __init__(self, stream: AnswerStream[Q], keep: Callable[[Answer[Q]], Awaitable[None]], tasks: Tasks) -> None:
        self.head: Head = stream.head
        self._stream = stream
        self._keep = keep
        self._tasks = tasks
        self._last: Sequence[Event] = ()
        self._keeping: asyncio.Task[LiftgateError | None] | None = None
        self._handed_out = False
        self._failed = False

    @property
    def answer(self) -> Answer[Q] | None:
        return self._stream.answer

    @property
    def ended(self) -> bool:
        return self._failed or self._handed_out

    async def batch(self) -> Sequence[Event]:
        """As that of the stream; the last events come once the answer is kept. Raises what keeping it raises."""
        if self._keeping is None:
            try:
                events = await self._stream.batch()
            except Exception:
                self._failed = True
                raise
            if not self._stream.ended:
                return events
            self._last = events
            self._keeping = self._start(self._kept())
        # Who cancels this may call it again: what is being stored is not stopped half way.
        outcome = await asyncio.shield(self._keeping)
        if outcome is not None:
            self._failed = True
            raise outcome.again()
        self._handed_out = True
        events, self._last = self._last, ()
        return events

    async def aclose(self) -> None:
        """Returns when the answer is kept, or cannot be. Cancelling this leaves that to run on."""
        if self.ended:
            await self._stream.aclose()
            return
        await asyncio.shield(self._start(self._finish()))

    def _start(self, work: Work[LiftgateError | None]) -> asyncio.Task[LiftgateError | None]:
        return self._tasks.start(work, name=f"keep {self.head.id}")

    async def _kept(self) -> LiftgateError | None:
        """A failure is a value: a task whose exception is never fetched would be logged."""
        answer = self._stream.answer
        assert answer is not None, "it has ended"
        try:
            await self._keep(answer)
        except LiftgateError as error:
            return error
        return None

    async def _finish(self) -> LiftgateError | None:
        try:
            while not self.ended:
                await self.batch()
        except LiftgateError as error:
            log.warning("an answer whose reader left was not kept: %s", error.message)
            return error
        finally:
            await self._stream.aclose()
        return None
