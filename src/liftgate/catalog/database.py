"""The catalogue: opened by its URL, runs functions of a connection in threads, tells watchers what changed anywhere.

A write is one function in one transaction; when `write` returns, it is durable. The function may be run again when
the engine asks for it (a deadlock, a connection lost before the commit), so it must do nothing but use its connection.
Both engines stand behind `workers.Session` and `workers.Watcher`. Their drivers are imported only when a URL asks for
them, so that nothing else loads them.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from liftgate.catalog.connection import Connection, invalidate
from liftgate.catalog.workers import START_SECONDS, Announcements, Session, Unopened, Watcher, Workers
from liftgate.clock import Clock
from liftgate.errors import ConfigError, RequestError, Unavailable
from liftgate.measurements import Measurements

__all__ = [
    "START_SECONDS",
    "Connection",
    "Database",
    "check_unused",
    "invalidate",
    "open_database",
    "set_catalogue_aside",
    "verify_catalogue",
]

T = TypeVar("T")
TIMEOUT = 5.0
"""Seconds that a call waits for the catalogue before it fails as `Unavailable`."""
CHECK_SECONDS = 1.0
"""How long `check` waits for a catalogue that refused the last write."""

log = logging.getLogger("liftgate.catalog")


class Database:
    """See the module. Belongs to the event loop in which it was opened. `place` names it in messages, without a secret:
    the path of its file, or the server and the database. `watcher`: whether changes by other processes are noticed.
    `measurements`: where the duration of each call is recorded.
    """

    def __init__(self, clock: Clock, timeout: float = TIMEOUT) -> None:
        self.place = ""
        self._clock = clock
        # The database's time less this process's monotonic clock; None where the database has the process's own clock.
        self._ahead: float | None = None
        self._timeout = self._usual_timeout = timeout
        self._callbacks: list[Callable[[str, str], None]] = []
        self._readers: Workers | None = None
        self._writers: Workers | None = None
        self.watcher: Watcher = Unopened()
        self._admit: Callable[[], None] = lambda: None
        self._look: Callable[[Connection], None] | None = None
        # The last write did not come about.
        self._refused = False
        self.measurements = Measurements()

    def use(
        self,
        place: str,
        reading: tuple[Callable[[], Session], int],
        writing: tuple[Callable[[], Session], int] | None,
        admit: Callable[[], None],
    ) -> None:
        """Part of opening: how sessions are made, and how many threads; no `writing`: the readers write too. `admit`:
        what `admit` does."""
        self.place = place
        self._admit = admit
        self._readers = Workers("catalogue", reading[1], reading[0], self.tell)
        self._writers = (
            self._readers if writing is None else Workers("catalogue-write", writing[1], writing[0], self.tell)
        )

    def attach(self, watcher: Watcher, look: Callable[[Connection], None]) -> None:
        """Part of opening: the ear for other processes, and what `check` does."""
        self.watcher = watcher
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
        running = self._readers.run(work, writes=False, timeout=self._timeout if timeout is None else timeout)
        return await (self._timed("read", running) if self.measurements.enabled else running)

    async def write(self, work: Callable[[Connection], T], *, timeout: float | None = None, storing: bool = False) -> T:
        """Runs `work` in one transaction, durable when this returns; an exception of `work` undoes everything.
        `storing`: it takes in what is new; anything else may use what is kept back for a full disk.

        Raises `Unavailable` when the catalogue is away or the deadline (seconds) passes: mostly nothing was done then,
        but a connection that is lost during the commit leaves that unknown. `StorageFull` when the disk is.
        """
        if self._writers is None:
            raise RuntimeError("the catalogue is not open")
        running = self._writers.run(
            work, writes=True, timeout=self._timeout if timeout is None else timeout, storing=storing
        )
        try:
            done = await (self._timed("write", running) if self.measurements.enabled else running)
        except Unavailable:
            self._refused = True
            raise
        self._refused = False
        return done

    async def _timed(self, kind: str, running: Awaitable[T]) -> T:
        began, outcome = time.monotonic(), "failed"
        try:
            done = await running
            outcome = "ok"
            return done
        except RequestError:
            outcome = "refused"
            raise
        finally:
            self.measurements.record("catalog_seconds", kind, outcome, by=time.monotonic() - began)

    def admit(self) -> None:
        """Before bytes are taken in: raises what their row would meet, as far as that is known without asking the
        database. `Unavailable`: the catalogue is gone or damaged; `StorageFull`: its disk is full."""
        self._admit()

    async def check(self) -> None:
        """Raises `Unavailable` unless the catalogue is there, whole by its schema, and takes writes."""
        if self._look is None:
            raise RuntimeError("the catalogue is not open")
        await self.read(self._look)
        if self._refused:
            # Another program may hold it, as one does that holds a lock on a SQLite file.
            await self.write(lambda _: None, timeout=CHECK_SECONDS)

    def wait_at_most(self, seconds: float | None) -> None:
        """How long each call waits that does not say so itself: a start has time. None: as usual."""
        self._timeout = self._usual_timeout if seconds is None else max(seconds, self._usual_timeout)

    def watch(self, callback: Callable[[str, str], None]) -> None:
        """`callback(topic, key)` on the event loop for every committed `invalidate`: of this process before `write`
        returns, of others within a second. Topic "*", key "": anything may have changed."""
        self._callbacks.append(callback)

    async def reckon(self) -> None:
        """Asks the database for its time; `now` goes on from there. Where it has a clock of its own, now and then."""
        self._ahead = await self.read(lambda conn: conn.now()) - self._clock.monotonic()

    def now(self) -> float:
        """The database's time, as well as it is known without asking. What leads to a deletion asks."""
        return self._clock.now() if self._ahead is None else self._clock.monotonic() + self._ahead

    @property
    def own_clock(self) -> bool:
        """Whether the database's time is another than the process's."""
        return self._ahead is not None

    def stale_since(self) -> float | None:
        """`clock.monotonic()` of when changes by other processes last arrived; None while they arrive."""
        since = self.watcher.deaf_since
        if since is None:
            return None
        return self._clock.monotonic() - (time.monotonic() - since)

    async def close(self) -> None:
        """Refuses new work, finishes what is queued (bounded), ends every thread and connection. Idempotent."""
        if self._writers is not None and self._writers is not self._readers:
            await self._writers.close(self._usual_timeout)
        if self._readers is not None:
            await self._readers.close(self._usual_timeout)
        # The last one: what it watches over is in use until here.
        await self.watcher.close()


async def open_database(url: str, *, clock: Clock, timeout: float = TIMEOUT, schema: int | None = None) -> Database:
    """Opens `sqlite:///absolute/path/catalog.db` or `postgresql://…` and brings its schema up to date.

    `timeout`: seconds that every later call may take. `schema`: the number to stop at, for rows of an older one that
    are about to be loaded. Raises `ConfigError` for a URL that cannot be, a missing driver,
    a schema of a newer Liftgate, a damaged catalogue or a database that cannot be reached: each in one sentence.
    """
    scheme = url.partition("://")[0]
    database = Database(clock, timeout)
    database.wait_at_most(START_SECONDS)
    if scheme == "sqlite":
        from liftgate.catalog.sqlite import open_sqlite

        await open_sqlite(database, url, clock, timeout, schema)
        database.wait_at_most(None)
        return database
    if scheme in ("postgresql", "postgres"):
        try:
            from liftgate.catalog.postgres import open_postgres
        except ImportError as error:
            raise ConfigError(
                "database_url: PostgreSQL needs the driver psycopg; in a checkout of Liftgate:"
                " pip install '.[postgres]'."
            ) from error
        await open_postgres(database, url, timeout, schema)
        database.wait_at_most(None)
        return database
    # More of it is not repeated: in `host=db password=…` or a URL without its scheme it may be the password.
    shown = f", not a URL that starts with {scheme!r}" if re.fullmatch(r"[a-z]{2,12}://.*", url, re.DOTALL) else ""
    raise ConfigError(f"database_url: expected sqlite:///absolute/path or postgresql://…{shown}.")


def set_catalogue_aside(url: str, suffix: str) -> str | None:
    """Gives the catalogue another name, so that a new one can be made in its place; what it is called now, None where
    there was none. Blocking. Raises `ConfigError` while a process uses it.
    """
    if url.partition("://")[0] == "sqlite":
        from liftgate.catalog.sqlite_file import path_of, set_aside

        return set_aside(path_of(url), suffix)
    from liftgate.catalog.postgres_aside import set_schema_aside

    return set_schema_aside(url, suffix)


def verify_catalogue(url: str) -> None:
    """Reads all of a SQLite file, and compares its indexes with its tables; PostgreSQL looks after its own. Blocking.

    Raises `ConfigError` for one that is damaged.
    """
    if url.partition("://")[0] == "sqlite":
        from liftgate.catalog.sqlite_file import path_of, verify_file

        verify_file(path_of(url))


def check_unused(url: str) -> None:
    """Raises `ConfigError` while another process uses the catalogue. Blocking."""
    if url.partition("://")[0] == "sqlite":
        from liftgate.catalog.sqlite_file import check_unused as check_file
        from liftgate.catalog.sqlite_file import path_of

        check_file(path_of(url))
    elif url.partition("://")[0] in ("postgresql", "postgres"):
        from liftgate.catalog.postgres_aside import check_schema_unused

        check_schema_unused(url)
