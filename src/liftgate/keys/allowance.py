"""One limit in this process: what may be used of it, what requests have, what is to be reported. No I/O.

`allowances` asks the catalogue for many of these at once; what comes back, and what was spent, goes with the next
request (`pools` has the rules of the other side).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

import msgspec

from liftgate.errors import LiftgateError
from liftgate.keys.limits import Limit
from liftgate.keys.pools import USABLE_SECONDS, Request, Standing

FLUSH = {"usd": 1.0, "parallel": 0.5, "requests": 1.0, "tokens": 1.0}
"""Seconds after which what came back is reported, and that this process lives."""
UNUSED = 0.25
"""Seconds after which an unused grant goes back: others may need it."""
LIVES = {"usd": 30.0, "parallel": 1.5, "requests": 0.0, "tokens": 0.0}
"""Seconds without a word after which a process counts as dead."""
CLOSED = 1.0
"""Seconds for which a refusal is believed, at most."""


class Taking(msgspec.Struct, frozen=True, eq=False):
    """What one request has of one limit. `second`: of a rate, in which it counts."""

    allowance: Allowance
    amount: int
    second: int


class Refusal(msgspec.Struct, frozen=True, eq=False):
    """`amount`: what was wanted. `standing`: how the limit stood."""

    limit: Limit
    amount: int
    standing: Standing
    ends_at: float | None


class Waiter(msgspec.Struct, eq=False):
    amount: int
    future: asyncio.Future[Taking | Refusal]
    until: float
    asked: bool = False


class Allowance:
    """One limit in this process. `hand`: what may be used; `out`: what requests have; `settled`: what to report.
    `is_rate`: of a minute."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.hand = self.out = self.settled = 0
        self.standing: Standing | None = None
        self.waiters: deque[Waiter] = deque()
        self._corrections: dict[int, int] = {}
        self._taken = 0
        self._second = 0
        self._number = 0
        self._answered_at = 0.0
        self._ends_at: float | None = None
        self._closed_until = 0.0
        self._closed_from = 0
        self._unsure: Request | None = None
        self._hurries = False
        """What lies here could not serve who was refused: it goes back at once, for others may need it."""
        self.is_rate = limit.kind in ("requests", "tokens")

    def change(self, limit: Limit) -> None:
        """What was let out under another amount holds no more; nor does a refusal, whatever it was that changed."""
        self._closed_until = 0.0
        if limit.amount != self.limit.amount:
            if self.is_rate:
                self._return_hand()
            else:
                self.hand = 0
        self.limit = limit

    def take(self, amount: int, now: float) -> Taking | None:
        """`now`: the database's time. None where memory has too little."""
        if self.in_hand(now) < amount:
            return None
        return self.take_in_hand(amount)

    def take_in_hand(self, amount: int) -> Taking:
        """What is there, as `in_hand` has just returned it."""
        self.hand -= amount
        self._taken += amount
        if not self.is_rate:
            self.out += amount
        return Taking(self, amount, self._second)

    def take_money(self, nanos: int) -> bool:
        """As `take`, of a budget; `give_money_back` ends it."""
        if self.hand < nanos:
            return False
        self.hand -= nanos
        self._taken += nanos
        self.out += nanos
        return True

    def refused_lately(self, amount: int, now: float) -> Standing | None:
        """How the limit stood when that much was refused a moment ago; None where asking again is worth it."""
        closed = monotonic() < self._closed_until and amount >= self._closed_from
        if not closed or self.standing is None or self.in_hand(now) >= amount:
            return None
        return self._without_hand(self.standing)

    def _without_hand(self, standing: Standing) -> Standing:
        """Without what lies here unused."""
        return msgspec.structs.replace(standing, spent=max(0, standing.spent - self.hand)) if self.is_rate else standing

    def left(self) -> int:
        """Of a rate, as far as this process knows."""
        return 0 if self.standing is None else max(0, self.limit.amount - self.standing.spent + self.hand)

    def in_hand(self, now: float) -> int:
        """What may be used now."""
        if self.is_rate and self.hand and now > self._second + USABLE_SECONDS:
            self._return_hand()
        return self.hand

    def give_back(self, taking: Taking, used: int = 0) -> None:
        """At the end of what took it: `used` of it stays taken, and may be more than there was."""
        if self.is_rate:
            change = used - taking.amount
            if change < 0 and taking.second == self._second:
                # They may be used still, and go back else when their second is over.
                self.hand -= change
            elif change:
                self._corrections[taking.second] = self._corrections.get(taking.second, 0) + change
            return
        self.give_money_back(taking.amount, used)

    def give_money_back(self, taken: int, used: int) -> None:
        """As `give_back`, of what was taken of a budget."""
        self.out -= taken
        self.settled += used
        if taken > used:
            self.hand += taken - used

    @property
    def is_idle(self) -> bool:
        return not (self.waiters or self.hand or self.out or self.settled or self._corrections or self._unsure)

    def spent(self, now: float) -> int:
        """Of a budget's window, as far as this process knows: what it has not reported yet too. `now`: the database's
        time."""
        is_over = self._ends_at is not None and now >= self._ends_at
        known = 0 if self.standing is None or is_over else self.standing.spent
        return known + self.settled + (self._unsure.settled if self._unsure is not None else 0)

    @property
    def has_spent(self) -> bool:
        """Whether the catalogue may not know of all that was spent."""
        return bool(self.settled or (self._unsure is not None and self._unsure.settled))

    def is_due(self, now: float) -> bool:
        """`now`: on the monotonic clock."""
        if self.waiters or self.is_idle:
            return bool(self.waiters)
        if self._hurries:
            return True
        is_unused = self.hand and not (self._taken or self.is_rate)
        return now - self._answered_at >= (UNUSED if is_unused else FLUSH[self.limit.kind])

    def _return_hand(self) -> None:
        """Cells of a second that is over."""
        if self.hand:
            self._corrections[self._second] = self._corrections.get(self._second, 0) - self.hand
        self.hand = 0

    def request(self, holder: str, begin: float, now: float) -> Request:
        """What to report and ask. `now`: the database's time. A report is repeated word for word until it is
        known to have acted."""
        if self._unsure is not None:
            return self._unsure
        self._number += 1
        self._hurries = False
        needed, least = 0, min((waiter.amount for waiter in self.waiters), default=0)
        for waiter in self.waiters:
            waiter.asked = True
            needed += waiter.amount
        wished = needed + self._taken
        if not self.is_rate:
            self.hand = min(self.hand, self._taken)
        elif int(now) != self._second:
            self._return_hand()
        settled, self.settled = self.settled, 0
        corrections, self._corrections = self._corrections, {}
        limit = self.limit
        self._taken = 0
        self._unsure = Request(
            limit.id,
            limit.subject,
            limit.kind,
            limit.amount,
            holder,
            self._number,
            settled,
            self.out + self.hand,
            max(0, needed - self.hand),
            max(0, least - self.hand),
            wished,
            corrections,
            begin,
            LIVES[limit.kind],
        )
        return self._unsure

    def failed(self) -> None:
        """Whether the last request acted is not known."""
        unsure = self._unsure
        if unsure is not None and self.is_rate:
            # Counted twice rather than not at all.
            for second, change in unsure.corrections.items():
                if change > 0:
                    self._corrections[second] = self._corrections.get(second, 0) + change
            self._unsure = None

    def answer(self, standing: Standing, ends_at: float | None) -> None:
        # Who was counted on to take from the hand, in which there is less now, is no reason to refuse.
        was_short = self._unsure is None or standing.granted < self._unsure.needed
        if self.is_rate and self._second != int(standing.now):
            self._return_hand()
            self._second = int(standing.now)
        self.standing, self._ends_at = standing, ends_at
        self._unsure = None
        self._answered_at = now = monotonic()
        self.hand += standing.granted
        kept: deque[Waiter] = deque()
        while self.waiters:
            waiter = self.waiters.popleft()
            if waiter.future.done():
                continue
            if self.hand >= waiter.amount:
                waiter.future.set_result(self.take_in_hand(waiter.amount))
            elif not was_short or not waiter.asked or self._may_come_back(waiter, standing, now):
                kept.append(waiter)
            else:
                pause = max(0.0, standing.free_at - standing.now) if self.is_rate else CLOSED
                self._closed_until = now + min(CLOSED, pause)
                self._closed_from = waiter.amount
                waiter.future.set_result(Refusal(self.limit, waiter.amount, self._without_hand(standing), ends_at))
                self._hurries = self.hand > 0
        if self._hurries and self.is_rate:
            self._return_hand()
        self.waiters = kept

    def _may_come_back(self, waiter: Waiter, standing: Standing, now: float) -> bool:
        """Whether others hold places, of which some may be free already."""
        return self.limit.kind == "parallel" and now < waiter.until and standing.out > self.out + self.hand

    def refuse(self, error: Callable[[], LiftgateError]) -> None:
        """All who wait, where nothing can be asked."""
        while self.waiters:
            if not (future := self.waiters.popleft().future).done():
                future.set_exception(error())

    def forget(self) -> None:
        """The key is gone, and all that was let out of it."""
        self.hand = self.settled = 0
        self._corrections.clear()
        self._unsure = None
