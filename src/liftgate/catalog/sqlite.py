"""The catalogue in one SQLite file: WAL, one writing thread, a few reading ones, a watcher of other processes.

Several processes share the file; it must be on a local disk. A committed write is fsync'd (`synchronous=FULL`). What
other processes changed is read from `invalidations` whenever `PRAGMA data_version` moves. Opened by `database` only.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from liftgate.catalog.connection import Connection, SqlRow
from liftgate.catalog.migrate import migrate
from liftgate.catalog.schema import SQLITE_WORDS
from liftgate.catalog.schema_check import SQLITE, schema_faults
from liftgate.catalog.sqlite_file import Place, connect, look_over, path_of, prepare
from liftgate.catalog.sqlite_watcher import SqliteWatcher
from liftgate.catalog.trouble import Trouble, away
from liftgate.catalog.workers import EVERYTHING, Announcements, AnyJob, Job, Opening, too_late
from liftgate.clock import Clock
from liftgate.errors import ConfigError, LiftgateError, StorageFull, Unavailable
from liftgate.file_identity import identity_of
from liftgate.ids import token

T = TypeVar("T")
READERS = 4
KEPT_INVALIDATIONS = 10_000
MOST_ANNOUNCED = 1_000
"""More than this in one transaction are announced as 'everything'."""
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT}
AWAY = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
}


DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
INCOMPLETE = ("no such table", "no such column", "has no column named", "foreign key mismatch", "ON CONFLICT clause")
"""What SQLite says, under a code that says nothing, when something of the schema is not there any more."""


def meaning_of(error: sqlite3.Error, trouble: Trouble) -> LiftgateError | None:
    """The error that the caller gets; None for a defect of ours, which is raised as it is."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        # The module itself raises this one, for a text that is none.
        return trouble.damaged(str(error), math.inf) if "decode to UTF-8" in str(error) else None
    # The low byte is the primary code; the rest says more about it.
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return StorageFull("No space is left on the disk of the catalogue.")
    if primary in BUSY:
        return away()
    if primary in DAMAGED:
        return trouble.damaged(str(error), math.inf)
    if primary in AWAY or any(words in str(error) for words in INCOMPLETE):
        return trouble.tell(str(error))
    return None


class SqliteConnection:
    """`catalog.connection.Connection` over sqlite3."""

    def __init__(self, raw: sqlite3.Connection, clock: Clock) -> None:
        self.raw = raw
        self.announced: Announcements = []
        self.job: AnyJob | None = None
        self._clock = clock
        self._changes_before = 0

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[SqlRow]:
        self._changes_before = self.raw.total_changes
        return self.raw.execute(sql, params).fetchall()

    def changed(self) -> int:
        return self.raw.total_changes - self._changes_before

    def now(self) -> float:
        return self._clock.now()

    def body(self) -> str:
        return identity_of(Path(self.execute("PRAGMA database_list")[0][2]))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        within = self.raw.in_transaction
        if within:
            yield
            return
        self.raw.execute("BEGIN")
        try:
            yield
        finally:
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK")

    def go_on(self) -> None:
        if self.job is not None:
            self.job.go_on()

    def announce(self, topic: str, key: str) -> None:
        self.announced.append((topic, key))


class SqliteSession:
    """One connection, opened when it is first needed."""

    def __init__(
        self, place: Place, trouble: Trouble, clock: Clock, timeout: float, origin: str, *, writes: bool
    ) -> None:
        self._place = place
        self._trouble = trouble
        self._clock = clock
        self._timeout = timeout
        self._origin = origin
        self._writes = writes
        self._connection: SqliteConnection | None = None
        self._judged: int | None = None

    def run(self, job: Job[T]) -> T:
        self._trouble.check()
        self._place.check()
        if job.storing:
            self._place.reserve.require()
        try:
            return self._run(job)
        except StorageFull:
            # What frees space must write first, and a chat must too.
            if job.storing or not self._place.reserve.give_up():
                raise
            return self._run(job)

    def _run(self, job: Job[T]) -> T:
        try:
            connection = self._open_connection()
            connection.job = job
            return self._write(connection, job) if job.writes else job.work(connection)
        except sqlite3.Error as error:
            if (meaning := meaning_of(error, self._trouble)) is None:
                raise
            raise meaning.again() from error
        finally:
            # A job refers to what it is about, which may be large.
            self._let_go()

    def _open_connection(self) -> SqliteConnection:
        if self._connection is None:
            raw = connect(self._place.path, self._timeout, self._writes)
            self._connection = SqliteConnection(raw, self._clock)
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.job = None

    def _write(self, connection: SqliteConnection, job: Job[T]) -> T:
        connection.announced = []
        connection.raw.execute("BEGIN IMMEDIATE")
        try:
            self._check_schema(connection)
            result = job.work(connection)
            announced = condensed(connection.announced)
            self._record(connection, announced)
            if job.expired:
                # The caller got an error, so nothing may be committed.
                raise too_late()
            connection.raw.execute("COMMIT")
        except BaseException:
            self._roll_back(connection)
            raise
        job.announced = announced
        # Committed, and perhaps into a file that was taken away or overwritten meanwhile: then it is not acknowledged.
        self._place.check()
        if self._place.checkpoint_due():
            self._checkpoint(connection)
        return result

    def _check_schema(self, connection: SqliteConnection) -> None:
        """Nothing is written to tables that somebody has changed: it could be refused, or swallowed."""
        [(version,)] = connection.execute("PRAGMA schema_version")
        # Who opens it looks by himself.
        if version != self._judged and self._trouble.judges:
            self._trouble.judge(lambda: schema_faults(connection.execute, SQLITE))
        self._judged = version
        self._trouble.check_write()

    def _checkpoint(self, connection: SqliteConnection) -> None:
        try:
            connection.raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            # What was committed is in the log. The reason is noted; a later commit tries again.
            if meaning_of(error, self._trouble) is None:
                raise

    def _record(self, connection: SqliteConnection, announced: Announcements) -> None:
        now = connection.now()
        last = 0
        for topic, key in announced:
            [(last,)] = connection.execute(
                "INSERT INTO invalidations (topic, key, origin, at) VALUES (?, ?, ?, ?) RETURNING seq",
                (topic, key, self._origin, now),
            )
        if last > KEPT_INVALIDATIONS:
            connection.execute("DELETE FROM invalidations WHERE seq <= ?", (last - KEPT_INVALIDATIONS,))

    def _roll_back(self, connection: SqliteConnection) -> None:
        if not connection.raw.in_transaction:
            return
        try:
            connection.raw.execute("ROLLBACK")
        except sqlite3.Error:
            # A connection that cannot even undo is not used again.
            self.close()

    def abort(self) -> None:
        if self._connection is not None:
            self._connection.raw.interrupt()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.raw.close()
            self._connection = None


def condensed(announced: Announcements) -> Announcements:
    """Each once, in order; 'everything' when they are very many."""
    once = list(dict.fromkeys(announced))
    return once if len(once) <= MOST_ANNOUNCED else list(EVERYTHING)


def look(conn: Connection, place: Place, trouble: Trouble) -> None:
    """Raises Unavailable where the schema is not as it was made or nothing could be written."""
    place.check_writable()
    trouble.check_schema(lambda: schema_faults(conn.execute, SQLITE))


def set_up(conn: Connection, path: Path, schema: int | None) -> None:
    migrate(conn, SQLITE_WORDS, str(path), schema)
    if schema is None and (faults := schema_faults(conn.execute, SQLITE)):
        raise ConfigError(
            f"The catalogue {path} is damaged: its schema {faults}. Undo that, or put a backup in its place with"
            " `liftgate admin restore DIR --replace`."
        )


async def open_sqlite(database: Opening, url: str, clock: Clock, timeout: float, schema: int | None) -> None:
    """See `database.open_database`."""
    path = path_of(url)
    origin = token(12)
    trouble = Trouble(str(path), newest=schema is None)
    place = Place(path, trouble)
    database.use(
        str(path),
        (lambda: SqliteSession(place, trouble, clock, timeout, origin, writes=False), READERS),
        (lambda: SqliteSession(place, trouble, clock, timeout, origin, writes=True), 1),
        place.admit,
    )
    try:
        await asyncio.to_thread(look_over, path)
        await asyncio.to_thread(prepare, path, timeout)
        await asyncio.to_thread(place.reserve.make)
        await database.write(lambda conn: set_up(conn, path, schema))
        watcher = SqliteWatcher(place, trouble, timeout, origin, database.tell)
        await watcher.start()
        database.attach(watcher, lambda conn: look(conn, place, trouble))
        trouble.opened()
    except BaseException as error:
        await database.close()
        reason = error.__cause__ if isinstance(error, Unavailable) else error
        if isinstance(reason, sqlite3.Error):
            raise ConfigError(f"The catalogue {path} cannot be opened: {reason}.") from error
        raise
