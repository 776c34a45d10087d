"""`ensure(file, mime_type, account)`: an ACTIVE replica, or a typed error. Everybody who needs one comes through here.

A live replica is handed out from memory, with no upstream call and no database access. Otherwise one caller pages in
and all others wait for it: within the process by a shared task, over processes and nodes by a lease (DESIGN.md 2).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence

from liftgate.blobs.store import BlobMissing
from liftgate.catalog.connection import replica_key
from liftgate.catalog.rows import copies as rows
from liftgate.copies.decide import Live, Refuse, Verdict, decide
from liftgate.copies.kinds.head_start import EarlyUpload
from liftgate.copies.kinds.page_in import PageIn
from liftgate.copies.lease import Lease, LeaseLost
from liftgate.copies.services import LEASES, Key, Parts, Wanted, lease_name
from liftgate.errors import FileNotReady, FileUnusable, LiftgateError, Unavailable
from liftgate.log_context import working_for
from liftgate.records import Account, ReplicaRecord

log = logging.getLogger("liftgate.copies")

DOUBTED_BLOBS = 10_000
Outcome = ReplicaRecord | LiftgateError
"""What a page-in ends with. A failure is a value: those who wait are told, and with nobody waiting it is no news."""


class Replicas:
    """All replicas of this process's accounts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._db = parts.db
        self._client = parts.client
        self._clock = parts.clock
        self._tasks = parts.tasks
        self._settings = parts.settings
        # Keyed by the catalogue's own text for a replica, as invalidations name it.
        self._live: dict[str, ReplicaRecord] = {}
        self._changed: dict[str, asyncio.Event] = {}
        self._flights: dict[Key, asyncio.Task[Outcome]] = {}
        self._renewals: dict[Key, asyncio.Task[Outcome]] = {}
        self._used: dict[Key, float] = {}
        # Blobs whose bytes were found missing or damaged. They are hashed before anything of them is sent again.
        self._doubted: set[str] = set()
        parts.db.watch(self._heard)

    # ── the hot path: memory only ────────────────────────────────────────────────────────────────

    def live(self, key: Key, account: Account) -> ReplicaRecord | None:
        """The replica if it is known to be usable now."""
        replica = self._live.get(replica_key(*key))
        if replica is None:
            return None
        now = self._client.upstream_now(account)
        if replica.expires_at is not None and replica.expires_at - now <= self._settings.expiry_margin_seconds:
            del self._live[replica_key(*key)]
            return None
        if self._stale():
            return None
        self._used[key] = self._clock.monotonic()
        return replica

    def count_live(self, wanted: Iterable[Wanted], account: Account) -> int:
        """How many of these the account holds, as far as this process knows: the router's affinity."""
        return sum(1 for each in wanted if replica_key(*each.key(account)) in self._live)

    async def locate(self, wanted: Sequence[Wanted], accounts: Collection[Account]) -> None:
        """Learns from the catalogue which of these accounts hold what is wanted, where memory knows of none.

        Another process may have made it. One read, and none for what is wanted often; without the catalogue nothing is
        learnt.
        """
        if any(self.count_live(wanted, account) for account in accounts):
            return
        blob_ids = [each.file.blob_id for each in wanted]
        keys = {each.key(account): account for each in wanted for account in accounts}
        try:
            found = await self._db.read(lambda conn: rows.replicas_of(conn, blob_ids))
        except LiftgateError:
            return
        for row in found:
            account = keys.get((row.blob_id, row.mime_type, row.account))
            verdict = None if account is None else self._decide(row, account, self._settings.expiry_margin_seconds)
            if isinstance(verdict, Live):
                self._live[replica_key(row.blob_id, row.mime_type, row.account)] = verdict.replica

    def _stale(self) -> bool:
        since = self._db.stale_since()
        return since is not None and self._clock.monotonic() - since > self._settings.cache_stale_seconds

    # ── making one ───────────────────────────────────────────────────────────────────────────────

    async def ensure(self, wanted: Wanted, account: Account, *, deadline: float) -> ReplicaRecord:
        """`deadline`: on the monotonic clock, of this caller; the page-in itself goes on for those who come later.

        Raises FileNotReady at the deadline, FileUnusable when Gemini cannot process the file, and what the upstream
        did otherwise; each names the file.
        """
        key = wanted.key(account)
        if (replica := self.live(key, account)) is not None:
            return replica
        flight = self._flights.get(key)
        if flight is not None:
            log.debug("waits for %s", flight.get_name())
        flight = flight or self._begin(wanted, account)
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock.monotonic())):
                outcome = await asyncio.shield(flight)
        except TimeoutError:
            outcome = FileNotReady("it is still on its way to Gemini. Try again shortly.", retry_after=10)
        except asyncio.CancelledError:
            if not flight.cancelled() or _cancelling():
                raise
            outcome = Unavailable("Liftgate is shutting down.", retry_after=1)
        if isinstance(outcome, LiftgateError):
            raise wanted.about(outcome)
        return outcome

    def prepare(self, wanted: Wanted, account: Account, *, early: EarlyUpload | None = None) -> None:
        """Begins a page-in that nobody waits for yet; `early` has bytes that were sent while the file arrived."""
        key = wanted.key(account)
        if self.live(key, account) is None and key not in self._flights:
            self._begin(wanted, account, early=early)
        elif early is not None:
            self._tasks.start(early.cancel(), name="cancel early upload")

    def renew(self, wanted: Wanted, account: Account) -> None:
        """Begins to replace a replica that expires soon; the old one serves until then."""
        key = wanted.key(account)
        if key not in self._flights and key not in self._renewals:
            ahead = self._settings.renew_ahead_seconds
            flight = self._tasks.start(self._fly(wanted, account, None, ahead), name=f"renewal {wanted.file.id}")
            self._renewals[key] = flight
            flight.add_done_callback(lambda _: self._renewals.pop(key))

    def _begin(self, wanted: Wanted, account: Account, *, early: EarlyUpload | None = None) -> asyncio.Task[Outcome]:
        key = wanted.key(account)
        margin = self._settings.expiry_margin_seconds
        file, whom = wanted.file, working_for.get() or "the gateway itself"
        log.debug("page-in of %s to %s begins: %d bytes, %s", file.id, account.name, file.bytes, wanted.mime_type)
        name = f"the page-in of {file.id} to {account.name}, begun for {whom}"
        flight = self._tasks.start(self._fly(wanted, account, early, margin), name=name)
        self._flights[key] = flight
        flight.add_done_callback(lambda _: self._flights.pop(key))
        return flight

    async def _fly(self, wanted: Wanted, account: Account, early: EarlyUpload | None, margin: float) -> Outcome:
        seconds = self._settings.page_in_seconds
        began = self._clock.monotonic()
        outcome: Outcome
        try:
            async with asyncio.timeout(seconds):
                outcome = await self._land(wanted, account, early, margin)
        except TimeoutError:
            outcome = FileNotReady(f"carrying it to Gemini took longer than {seconds:.0f} s.", retry_after=10)
        except LiftgateError as error:
            outcome = error
        finally:
            if early is not None:
                await early.cancel()
        ended = f"failed: {outcome.message}" if isinstance(outcome, LiftgateError) else "is done"
        took = self._clock.monotonic() - began
        log.info("page-in of %s to %s %s (%.2f s)", wanted.file.id, account.name, ended, took)
        return outcome

    async def _land(self, wanted: Wanted, account: Account, early: EarlyUpload | None, margin: float) -> ReplicaRecord:
        """Until there is a replica: takes it from the catalogue, makes it, or waits for who is making it."""
        key = wanted.key(account)
        text = replica_key(*key)
        me = asyncio.current_task()
        try:
            while True:
                changed = self._changed.setdefault(text, asyncio.Event())
                changed.clear()
                if (replica := await self._settled(key, account, margin)) is not None:
                    return replica
                renewal = self._renewals.get(key)
                if renewal is not None and renewal is not me:
                    # It has the lease of this process, and nearly what is wanted here.
                    await asyncio.wait({renewal})
                    continue
                try:
                    replica = await self._make_under_lease(wanted, account, early, margin)
                except LeaseLost:
                    continue
                if replica is not None:
                    return self._remember(key, replica)
                await self._wait(changed)
        finally:
            self._changed.pop(text, None)

    async def _settled(self, key: Key, account: Account, margin: float) -> ReplicaRecord | None:
        """What the catalogue already has: a live replica, Gemini's refusal, or nothing to hand out yet."""
        row = await self._row(key)
        verdict = self._decide(row, account, margin)
        if isinstance(verdict, Live):
            return self._remember(key, verdict.replica)
        if isinstance(verdict, Refuse):
            raise FileUnusable(verdict.reason, code="file_processing_failed")
        return None

    async def _row(self, key: Key) -> ReplicaRecord | None:
        return await self._db.read(lambda conn: rows.get_replica(conn, *key))

    def _decide(self, row: ReplicaRecord | None, account: Account, margin: float) -> Verdict:
        return decide(
            row,
            now=self._db.now(),
            upstream_now=self._client.upstream_now(account),
            margin=margin,
            failed_for=self._settings.failed_seconds,
        )

    async def _make_under_lease(
        self, wanted: Wanted, account: Account, early: EarlyUpload | None, margin: float
    ) -> ReplicaRecord | None:
        """The new replica, or None while another process holds the lease."""
        key = wanted.key(account)
        lease = await Lease.acquire(self._parts, lease_name(key))
        if lease is None:
            return None
        async with lease:
            # Between the look at the row and the lease somebody else may have finished.
            if (replica := await self._settled(key, account, margin)) is not None:
                return replica
            row = await self._row(key)
            serving = self._decide(row, account, self._settings.expiry_margin_seconds)
            blob_id = wanted.file.blob_id
            doubted = blob_id in self._doubted
            page_in = PageIn(self._parts, lease, wanted, account, keep=isinstance(serving, Live), doubted=doubted)
            try:
                replica = await page_in.run(self._decide(row, account, margin), early)
            except BlobMissing:
                if len(self._doubted) >= DOUBTED_BLOBS:
                    self._doubted.clear()
                self._doubted.add(blob_id)
                raise
            self._doubted.discard(blob_id)
            return replica

    async def _wait(self, changed: asyncio.Event) -> None:
        # Woken by an invalidation; the poll covers a wake-up that was lost with a connection.
        try:
            async with asyncio.timeout(self._settings.lease_poll_seconds):
                await changed.wait()
        except TimeoutError:
            return

    # ── memory and its invalidation ──────────────────────────────────────────────────────────────

    def _remember(self, key: Key, replica: ReplicaRecord) -> ReplicaRecord:
        # Should it have been lost since it was read, Gemini's denial will tell, and it is repaired.
        self._live[replica_key(*key)] = replica
        self._used[key] = self._clock.monotonic()
        return replica

    def _heard(self, topic: str, key: str) -> None:
        if topic == "*":
            self._live.clear()
            for waiting in self._changed.values():
                waiting.set()
            return
        if topic == "replica":
            self._live.pop(key, None)
        elif topic == "lease":
            key = key.removeprefix(LEASES)
        if (event := self._changed.get(key)) is not None:
            event.set()

    async def lost(self, replica: ReplicaRecord) -> None:
        """Gemini does not know this replica any more (or will not use it): the next `ensure` makes a new one."""
        key = (replica.blob_id, replica.mime_type, replica.account)
        known = self._live.get(replica_key(*key))
        if known is not None and known.name == replica.name:
            del self._live[replica_key(*key)]
        await self._db.write(lambda conn: rows.lose_replica(conn, *key, replica.name, conn.now()))

    def take_uses(self) -> list[tuple[str, str, str, float]]:
        """When each replica was last used since the last call, on the monotonic clock, for the batched write."""
        uses = [(*key, used_at) for key, used_at in self._used.items()]
        self._used.clear()
        return uses

    def put_back_uses(self, uses: Iterable[tuple[str, str, str, float]]) -> None:
        """They could not be written: next time then."""
        for blob_id, mime_type, account, used_at in uses:
            self._used.setdefault((blob_id, mime_type, account), used_at)

    def upstream_now(self, account: Account) -> float:
        return self._client.upstream_now(account)


def _cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
