"""The gate in front of models for keys with limits: what a call takes of them, and gives back at its end.

`begin` takes a request and its place; `ask`, before each time that Google is asked, tokens and money, as much as it can
come to. What it came to is settled once, at the end of the call.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from liftgate.errors import (
    BudgetInFlight,
    BudgetReached,
    InvalidRequest,
    LiftgateError,
    LimitsAway,
    RateReached,
)
from liftgate.keys.allowance import Refusal, Taking
from liftgate.keys.allowances import Allowances
from liftgate.keys.key import Key
from liftgate.keys.limits import NANO, Limit
from liftgate.large_bodies import Body
from liftgate.records import Deployment
from liftgate.settings.sections import BudgetSettings

Header = tuple[bytes, bytes]
SOON = 2.0
"""Seconds after which a budget that is only in flight is worth another try."""

log = logging.getLogger("liftgate.keys")


class Estimate(Protocol):
    """`nanos`: None where something has no price."""

    @property
    def nanos(self) -> int | None: ...
    @property
    def tokens(self) -> int: ...


class Estimates(Protocol):
    async def of(self, deployment: Deployment, body: Body) -> Estimate: ...


class Ticket:
    """Of one call. `covers`: whether it takes more before Google is asked."""

    def __init__(self, key: Key, allowances: Allowances, estimates: Estimates, settings: BudgetSettings) -> None:
        self._key = key
        self._allowances = allowances
        self._estimates = estimates
        self._settings = settings
        self._limits: list[Limit] = []
        self._takings: list[Taking] = []
        self._nanos = 0
        self._tokens = 0
        self._begun = self._settled = False
        self.covers = False

    async def begin(self, model: str) -> None:
        """Takes a request and its place, once. Raises RateReached, LimitsAway."""
        if self._begun:
            return
        self._begun = True
        self._limits = [each for each in self._key.limits if each.model in ("", model)]
        self.covers = any(each.kind in ("usd", "tokens") for each in self._limits)
        await self._take([(each, 1) for each in self._limits if each.kind in ("parallel", "requests")])

    async def ask(self, known: int, deployment: Deployment, body: Body) -> None:
        """Takes what is missing to the tokens and the money that this can come to, with `known` nano-dollars spent
        before. Raises RateReached, BudgetReached, LimitsAway, and what a count of Google's does."""
        estimate = await self._estimates.of(deployment, body)
        if estimate.nanos is None and not self._settings.unpriced_within_budget and self._has_budget:
            raise InvalidRequest(
                f"The model {deployment.model_name!r} has no price here, and this key has a budget.",
                param="model",
                code="unpriced_model",
            )
        nanos = known + (estimate.nanos or 0)
        wanted = [(each, self._missing(each, nanos, estimate.tokens)) for each in self._limits]
        await self._take([(limit, amount) for limit, amount in wanted if amount > 0])
        self._nanos = max(self._nanos, nanos)
        self._tokens = max(self._tokens, estimate.tokens)

    @property
    def _has_budget(self) -> bool:
        return any(each.kind == "usd" for each in self._limits)

    def _missing(self, limit: Limit, nanos: int, tokens: int) -> int:
        if limit.kind == "usd":
            return nanos - self._nanos
        if limit.kind == "tokens":
            # More than a whole minute's is let in when nothing else is there, and counts in full afterwards.
            return min(tokens, limit.amount) - min(self._tokens, limit.amount)
        return 0

    async def _take(self, wanted: Sequence[tuple[Limit, int]]) -> None:
        if not wanted:
            return
        try:
            outcome = await self._allowances.take(wanted)
        except LimitsAway:
            if self._settings.serve_when_limits_are_away:
                return
            raise
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        self._takings += outcome
        if self._settled:
            # The call has ended meanwhile; nobody settles it again.
            self.settle(self._nanos, self._tokens)

    def settle(self, nanos: int, tokens: int) -> None:
        """At the end of the call: what it came to."""
        self._settled = True
        takings, self._takings = self._takings, []
        left = {"usd": nanos, "tokens": tokens}
        for limit in self._limits:
            mine = [taking for taking in takings if taking.allowance.limit.id == limit.id]
            used = left.get(limit.kind, 1 if limit.kind == "requests" else 0)
            if used and not mine and limit.kind == "usd":
                # Let in while nobody could be asked.
                self._allowances.charge(limit, used)
            for at, taking in enumerate(mine):
                last = at == len(mine) - 1
                part = used if last else min(used, taking.amount)
                self._allowances.settle(taking, part)
                used -= part
        self._warn()
        self._allowances.begin()

    def _warn(self) -> None:
        soft = self._key.terms.soft_budget
        if soft is None or self._key.soft_told:
            return
        for limit in self._limits:
            told = self._allowances.find(limit).told if limit.kind == "usd" else None
            if told is not None and told.spent >= soft:
                self._key.soft_told = True
                log.warning("the key %s has spent its soft budget of %s", ascii(self._key.name), _dollars(soft))

    def headers(self) -> list[Header]:
        """`x-ratelimit-…`, of the limits that are nearest to their end."""
        found: list[Header] = []
        for kind in ("requests", "tokens"):
            states = [
                (each.told, each.limit.amount, each.hand)
                for each in (self._allowances.find(limit) for limit in self._limits if limit.kind == kind)
                if each.told is not None
            ]
            if states:
                told, amount, hand = min(states, key=lambda state: state[1] - state[0].spent + state[2])
                left = max(0, amount - told.spent + hand)
                reset = max(0.0, told.full_at - told.now)
                found += [
                    (f"x-ratelimit-limit-{kind}".encode(), b"%d" % amount),
                    (f"x-ratelimit-remaining-{kind}".encode(), b"%d" % left),
                    (f"x-ratelimit-reset-{kind}".encode(), b"%ds" % math.ceil(reset)),
                ]
        return found


def refused(refusal: Refusal) -> LiftgateError:
    """In a sentence: which limit, whose, what is used, when it is worth another try."""
    limit, told = refusal.limit, refusal.told
    whose = f"the key {limit.whose!r}"
    of_model = f" for the model {limit.model}" if limit.model else ""
    if limit.kind == "usd":
        return _over_budget(refusal, whose)
    if limit.kind == "parallel":
        return RateReached(
            f"Limit of {limit.amount} requests at one time reached for {whose}: {told.out} are running. "
            "Try again when one has ended.",
            kind="requests",
            code="parallel_limit_exceeded",
            retry_after=1,
        )
    wait = max(1.0, told.free_at - told.now)
    return RateReached(
        f"Rate limit of {limit.amount} {limit.kind} per minute reached for {whose}{of_model}: {told.spent} are used"
        f"{f', {refusal.amount} are needed' if limit.kind == 'tokens' else ''}. Try again in {math.ceil(wait)} s.",
        kind=limit.kind,
        retry_after=wait,
    )


def _over_budget(refusal: Refusal, whose: str) -> BudgetReached:
    limit, told, ends_at = refusal.limit, refusal.told, refusal.ends_at
    in_flight = limit.amount - told.spent >= refusal.amount
    window = f" per {limit.duration}" if limit.duration else ""
    resets = f" It begins anew at {_iso(ends_at)}." if ends_at is not None else ""
    held = f" and {_dollars(told.out)} are held for requests that are running" if told.out else ""
    said = (
        f"Budget of {_dollars(limit.amount)}{window} of {whose}: {_dollars(told.spent)} are spent{held}, "
        f"and this request can cost up to {_dollars(refusal.amount)}."
    )
    wait = SOON if in_flight else None if ends_at is None else max(1.0, ends_at - told.now)
    more = " Try again when some of those have ended." if in_flight else resets
    kind = BudgetInFlight if in_flight else BudgetReached
    return kind(
        said + more,
        facts={
            "limit_source": "in_flight" if in_flight else "key",
            "limit": limit.amount / NANO,
            "spent": told.spent / NANO,
            "needed": refusal.amount / NANO,
            "resets_at": None if ends_at is None else int(ends_at),
        },
        retry_after=wait,
    )


def _dollars(nanos: int) -> str:
    return f"${nanos / NANO:,.6f}".rstrip("0").rstrip(".")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
