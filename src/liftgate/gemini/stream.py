"""An open streamGenerateContent: events as they come, an error inside the stream as a typed one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from time import monotonic

from liftgate.apart import Apart
from liftgate.deadlines import Deadlines, Waits
from liftgate.errors import LiftgateError, UpstreamDisconnected
from liftgate.gemini.status import ERROR, event_error
from liftgate.gemini_json import decoded_or_none, what_is_not
from liftgate.http.connection import Answer
from liftgate.http.network import broken
from liftgate.json_elements import ElementDecoder
from liftgate.large_bodies import LARGE, Body
from liftgate.sse import EventDecoder

_DONE = b"[DONE]"
"""Data by which others than Gemini, in its place, end a stream. Nothing where data should be is no such thing."""


class Patience:
    """How long a stream may take: `total` seconds from now, and `idle` for each silence, however often it is waited for
    within one."""

    def __init__(self, deadlines: Deadlines, *, total: float, idle: float) -> None:
        self._waits = deadlines.waits()
        self._idle = idle
        self._data_at = monotonic()
        self._ends = self._data_at + total

    def note_data(self) -> None:
        """A silence is over."""
        self._data_at = monotonic()

    def wait(self, *, silent: bool = True) -> Waits:
        """For the next read; where something is there to be read, no silence counts.

        Raises TimeoutError when no time is left. To wait for the next tick then would be to wait for ever beside a
        deadline around this one that ends at the same tick, and begins again.
        """
        ends = min(self._data_at + self._idle, self._ends) if silent else self._ends
        if ends <= monotonic():
            raise TimeoutError
        return self._waits.until(ends)

    def close(self) -> None:
        """Nothing is waited for any more. Idempotent."""
        self._waits.close()


class GeminiStream:
    """Iterates over the data of events (bytes, one JSON object each), or in batches of what arrived together.

    Ends after the last event; UpstreamDisconnected or UpstreamTimeout when the connection breaks or goes silent, the
    error of `status` when Gemini reports one. Whoever opens a stream closes it. `large`: of its events one was so large
    that what is done with them is to be done in a thread. `came`: how many there were.
    """

    def __init__(
        self,
        answer: Answer,
        patience: Patience,
        decoder: EventDecoder | ElementDecoder,
        *,
        names_file: bool,
        account: str,
        key: str,
    ) -> None:
        self._answer = answer
        self._patience = patience
        patience.note_data()
        self._decoder = decoder
        self._names_file = names_file
        self._account = account
        self._key = key
        self._failure: LiftgateError | None = None
        self._ended = False
        self._ripening: Apart[list[Body]] | None = None
        self.large = False
        self.came = 0

    async def batch(self) -> Sequence[Body]:
        """All events that have arrived, at least one; [] at the end of the stream. Who cancels it may call it again."""
        while not self._ended:
            if self._decoder.ripe and (events := await self._ripened()):
                self.came += len(events)
                return events
            if self._failure is not None:
                raise self._fail(self._failure)
            try:
                with self._patience.wait(silent=self._answer.is_silent):
                    while (piece := self._answer.take()) is None:
                        await self._answer.more()
            except TimeoutError as error:
                raise self._fail(broken(error)) from None
            except LiftgateError as error:
                raise self._fail(error) from None
            self._patience.note_data()
            events = self._good(self._decoder.feed(piece)) if piece else self._last()
            if events:
                self.came += len(events)
                return events
        return []

    async def _ripened(self) -> Sequence[Body]:
        self._ripening = self._ripening or Apart()
        events = await self._ripening.run(self._decoder.ripened)
        self._decoder.ripe = False
        return self._good(events)

    def __aiter__(self) -> AsyncIterator[Body]:
        return self._events()

    async def _events(self) -> AsyncIterator[Body]:
        while events := await self.batch():
            for event in events:
                yield event

    async def close(self) -> None:
        """Ends the exchange at once: upstream sees the connection close and stops generating."""
        self._ended = True
        self._patience.close()
        self._answer.close()

    def _good(self, events: Sequence[Body]) -> Sequence[Body]:
        """The events up to an error, which is kept for the next call: what came before it is still to be delivered."""
        together = b"".join(events)
        if together.find(ERROR) >= 0 or len(together) > LARGE or _DONE in events:
            return self._looked_at(events)
        return events

    def _looked_at(self, events: Sequence[Body]) -> Sequence[Body]:
        """The same of events of which one is perhaps no plain answer."""
        for index, event in enumerate(events):
            if len(event) == len(_DONE) and event == _DONE:
                return self._looked_at([each for each in events if each != _DONE])
            self.large = self.large or len(event) > LARGE
            error = event_error(event, names_file=self._names_file, account=self._account, key=self._key)
            if error is not None:
                self._failure = error
                return events[:index]
        return events

    def _last(self) -> Sequence[Body]:
        """The connection was ended in order; what has no blank line behind it may be a bare error, or half an event."""
        rest = self._decoder.rest()
        events = self._good([rest.removeprefix(b"data:").strip()]) if rest else []
        if self._failure is not None:
            raise self._fail(self._failure)
        if events and decoded_or_none(events[0]) is None:
            if self.came or rest.startswith(b"data"):
                raise self._fail(UpstreamDisconnected("Gemini's stream ended in the middle of an event."))
            no_stream = what_is_not(rest, "stream of events")
            raise self._fail(UpstreamDisconnected(f"Gemini answered with something that is no {no_stream}."))
        self._ended = True
        return events

    def _fail(self, error: LiftgateError) -> LiftgateError:
        self._ended = True
        self._patience.close()
        self._answer.close()
        return error.again()
