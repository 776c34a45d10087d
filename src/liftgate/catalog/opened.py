"""The open catalogue: runs functions of a connection in threads, tells watchers what changed, here and elsewhere.

A write is one function in one transaction; when `write` returns, it is durable. The function may be run again when
the engine asks for it (a deadlock, a connection lost before the commit), so it must do nothing but use its connection.
Both engines stand behind `workers.Session` and `Watcher`. Made by `database.open_database`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from liftgate.catalog.connection import Connection
from liftgate.catalog.workers import Announcements, Session, Workers
from liftgate.clock import Clock

T = TypeVar("T")
TIMEOUT = 5.0
"""Seconds that a call waits for the catalogue before it fails as `Unavailable`."""
EVERYTHING: Announcements = [("*", "")]

log = logging.getLogger("liftgate.catalog")


class Watcher(Protocol):
    """Hears what other processes committed. Announces through the callback that it was made with, on the loop."""

    def deaf_since(self) -> float | None:
        """`time.monotonic` of when it stopped hearing them; None while it hears."""

    async def close(self) -> None: ...


class Database:
    """See the module. Belongs to the event loop in which it was opened. `place` names it in messages, without a secret:
    the path of its file, or the server and the database.
    """

    def __init__(self, clock: Clock, timeout: float = TIMEOUT, *, place: str = "") -> None:
        self.place = place
        self._clock = clock
        # The database's time less this process's monotonic clock; None where the database has the process's own clock.
        self._ahead: float | None = None
        self._timeout = timeout
        self._callbacks: list[Callable[[str, str], None]] = []
        self._readers: Workers | None = None
        self._writers: Workers | None = None
        self._watcher: Watcher | None = None
        self._admit: Callable[[], None] = lambda: None
        self._look: Callable[[Connection], None] | None = None

    def use(
        self,
        reading: tuple[Callable[[], Session], int],
        writing: tuple[Callable[[], Session], int] | None,
        admit: Callable[[], None],
    ) -> None:
        """Part of opening: how sessions are made, and how many threads; no `writing`: the readers write too. `admit`:
        what `admit` does."""
        self._admit = admit
        self._readers = Workers("catalogue", reading[1], reading[0], self.tell)
        self._writers = (
            self._readers if writing is None else Workers("catalogue-write", writing[1], writing[0], self.tell)
        )

    def hear(self, watcher: Watcher, look: Callable[[Connection], None]) -> None:
        """Part of opening: the ear for other processes, and what `check` does."""
        self._watcher = watcher
        self._look = look

    def tell(self, announced: Announcements) -> None:
        """On the event loop: calls every watcher with each (topic, key)."""
        for topic, key in announced:
            for callback in self._callbacks:
                try:
                    callback(topic, key)
                except Exception:
                    log.exception("a watcher of the catalogue failed on %s %s", topic, key)

    async def read(self, work: Callable[[Connection], T], *, timeout: float | None = None) -> T:
        """Runs `work`, which only reads; each of its statements sees what is committed by then.

        Raises `Unavailable` when the catalogue is away or the deadline (seconds) passes.
        """
        if self._readers is None:
            raise RuntimeError("the catalogue is not open")
        return await self._readers.run(work, writes=False, timeout=self._timeout if timeout is None else timeout)

    async def write(self, work: Callable[[Connection], T], *, timeout: float | None = None, storing: bool = False) -> T:
        """Runs `work` in one transaction, durable when this returns; an exception of `work` undoes everything.
        `storing`: it takes in what is new; anything else may use what is kept back for a full disk.

        Raises `Unavailable` when the catalogue is away or the deadline (seconds) passes: mostly nothing was done then,
        but a connection that is lost during the commit leaves that unknown. `StorageFull` when the disk is.
        """
        if self._writers is None:
            raise RuntimeError("the catalogue is not open")
        return await self._writers.run(
            work, writes=True, timeout=self._timeout if timeout is None else timeout, storing=storing
        )

    def admit(self) -> None:
        """Before bytes are taken in: raises what their row would meet, as far as that is known without asking the
        database. `Unavailable`: the catalogue is gone or damaged; `StorageFull`: its disk is full."""
        self._admit()

    async def check(self) -> None:
        """Raises `Unavailable` unless the catalogue is there, whole by its schema, and takes writes."""
        if self._look is None:
            raise RuntimeError("the catalogue is not open")
        await self.read(self._look)

    def watch(self, callback: Callable[[str, str], None]) -> None:
        """`callback(topic, key)` on the event loop for every committed `invalidate`: of this process before `write`
        returns, of others within a second. Topic "*", key "": anything may have changed."""
        self._callbacks.append(callback)

    async def reckon(self) -> None:
        """Asks the database for its time; `now` goes on from there. Where it has a clock of its own, now and then."""
        self._ahead = await self.read(lambda conn: conn.now()) - self._clock.monotonic()

    def now(self) -> float:
        """The database's time, as well as it can be told without asking: what a deletion depends on asks."""
        return self._clock.now() if self._ahead is None else self._clock.monotonic() + self._ahead

    @property
    def own_clock(self) -> bool:
        """Whether the database's time is another than the process's."""
        return self._ahead is not None

    def stale_since(self) -> float | None:
        """`clock.monotonic()` of when changes by other processes could last be heard; None while they are heard."""
        since = self._watcher.deaf_since() if self._watcher is not None else None
        if since is None:
            return None
        return self._clock.monotonic() - (time.monotonic() - since)

    async def close(self) -> None:
        """Refuses new work, finishes what is queued (bounded), ends every thread and connection. Idempotent."""
        if self._writers is not None and self._writers is not self._readers:
            await self._writers.close(self._timeout)
        if self._readers is not None:
            await self._readers.close(self._timeout)
        # The last one: what it watches over is in use until here.
        if self._watcher is not None:
            await self._watcher.close()
