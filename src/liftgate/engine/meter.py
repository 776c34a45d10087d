"""The end of every call, noted at one place: one `CallRecord` for each call of each dialect, whatever became of it.

The face that takes a call begins its record (`Meters.begin`) and ends it once (`Meters.end`); what serves it fills
it in on the way, and finds it with `current`. Spend, metrics and log lines are listeners (`Meter`). Without listeners
there are records of calls with limits alone, and `current` gives None for others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context, ContextVar
from time import monotonic
from typing import Any, Protocol, TypeVar, runtime_checkable

from msgspec.structs import astuple

from liftgate.clock import Clock
from liftgate.engine.call_record import CallRecord as CallRecord
from liftgate.engine.pricing import Pricing
from liftgate.errors import LiftgateError
from liftgate.json_types import JsonObject
from liftgate.prices import TextCounts

T = TypeVar("T")

log = logging.getLogger("liftgate.engine")

current: ContextVar[CallRecord | None] = ContextVar("current_call", default=None)
"""The record of the call that is served. What runs on outside the call's own tasks keeps the record itself instead."""
noted_call = current.get
"""For what every call passes: to look `get` up costs as much as it does."""


def recorded(error: LiftgateError) -> LiftgateError:
    """`error`, recorded as the answer of this call."""
    if (call := current.get()) is not None:
        call.record_error(error)
    return error


async def bringing(call: CallRecord, wait: Awaitable[T]) -> T:
    """What `wait` gives. Its time is counted as waiting for files."""
    began = monotonic()
    try:
        return await wait
    finally:
        call.files += monotonic() - began


_NAMES = CallRecord.__struct_fields__
_COLUMNS = slice(0, _NAMES.index("tokens") + 1)
_KIND = slice(_COLUMNS.stop, _NAMES.index("is_text") + 1)
"""Values of a record: what `Calls` has columns of; what a `MeterOfKinds` may have looked at before. Everything else is
the call's own."""


class Calls:
    """Calls of one kind that are counted together. Of those that are text (`CallRecord.is_text`) it has columns too, in
    their order: what adds them up runs in C."""

    __slots__ = (
        "all", "began", "bytes_in", "bytes_out", "costs", "first_events", "ids", "made", "owns", "responses", "sent",
        "thoughts", "totals", "traces", "upstreams", "users",
    )  # fmt: skip

    def __init__(self, calls: Sequence[CallRecord], rows: Sequence[tuple[Any, ...]] | None = None) -> None:
        """`rows`: the columns of each, where they are at hand."""
        self.all = calls
        if calls[0].is_text:
            (
                self.ids, self.began, self.totals, self.owns, self.first_events, self.upstreams, self.costs,
                self.bytes_in, self.bytes_out, self.responses, self.users, self.traces, tokens,
            ) = zip(*(rows or [astuple(call)[_COLUMNS] for call in calls]), strict=True)  # fmt: skip
            self.sent, self.made, self.thoughts = zip(*map(astuple, tokens), strict=True)


OnEnd = Callable[[Calls], None]


class Meter(Protocol):
    """A listener. It is called on the event loop, between two answers: it must neither wait nor work for long."""

    def ended(self, call: CallRecord) -> None: ...


@runtime_checkable
class MeterOfKinds(Meter, Protocol):
    """One that has more to find than to note: where a call is counted depends on few of its values, and on the same
    ones for thousands of calls."""

    def of_kind(self, call: CallRecord) -> OnEnd | None:
        """What is done with calls of its kind (`_KIND`). None: nothing."""
        ...


@runtime_checkable
class MeterThatWrites(Protocol):
    """One that writes down what it was notified of, all at once."""

    def flush(self) -> None: ...


KINDS = 2048
"""Of calls that are remembered: some of their values are the caller's."""


class Kinds:
    """Listeners, and what each of them does with a kind of calls."""

    def __init__(self, listeners: Sequence[Meter]) -> None:
        self._listeners = listeners
        self._known: dict[tuple[object, ...], list[OnEnd]] = {}
        self._writers = [each for each in listeners if isinstance(each, MeterThatWrites)]

    def notify(self, calls: Iterable[CallRecord]) -> None:
        """A failing listener harms no other."""
        kinds: dict[tuple[object, ...], tuple[list[CallRecord], list[tuple[Any, ...]]]] = {}
        last: tuple[object, ...] = ()
        for call in calls:
            call.is_plain = is_plain = call.usage is not None and not (
                call.failures or call.copies_hit or call.paged_in or call.earlier or call.reckoned or call.sampled
            )
            call.is_text = is_plain and type(call.tokens) is TextCounts
            values = astuple(call)
            kind = values[_KIND]
            if kind != last:
                last = kind
                if (alike := kinds.get(kind)) is None:
                    alike = kinds[kind] = [], []
                those, rows = alike
            those.append(call)
            rows.append(values[_COLUMNS])
        for kind, (those, rows) in kinds.items():
            found = self._known.get(kind)
            together = Calls(those, rows)
            for on_end in self._learned(kind, those[0]) if found is None else found:
                try:
                    on_end(together)
                except Exception:
                    log.exception("a listener failed at the end of a call")
        for writer in self._writers:
            try:
                writer.flush()
            except Exception:
                log.exception("a listener failed at the end of a call")

    def _learned(self, kind: tuple[object, ...], call: CallRecord) -> list[OnEnd]:
        found: list[OnEnd] = []
        failed = False
        for listener in self._listeners:
            try:
                on_end = listener.of_kind(call) if isinstance(listener, MeterOfKinds) else one_by_one(listener.ended)
            except Exception:
                log.exception("a listener failed at the end of a call")
                failed = True
                continue
            if on_end is not None:
                found.append(on_end)
        if not failed:
            if len(self._known) >= KINDS:
                self._known.clear()
            self._known[kind] = found
        return found


def one_by_one(on_end: Callable[[CallRecord], None]) -> OnEnd:
    def each_of(calls: Calls) -> None:
        for call in calls.all:
            on_end(call)

    return each_of


class Unreported(Protocol):
    """Finds out what a call used of which Google reported nothing, and then notifies, now or later."""

    def take(self, call: CallRecord, notify: Callable[[CallRecord], None]) -> None: ...


class Tracer(Protocol):
    """Decides which calls are traced, and begins their spans."""

    def begin(self, call: CallRecord, state: str) -> None: ...


class HeldAnswer(Protocol):
    """A whole answer that waits to be written; `disconnected`: for nobody."""

    disconnected: bool

    def write(self) -> None: ...


class Meters:
    """All listeners of a gateway. True, and `on`: every call has a record; else only those with tickets. `tell_cost`:
    callers learn it. `open`: calls that have begun and not ended."""

    def __init__(self, listeners: Sequence[Meter], clock: Clock, pricing: Pricing, *, tell_cost: bool = False) -> None:
        self.tell_cost = tell_cost
        self.on = bool(listeners) or tell_cost
        self.open = 0
        self._listeners = tuple(listeners)
        self._kinds = Kinds(self._listeners)
        self._ended: list[tuple[CallRecord, HeldAnswer]] = []
        self._context = Context()
        self._clock = clock
        self._pricing = pricing
        self.unreported: Unreported | None = None
        self.tracer: Tracer | None = None

    def __bool__(self) -> bool:
        return self.on

    def add(self, listener: Meter) -> None:
        """One that there is only when the gateway is open. Again: without effect."""
        if listener not in self._listeners:
            self._listeners = (*self._listeners, listener)
            self._kinds = Kinds(self._listeners)
            self.on = True

    def begin(self, request_id: str) -> CallRecord:
        self.open += 1
        return CallRecord(request_id, self._clock.now(), pricing=self._pricing)

    def end(self, call: CallRecord, *, left: bool = False) -> None:
        """Exactly once for each call. `left`: the client was gone before the end."""
        self._note_end(call, left=left)
        if call.usage is not None or not self._has_to_find_out(call):
            self._settle((call,))

    def end_before(self, call: CallRecord, answer: HeldAnswer) -> None:
        """As `end`, before the whole of its answer is written: it is written within this turn of the event loop, once
        all calls that end in it are settled together. So what a client was answered is counted, whatever happens
        then."""
        self._note_end(call, left=False)
        if call.usage is None and self._has_to_find_out(call):
            answer.write()
            return
        if not self._ended:
            # In a context of its own: it serves all these calls.
            asyncio.get_running_loop().call_soon(self._settle_turn, context=self._context)
        self._ended.append((call, answer))

    def _settle_turn(self) -> None:
        ended, self._ended = self._ended, []
        for call, answer in ended:
            if answer.disconnected:
                call.outcome = "left"
        try:
            self._settle([call for call, _ in ended])
        except Exception:
            log.exception("calls that have ended could not be settled")
        for call, answer in ended:
            try:
                answer.write()
            except Exception:
                log.exception("the answer of %s could not be written", call.request_id)

    def _note_end(self, call: CallRecord, *, left: bool) -> None:
        self.open -= 1
        if call.since:
            call.note_events()
        call.total = total = monotonic() - call.started
        own = total - call.files - call.upstream - call.pauses - call.client
        call.own = own if own > 0.0 else 0.0
        if left:
            call.outcome = "left"
        elif call.error or call.status >= 400:
            call.outcome = "refused" if 400 <= call.status < 500 else "failed"

    def _has_to_find_out(self, call: CallRecord) -> bool:
        """Whether Google was asked, of a call of which it has reported no usage; then the call is settled when it is
        found out, which this begins."""
        if call.sent is None or self.unreported is None:
            return False
        self.unreported.take(call, self._settle_one)
        return True

    def _settle_one(self, call: CallRecord) -> None:
        self._settle((call,))

    def _settle(self, calls: Sequence[CallRecord]) -> None:
        for call in calls:
            if (usage := call.usage) is None or usage is not call.priced:
                call.price()
            call.sent = None
            if (ticket := call.ticket) is not None:
                ticket.settle(call.cost or 0, tokens_of(call) if ticket.counts_tokens else 0)
        if self._listeners:
            self._kinds.notify(calls)


def tokens_of(call: CallRecord) -> int:
    return _total_of(call.usage or call.reckoned) + sum(_total_of(paid.usage) for paid in call.earlier)


def _total_of(usage: JsonObject | None) -> int:
    total = usage.get("totalTokenCount") if usage else 0
    return total if isinstance(total, int) else 0
