"""Small writes that share a transaction: those that come while one is under way go into the next one together.

A commit costs as much for one row as for many, most of it the disk's. Nobody waits for others to come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from liftgate.catalog.database import Connection, Database
from liftgate.errors import InternalError, LiftgateError, let_go
from liftgate.tasks import Tasks

Write: TypeAlias = Callable[[Connection], None]

MOST = 64
"""Writes in one transaction."""


class GroupCommit:
    """For writes that cannot fail by themselves: what fails is the transaction, for all of them."""

    def __init__(self, db: Database, tasks: Tasks) -> None:
        self._db = db
        self._tasks = tasks
        self._waiting: list[tuple[Write, asyncio.Future[None]]] = []
        self._busy = False

    async def write(self, work: Write) -> None:
        """Durable when it returns. Whoever is cancelled meanwhile does not undo it. Raises as `Database.write`."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if not self._busy:
            self._busy = True
            self._tasks.start(self._write_all(), name="group commit")
        try:
            await done
        finally:
            # What it failed with refers to this frame, which must not refer to it.
            del done

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                failure = await self._write(some)
                for _, done in some:
                    if not done.done():
                        if failure is None:
                            done.set_result(None)
                        else:
                            done.set_exception(failure.again())
                if failure is not None:
                    let_go(failure)
        finally:
            self._busy = False

    async def _write(self, some: list[tuple[Write, asyncio.Future[None]]]) -> LiftgateError | None:
        def together(conn: Connection) -> None:
            for work, _ in some:
                work(conn)

        try:
            await self._db.write(together, storing=True)
        except LiftgateError as error:
            return error
        except BaseException:
            for _, done in some:
                if not done.done():
                    done.set_exception(InternalError())
            raise
        return None
