"""One response in the background, carried out under its lease: asked for, its events logged, its end written once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

import msgspec

from liftgate import ids
from liftgate.answer.choice import Answer, Head
from liftgate.backoff import PLACES
from liftgate.catalog.database import Connection
from liftgate.catalog.rows import reply_events as rows_of_events
from liftgate.catalog.rows import reply_runs as rows
from liftgate.catalog.rows.replies import add_reply
from liftgate.catalog.steady import steady
from liftgate.copies.lease import Lease
from liftgate.copies.services import Services
from liftgate.dialects.responses.native import Natives
from liftgate.dialects.responses.question import ResponsesQuestion
from liftgate.dialects.responses.request import conversation_not_found
from liftgate.dialects.responses.stream import ResponseEncoder, preamble, waiting_response
from liftgate.engine.admission import Admission
from liftgate.engine.generate import Generate
from liftgate.engine.meter import CallRecord, Meters, current
from liftgate.engine.replies import Replies
from liftgate.engine.reply_items import ReplyItems, decoded_row
from liftgate.engine.run_rows import head_of, kept_of
from liftgate.engine.turns import NewReply, Turn, take_natives
from liftgate.errors import (
    AuthenticationFailed,
    BudgetInFlight,
    InternalError,
    LiftgateError,
    LimitsAway,
    RateReached,
    Unavailable,
    let_go,
)
from liftgate.files.quota import Quotas
from liftgate.gemini_json import decoded_apart
from liftgate.json_types import JsonObject
from liftgate.keys.asking import current_key
from liftgate.keys.key import Caller, in_config
from liftgate.keys.known import KnownKeys
from liftgate.large_bodies import LARGE, Body, encoded
from liftgate.records import Owner

log = logging.getLogger("liftgate.engine")

ROUTE = "/v1/responses"
LONGEST_WAIT = 3600.0
"""Seconds that it waits for a place under its limits, from its first try on."""
_PAUSES = (0.5, 2.0, 5.0)

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Workshop:
    """What responses are made with."""

    generate: Generate
    replies: Replies
    items: ReplyItems
    quotas: Quotas
    meters: Meters
    admission: Admission
    keys: KnownKeys


@dataclass(frozen=True, slots=True)
class _Made:
    """The response in the making. `run`: its row, without the request. `call`: the record to fill in."""

    run: rows.RunRow
    head: Head
    request: JsonObject
    natives: Natives
    call: CallRecord


class _Over(Exception):
    """The run was cancelled, or another process has it: nothing more is to be done here."""


class BackgroundRun:
    def __init__(self, services: Services, workshop: Workshop, run_id: str, owner: Owner) -> None:
        self._services = services
        self._db = services.db
        self._workshop = workshop
        self._id = run_id
        self._owner = owner
        self._generation = 0
        self._number = rows_of_events.PREAMBLE
        self._large = False
        self._waits_until = 0.0

    async def carry_out(self) -> None:
        """Returns when it has ended, or is another's. Raises Unavailable where its end could not be written: then it is
        left as it is."""
        lease = await Lease.acquire(self._services, rows.LEASE + self._id)
        if lease is None:
            return
        async with lease:
            self._generation = lease.generation
            waiting = await self._db.read(lambda conn: rows.find_run(conn, self._owner, self._id, steady(conn)))
            if waiting is None or not waiting.in_flight:
                return
            self._large = len(waiting.request) >= LARGE
            request = await decoded_row(waiting.request)
            natives = take_natives(request)
            await self._workshop.items.show_images(self._owner, request["input"], large=self._large)
            head = head_of(self._id, await decoded_row(waiting.body))

            def begin(conn: Connection) -> bool | None:
                progress = preamble(head, request)[rows_of_events.PREAMBLE - 1 :]
                return rows.begin_run(conn, self._id, lease.generation, progress)

            begun = await self._db.write(begin, storing=True)
            run = replace(waiting, request=b"", body=b"")
            del waiting
            if begun is not None:
                # What runs here is a call of its own, whoever's request it was taken in with.
                current_key.set(None)
                with _record(self._workshop.meters, run) as call:
                    await self._make(_Made(run, head, request, natives, call), again=begun)

    async def _make(self, made: _Made, *, again: bool) -> None:
        first = rows_of_events.PREAMBLE
        if not again and made.run.streamed:
            first = await self._db.read(lambda conn: rows_of_events.next_number(conn, self._id))
        encoder = ResponseEncoder(made.head, made.request, first)
        encoder.large = self._large
        self._number = first
        try:
            if not again:
                raise InternalError("The gateway stopped while it made this response.")
            for waited in count():
                try:
                    await self._answer(made, encoder)
                    break
                except LiftgateError as error:
                    if self._number != first or not await self._waits(made, error, waited):
                        raise
                    let_go(error)
        except _Over:
            return
        except LiftgateError as error:
            let_go(error)
            await self._fail(made, error, encoder)
        except Exception as error:
            log.exception("the response %s failed", self._id)
            let_go(error)
            await self._fail(made, InternalError(), encoder)

    async def _answer(self, made: _Made, encoder: ResponseEncoder) -> None:
        await self._take_key(made)
        turn = await self._workshop.replies.begin(
            self._owner, made.request, keeps=True, large=self._large, natives=made.natives
        )
        if made.run.streamed:
            await self._stream(turn, made, encoder)
        else:
            generate, asked = self._workshop.generate, turn.request
            whole = await generate.complete(turn.dialect, self._owner, asked, large=turn.large, head=made.head)
            await self._store(turn, whole, [])

    async def _waits(self, made: _Made, error: LiftgateError, waited: int) -> bool:
        """Waits, and returns True, where its limits refused it only for a while and nothing was paid: it is then tried
        again. No client waits for the answer, so no client can try again."""
        call, clock = made.call, self._services.clock
        if call.ticket is None or call.usage is not None or call.earlier:
            return False
        if not isinstance(error, RateReached | BudgetInFlight | LimitsAway) or not error.worth_repeating:
            return False
        pause = PLACES.pause(waited, error.retry_after)
        self._waits_until = self._waits_until or clock.monotonic() + LONGEST_WAIT
        if clock.monotonic() + pause > self._waits_until:
            return False
        call.ticket.settle(0, 0)
        if not waited:
            log.info("the response %s waits for its place: %s", self._id, error.message)
            if not await self._persist(lambda conn: rows.put_off_run(conn, self._id, self._generation)):
                raise _Over
        await clock.sleep(pause)
        run = await self._db.read(lambda conn: rows.progress_of(conn, self._owner, self._id, steady(conn)))
        if run is None or not run.in_flight or run.generation != self._generation:
            raise _Over
        return True

    async def _take_key(self, made: _Made) -> None:
        """The key of the request, whose limits hold here too, and its owner's. Raises AuthenticationFailed for one
        that is good no more."""
        caller = in_config(self._owner)
        if made.run.key_made:
            caller = await self._made_key(made)
        if (ticket := self._workshop.admission.ticket(caller)) is not None:
            # The request was counted when it was taken in.
            ticket.leaves = "requests"
            made.call.ticket = ticket

    async def _made_key(self, made: _Made) -> Caller:
        key = await self._workshop.keys.of_id(made.run.key_id)
        if key is None:
            raise AuthenticationFailed("The key of this response was deleted.")
        key.check_good(key.record.token, self._db.now())
        current_key.set(key)
        return key.caller

    async def _stream(self, turn: Turn, made: _Made, encoder: ResponseEncoder) -> None:
        generate = self._workshop.generate
        events = await generate.stream(turn.dialect, self._owner, turn.request, large=turn.large, head=made.head)
        begun = False
        try:
            while True:
                batch = await events.batch()
                answer = events.answer
                assert answer is not None, "its events are there"
                encoder.large = encoder.large or answer.large
                if not begun:
                    encoder.begin(answer)  # which writes nothing: the preamble is out
                    begun = True
                frames = await asyncio.to_thread(encoder.frames, batch) if encoder.large else encoder.frames(batch)
                if events.ended:
                    await self._store(turn, answer, frames)
                    return
                await self._log(frames)
        finally:
            await events.aclose()

    async def _log(self, frames: Sequence[Body]) -> None:
        """Durable before a reader gets them."""
        first, self._number = self._number, self._number + len(frames)
        if frames and not await self._db.write(
            lambda conn: rows.log_events(conn, self._id, self._generation, first, frames), storing=True
        ):
            raise _Over

    async def _store(self, turn: Turn, answer: Answer[ResponsesQuestion], frames: Sequence[Body]) -> None:
        """The answer, its last frames and the end in one transaction."""
        large = answer.large
        make = partial(_new_reply, self._owner, turn, answer)
        new, response = await asyncio.to_thread(make) if large else make()
        files = await self._workshop.items.put_away(self._owner, new.items, large=large)
        made = await asyncio.to_thread(new.made, encoded, files) if large else new.made(_encode, files)

        def work(conn: Connection) -> bool:
            state: str = response["status"]
            first, fence = self._number, self._generation
            if not rows.end_run(conn, self._id, state, generation=fence, first=first, frames=frames):
                return False
            made.reply.created_at = steady(conn)
            if not add_reply(conn, made, files):
                raise conversation_not_found(turn.conversation_id or "")
            return True

        if not await self._persist(work):
            raise _Over

    async def _fail(self, made: _Made, error: LiftgateError, encoder: ResponseEncoder) -> None:
        made.call.status = error.http_status
        made.call.record_error(error)

        def write() -> tuple[JsonObject, list[Body]]:
            response = waiting_response(made.head, made.request, "failed", error)
            if not made.run.streamed:
                return response, []
            encoder.fail(error)
            return response, encoder.listed()

        response, frames = await asyncio.to_thread(write) if encoder.large else write()

        def work(conn: Connection) -> bool:
            run = rows.find_run(conn, self._owner, self._id, steady(conn))
            kept = rows.NOTHING_KEPT if run is None else kept_of(response, decoded_apart(run.request))
            first, fence = self._number, self._generation
            return rows.end_run(conn, self._id, "failed", generation=fence, kept=kept, first=first, frames=frames)

        await self._persist(work)

    async def _persist(self, work: Callable[[Connection], bool]) -> bool:
        """Patient: what was made is worth more than a moment without the catalogue."""
        for pause in _PAUSES:
            try:
                return await self._db.write(work, storing=True)
            except Unavailable as error:
                let_go(error)
                await self._services.clock.sleep(pause)
        return await self._db.write(work, storing=True)


@contextmanager
def _record(meters: Meters, run: rows.RunRow) -> Iterator[CallRecord]:
    """A call of its own: what the request's call was is over."""
    call = meters.begin(ids.new_request_id())
    call.owner, call.key, call.key_id = run.owner, run.key_name, run.key_id
    call.dialect, call.method, call.route, call.path, call.status = "openai", "POST", ROUTE, ROUTE, 200
    before = current.set(call)
    left = True
    try:
        yield call
        left = False
    finally:
        current.reset(before)
        meters.end(call, left=left)


def _new_reply(owner: Owner, turn: Turn, answer: Answer[ResponsesQuestion]) -> tuple[NewReply, JsonObject]:
    response = turn.dialect.whole(answer)
    return NewReply(owner, turn, response, answer), response
