"""Small writes that share a transaction: a commit costs as much for one row as for many, most of it the disk's.

Those that come while one is under way go into the next one together. Where several came at once, the next one waits a
moment for more, as databases do at a commit (PostgreSQL's `commit_delay`); who is alone never waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from liftgate.catalog.database import Connection, Database
from liftgate.clock import Clock
from liftgate.errors import InternalError, LiftgateError, Unavailable, let_go
from liftgate.log_context import working_as
from liftgate.tasks import Tasks

log = logging.getLogger("liftgate.engine")

T = TypeVar("T")

MOST = 64
"""Writes in one transaction."""
GATHER_SECONDS = 0.002
MOST_GATHERINGS = 5
"""Moments that the first one waits at most, while others come in each; an answer of a model takes much longer."""


class GroupCommit(Generic[T]):
    """For writes that cannot fail by themselves: what fails is the transaction, for all of them. `work` writes those
    that are given."""

    def __init__(
        self, db: Database, tasks: Tasks, clock: Clock, work: Callable[[Connection, Sequence[T]], None]
    ) -> None:
        self._db = db
        self._tasks = tasks
        self._clock = clock
        self._work = work
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._busy = False
        self._several = False

    async def write(self, value: T) -> None:
        """Durable when it returns. Whoever is cancelled meanwhile does not undo it. Raises as `Database.write`."""
        if not self._busy and not self._several:
            await self._write_alone(value)
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((value, done))
        if not self._busy:
            self._busy = True
            self._tasks.start(self._write_all(), name="group commit")
        try:
            await done
        finally:
            # What it failed with refers to this frame, which must not refer to it.
            del done

    async def _write_alone(self, value: T) -> None:
        """Without a task of its own, which costs as much as all else that the event loop does for it."""
        self._busy = True
        try:
            failure = await self._write([value])
        finally:
            self._busy = bool(self._waiting)
            if self._waiting:
                self._tasks.start(self._write_all(), name="group commit")
        if failure is not None:
            let_go(failure)
            raise failure.again()

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                if self._several:
                    await self._gather()
                some = self._waiting[:MOST]
                self._several = len(some) > 1
                failure = await self._write([value for value, _ in some])
                del self._waiting[: len(some)]
                _end(some, failure)
        finally:
            self._busy = False
            if self._waiting:
                _end(self._waiting, Unavailable("The gateway is stopping."))
                self._waiting = []

    async def _gather(self) -> None:
        """Writes in rounds, until no write waits."""
        for _ in range(MOST_GATHERINGS):
            before = len(self._waiting)
            if before >= MOST:
                return
            await self._clock.sleep(GATHER_SECONDS)
            if len(self._waiting) == before:
                return

    async def _write(self, values: Sequence[T]) -> LiftgateError | None:
        # Those of other owners wait for it too.
        before = working_as.set("")
        try:
            await self._db.write(lambda conn: self._work(conn, values), storing=True)
        except LiftgateError as error:
            return error
        except Exception:
            log.exception("writes that share a transaction failed")
            return InternalError()
        finally:
            working_as.reset(before)
        return None


def _end(some: Sequence[tuple[object, asyncio.Future[None]]], failure: LiftgateError | None) -> None:
    for _, done in some:
        if not done.done():
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure.again())
    if failure is not None:
        let_go(failure)
