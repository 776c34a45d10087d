"""The ear for other processes at PostgreSQL: one connection that LISTENs, in a thread of its own.

While it is not connected it may miss something, so on every return it announces 'everything may have changed'. A
server that stopped answering without closing the connection is noticed by a heartbeat. It looks at the schema too,
which somebody may change in a way that refuses no write and loses it. Used by `postgres` only.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable

import psycopg

from liftgate.backoff import REACHES
from liftgate.catalog.connection import SqlRow
from liftgate.catalog.postgres_reach import FORMS, Reach
from liftgate.catalog.schema_check import POSTGRES, schema_faults
from liftgate.catalog.workers import EVERYTHING, Announcements
from liftgate.errors import Unavailable

CHANNEL = "liftgate"
HEARTBEAT_SECONDS = 1.0
DEAF_AFTER_SECONDS = 3.0
LOOK_SECONDS = 5.0
"""Between two looks at the schema; as long as it is changed each heartbeat looks."""
LONGEST_PAYLOAD = 7_900
"""Bytes; PostgreSQL takes less than 8,000."""
PAYLOAD_PARTS = 3
MOST_ANNOUNCED = 1_000
"""More than this in one transaction are announced as 'everything'."""

log = logging.getLogger("liftgate.catalog")


def payloads(origin: str, announced: Announcements) -> list[str]:
    """What to NOTIFY: `origin topic key` each, or 'everything' where that is too much."""
    sent = announced if len(announced) <= MOST_ANNOUNCED else EVERYTHING
    texts = [f"{origin} {topic} {key}" for topic, key in sent]
    if any(len(text.encode()) > LONGEST_PAYLOAD for text in texts):
        return [f"{origin} * "]
    return texts


class Listener:
    """See the module."""

    def __init__(self, reach: Reach, origin: str, deliver: Callable[[Announcements], None]) -> None:
        self._reach = reach
        self._origin = origin
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._started = asyncio.Event()
        self._answered_at: float | None = None
        # Who opens the catalogue has looked.
        self._looked_at = time.monotonic()
        self._announced: Announcements = []
        self._plug: socket.socket | None = None
        self._plug_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="catalogue-listen", daemon=True)

    async def start(self, timeout: float) -> None:
        """Returns once every later announcement will arrive; raises `Unavailable` after `timeout` seconds."""
        self._thread.start()
        try:
            async with asyncio.timeout(timeout):
                await self._started.wait()
        except TimeoutError:
            raise Unavailable("The catalogue did not answer in time.", retry_after=1) from None

    def _run(self) -> None:
        pauses = REACHES.pauses()
        begun = False
        while not self._stop.is_set():
            try:
                with self._reach.connect() as raw:
                    self._attend(raw, again=begun)
                    begun = True
                    pauses = REACHES.pauses()
                    self._listen(raw)
            except psycopg.Error as error:
                log.warning("the catalogue's changes do not arrive at the moment: %s", type(error).__name__)
            except Exception as error:
                if self._loop.is_closed():
                    # The process ends.
                    return
                # Whatever it was: a process that does not hear serves what others have deleted.
                log.exception("the catalogue's changes do not arrive at the moment: %s", type(error).__name__)
            finally:
                self._unplug()
            self._stop.wait(next(pauses))

    def _attend(self, raw: psycopg.Connection[SqlRow], *, again: bool) -> None:
        with self._plug_lock:
            self._plug = socket.socket(fileno=os.dup(raw.fileno()))
        raw.add_notify_handler(self._on_notify)
        raw.execute(f"{FORMS} SET statement_timeout = {int(self._reach.timeout * 1000)}; LISTEN {CHANNEL}".encode())
        self._answered_at = time.monotonic()
        self._loop.call_soon_threadsafe(self._started.set)
        if again:
            self._loop.call_soon_threadsafe(self._deliver, list(EVERYTHING))

    def _listen(self, raw: psycopg.Connection[SqlRow]) -> None:
        waiting = select.poll()
        waiting.register(raw.fileno(), select.POLLIN)
        while not self._stop.is_set():
            waiting.poll(HEARTBEAT_SECONDS * 1000)
            if self._stop.is_set():
                return
            # A statement both proves that the server is there and hands over what it has sent.
            raw.execute("SELECT 1")
            self._answered_at = time.monotonic()
            self._look_at_schema(raw)
            if self._announced:
                announced, self._announced = self._announced, []
                self._loop.call_soon_threadsafe(self._deliver, announced)

    def _look_at_schema(self, raw: psycopg.Connection[SqlRow]) -> None:
        trouble, now = self._reach.trouble, time.monotonic()
        if trouble.judges and (trouble.is_strange or now >= self._looked_at + LOOK_SECONDS):
            trouble.judge(lambda: schema_faults(lambda sql: raw.execute(sql.encode()).fetchall(), POSTGRES))
            self._looked_at = now

    def _on_notify(self, notice: psycopg.Notify) -> None:
        parts = notice.payload.split(" ", 2)
        if len(parts) != PAYLOAD_PARTS:
            # Another program's, or another version's: what it means is not known, so anything may have changed.
            self._announced += EVERYTHING
        elif parts[0] != self._origin:
            self._announced.append((parts[1], parts[2]))

    def _unplug(self) -> None:
        with self._plug_lock:
            if self._plug is not None:
                self._plug.close()
                self._plug = None

    @property
    def deaf_since(self) -> float | None:
        answered_at = self._answered_at
        if answered_at is None:
            return None
        connected = self._plug is not None
        return None if connected and time.monotonic() - answered_at < DEAF_AFTER_SECONDS else answered_at

    async def close(self) -> None:
        self._stop.set()
        with self._plug_lock:
            if self._plug is not None:
                try:
                    self._plug.shutdown(socket.SHUT_RDWR)
                except OSError:
                    log.debug("the listening connection was gone already")
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join, 5.0)
