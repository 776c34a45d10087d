"""What happens by itself: use times written in batches, copies renewed, deletes repeated until done, sweeps.

Each job runs in every process on its own period, from start to start; those that must run once across nodes take a
lease first. A job that fails is logged and runs again at its next time: nothing depends on a single run. At a start
they begin one after another: all at once they would open as many connections to the catalogue for a moment's work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any

from liftgate.audit import JOB, note
from liftgate.catalog.database import Connection
from liftgate.catalog.rows.conversations import forget_removed
from liftgate.catalog.rows.copies import expire_copies
from liftgate.catalog.rows.files import settle_pending
from liftgate.catalog.rows.leases import cut_leases, expire_leases
from liftgate.catalog.rows.replies import expire_replies
from liftgate.catalog.rows.reply_runs import expire_events, expire_runs
from liftgate.catalog.rows.signatures import expire_signatures
from liftgate.catalog.rows.unknown import keep_arriving
from liftgate.catalog.steady import TICK_SECONDS, longest_grace, steady, tick
from liftgate.copies.ensure import Copies
from liftgate.copies.lease import Lease, LeaseLost, job_lease
from liftgate.copies.purge import Purger
from liftgate.copies.renew import recover, renew_expiring
from liftgate.copies.services import Services
from liftgate.errors import LiftgateError, Unavailable
from liftgate.files.arrival import Ingest
from liftgate.files.belonging import look_at
from liftgate.files.sweep import Swept, sweep, sweep_spools
from liftgate.log_context import working_for

log = logging.getLogger("liftgate.engine")

Others = dict[str, tuple[float, Callable[[], Awaitable[None]]]]
BATCH = 500
REPLIES_AT_ONCE = 50
PENDING = 100
SHORTEST_LEASE = 5.0
"""Seconds. A job's lease lasts half its period, if not less: with a shorter one a busy machine would lose it."""
NOT_OURS = "The storage for files was moved, or belongs to another catalogue now; the operator must look after it."
BEGIN_SECONDS = 0.05
"""How long the first run of a job keeps the next one from beginning; some wait for a lease or for Gemini."""
ASKS = 6
"""How often a held lease is asked for, a quarter of its length apart: by then that of a dead holder has run out."""


class Jobs:
    """`copies`: of every kind. `others`: name → (seconds, what is to be done each time)."""

    def __init__(
        self,
        services: Services,
        copies: Sequence[Copies[Any]],
        purger: Purger,
        ingest: Ingest,
        others: Others,
    ) -> None:
        self._services = services
        self._copies = copies
        self._purger = purger
        self._ingest = ingest
        self._others = others
        self._ticked = services.clock.monotonic()
        self._swept = False
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        jobs = self._services.settings
        periods: Others = {
            # First: what they write at their first run is what was there before the first request.
            **self._others,
            "tick": (TICK_SECONDS, self._tick),
            "uses": (jobs.use_write_seconds, self._write_uses),
            "purge": (jobs.purge_seconds, self._once("purge", jobs.purge_seconds, self._purge)),
            "renew": (jobs.renew_seconds, self._once("renew", jobs.renew_seconds, self._renew)),
            "spools": (jobs.sweep_seconds, self._sweep_spools),
            "sweep": (jobs.sweep_seconds, self._once("sweep", jobs.sweep_seconds, self._sweep)),
        }
        self._running.append(self._services.tasks.start(self._begin(periods), name="jobs"))

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._attempt("uses", self._write_uses)

    async def _begin(self, periods: Others) -> None:
        for name, (period, work) in periods.items():
            ran = asyncio.Event()
            self._running.append(self._services.tasks.start(self._every(name, period, work, ran), name=f"job {name}"))
            with suppress(TimeoutError):
                async with asyncio.timeout(BEGIN_SECONDS):
                    await ran.wait()

    async def _every(self, name: str, period: float, work: Callable[[], Awaitable[None]], ran: asyncio.Event) -> None:
        """`ran`: set after the first run."""
        clock = self._services.clock
        while True:
            began = clock.monotonic()
            await self._attempt(name, work)
            ran.set()
            await clock.sleep(max(began + period - clock.monotonic(), period / 10))

    async def _attempt(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        token = working_for.set(f"job {name}")
        clock, outcome = self._services.clock, "stopped"
        began = clock.monotonic()
        try:
            await work()
            outcome = "ok"
        except LeaseLost:
            outcome = "lost"
            log.info("job %s: another process has taken over", name)
        except LiftgateError as error:
            outcome = "failed"
            log.warning("job %s: %s", name, error.message)
        except Exception:
            outcome = "failed"
            log.exception("job %s failed", name)
        finally:
            working_for.reset(token)
            self._services.measurements.record("job_seconds", name, outcome, by=clock.monotonic() - began)

    def _once(
        self, name: str, period: float, work: Callable[[Lease], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        """The work under a lease, so that of all nodes one does it at a time."""
        seconds = min(self._services.settings.lease_seconds, max(SHORTEST_LEASE, period / 2))

        async def run() -> None:
            for _ in range(ASKS):
                lease = await Lease.acquire(self._services, job_lease(name), seconds=seconds)
                if lease is not None:
                    async with lease:
                        await work(lease)
                    return
                await self._services.clock.sleep(seconds / 4)

        return run

    async def _tick(self) -> None:
        """Moves the steady clock on, announces what is being stored here, and checks that the store is still ours.
        Everything that leads to a deletion depends on this job: a sweep leaves alone what a live process is storing."""
        services, ingest = self._services, self._ingest
        asked, arriving = services.clock.monotonic(), tuple(ingest.arriving)
        elapsed, grace = asked - self._ticked, services.settings.orphan_grace_seconds

        def work(conn: Connection) -> None:
            tick(conn, elapsed, grace=grace)
            keep_arriving(conn, arriving)

        await services.db.write(work)
        self._ticked = asked
        if services.db.own_clock:
            await services.db.reckon()
        await self._together()

    async def _together(self) -> bool:
        """Whether the store is still this catalogue's; where it is not, nothing more is stored."""
        db, ingest = self._services.db, self._ingest
        together = (await look_at(db, ingest.blobs)).together
        if not together and ingest.refusal is None:
            log.error("the store %s does not belong to the catalogue %s any more", ingest.blobs.notes.place, db.place)
        ingest.refusal = None if together else Unavailable(NOT_OURS)
        return together

    async def _write_uses(self) -> None:
        for copies in self._copies:
            await copies.write_uses()

    async def _purge(self, lease: Lease) -> None:
        await self._purger.purge(lease, seconds=self._services.settings.purge_seconds)

    async def _renew(self, lease: Lease) -> None:
        services = self._services
        await services.db.write(cut_leases)
        for copies in self._copies:
            await recover(services, copies, lease)
        # What was asked for at upload and no process works at any more will be made when a chat needs it.
        forgotten = 2 * services.settings.lease_seconds
        await services.db.write(lambda conn: settle_pending(conn, conn.now() - forgotten, PENDING))
        for copies in self._copies:
            await renew_expiring(services, copies, lease)

    async def _sweep_spools(self) -> None:
        """Spools belong to one machine, so each node looks after its own."""
        await sweep_spools(self._ingest.spool_dir)

    async def _sweep(self, lease: Lease) -> None:
        ingest, db = self._ingest, self._services.db
        if not await self._together():
            return
        # Nodes whose settings differ: the longest grace holds for all.
        grace = max(self._services.settings.orphan_grace_seconds, await db.read(longest_grace))
        swept = await sweep(db, ingest.blobs, ingest.spool_dir, grace=grace, first=not self._swept)
        if swept != Swept():
            note(log, "swept", JOB, **asdict(swept))
        self._swept = True
        await self._expire_rows(lease)

    async def _expire_rows(self, lease: Lease) -> None:
        """Rows whose time is over: old signatures, leases of the dead, copies that Gemini has removed, and the like."""
        services = self._services
        now = services.db.now()
        # Expiry is on Gemini's clocks, and an hour more than Gemini says does no harm.
        expired = (
            min((services.client.upstream_now(account) for account in services.accounts.values()), default=now) - 3600
        )
        rounds: list[Callable[[Connection], int]] = [
            lambda conn: expire_signatures(conn, steady(conn), BATCH),
            lambda conn: expire_leases(conn, BATCH),
            lambda conn: forget_removed(conn, BATCH),
        ]
        for one in rounds:
            while await services.db.write(one) == BATCH:
                lease.check()
        for copies in self._copies:
            expire = partial(expire_copies, table=copies.kind.table, before=expired, limit=BATCH)
            while accounts := await services.db.write(expire):
                for account in accounts:
                    services.measurements.record("evictions", account, "expired")
                lease.check()
        # A chain goes from its end to its beginning: each round, what nothing goes on from any more.
        over: list[Callable[[Connection], int]] = [
            lambda conn: expire_events(conn, steady(conn), REPLIES_AT_ONCE),
            lambda conn: expire_runs(conn, steady(conn), REPLIES_AT_ONCE),
            lambda conn: expire_replies(conn, steady(conn), REPLIES_AT_ONCE),
        ]
        for one in over:
            while await services.db.write(one):
                lease.check()
