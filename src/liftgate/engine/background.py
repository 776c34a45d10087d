"""Responses in the background: taken in, carried out by any process, followed by their events, cancelled.

Each is a row until its end (`catalog/rows/reply_runs`). The process that took it in carries it out when it has room;
where that process dies, another finds a run without a lease. It is begun a second time only where no reader has got
anything of the first answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from liftgate.answer.choice import Head
from liftgate.catalog.database import Connection
from liftgate.catalog.rows import reply_events as rows_of_events
from liftgate.catalog.rows import reply_runs as rows
from liftgate.catalog.rows.copies import Purge
from liftgate.catalog.rows.files import lock_owner
from liftgate.catalog.rows.replies import delete_reply
from liftgate.catalog.steady import steady
from liftgate.copies.kinds.files import delete_file
from liftgate.copies.purge import PurgeAtOnce
from liftgate.copies.services import Services
from liftgate.dialects.responses import whole_items
from liftgate.dialects.responses.stream import ResponseEncoder, preamble, waiting_response
from liftgate.engine.background_run import BackgroundRun, Workshop
from liftgate.engine.meter import current
from liftgate.engine.replies import NOT_STORED, response_not_found
from liftgate.engine.reply_items import decoded_row
from liftgate.engine.run_rows import head_of, kept_of, shown_run
from liftgate.engine.shares import Shares
from liftgate.engine.turns import NATIVES, Encode, Turn, listed_natives
from liftgate.errors import InvalidRequest, LiftgateError, RateLimited, UnsupportedParameter
from liftgate.json_types import JsonObject
from liftgate.keys.asking import current_key
from liftgate.large_bodies import LARGE, STEP, Body, encoded
from liftgate.log_context import working_as, working_for
from liftgate.records import Owner
from liftgate.sse import PING

log = logging.getLogger("liftgate.engine")

MOST_IN_FLIGHT = 1000
"""Of one owner, waiting ones included."""
OWN, MOST, TOTAL = 4, 32, 128
"""Runs at once in this process: that every owner may have, that one may have while there is room, and all."""
LOOK_SECONDS = 1.0
"""How often a reader looks by itself, should it hear of nothing."""
_FRAMES_AT_ONCE = 100
_TAKEN_UP_AT_ONCE = 50

_encode = msgspec.json.Encoder().encode
_Found = tuple[rows.Progress, list[tuple[int, Body]]]
"""A run, and (number, frame) of its events that follow."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A response that was taken in. `response`: its object, queued."""

    id: str
    response: JsonObject


class Background:
    def __init__(self, services: Services, workshop: Workshop, purge: PurgeAtOnce) -> None:
        self._services = services
        self._db = services.db
        self._workshop = workshop
        self._purge = purge
        self._shares = Shares(own=OWN, most=MOST, total=TOTAL)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._readers: dict[str, set[asyncio.Event]] = {}
        services.db.watch(self._on_change)

    async def begin(self, owner: Owner, turn: Turn, *, stream: bool) -> Begun:
        """Takes a request in; durable when it returns. Raises what is wrong with the request, and RateLimited."""
        if not turn.keeps:
            raise UnsupportedParameter(
                "Unsupported value: 'background' does not support true with 'store': false.", param="background"
            )
        large, quotas = turn.large, self._workshop.quotas
        if (noted := current.get()) is not None and noted.ticket is not None:
            # Its place is taken while it is made.
            noted.ticket.leaves = "parallel"
        head = await self._workshop.generate.check(turn.dialect, owner, turn.request, large=large)
        copy = partial(whole_items.own_items, turn.given or turn.request.get("input"), head.id)
        given = await asyncio.to_thread(copy) if large else copy()
        files = await self._workshop.items.put_away(owner, given, large=large)
        request = {**turn.request, "model": head.model, "input": given, NATIVES: listed_natives(turn)}
        queued = waiting_response(head, request, "queued")
        write = partial(_written, request, queued)
        asked, body = await asyncio.to_thread(write, encoded) if large else write(_encode)
        run = rows.RunRow(
            id=queued["id"],
            owner=owner,
            created_at=0.0,
            state="queued",
            attempts=0,
            generation=0,
            shown=0,
            streamed=int(stream),
            ended_at=None,
            request=asked,
            body=body,
            key_name="" if noted is None else noted.key,
            key_id="" if noted is None else noted.key_id,
            key_made=int(current_key.get() is not None),
        )

        def work(conn: Connection) -> bool:
            quotas.check_stored(conn, owner, len(asked), lead=NOT_STORED, param="store")
            frames = preamble(head, request)[: rows_of_events.PREAMBLE - 1] if stream else []
            return rows.add_run(conn, replace(run, created_at=steady(conn)), frames, files, MOST_IN_FLIGHT)

        if not await self._db.write(work, storing=True):
            raise RateLimited(
                f"{MOST_IN_FLIGHT} responses are in the background already. Wait until some of them have ended.",
                retry_after=10,
            )
        self._start(run.id, owner)
        return Begun(run.id, queued)

    async def cancel(self, owner: Owner, response_id: str) -> JsonObject | None:
        """The Response object, cancelled; None where there is no such response in the background. Idempotent. Raises
        InvalidRequest for one that has ended otherwise."""

        run = await self._run(owner, response_id)
        if run is not None and run.in_flight:
            large = len(run.request) >= LARGE
            request = await decoded_row(run.request)
            head = head_of(run.id, await decoded_row(run.body))
            response = waiting_response(head, request, "cancelled")
            kept = await asyncio.to_thread(kept_of, response, request) if large else kept_of(response, request)
            end = partial(_end_cancelled, run=replace(run, request=b""), head=head, request=request, kept=kept)
            if await self._db.write(end):
                return response
            run = await self._run(owner, response_id)
        if run is None:
            return None
        if run.state != "cancelled":
            raise InvalidRequest(f"Cannot cancel {'an' if run.state == 'incomplete' else 'a'} {run.state} response.")
        return await shown_run(run)

    async def delete(self, owner: Owner, response_id: str) -> None:
        """Erases a response at once, from the foreground too; what went on from it cannot be gone on from any more.
        Raises NotFound, and InvalidRequest for one in flight."""

        def work(conn: Connection) -> list[Purge] | None:
            at = steady(conn)
            run = rows.progress_of(conn, owner, response_id, at)
            if run is not None and run.in_flight:
                raise InvalidRequest("Cannot delete an in-flight response.")
            files = delete_reply(conn, owner, response_id, at)
            if run is not None:
                lock_owner(conn, owner)
                files = [*(files or ()), *rows.delete_run(conn, owner, response_id)]
            return None if files is None else [p for each in files for p in delete_file(conn, owner, each) or ()]

        purges = await self._db.write(work)
        if purges is None:
            raise response_not_found(response_id)
        self._purge.begin(purges)

    async def follow(
        self, owner: Owner, response_id: str, *, after: int, ping_seconds: float
    ) -> AsyncGenerator[bytes, None] | None:
        """The frames with larger numbers than `after`, up to the last; None where there is no such response in the
        background. Raises InvalidRequest where its events are not logged, or not any more, and what the catalogue does
        before the first of them is in hand."""
        run = await self._find(owner, response_id)
        if run is None:
            return None
        if not run.streamed:
            raise InvalidRequest(
                "The events of this response are not kept: only one that was created with 'stream': true can be "
                "streamed again, until an hour after its end.",
                param="stream",
            )
        first = await self._next(owner, response_id, after)
        return None if first is None else self._frames(owner, response_id, after, ping_seconds, first)

    async def _frames(
        self, owner: Owner, run_id: str, after: int, ping_seconds: float, first: _Found
    ) -> AsyncGenerator[bytes, None]:
        clock, changed = self._services.clock, asyncio.Event()
        self._readers.setdefault(run_id, set()).add(changed)
        try:
            spoke_at = clock.monotonic()
            found: _Found | None = first
            if not first[1]:
                # Events that came before this reader was registered announce nothing to it.
                found = await self._next(owner, run_id, after)
            while found is not None:
                run, frames = found
                for number, frame in frames:
                    # One may be as large as the whole answer.
                    for at in range(0, len(frame), STEP):
                        yield bytes(frame[at : at + STEP])
                    if isinstance(frame, bytearray):
                        await asyncio.to_thread(frame.clear)
                    after, spoke_at = number, clock.monotonic()
                if not frames:
                    if not run.in_flight:
                        return
                    if clock.monotonic() - spoke_at >= ping_seconds:
                        yield PING
                        spoke_at = clock.monotonic()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(min(LOOK_SECONDS, ping_seconds)):
                            await changed.wait()
                changed.clear()
                found = await self._next(owner, run_id, after)
        finally:
            readers = self._readers[run_id]
            readers.discard(changed)
            if not readers:
                del self._readers[run_id]

    async def _next(self, owner: Owner, run_id: str, after: int) -> _Found | None:
        """The run, and the frames that follow, which are the reader's from then on; None where it was deleted."""

        def look(conn: Connection) -> tuple[rows.Progress | None, list[tuple[int, Body]]]:
            with conn.snapshot():
                run = rows.progress_of(conn, owner, run_id, steady(conn))
                return run, [] if run is None else rows_of_events.events_after(conn, run_id, after, _FRAMES_AT_ONCE)

        while True:
            run, frames = await self._db.read(look)
            if run is None:
                return None
            of_the_answer = bool(frames) and frames[-1][0] >= rows_of_events.PREAMBLE
            if not of_the_answer or run.shown or not run.in_flight:
                return run, frames
            if await self._db.write(partial(rows.mark_shown, run_id=run_id, generation=run.generation)):
                return run, frames

    # ── carrying out ─────────────────────────────────────────────────────────────────────────────

    def _start(self, run_id: str, owner: Owner) -> None:
        if run_id in self._running:
            return
        task = self._services.tasks.start(self._carry_out(run_id, owner), name=f"response {run_id}")
        self._running[run_id] = task
        task.add_done_callback(lambda _: self._running.pop(run_id, None))

    async def _carry_out(self, run_id: str, owner: Owner) -> None:
        working_for.set(f"response {run_id}")
        working_as.set(owner)
        try:
            async with self._shares.turn(owner):
                await BackgroundRun(self._services, self._workshop, run_id, owner).carry_out()
        except LiftgateError as error:
            # The row is as it was, so it is taken up again.
            log.warning("the response %s waits: %s", run_id, error.message)

    async def take_up(self) -> None:
        """Starts the runs that no process carries out: theirs died, or has had no room for them for a lease's time."""
        older = self._services.settings.lease_seconds
        for run_id, owner in await self._db.read(partial(rows.runs_left, older=older, limit=_TAKEN_UP_AT_ONCE)):
            self._start(run_id, owner)

    def _on_change(self, topic: str, key: str) -> None:
        if topic == rows_of_events.CHANGED:
            for changed in self._readers.get(key, ()):
                changed.set()
        elif topic == rows.CANCELLED and (task := self._running.get(key)) is not None:
            task.cancel()
        elif topic == "*":
            for readers in self._readers.values():
                for changed in readers:
                    changed.set()

    async def _run(self, owner: Owner, response_id: str) -> rows.RunRow | None:
        return await self._db.read(lambda conn: rows.find_run(conn, owner, response_id, steady(conn)))

    async def _find(self, owner: Owner, response_id: str) -> rows.Progress | None:
        return await self._db.read(lambda conn: rows.progress_of(conn, owner, response_id, steady(conn)))


def _end_cancelled(conn: Connection, *, run: rows.RunRow, head: Head, request: JsonObject, kept: rows.Kept) -> bool:
    """Whether the run was ended here; False where it has ended meanwhile."""
    if not rows.lock_run(conn, run.id):
        return False
    frames: list[Body] = []
    first = 0
    if run.streamed:
        first = rows_of_events.next_number(conn, run.id)
        encoder = ResponseEncoder(head, request, first)
        encoder.large = True
        encoder.cancel()
        frames = encoder.listed()
    rows.end_run(conn, run.id, "cancelled", kept=kept, first=first, frames=frames)
    conn.announce(rows.CANCELLED, run.id)
    return True


def _written(request: JsonObject, queued: JsonObject, encode: Encode) -> tuple[Body, Body]:
    return encode(request), encode(queued)
