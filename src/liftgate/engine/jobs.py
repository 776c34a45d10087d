"""What happens by itself: use times written in batches, replicas renewed, deletes repeated until done, sweeps.

Each job runs in every process on its own period, from start to start; those that must run once across nodes take a
lease first. A job that fails is logged and runs again at its next time: nothing depends on a single run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from liftgate.catalog.database import Connection
from liftgate.catalog.rows import copies as rows
from liftgate.catalog.rows.leases import prune_leases
from liftgate.catalog.rows.signatures import expire_signatures
from liftgate.catalog.rows.unknown import keep_arriving
from liftgate.catalog.steady import TICK_SECONDS, longest_grace, steady, tick
from liftgate.clock import Clock
from liftgate.copies.ensure import Replicas
from liftgate.copies.lease import Lease, LeaseLost
from liftgate.copies.refresh import purge, recover, renew_expiring
from liftgate.copies.services import Parts
from liftgate.errors import LiftgateError, Unavailable
from liftgate.files.arrival import Ingest
from liftgate.files.belonging import look_at
from liftgate.files.sweep import sweep, sweep_spools
from liftgate.log_context import working_for

log = logging.getLogger("liftgate.engine")

BATCH = 500
SHORTEST_LEASE = 5.0
"""Seconds. A job's lease lasts half its period, if not less: with a shorter one a busy machine would lose it."""
NOT_OURS = "The storage for files was moved, or belongs to another catalogue now; the operator must look after it."
ASKS = 6
"""How often a held lease is asked for, a quarter of its length apart: by then that of a dead holder has run out."""


class Jobs:
    def __init__(self, parts: Parts, replicas: Replicas, ingest: Ingest) -> None:
        self._parts = parts
        self._replicas = replicas
        self._ingest = ingest
        self._ticked = parts.clock.monotonic()
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        jobs = self._parts.settings
        periods: dict[str, tuple[float, Callable[[], Awaitable[None]]]] = {
            "tick": (TICK_SECONDS, self._tick),
            "uses": (jobs.use_write_seconds, self._write_uses),
            "purge": (jobs.purge_seconds, self._once("purge", jobs.purge_seconds, self._purge)),
            "renew": (jobs.renew_seconds, self._once("renew", jobs.renew_seconds, self._renew)),
            "spools": (jobs.sweep_seconds, self._sweep_spools),
            "sweep": (jobs.sweep_seconds, self._once("sweep", jobs.sweep_seconds, self._sweep)),
        }
        for name, (period, work) in periods.items():
            self._running.append(self._parts.tasks.start(self._every(name, period, work), name=f"job {name}"))

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._attempt("uses", self._write_uses)

    async def _every(self, name: str, period: float, work: Callable[[], Awaitable[None]]) -> None:
        clock = self._parts.clock
        while True:
            began = clock.monotonic()
            await self._attempt(name, work)
            await clock.sleep(max(began + period - clock.monotonic(), period / 10))

    async def _attempt(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        token = working_for.set(f"job {name}")
        try:
            await work()
        except LeaseLost:
            log.info("job %s: another process has taken over", name)
        except LiftgateError as error:
            log.warning("job %s: %s", name, error.message)
        except Exception:
            log.exception("job %s failed", name)
        finally:
            working_for.reset(token)

    def _once(
        self, name: str, period: float, work: Callable[[Lease], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        """The work under a lease, so that of all nodes one does it at a time."""
        seconds = min(self._parts.settings.lease_seconds, max(SHORTEST_LEASE, period / 2))

        async def run() -> None:
            for _ in range(ASKS):
                lease = await Lease.acquire(self._parts, f"job|{name}", seconds=seconds)
                if lease is not None:
                    async with lease:
                        await work(lease)
                    return
                await self._parts.clock.sleep(seconds / 4)

        return run

    async def _tick(self) -> None:
        """Moves the steady clock on, speaks up for what is being stored here, and sees whether the store is still ours.

        Of all that leads to a deletion this is the pulse: what a process that lives is storing is never a sweep's.
        """
        parts, ingest = self._parts, self._ingest
        asked, arriving = parts.clock.monotonic(), tuple(ingest.arriving)
        elapsed, grace = asked - self._ticked, parts.settings.orphan_grace_seconds

        def work(conn: Connection) -> None:
            tick(conn, elapsed, grace=grace)
            keep_arriving(conn, arriving)

        await parts.db.write(work)
        self._ticked = asked
        if parts.db.own_clock:
            await parts.db.reckon()
        await self._together()

    async def _together(self) -> bool:
        """Whether the store is still this catalogue's; where it is not, nothing more is stored."""
        db, ingest = self._parts.db, self._ingest
        together = (await look_at(db, ingest.blobs)).together
        if not together and ingest.refusal is None:
            log.error("the store %s does not belong to the catalogue %s any more", ingest.blobs.notes.place, db.place)
        ingest.refusal = None if together else Unavailable(NOT_OURS)
        return together

    async def _write_uses(self) -> None:
        if uses := self._replicas.take_uses():
            try:
                await self._parts.db.write(partial(_touch, uses=uses, clock=self._parts.clock))
            except LiftgateError:
                self._replicas.put_back_uses(uses)
                raise

    async def _purge(self, lease: Lease) -> None:
        await purge(self._parts, lease, seconds=self._parts.settings.purge_seconds)

    async def _renew(self, lease: Lease) -> None:
        await recover(self._parts, self._replicas, lease)
        await renew_expiring(self._parts, self._replicas, lease)

    async def _sweep_spools(self) -> None:
        """Spools belong to one machine, so each node looks after its own."""
        await sweep_spools(self._ingest.spool_dir)

    async def _sweep(self, lease: Lease) -> None:
        ingest, db = self._ingest, self._parts.db
        if not await self._together():
            return
        # Nodes whose settings differ: the longest grace holds for all.
        grace = max(self._parts.settings.orphan_grace_seconds, await db.read(longest_grace))
        await sweep(db, ingest.blobs, ingest.spool_dir, grace=grace)
        await self._forget(lease)

    async def _forget(self, lease: Lease) -> None:
        """Rows whose time is over: old signatures, leases of the dead, replicas that Gemini has removed."""
        parts = self._parts
        now = parts.db.now()
        # Expiry is on Gemini's clocks, and an hour more than Gemini says does no harm.
        expired = min((parts.client.upstream_now(account) for account in parts.accounts.values()), default=now) - 3600
        rounds: tuple[Callable[[Connection], int], ...] = (
            lambda conn: expire_signatures(conn, steady(conn), BATCH),
            lambda conn: prune_leases(conn, BATCH),
            lambda conn: rows.forget_expired(conn, expired, BATCH),
        )
        for one in rounds:
            while await parts.db.write(one) == BATCH:
                lease.check()


def _touch(conn: Connection, *, uses: list[tuple[str, str, str, float]], clock: Clock) -> None:
    """Use times, noted on the monotonic clock, in the database's time."""
    at, now = clock.monotonic(), conn.now()
    rows.touch_replicas(conn, [(blob, kind, account, now - (at - used)) for blob, kind, account, used in uses])
