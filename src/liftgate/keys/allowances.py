"""What this process may let out of each limit: grants in memory, fetched and settled by one transaction for all limits.

A request takes from memory where it can. Where it cannot it waits for the next transaction, which asks for all who wait
and is at most one in 50 ms: so the number of transactions does not grow with that of requests. What comes back, and
what was spent, goes with the next one (`pools` has the rules of the other side).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextvars import Context
from time import monotonic
from zoneinfo import ZoneInfo

from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows.allowances import change_allowances
from liftgate.catalog.trouble import away
from liftgate.errors import LiftgateError, LimitsAway, Unavailable, let_go
from liftgate.keys.allowance import Allowance, Refusal, Taking, Waiter
from liftgate.keys.limits import Limit
from liftgate.keys.pools import Request, Standing, answer_request
from liftgate.keys.refusals import lasts
from liftgate.keys.windows import window_of
from liftgate.tasks import Tasks

log = logging.getLogger("liftgate.keys")

BETWEEN = 0.05
"""Seconds between two transactions at least."""
AWAY = 1.0
"""The same while the catalogue does not answer."""
TICK = 0.25
PATIENCE = 0.6
"""Seconds that a request waits for what other processes may hold and not use."""
MOST_KEPT = 10_000


class Allowances:
    """All limits in this process. `holder`: its name, of no other process ever. `transactions`: how many there were."""

    def __init__(self, db: Database, tasks: Tasks, holder: str, zone: ZoneInfo) -> None:
        self._db = db
        self._tasks = tasks
        self._holder = holder
        self._zone = zone
        self._all: dict[str, Allowance] = {}
        self._open: set[Allowance] = set()
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._is_running = False
        self._away_until = 0.0
        self._readers: list[asyncio.Future[bool]] = []
        self.transactions = 0

    @property
    def held_nanos(self) -> int:
        """What of budgets is here, for calls that are running or will come."""
        return sum(each.hand + each.out for each in self._all.values() if each.limit.kind == "usd")

    def find(self, limit: Limit) -> Allowance:
        found = self._all.get(limit.id)
        if found is None:
            if len(self._all) >= MOST_KEPT:
                self._all = {name: each for name, each in self._all.items() if not each.is_idle}
            found = self._all[limit.id] = Allowance(limit)
        elif found.limit is not limit:
            found.change(limit)
        return found

    def seen(self, limit: Limit) -> Allowance | None:
        """To look at: `limit` may be of before a change."""
        return self._all.get(limit.id)

    def take_known(self, wanted: Sequence[tuple[Limit, int]]) -> list[Taking] | None:
        """All of them from memory; None where one of them has too little there."""
        found: list[Allowance] = []
        for limit, amount in wanted:
            allowance = self._all.get(limit.id)
            if allowance is None or allowance.limit is not limit:
                return None
            if (allowance.in_hand(self._db.now()) if allowance.is_rate else allowance.hand) < amount:
                return None
            found.append(allowance)
        if not self._is_running:
            self.begin()
        self._open.update(found)
        return [allowance.take_in_hand(amount) for allowance, (_, amount) in zip(found, wanted, strict=True)]

    def take_of(self, budget: Limit, amount: int) -> Allowance | None:
        """As `take_known`, of one budget: `settle_budget` ends it."""
        allowance = self._all.get(budget.id)
        if allowance is None or allowance.limit is not budget or not allowance.take_money(amount):
            return None
        if not self._is_running:
            self.begin()
        self._open.add(allowance)
        return allowance

    async def take(self, wanted: Sequence[tuple[Limit, int]]) -> list[Taking] | Refusal:
        """All of them or none. Raises LimitsAway while the catalogue is away."""
        takings: list[Taking] = []
        waiters: list[Waiter] = []
        now = self._db.now()
        allowances = [(self.find(limit), amount) for limit, amount in wanted]
        closed = [
            Refusal(allowance.limit, amount, standing, self.window_of(allowance.limit)[1])
            for allowance, amount in allowances
            if (standing := allowance.refused_lately(amount, now)) is not None
        ]
        if closed:
            return max(closed, key=lasts)
        if monotonic() < self._away_until and any(each.in_hand(now) < amount for each, amount in allowances):
            # It did not answer a moment ago: no call waits for it once more.
            raise limits_away()
        for allowance, amount in allowances:
            self._open.add(allowance)
            taking = allowance.take(amount, now)
            if taking is not None:
                takings.append(taking)
            else:
                waiters.append(Waiter(amount, asyncio.get_running_loop().create_future(), monotonic() + PATIENCE))
                allowance.waiters.append(waiters[-1])
        if not waiters:
            self.begin()
            return takings
        self.begin(at_once=True)
        try:
            await asyncio.wait([waiter.future for waiter in waiters])
        except asyncio.CancelledError:
            self._leave(waiters)
            self.give_back(takings)
            raise
        return self._outcome(takings, waiters)

    def _outcome(self, takings: list[Taking], waiters: Sequence[Waiter]) -> list[Taking] | Refusal:
        refusals: list[Refusal] = []
        failure: BaseException | None = None
        for waiter in waiters:
            failure = waiter.future.exception() or failure
            if waiter.future.exception() is None:
                result = waiter.future.result()
                if isinstance(result, Taking):
                    takings.append(result)
                else:
                    refusals.append(result)
        if failure is not None or refusals:
            self.give_back(takings)
        if failure is not None:
            raise failure.again() if isinstance(failure, LiftgateError) else failure
        # Of several the one that lasts longest: whoever waits for another one asks in vain.
        return max(refusals, key=lasts) if refusals else takings

    def _leave(self, waiters: Iterable[Waiter]) -> None:
        for waiter in waiters:
            if not waiter.future.done():
                waiter.future.cancel()
            elif waiter.future.exception() is None and isinstance(taking := waiter.future.result(), Taking):
                self.give_back([taking])

    def give_back(self, takings: Iterable[Taking]) -> None:
        for taking in takings:
            taking.allowance.give_back(taking)
            self._open.add(taking.allowance)
        self.begin()

    def settle(self, takings: Iterable[Taking], nanos: int, tokens: int) -> None:
        """At the end of a call, which came to so much."""
        for taking in takings:
            allowance = taking.allowance
            kind = allowance.limit.kind
            if kind == "usd":
                allowance.give_back(taking, nanos)
                self._open.add(allowance)
            elif kind != "requests":
                allowance.give_back(taking, tokens if kind == "tokens" else 0)
                self._open.add(allowance)
        if not self._is_running:
            self.begin()

    def settle_budget(self, budget: Allowance, taken: int, used: int) -> None:
        """As `settle`, of what `take_of` took."""
        budget.give_money_back(taken, used)
        self._open.add(budget)
        if not self._is_running:
            self.begin()

    def charge(self, limit: Limit, used: int) -> None:
        """What was spent without having been taken."""
        allowance = self.seen(limit) or self.find(limit)
        allowance.settled += used
        self._open.add(allowance)
        self.begin()

    async def report_spent(self) -> None:
        """Returns when what was spent here so far is in the catalogue, as far as it takes writes. Raises Unavailable
        while it is away: what it has is not the whole."""
        if any(each.has_spent for each in self._open):
            self._readers.append(reader := asyncio.get_running_loop().create_future())
            self.begin(at_once=True)
            if not await reader:
                raise away()

    def begin(self, *, at_once: bool = False) -> None:
        """Tells and asks in the background, as long as there is something to."""
        if at_once:
            self._wake.set()
        if not self._is_running:
            self._is_running = True
            # In a context of its own: it serves all calls, and keeps none of them.
            self._running = Context().run(lambda: self._tasks.start(self._run(), name="limits"))

    async def _run(self) -> None:
        try:
            await self._tell_and_ask()
        finally:
            self._is_running = False

    async def _tell_and_ask(self) -> None:
        while self._open:
            try:
                await asyncio.wait_for(self._wake.wait(), TICK)
            except TimeoutError:
                pass
            self._wake.clear()
            self._open = {each for each in self._open if not each.is_idle}
            readers, self._readers = self._readers, []
            if due := [each for each in self._open if each.is_due(monotonic()) or (readers and each.has_spent)]:
                pause = BETWEEN
                try:
                    failure = await self._sync(due)
                    if failure is not None:
                        pause = AWAY
                        self._away_until = monotonic() + AWAY
                    if isinstance(failure, Unavailable):
                        # Whoever came meanwhile would wait as long again.
                        _wake_all([*readers, *self._readers], told=False)
                        self._readers = []
                except Exception:
                    # No call may wait for what will not come.
                    log.exception("the limits of keys could not be asked")
                    for each in due:
                        each.refuse(limits_away)
                _wake_all(readers)
                await asyncio.sleep(pause)
            _wake_all(readers)

    async def close(self) -> None:
        """Gives back all that is not in use."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        if left := [each for each in self._open if not each.is_idle]:
            await self._sync(left)
        _wake_all(self._readers)

    def spent_of(self, budget: Allowance) -> int:
        """Nano-dollars of its window, as far as this process knows."""
        return budget.spent(self._db.now())

    def window_of(self, limit: Limit) -> tuple[float, float | None]:
        """The one that is now: its beginning and its end."""
        return window_of(limit.duration, self._db.now(), limit.counted_from, self._zone)

    async def _sync(self, due: Sequence[Allowance]) -> LiftgateError | None:
        """None where the catalogue answered, or what it failed with."""
        ends: dict[str, float | None] = {}
        requests: dict[str, Request] = {}
        for each in due:
            begin, ends[each.limit.id] = self.window_of(each.limit)
            requests[each.limit.id] = each.request(self._holder, begin, self._db.now())

        def work(conn: Connection) -> dict[str, Standing]:
            standings: dict[str, Standing] = {}

            def change(limit_id: str, state: str | None, now: float) -> str:
                changed, standings[limit_id] = answer_request(state, requests[limit_id], now)
                return changed

            change_allowances(conn, [(each.limit_id, each.subject) for each in requests.values()], change)
            return standings

        self.transactions += 1
        try:
            standings = await self._db.write(work)
        except LiftgateError as error:
            let_go(error)
            for each in due:
                each.failed()
                each.refuse(limits_away)
            return error
        for each in due:
            if each.limit.id in standings:
                each.answer(standings[each.limit.id], ends[each.limit.id])
            else:
                each.forget()
                each.refuse(limits_away)
        return None


def _wake_all(readers: Iterable[asyncio.Future[bool]], *, told: bool = True) -> None:
    """`told`: whether what was spent could be written down."""
    for reader in readers:
        if not reader.done():
            reader.set_result(told)


def limits_away() -> LimitsAway:
    return LimitsAway("The limits of this call cannot be asked at the moment. Try it again.", retry_after=1)
