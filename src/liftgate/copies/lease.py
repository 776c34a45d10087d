"""A lease that is held: renewed in the background, checked before every step that others must not take too.

The rows are `catalog/rows/leases.py`'s. The fencing generation goes into every row that is written under the lease, so
a holder that was stopped for a while and wakes up late cannot overwrite its successor's work (docs/architecture.md,
"Leases, memory and invalidation").
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from liftgate.catalog.rows import leases
from liftgate.catalog.rows.copies import CopyTable
from liftgate.copies.services import Services
from liftgate.errors import LiftgateError
from liftgate.records import CopyKey
from liftgate.spans import mark


def lease_prefix(table: CopyTable) -> str:
    """What the names of the leases of a kind of copy begin with; the rest is `CopyKey.text`."""
    return f"{table.topic}|"


def lease_name(table: CopyTable, key: CopyKey) -> str:
    return lease_prefix(table) + key.text


def job_lease(job: str) -> str:
    """Of a job that one process does for all."""
    return f"job|{job}"


class LeaseLost(Exception):
    """Another process may hold the lease by now. Whoever raises this must stop, and may wait for the new holder."""


class Lease:
    """`async with await Lease.acquire(…) as lease:`; leaving releases it."""

    def __init__(self, services: Services, name: str, seconds: float) -> None:
        self._db = services.db
        self._clock = services.clock
        self._tasks = services.tasks
        self._measurements = services.measurements
        self._name = name
        self._kind = name.partition("|")[0]
        self._holder = services.holder + mark()
        self._seconds = seconds
        self._until = 0.0
        self._renewing: asyncio.Task[None] | None = None
        self.generation = 0

    @classmethod
    async def acquire(cls, services: Services, name: str, *, seconds: float | None = None) -> Lease | None:
        """The lease, or None while another holds it. `seconds`: how long it outlives a holder that was killed, where
        that is not `lease_seconds`."""
        lease = cls(services, name, seconds or services.settings.lease_seconds)
        asked = services.clock.monotonic()
        generation = await services.db.write(lambda conn: leases.acquire(conn, name, lease._holder, lease._seconds))
        if generation is None:
            return None
        lease.generation = generation
        lease._until = asked + lease._seconds
        services.measurements.record("leases_held", lease._kind)
        every = services.settings.lease_renew_seconds
        if seconds is not None:
            every = min(every, seconds / 4)
        lease._renewing = services.tasks.start(lease._renew(every), name=f"lease {name}")
        return lease

    def check(self) -> None:
        """Raises LeaseLost when the lease may have passed to another. The margin is the clock's own granularity."""
        if self._clock.monotonic() >= self._until:
            raise LeaseLost(self._name)

    async def _renew(self, every: float) -> None:
        while True:
            await self._clock.sleep(every)
            asked = self._clock.monotonic()
            try:
                held = await self._db.write(
                    lambda conn: leases.renew(conn, self._name, self._holder, self.generation, self._seconds)
                )
            except LiftgateError:
                # Until the lease's end the database may come back; check() watches the end.
                continue
            if not held:
                self._until = 0.0
                self._measurements.record("leases_lost", self._kind)
                return
            self._until = asked + self._seconds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
        self._until = 0.0
        self._measurements.record("leases_held", self._kind, by=-1.0)
        # A holder that is cancelled, as at shutdown, hands over too.
        await asyncio.shield(self._tasks.start(self._release(), name=f"release {self._name}"))

    async def _release(self) -> None:
        try:
            await self._db.write(lambda conn: leases.release(conn, self._name, self._holder, self.generation))
        except LiftgateError:
            # It runs out by itself.
            return
