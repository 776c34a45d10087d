"""An answer on its way: Gemini's events, folded into neutral ones, in batches.

Its first event has come before it is handed out, or 15 s of page-in have passed (docs/architecture.md, "Decisions").
Thought signatures are stored before the events that carry the ids of their calls are handed out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Generic, Protocol, TypeVar

from liftgate.answer.choice import Answer, Head
from liftgate.answer.events import SHOWN, Event
from liftgate.answer.fold import AnswerFold
from liftgate.apart import Apart
from liftgate.ask.question import Question
from liftgate.clock import Clock
from liftgate.engine.meter import CallRecord
from liftgate.engine.signatures import Signatures
from liftgate.errors import LiftgateError, UpstreamDisconnected
from liftgate.gemini.stream import GeminiStream
from liftgate.gemini_json import decoded_apart
from liftgate.large_bodies import Body
from liftgate.records import Owner

Q = TypeVar("Q", bound=Question)


class StartedStream(Generic[Q]):
    """A stream of Gemini's that is folded. `ended`: the last events were handed out. `hold` counts the stream as in
    flight. `call`: the record to fill in. `tells_cost`: the answer says what it cost, where there is a record."""

    def __init__(
        self,
        stream: GeminiStream,
        fold: AnswerFold[Q],
        owner: Owner,
        signatures: Signatures,
        clock: Clock,
        call: CallRecord | None = None,
    ) -> None:
        self.answer: Answer[Q] | None = fold.answer
        self.head = fold.answer.head
        self.ended = False
        self.hold = ExitStack()
        self.tells_cost = False
        self._stream = stream
        self._fold = fold
        self._owner = owner
        self._signatures = signatures
        self._clock = clock
        self._keeps = fold.answer.question.keeps_signatures
        self._call = call
        self._folding: Apart[list[Event]] | None = None
        self._unsaved: list[tuple[str, str]] = []
        self._events: Sequence[Event] = ()
        self._last = False

    async def start(self) -> None:
        """Reads up to the first event that every API can show; before it, Gemini may be asked again. Raises what Gemini
        does wrong until then."""
        events: list[Event] = []
        call, begun = self._call, False
        while True:
            batch = await self._stream.batch()
            if call is not None:
                call.note_answer()
            if not batch:
                break
            begun = True
            events += await self._folded_apart(batch) if self._stream.large else self._folded(batch)
            self._fold.check_unbroken()
            if any(isinstance(event, SHOWN) for event in events):
                break
            if call is not None:
                call.begin_wait()
        if not begun:
            raise UpstreamDisconnected("Gemini's answer ended before it had begun.")
        self._fold.read_counts()
        if call is not None and self._fold.answer.usage:
            # Google reports the usage itself, so a stream of minutes need not keep the question.
            call.sent = None
        self._events = events

    async def batch(self) -> Sequence[Event]:
        """The events that have arrived; `ended` is true with the last of them. May be called again after it was
        cancelled. Raises what Gemini does wrong: then nothing follows."""
        try:
            if self._folding is not None and self._folding.busy:
                self._events = await self._folded_apart(())
            while not self._events and not self._last:
                if (call := self._call) is not None:
                    call.begin_wait()
                batch = await self._stream.batch()
                if call is not None:
                    call.note_events()
                if batch:
                    self._events = await self._folded_apart(batch) if self._stream.large else self._folded(batch)
                else:
                    self._last = True
                    self._events = await self._ended_apart() if self._fold.answer.large else self._fold.end()
            if self._last:
                self._note_end()
            if self._unsaved:
                await self._signatures.save(self._owner, self._unsaved, stored=self._keeps)
                self._unsaved = []
        except Exception:
            await self.aclose()
            raise
        events, self._events = self._events, ()
        if self._last:
            await self.aclose()
        return events

    async def aclose(self) -> None:
        """Ends the call at Gemini; nothing follows. Idempotent."""
        if self.ended:
            return
        self.ended = self._last = True
        self._events = ()
        self.hold.close()
        if self._call is not None:
            self._fold.read_counts()
            self._call.chunks = self._stream.came
            self._call.answered_in(self._fold.answer)
        await self._stream.close()

    def _folded(self, batch: Sequence[Body]) -> list[Event]:
        return self._with_signatures(self._fold.feed_events(batch))

    def _folded_large(self, batch: Sequence[Body]) -> list[Event]:
        """For a thread."""
        return self._with_signatures([event for data in batch for event in self._fold.feed(decoded_apart(data))])

    def _with_signatures(self, events: list[Event]) -> list[Event]:
        if signatures := self._fold.take_signatures():
            self._unsaved += signatures
        return events

    def _note_end(self) -> None:
        answer, call = self._fold.answer, self._call
        answer.ended_at = answer.ended_at or int(self._clock.now())
        if self.tells_cost and call is not None:
            call.answered_in(answer)
            answer.dollars = call.dollars()

    async def _ended_apart(self) -> list[Event]:
        """Ends the fold in a thread. Where this is cancelled, the next call finds its events."""
        self._folding = self._folding or Apart()
        return await self._folding.run(self._fold.end)

    async def _folded_apart(self, batch: Sequence[Body]) -> list[Event]:
        """In a thread; where the one before was cancelled, what it was given."""
        self._fold.answer.large = True
        self._folding = self._folding or Apart()
        return await self._folding.run(lambda: self._folded_large(batch))


StreamTask = asyncio.Task[StartedStream[Q] | LiftgateError]
"""A stream that is being started. A failure is a value: a task whose exception is never fetched would be logged."""


class LateStream(Generic[Q]):
    """A stream whose page-in takes long. `answer` is None until it has started."""

    def __init__(self, head: Head, task: StreamTask[Q]) -> None:
        self.head = head
        self._task = task
        self._started: StartedStream[Q] | None = None
        self._closed = False

    @property
    def answer(self) -> Answer[Q] | None:
        return self._started.answer if self._started is not None else None

    @property
    def ended(self) -> bool:
        return self._closed or (self._started is not None and self._started.ended)

    async def batch(self) -> Sequence[Event]:
        """As `StartedStream.batch`, once it has started; raises what goes wrong before."""
        if self._started is None:
            await asyncio.wait({self._task})
            outcome = self._task.result()
            if isinstance(outcome, LiftgateError):
                self._closed = True
                raise outcome.again()
            self._started = outcome
        return await self._started.batch()

    async def aclose(self) -> None:
        """As `StartedStream.aclose`; a page-in that others wait for goes on."""
        self._closed = True
        await abandon(self._task)


class AnswerStream(Protocol[Q]):
    """What both are, and what is put around one of them."""

    @property
    def head(self) -> Head: ...
    @property
    def answer(self) -> Answer[Q] | None: ...
    @property
    def ended(self) -> bool: ...
    async def batch(self) -> Sequence[Event]: ...
    async def aclose(self) -> None: ...


async def abandon(task: StreamTask[Q]) -> None:
    """Ends a stream that has no reader any more, started or not."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and task.exception() is None:
        outcome = task.result()
        if isinstance(outcome, StartedStream):
            await outcome.aclose()
