"""`ensure(file, mime_type, account)`: an ACTIVE replica, or a typed error. Everybody who needs one comes through here.

A live replica is handed out from memory, with no upstream call and no database access. Otherwise one caller pages in
and all others wait for it: within the process by a shared task, over processes and nodes by a lease (DESIGN.md 2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from liftgate.catalog import replicas as rows
from liftgate.errors import FileNotReady, FileUnusable, LiftgateError
from liftgate.records import Account, ReplicaRecord
from liftgate.replicas.decide import Live, Refuse, Verdict, decide
from liftgate.replicas.early import EarlyUpload
from liftgate.replicas.lease import Lease, LeaseLost
from liftgate.replicas.page_in import PageIn
from liftgate.replicas.parts import Key, Parts, Wanted, lease_name


class Replicas:
    """All replicas of this process's accounts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._db = parts.db
        self._client = parts.client
        self._clock = parts.clock
        self._tasks = parts.tasks
        self._settings = parts.settings
        self._live: dict[Key, ReplicaRecord] = {}
        self._flights: dict[Key, asyncio.Task[ReplicaRecord]] = {}
        self._changed: dict[Key, asyncio.Event] = {}
        self._used: dict[Key, float] = {}
        parts.db.watch(self._heard)

    # ── the hot path: memory only ────────────────────────────────────────────────────────────────

    def live(self, key: Key, account: Account) -> ReplicaRecord | None:
        """The replica if it is known to be usable now."""
        replica = self._live.get(key)
        if replica is None:
            return None
        now = self._client.upstream_now(account)
        if replica.expires_at is not None and replica.expires_at - now <= self._settings.expiry_margin_seconds:
            del self._live[key]
            return None
        if self._stale():
            return None
        self._used[key] = self._clock.now()
        return replica

    def count_live(self, wanted: Iterable[Wanted], account: Account) -> int:
        """How many of these the account holds, as far as this process knows: the router's affinity."""
        return sum(1 for each in wanted if each.key(account) in self._live)

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
        if flight is None:
            flight = self._begin(key, wanted, account)
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock.monotonic())):
                return await asyncio.shield(flight)
        except TimeoutError:
            raise wanted.about(
                FileNotReady("it is still on its way to Gemini. Try again shortly.", retry_after=10)
            ) from None
        except LiftgateError as error:
            raise wanted.about(error) from error

    def prepare(self, wanted: Wanted, account: Account, *, early: EarlyUpload | None = None) -> None:
        """Begins a page-in that nobody waits for yet; `early` has bytes that were sent while the file arrived."""
        key = wanted.key(account)
        if self.live(key, account) is None and key not in self._flights:
            self._begin(key, wanted, account, early=early)
        elif early is not None:
            self._tasks.start(early.cancel(), name="cancel early upload")

    def preparing(self, wanted: Wanted, account: Account) -> bool:
        return wanted.key(account) in self._flights

    def _begin(
        self,
        key: Key,
        wanted: Wanted,
        account: Account,
        *,
        early: EarlyUpload | None = None,
        margin: float | None = None,
    ) -> asyncio.Task[ReplicaRecord]:
        if margin is None:
            margin = self._settings.expiry_margin_seconds
        flight = self._tasks.start(self._fly(key, wanted, account, early, margin), name=f"page-in {wanted.file.id}")
        self._flights[key] = flight

        def landed(done: asyncio.Task[ReplicaRecord]) -> None:
            del self._flights[key]
            if not done.cancelled():
                done.exception()  # those who wait are told; with nobody waiting it is no news

        flight.add_done_callback(landed)
        return flight

    async def _fly(
        self, key: Key, wanted: Wanted, account: Account, early: EarlyUpload | None, margin: float
    ) -> ReplicaRecord:
        async with asyncio.timeout(self._settings.page_in_seconds):
            try:
                while True:
                    changed = self._changed.setdefault(key, asyncio.Event())
                    changed.clear()
                    replica = await self._settled(key, account, margin)
                    if replica is not None:
                        return replica
                    try:
                        replica = await self._make_under_lease(key, wanted, account, early, margin)
                    except LeaseLost:
                        early = None
                        continue
                    if replica is not None:
                        early = None
                        return self._remember(key, replica)
                    await self._wait(changed)
            finally:
                self._changed.pop(key, None)
                if early is not None:
                    await early.cancel()

    async def _settled(self, key: Key, account: Account, margin: float) -> ReplicaRecord | None:
        """What the catalogue already has: a live replica, Gemini's refusal, or nothing to hand out yet."""
        row = await self._db.read(lambda conn: rows.get_replica(conn, *key))
        verdict = self._decide(row, account, margin)
        if isinstance(verdict, Live):
            return self._remember(key, verdict.replica)
        if isinstance(verdict, Refuse):
            raise FileUnusable(verdict.reason, code="file_processing_failed")
        return None

    def _decide(self, row: ReplicaRecord | None, account: Account, margin: float) -> Verdict:
        return decide(
            row,
            upstream_now=self._client.upstream_now(account),
            margin=margin,
            failed_for=self._settings.failed_seconds,
        )

    async def _make_under_lease(
        self, key: Key, wanted: Wanted, account: Account, early: EarlyUpload | None, margin: float
    ) -> ReplicaRecord | None:
        """The new replica, or None while another process holds the lease."""
        lease = await Lease.acquire(self._parts, lease_name(key))
        if lease is None:
            return None
        async with lease:
            # Between the look at the row and the lease somebody else may have finished.
            if (replica := await self._settled(key, account, margin)) is not None:
                return replica
            row = await self._db.read(lambda conn: rows.get_replica(conn, *key))
            page_in = PageIn(self._parts, lease, wanted, account)
            return await page_in.run(self._decide(row, account, margin), early)

    async def _wait(self, changed: asyncio.Event) -> None:
        # Woken by an invalidation; the poll covers a wake-up that was lost with a connection.
        try:
            async with asyncio.timeout(self._settings.lease_poll_seconds):
                await changed.wait()
        except TimeoutError:
            return

    # ── memory and its invalidation ──────────────────────────────────────────────────────────────

    def _remember(self, key: Key, replica: ReplicaRecord) -> ReplicaRecord:
        self._live[key] = replica
        self._used[key] = self._clock.now()
        return replica

    def _heard(self, topic: str, key: str) -> None:
        if topic == "*":
            self._live.clear()
            for waiting in self._changed.values():
                waiting.set()
        elif topic == "replica" or (topic == "lease" and key.startswith("replica|")):
            blob_id, mime_type, account = key.removeprefix("replica|").split("|", 2)
            if topic == "replica":
                self._live.pop((blob_id, mime_type, account), None)
            if (event := self._changed.get((blob_id, mime_type, account))) is not None:
                event.set()

    async def lost(self, replica: ReplicaRecord) -> None:
        """Gemini does not know this replica any more (or will not use it): the next `ensure` makes a new one."""
        key = (replica.blob_id, replica.mime_type, replica.account)
        known = self._live.get(key)
        if known is not None and known.name == replica.name:
            del self._live[key]
        now = self._clock.now()
        await self._db.write(lambda conn: rows.lose_replica(conn, *key, replica.name, now))

    def take_uses(self) -> list[tuple[str, str, str, float]]:
        """When each replica was last used since the last call, for the batched write."""
        uses = [(*key, used_at) for key, used_at in self._used.items()]
        self._used.clear()
        return uses

    def renew(self, wanted: Wanted, account: Account) -> None:
        """Begins to replace a replica that expires soon; the old one serves until then."""
        key = wanted.key(account)
        if key not in self._flights:
            self._begin(key, wanted, account, early=None, margin=self._settings.renew_ahead_seconds)

    def upstream_now(self, account: Account) -> float:
        return self._client.upstream_now(account)
