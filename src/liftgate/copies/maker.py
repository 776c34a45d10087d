"""How a process comes to a copy that it does not know: from the catalogue, by making it, or from whoever makes it.

One caller over all processes and nodes makes it, under a lease; all others wait for its row (docs/architecture.md,
"Leases, memory and invalidation").
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Generic

from liftgate.catalog.rows import copies as rows
from liftgate.catalog.rows import leases
from liftgate.copies.decide import Await, Refuse, Resume, Usable, Verdict, decide
from liftgate.copies.evict import evict
from liftgate.copies.kind import Begun, Kind, Making, S, Why
from liftgate.copies.lease import Lease, LeaseLost, lease_name
from liftgate.copies.row import Row
from liftgate.copies.services import Services
from liftgate.deployments import Account
from liftgate.errors import LiftgateError
from liftgate.records import CopyKey, CopyRecord
from liftgate.spans import active, carrier_of


@dataclass(frozen=True, slots=True)
class Work:
    """`asked`: since when a copy is wanted, on the monotonic clock."""

    why: Why
    asked: float


def looked_up(row: CopyRecord | None, verdict: Verdict, why: Why) -> str:
    """What a request found that needs a copy, as it is counted."""
    if isinstance(verdict, Usable):
        return "hit"
    if isinstance(verdict, Refuse):
        return "refused"
    if why == "repair":
        return "lost"
    if isinstance(verdict, Await | Resume):
        return "processing"
    return "expired" if row is not None and row.state == "active" else "miss"


class Maker(Generic[S]):
    def __init__(self, services: Services, kind: Kind[S]) -> None:
        self._services = services
        self._db = services.db
        self._settings = services.settings
        self._kind = kind
        # By `CopyKey.text`, as leases and other processes' announcements name a copy.
        self._changed: dict[str, asyncio.Event] = {}

    async def obtain(
        self,
        subject: S,
        account: Account,
        *,
        begun: Begun | None,
        margin: float,
        why: Why,
        renewals: Mapping[CopyKey, asyncio.Task[object]],
    ) -> CopyRecord:
        """Takes the copy from the catalogue, makes it, or waits for the process that is making it. `margin`: seconds
        that it must still live. `renewals`: what is being renewed in this process."""
        key = self._kind.key(subject, account)
        asked = self._services.clock.monotonic()
        looks = why
        me = asyncio.current_task()
        try:
            while True:
                changed = self._changed.setdefault(key.text, asyncio.Event())
                changed.clear()
                if (copy := await self._settled(subject, account, margin, looks)) is not None:
                    return copy
                looks = "asked"
                renewal = renewals.get(key)
                if renewal is not None and renewal is not me:
                    # It has the lease of this process, and nearly what is wanted here.
                    await asyncio.wait({renewal})
                    continue
                try:
                    copy = await self._make_under_lease(subject, account, begun, margin, Work(why, asked))
                except LeaseLost:
                    continue
                if copy is not None:
                    return copy
                await self._wait(key, changed)
        finally:
            self._changed.pop(key.text, None)

    def decide(self, row: CopyRecord | None, account: Account, margin: float) -> Verdict:
        return decide(
            row,
            now=self._db.now(),
            upstream_now=self._services.client.upstream_now(account),
            margin=margin,
            failed_for=self._settings.failed_seconds,
        )

    def wake(self, text: str) -> None:
        """Something about the copy of this text changed: its row, or who holds its lease."""
        if (event := self._changed.get(text)) is not None:
            event.set()

    def wake_all(self) -> None:
        for waiting in self._changed.values():
            waiting.set()

    async def _settled(self, subject: S, account: Account, margin: float, why: Why = "asked") -> CopyRecord | None:
        """What the catalogue already has: a usable copy, Google's refusal, or nothing to hand out yet. `why`: of the
        first look."""
        row = await self._row(self._kind.key(subject, account))
        verdict = self.decide(row, account, margin)
        if why == "chat" or why == "repair":
            self._services.measurements.record("replica_lookups", account.name, looked_up(row, verdict, why))
        if isinstance(verdict, Usable):
            return verdict.copy
        if isinstance(verdict, Refuse):
            raise subject.refused(verdict.reason)
        return None

    async def _row(self, key: CopyKey) -> CopyRecord | None:
        return await self._db.read(partial(rows.find_copy, table=self._kind.table, key=key))

    async def _make_under_lease(
        self, subject: S, account: Account, begun: Begun | None, margin: float, work: Work
    ) -> CopyRecord | None:
        """The new copy, or None while another process holds the lease."""
        services, kind = self._services, self._kind
        key = kind.key(subject, account)
        lease = await Lease.acquire(services, lease_name(kind.table, key))
        if lease is None:
            return None
        async with lease:
            services.measurements.record("page_in_seconds", "lease", by=services.clock.monotonic() - work.asked)
            # Between the look at the row and the lease somebody else may have finished.
            if (copy := await self._settled(subject, account, margin)) is not None:
                return copy
            row = await self._row(key)
            keep = isinstance(self.decide(row, account, self._settings.expiry_margin_seconds), Usable)
            making = Making(
                subject,
                account,
                self.decide(row, account, margin),
                lease,
                Row(services, lease, kind.table, key, subject.gone, keep=keep),
                partial(evict, services, kind, account),
                begun,
                keep,
            )
            return await self._made(making, work.why)

    async def _made(self, making: Making[S], why: Why) -> CopyRecord:
        record, account = self._services.measurements.record, making.account.name
        outcome = "given_up"
        try:
            copy = await self._kind.make(making)
            outcome = "resumed" if isinstance(making.verdict, Await | Resume) else "done"
            record("page_in_bytes", account, by=copy.bytes)
            return copy
        except LiftgateError:
            outcome = "failed"
            raise
        finally:
            record("page_ins", account, why, outcome)
            if why == "renew":
                record("renewals", account, outcome)

    async def _wait(self, key: CopyKey, changed: asyncio.Event) -> None:
        if (here := active.get()) is not None and not here.links:
            # Where the process that makes it is traced too, its lease names that span.
            name = lease_name(self._kind.table, key)
            lease = await self._db.read(partial(leases.holder_of, name=name))
            if lease is not None and (carrier := carrier_of(lease.holder)) is not None:
                here.links.append(carrier)
        # Woken by an invalidation; the poll covers a wake-up that was lost with a connection.
        try:
            async with asyncio.timeout(self._settings.lease_poll_seconds):
                await changed.wait()
        except TimeoutError:
            return
