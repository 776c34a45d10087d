"""`ensure(subject, account)`: a usable copy, or a typed error. Everyone who needs one of this kind comes through here.

A copy that is known to be usable is handed out from memory, with no upstream call and no database access. Otherwise one
caller pages in and all others wait for it: within the process by a shared task, over processes by `maker`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Generic

from liftgate.catalog.connection import Connection
from liftgate.catalog.rows import copies as rows
from liftgate.copies.decide import Usable
from liftgate.copies.kind import Begun, Kind, S, Subject, Why
from liftgate.copies.lease import lease_prefix
from liftgate.copies.live import Live, Use
from liftgate.copies.maker import Maker
from liftgate.copies.services import Services
from liftgate.deployments import Account
from liftgate.errors import FileNotReady, LiftgateError, Unavailable
from liftgate.log_context import working_for
from liftgate.records import CopyKey, CopyRecord
from liftgate.spans import Attribute, Span, active, span

log = logging.getLogger("liftgate.copies")

MOST_LOST = 10_000

Outcome = CopyRecord | LiftgateError
"""What a page-in ends with. A failure is a value: whoever waits gets it, and an unawaited one is not logged."""


class Copies(Generic[S]):
    """All copies of one kind at this process's accounts."""

    def __init__(self, services: Services, kind: Kind[S]) -> None:
        self.kind = kind
        self._db = services.db
        self._client = services.client
        self._clock = services.clock
        self._tasks = services.tasks
        self._measurements = services.measurements
        self._settings = services.settings
        self._live = Live()
        self._maker = Maker(services, kind)
        self._page_ins: dict[CopyKey, asyncio.Task[Outcome]] = {}
        self._renewals: dict[CopyKey, asyncio.Task[Outcome]] = {}
        # Denied by Google, and not made again yet.
        self._lost: set[CopyKey] = set()
        # Of page-ins that are traced, by what they are about.
        self._spans: dict[CopyKey, Span] = {}
        self._leases = lease_prefix(kind.table)
        services.db.watch(self._on_change)

    # ── the hot path: memory only ────────────────────────────────────────────────────────────────

    def find_live(self, key: CopyKey, account: Account) -> CopyRecord | None:
        """The copy, if this process knows it to be usable now."""
        copy = self._live.copies.get(key)
        if copy is None:
            return None
        now = self._client.upstream_now(account)
        if copy.expires_at is not None and copy.expires_at - now <= self._settings.expiry_margin_seconds:
            self._live.forget(key)
            return None
        if self._db.watcher.deaf_since is not None and self._is_stale():
            return None
        self._live.used[key] = self._clock.monotonic()
        return copy

    def count_live(self, subjects: Iterable[S], account: Account) -> int:
        """How many of these the account holds, as far as this process knows: the router's affinity."""
        return sum(1 for each in subjects if self.kind.key(each, account) in self._live.copies)

    async def locate(self, subjects: Sequence[S], accounts: Collection[Account]) -> None:
        """Learns from the catalogue which of these accounts hold what is wanted, where memory knows of none: another
        process may have made it. One read, and none for what is often wanted; learns nothing while the catalogue is
        away."""
        if any(self.count_live(subjects, account) for account in accounts):
            return
        keys = {self.kind.key(each, account): account for each in subjects for account in accounts}
        names = list(dict.fromkeys(key.subject for key in keys))
        try:
            found = await self._db.read(partial(rows.copies_of, table=self.kind.table, subjects=names))
        except LiftgateError:
            return
        for row in found:
            account = keys.get(row.key)
            if account is not None:
                verdict = self._maker.decide(row, account, self._settings.expiry_margin_seconds)
                if isinstance(verdict, Usable):
                    self._live.remember(row)

    def _is_stale(self) -> bool:
        since = self._db.stale_since()
        return since is not None and self._clock.monotonic() - since > self._settings.cache_stale_seconds

    # ── making one ───────────────────────────────────────────────────────────────────────────────

    async def ensure(self, subject: S, account: Account, *, deadline: float, why: Why = "chat") -> CopyRecord:
        """`deadline`: on the monotonic clock, of this caller; the page-in itself goes on for those who come later.

        Raises FileNotReady at the deadline, what the kind raises where Google cannot use the subject, and what the
        upstream did otherwise; each names the subject.
        """
        key = self.kind.key(subject, account)
        if (copy := self.find_live(key, account)) is not None:
            return copy
        page_in = self._page_ins.get(key)
        waits: AbstractContextManager[Span | None] = nullcontext()
        if page_in is not None:
            waits = span("liftgate.page_in.wait", attributes=_named(subject, account))
            log.debug("waits for %s", page_in.get_name())
            if why == "chat":
                self._measurements.record("replica_lookups", account.name, "processing")
        page_in = page_in or self._page_in(subject, account, "repair" if key in self._lost else why)
        with waits as waiting:
            if waiting is not None and (carrier := self._spans.get(key)) is not None:
                waiting.links.append((carrier.trace.id, carrier.id))
            outcome = await self._outcome(page_in, deadline)
            if isinstance(outcome, LiftgateError):
                raise subject.about(outcome)
            return outcome

    async def _outcome(self, page_in: asyncio.Task[Outcome], deadline: float) -> Outcome:
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock.monotonic())):
                return await asyncio.shield(page_in)
        except TimeoutError:
            return FileNotReady("it is still on its way to Gemini. Try again shortly.", retry_after=10)
        except asyncio.CancelledError:
            if not page_in.cancelled() or _cancelling():
                raise
            return Unavailable("Liftgate is shutting down.", retry_after=1)

    def prefetch(self, subject: S, account: Account, *, begun: Begun | None = None, why: Why = "asked") -> None:
        """Begins a page-in that no request waits for yet, going on from what was `begun`."""
        key = self.kind.key(subject, account)
        if self.find_live(key, account) is None and key not in self._page_ins:
            self._page_in(subject, account, why, begun)
        elif begun is not None:
            self._tasks.start(begun.cancel(), name="cancel head start")

    def renew(self, subject: S, account: Account) -> None:
        """Begins to replace a copy that expires soon; the old one serves until then."""
        key = self.kind.key(subject, account)
        if key not in self._page_ins and key not in self._renewals:
            work = self._page_in_within(subject, account, None, self._settings.renew_ahead_seconds, "renew")
            self._start(self._renewals, key, work, name=f"renewal {subject.label}")

    def _page_in(self, subject: S, account: Account, why: Why, begun: Begun | None = None) -> asyncio.Task[Outcome]:
        work = self._page_in_within(subject, account, begun, self._settings.expiry_margin_seconds, why)
        whom = working_for.get() or "the gateway itself"
        log.debug("page-in of %s to %s begins: %s", subject.label, account.name, subject.facts)
        name = f"the page-in of {subject.label} to {account.name}, begun for {whom}"
        key = self.kind.key(subject, account)
        if active.get() is not None:
            work = self._traced(key, {**_named(subject, account), "liftgate.reason": why}, work)
        return self._start(self._page_ins, key, work, name=name)

    async def _traced(
        self, key: CopyKey, attributes: Mapping[str, Attribute], work: Coroutine[object, object, Outcome]
    ) -> Outcome:
        with span("liftgate.page_in", attributes=attributes) as made:
            assert made is not None, "there is a span around it"
            self._spans[key] = made
            try:
                outcome = await work
            finally:
                del self._spans[key]
            if isinstance(outcome, LiftgateError):
                made.error = type(outcome).__name__
            else:
                made.attributes["liftgate.file.bytes"] = outcome.bytes
            return outcome

    def _start(
        self,
        running: dict[CopyKey, asyncio.Task[Outcome]],
        key: CopyKey,
        work: Coroutine[object, object, Outcome],
        *,
        name: str,
    ) -> asyncio.Task[Outcome]:
        task = running[key] = self._tasks.start(work, name=name)
        task.add_done_callback(lambda _: running.pop(key))
        return task

    async def _page_in_within(
        self, subject: S, account: Account, begun: Begun | None, margin: float, why: Why
    ) -> Outcome:
        seconds = self._settings.page_in_seconds
        began = self._clock.monotonic()
        outcome: Outcome
        try:
            async with asyncio.timeout(seconds):
                outcome = await self._maker.obtain(
                    subject, account, begun=begun, margin=margin, why=why, renewals=self._renewals
                )
            # If it was lost since it was read, Gemini denies it and it is made again.
            self._live.remember(outcome)
            self._lost.discard(outcome.key)
            self._live.used[outcome.key] = self._clock.monotonic()
        except TimeoutError:
            outcome = FileNotReady(f"carrying it to Gemini took longer than {seconds:.0f} s.", retry_after=10)
        except LiftgateError as error:
            outcome = error
        finally:
            if begun is not None:
                await begun.cancel()
        ended = f"failed: {outcome.message}" if isinstance(outcome, LiftgateError) else "is done"
        took = self._clock.monotonic() - began
        log.info("page-in of %s to %s %s (%.2f s)", subject.label, account.name, ended, took)
        return outcome

    @property
    def under_way(self) -> int:
        """How many copies this process is making."""
        return len(self._page_ins) + len(self._renewals)

    # ── changes ──────────────────────────────────────────────────────────────────────────────────

    def _on_change(self, topic: str, text: str) -> None:
        if topic == "*":
            self._live.clear()
            self._maker.wake_all()
        elif topic == self.kind.table.topic:
            self._live.forget_text(text)
            self._maker.wake(text)
        elif topic == "lease" and text.startswith(self._leases):
            self._maker.wake(text.removeprefix(self._leases))

    async def mark_lost(self, copy: CopyRecord) -> None:
        """Gemini does not know this copy any more (or will not use it): the next `ensure` makes a new one."""
        known = self._live.copies.get(copy.key)
        if known is not None and known.name == copy.name:
            self._live.forget(copy.key)
        if len(self._lost) >= MOST_LOST:
            self._lost.clear()
        self._lost.add(copy.key)
        self._measurements.record("evictions", copy.account, "lost")
        await self._db.write(lambda conn: rows.mark_lost(conn, self.kind.table, copy.key, copy.name, conn.now()))

    async def write_uses(self) -> None:
        """When each copy was last used, in one write."""
        uses = self._live.take_uses()
        if not uses:
            return
        try:
            await self._db.write(partial(self._note_uses, uses=uses))
        except LiftgateError:
            self._live.put_back_uses(uses)
            raise

    def _note_uses(self, conn: Connection, *, uses: Sequence[Use]) -> None:
        # Noted on the monotonic clock, written in the database's time.
        at, now = self._clock.monotonic(), conn.now()
        rows.note_uses(conn, self.kind.table, [(key, now - (at - used)) for key, used in uses])


def _named(subject: Subject, account: Account) -> dict[str, Attribute]:
    """What a page-in is about, by the names that spans have."""
    return {"liftgate.file.id": subject.label, "liftgate.account": account.name}


def _cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
