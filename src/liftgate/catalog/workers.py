"""Threads that own a database session each, and the hop from the event loop to them and back.

The thread owning its connection is the whole pool: nothing is lent, so nothing can leak. A caller that is cancelled
leaves its job running to its end; a caller whose deadline passes gets `Unavailable`, a job that had not begun is then
never begun, and one that runs is aborted. Used by `database` only.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from liftgate.catalog.connection import Connection
from liftgate.errors import Unavailable
from liftgate.log_context import working_as, working_for

T = TypeVar("T")
Announcements = list[tuple[str, str]]
"""(topic, key) in the order in which they were committed."""
EVERYTHING: Announcements = [("*", "")]
START_SECONDS = 60.0
"""How long each step of a start waits for the catalogue: nobody waits for an answer yet, and a database may be slow."""
_EARLY = 0.05
"""Seconds by which the event loop's clock, which it reads once a round, may be ahead."""

log = logging.getLogger("liftgate.catalog")


def too_late() -> Unavailable:
    return Unavailable("The catalogue did not answer in time.", retry_after=1)


@dataclass(slots=True, eq=False)
class Job(Generic[T]):
    """One function to run. `storing`: it takes in what is new, for which no reserve is given up. `timeout`: seconds it
    has from its start, or from when it last went on, to its `deadline`, which is on `time.monotonic`. `session` is set
    while a thread runs it. `whom` and `owner`: for whom it works (`log_context`)."""

    work: Callable[[Connection], T]
    writes: bool
    storing: bool
    timeout: float
    deadline: float
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[T]
    whom: str
    owner: str
    announced: Announcements = field(default_factory=list)
    expired: bool = False
    session: Session | None = None
    timer: asyncio.TimerHandle | None = None

    def go_on(self) -> None:
        """From any thread."""
        self.deadline = time.monotonic() + self.timeout


AnyJob = Job[Any]


class Session(Protocol):
    """A connection with its engine's rules. All but `abort` is called in the thread that owns it."""

    def run(self, job: Job[T]) -> T:
        """Runs the job, in one transaction if it writes; leaves `job.announced` as what may have been committed."""

    def abort(self) -> None:
        """From another thread, while a job runs: makes it fail soon."""

    def close(self) -> None: ...


class _Turns:
    """Jobs that wait, one of each owner's in turn: whoever has many keeps nobody else waiting for more than the one
    that runs. No owner has all of the threads, where there are several. Used by every thread."""

    def __init__(self, threads: int) -> None:
        self._most = max(1, threads - 1)
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[AnyJob]] = {}
        self._running: Counter[str] = Counter()
        self._ends = 0

    def put(self, job: AnyJob) -> None:
        with self._changed:
            self._waiting.setdefault(job.owner, deque()).append(job)
            self._changed.notify()

    def end(self) -> None:
        """One thread ends once nothing waits any more."""
        with self._changed:
            self._ends += 1
            self._changed.notify_all()

    def take(self) -> AnyJob | None:
        """The next one, which is `done` afterwards; None: the thread ends."""
        with self._changed:
            while True:
                if (owner := self._next()) is not None:
                    waiting = self._waiting.pop(owner)
                    job = waiting.popleft()
                    if waiting:
                        # Behind all others.
                        self._waiting[owner] = waiting
                    self._running[owner] += 1
                    return job
                if self._ends and not self._waiting:
                    self._ends -= 1
                    return None
                self._changed.wait()

    def _next(self) -> str | None:
        for owner in self._waiting:
            if not owner or self._running[owner] < self._most:
                return owner
        return None

    def done(self, owner: str) -> None:
        """A job of this owner's has ended."""
        with self._changed:
            self._running[owner] -= 1
            if not self._running[owner]:
                del self._running[owner]
            if self._waiting or self._ends:
                self._changed.notify_all()


class Workers:
    """At most `limit` threads, started as they are needed, which take the jobs of all owners in turn.

    `deliver` gets the announcements of a committed job on the event loop, before its caller gets the result.
    """

    def __init__(
        self, name: str, limit: int, open_session: Callable[[], Session], deliver: Callable[[Announcements], None]
    ) -> None:
        self._name = name
        self._limit = limit
        self._open_session = open_session
        self._deliver = deliver
        self._turns = _Turns(limit)
        self._threads: list[threading.Thread] = []
        self._outstanding = 0
        self._closing = False
        # Guards `job.session`, so that an abort can never hit the job after the one that was meant.
        self._lock = threading.Lock()
        self._running: set[AnyJob] = set()

    async def run(self, work: Callable[[Connection], T], *, writes: bool, timeout: float, storing: bool = False) -> T:
        """Raises what `work` raises, and `Unavailable` after `timeout` seconds or once closed."""
        if self._closing:
            raise Unavailable("The catalogue is closed.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        deadline, whom, owner = time.monotonic() + timeout, working_for.get(), working_as.get()
        job = Job(work, writes, storing, timeout, deadline, loop, future, whom, owner)
        job.timer = loop.call_later(timeout, self._expire, job)
        self._outstanding += 1
        if self._outstanding > len(self._threads) and len(self._threads) < self._limit:
            thread = threading.Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._turns.put(job)
        try:
            return await future
        finally:
            # What it failed with refers to this frame, which must not refer to it.
            del future, job

    def _expire(self, job: AnyJob) -> None:
        if (left := job.deadline - time.monotonic()) > _EARLY:
            job.timer = job.loop.call_later(left, self._expire, job)
            return
        with self._lock:
            job.expired = True
            if job.session is not None:
                job.session.abort()
        if not job.future.done():
            job.future.set_exception(too_late())

    def _serve(self) -> None:
        session = self._open_session()
        try:
            while (job := self._turns.take()) is not None:
                self._serve_one(session, job)
                self._turns.done(job.owner)
                # Nothing of the job may outlive it in this frame while the thread waits for the next one.
                del job
        finally:
            session.close()

    def _serve_one(self, session: Session, job: AnyJob) -> None:
        result, error = None, None
        with self._lock:
            begun = not job.expired
            if begun:
                job.session = session
                self._running.add(job)
        if begun:
            working_for.set(job.whom)
            try:
                result = session.run(job)
            except BaseException as failure:
                error = failure
            with self._lock:
                job.session = None
                self._running.discard(job)
        try:
            job.loop.call_soon_threadsafe(self._finish, job, result, error)
        except RuntimeError:
            # The loop is closed: the caller left without closing the database, and no one waits.
            log.debug("a result of the catalogue came after the event loop was closed")
        # A failure refers to this frame.
        del result, error

    def _finish(self, job: AnyJob, result: object, error: BaseException | None) -> None:
        self._outstanding -= 1
        if job.timer is not None:
            job.timer.cancel()
        if job.announced:
            self._deliver(job.announced)
        if job.future.done():
            return
        if error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(result)

    async def close(self, timeout: float) -> None:
        """Finishes what is queued, for `timeout` seconds at most, then aborts it; idempotent."""
        if not self._closing:
            self._closing = True
            for _ in self._threads:
                self._turns.end()
        await asyncio.to_thread(self._join, timeout)

    def _join(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        with self._lock:
            for job in self._running:
                job.expired = True
                if job.session is not None:
                    job.session.abort()
        for thread in self._threads:
            thread.join(1.0)
            if thread.is_alive():
                log.warning("the catalogue's thread %s did not end in time", thread.name)


class Watcher(Protocol):
    """Hears what other processes committed. Announces through the callback that it was made with, on the loop."""

    @property
    def deaf_since(self) -> float | None:
        """`time.monotonic` of when it stopped hearing them; None while it hears."""

    async def close(self) -> None: ...


class Unopened:
    """The watcher of a catalogue that is not open: no change is missed."""

    deaf_since = None

    async def close(self) -> None:
        return


class Opening(Protocol):
    """The catalogue as the engine that opens it sees it; `database.Database` is one."""

    def use(
        self,
        place: str,
        reading: tuple[Callable[[], Session], int],
        writing: tuple[Callable[[], Session], int] | None,
        admit: Callable[[], None],
    ) -> None: ...

    def attach(self, watcher: Watcher, look: Callable[[Connection], None]) -> None: ...

    def tell(self, announced: Announcements) -> None: ...

    async def write(self, work: Callable[[Connection], T], *, timeout: float | None = None) -> T: ...

    async def reckon(self) -> None: ...

    async def close(self) -> None: ...
