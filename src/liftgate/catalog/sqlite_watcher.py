"""The ear for other processes that share a SQLite file: a thread that looks at `PRAGMA data_version`."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable

from liftgate.catalog.sqlite_file import Place, connect, connect_to_listen
from liftgate.catalog.trouble import Trouble
from liftgate.catalog.workers import EVERYTHING, Announcements
from liftgate.errors import Unavailable

POLL_SECONDS = 0.25
LEFT_OPEN: list[sqlite3.Connection] = []
"""To damaged files. SQLite writes the log into the file when its last connection is closed: this is the last one, and
cannot write."""


class SqliteWatcher:
    """A thread that looks at `PRAGMA data_version` a few times a second and reads what others announced."""

    def __init__(
        self,
        place: Place,
        trouble: Trouble,
        timeout: float,
        origin: str,
        deliver: Callable[[Announcements], None],
    ) -> None:
        self._place = place
        self._trouble = trouble
        self._timeout = timeout
        self._origin = origin
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self.deaf_since: float | None = None
        self._version: int | None = None
        self._last = 0
        self._thread = threading.Thread(target=self._watch, name="catalogue-watch", daemon=True)

    async def start(self) -> None:
        """Returns once every later announcement will arrive; raises what opening the file raises."""
        raw = await asyncio.to_thread(self._begin)
        self._raw = raw
        self._thread.start()

    def _begin(self) -> sqlite3.Connection:
        raw = connect_to_listen(self._place.path, self._timeout)
        self._version = raw.execute("PRAGMA data_version").fetchone()[0]
        self._last = raw.execute("SELECT coalesce(max(seq), 0) FROM invalidations").fetchone()[0]
        self._place.settle()
        return raw

    def _watch(self) -> None:
        try:
            while not self._stop.wait(POLL_SECONDS):
                try:
                    announced = self._look()
                except (sqlite3.Error, Unavailable, OSError):
                    if self.deaf_since is None:
                        self.deaf_since = time.monotonic()
                    continue
                self.deaf_since = None
                self._place.reserve.tend()
                if announced:
                    self._loop.call_soon_threadsafe(self._deliver, announced)
        except RuntimeError:
            # The event loop is closed.
            return
        finally:
            self._end()

    def _end(self) -> None:
        """The last connection of this process is closed, with the log written into the file, or left where the file
        is not what it was."""
        try:
            self._trouble.check()
            self._place.check()
            last = connect(self._place.path, self._timeout, writes=True)
            try:
                last.execute("SELECT 1 FROM sqlite_master").fetchone()
                self._raw.close()
            finally:
                last.close()
        except (sqlite3.Error, Unavailable):
            LEFT_OPEN.append(self._raw)
        self._place.leave()

    def _look(self) -> Announcements:
        self._trouble.check()
        self._place.check()
        version = self._raw.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return []
        rows = self._raw.execute(
            "SELECT seq, topic, key, origin FROM invalidations WHERE seq >= ? ORDER BY seq", (self._last,)
        ).fetchall()
        # The row last seen is asked for again: if it is gone, others that were not seen may be gone with it.
        first = rows[0][0] if rows else 0
        gap = first != self._last and not (self._last == 0 and first == 1)
        seen, self._last = self._last, rows[-1][0] if rows else 0
        self._version = version
        if gap:
            return list(EVERYTHING)
        return [(topic, key) for seq, topic, key, origin in rows if seq > seen and origin != self._origin]

    async def close(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join, self._timeout)
