"""The gate in front of models for keys with limits: what a call takes of them, and gives back at its end.

`begin` takes a request and its place; `ask`, before each time that Google is asked, tokens and money, as much as it can
come to. What it came to is settled once, at the end of the call.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import msgspec

from liftgate.deployments import Deployment
from liftgate.errors import InvalidRequest, LimitsAway, Unavailable, let_go
from liftgate.json_types import JsonObject
from liftgate.keys.allowance import Allowance, Refusal, Taking
from liftgate.keys.allowances import Allowances, limits_away
from liftgate.keys.limits import Bounds, FindGroup, Kind, Limit, Plan, plan_of, together
from liftgate.keys.refusals import dollars, refused
from liftgate.large_bodies import Body
from liftgate.set_plainly import set_plainly
from liftgate.settings.sections import BudgetSettings

Header = tuple[bytes, bytes]
RATE_HEADERS = {
    kind: tuple(f"x-ratelimit-{what}-{kind}".encode() for what in ("limit", "remaining", "reset"))
    for kind in ("requests", "tokens")
}
NO_HEADERS: Sequence[Header] = ()
NO_LIMITS = plan_of(())
NO_TAKINGS: Mapping[Allowance, Taking] = MappingProxyType({})

log = logging.getLogger("liftgate.keys")


class Estimate(Protocol):
    """`nanos`: None where something has no price."""

    @property
    def nanos(self) -> int | None: ...
    @property
    def tokens(self) -> int: ...


class Estimates(Protocol):
    async def estimate(self, deployment: Deployment, body: Body, blobs: Mapping[str, str]) -> Estimate: ...
    def known(self, deployment: Deployment, body: Body, asked: JsonObject | None) -> Estimate | None: ...


@set_plainly
class Ticket(msgspec.Struct, eq=False):
    """Of one call. `covers`: whether it takes more before Google is asked. `counts_tokens`: whether `settle` has to
    know them. `leaves`: what another call takes that is of the same request."""

    _all: Sequence[Bounds]
    """Of the key and of the gateway; then those of its owners too."""
    _owners: Callable[[], Awaitable[Sequence[Bounds]]] | None
    """Gives those of its owners, where some owner has any."""
    _allowances: Allowances
    _estimates: Estimates
    _settings: BudgetSettings
    _plan: Plan = NO_LIMITS
    _takings: Mapping[Allowance, Taking] = NO_TAKINGS
    _budget: Allowance | None = None
    """Of which `_nanos` are taken, and of nothing else: most calls of a key with a budget."""
    _unasked: Sequence[Limit] = ()
    _nanos: int = 0
    _tokens: int = 0
    _begun: bool = False
    _settled: bool = False
    covers: bool = False
    counts_tokens: bool = False
    leaves: Kind | None = None

    def begin(self, model: str, deployments: FindGroup) -> Awaitable[None] | None:
        """Takes a request and its place, once. To be awaited where there is something: the catalogue has to be asked
        then. Raises RateReached, LimitsAway."""
        if self._begun:
            return None
        self._begun = True
        if self._owners is not None:
            return self._begin_with(self._owners, model, deployments)
        return self._begin(model, deployments)

    def _begin(self, model: str, deployments: FindGroup) -> Awaitable[None] | None:
        bounds = self._all
        if len(bounds) == 1:
            plan = bounds[0].plans.get(model) or bounds[0].plan(model, deployments)
        elif bounds:
            plan = together([each.plan(model, deployments) for each in bounds])
        else:
            return None
        self._plan = plan
        self.covers, self.counts_tokens = plan.covers, plan.counts_tokens
        if not (at_once := plan.at_once):
            return None
        if self.leaves is not None:
            at_once = tuple(each for each in at_once if each[0].kind != self.leaves)
        return None if not at_once or self._take_known(at_once) else self._take(at_once)

    async def _begin_with(
        self, owners: Callable[[], Awaitable[Sequence[Bounds]]], model: str, deployments: FindGroup
    ) -> None:
        try:
            self._all = (*self._all, *await owners())
        except Unavailable as error:
            if not self._settings.serve_when_limits_are_away:
                raise limits_away() from error
            let_go(error)
        if (taking := self._begin(model, deployments)) is not None:
            await taking

    def ask_known(self, known: int, deployment: Deployment, body: Body, asked: JsonObject | None) -> bool:
        """As `ask`, from what this process has at hand; false where the row has to be asked, or the call be refused."""
        estimate = self._estimates.known(deployment, body, asked)
        if estimate is None or estimate.nanos is None:
            return False
        nanos, tokens = known + estimate.nanos, estimate.tokens
        if (budget := self._plan.only_budget) is not None and self._budget is None and not self._takings:
            self._budget = taken = self._allowances.take_of(budget, nanos)
            if taken is not None:
                self._nanos = nanos
            return taken is not None
        if wanted := self._wanted(nanos, tokens):
            takings = self._allowances.take_known(wanted)
            if takings is None:
                return False
            self._keep(takings, nanos, tokens)
        return True

    async def ask(self, known: int, deployment: Deployment, body: Body, blobs: Mapping[str, str]) -> None:
        """Takes what is missing to the tokens and the money that this can come to, with `known` nano-dollars spent
        before. `blobs`: those that the URIs in the body are copies of. Raises RateReached, BudgetReached, LimitsAway,
        and what a count of Google's does."""
        estimate = await self._estimates.estimate(deployment, body, blobs)
        if estimate.nanos is None and not self._settings.unpriced_within_budget and self._plan.has_budget:
            raise InvalidRequest(
                f"The model {deployment.model_name!r} has no price here, and this key or its owner has a budget.",
                param="model",
                code="unpriced_model",
            )
        nanos, tokens = known + (estimate.nanos or 0), estimate.tokens
        if wanted := self._wanted(nanos, tokens):
            await self._take(wanted, nanos, tokens)

    def _wanted(self, nanos: int, tokens: int) -> list[tuple[Limit, int]]:
        """What is missing to it."""
        wanted: list[tuple[Limit, int]] = []
        for limit in self._plan.asking:
            if limit.kind == "usd":
                amount = nanos - self._nanos
            elif not limit.amount:
                amount = tokens
            else:
                # More than a whole minute's is let in when nothing else is there, and counts in full afterwards.
                amount = min(tokens, limit.amount) - min(self._tokens, limit.amount)
            if amount > 0:
                wanted.append((limit, amount))
        return wanted

    def _take_known(self, wanted: Sequence[tuple[Limit, int]]) -> bool:
        takings = self._allowances.take_known(wanted)
        if takings is None:
            return False
        self._keep(takings)
        return True

    async def _take(self, wanted: Sequence[tuple[Limit, int]], nanos: int = 0, tokens: int = 0) -> None:
        """They reach to so many nano-dollars and tokens of this call."""
        if (takings := self._allowances.take_known(wanted)) is not None:
            self._keep(takings, nanos, tokens)
            return
        try:
            outcome = await self._allowances.take(wanted)
        except LimitsAway:
            if not self._settings.serve_when_limits_are_away:
                raise
            self._unasked = (*self._unasked, *(limit for limit, _ in wanted))
            self._keep((), nanos, tokens)
            return
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        self._keep(outcome, nanos, tokens)

    def _keep(self, takings: Sequence[Taking], nanos: int = 0, tokens: int = 0) -> None:
        kept = {**self._takings}
        if (budget := self._budget) is not None:
            self._budget, kept[budget] = None, Taking(budget, self._nanos, 0)
        for taking in takings:
            allowance = taking.allowance
            if allowance in kept:
                taking = Taking(allowance, kept[allowance].amount + taking.amount, taking.second)
            kept[allowance] = taking
        self._takings = kept
        if nanos > self._nanos:
            self._nanos = nanos
        if tokens > self._tokens:
            self._tokens = tokens
        if self._settled:
            # The call has ended meanwhile, and is not settled again.
            self.settle(self._nanos, self._tokens)

    def free_place(self) -> None:
        """Of a call that is over, before it is known what it came to."""
        self._give_back("parallel")

    def give_request_back(self) -> None:
        """Of a call that its tokens or its money refused before Google was asked."""
        self._give_back("requests")

    def _give_back(self, kind: Kind) -> None:
        given = [each for each in self._takings.values() if each.allowance.limit.kind == kind]
        if given:
            self._allowances.give_back(given)
            self._takings = {each.allowance: each for each in self._takings.values() if each not in given}

    def settle(self, nanos: int, tokens: int) -> None:
        """At the end of the call: what it came to."""
        self._settled = True
        if (budget := self._budget) is not None:
            self._budget = None
            self._allowances.settle_budget(budget, self._nanos, nanos)
        elif takings := self._takings:
            self._takings = NO_TAKINGS
            self._allowances.settle(takings.values(), nanos, tokens)
        for limit in self._unasked:
            if limit.kind == "usd":
                self._allowances.charge(limit, nanos)
        for bounds in self._all:
            if bounds.soft_budget is not None:
                self._note_soft(bounds, bounds.soft_budget, nanos)

    def _note_soft(self, bounds: Bounds, soft: int, nanos: int) -> None:
        """Of a call that came to so much. A window that begins anew is worth another line."""
        found: Allowance | None = None
        spent = 0
        for limit in bounds.limits:
            if limit.kind == "usd" and not limit.model:
                if not limit.is_bounded:
                    self._allowances.charge(limit, nanos)
                allowance = self._allowances.seen(limit)
                if allowance is not None and (known := self._allowances.spent_of(allowance)) >= spent:
                    found, spent = allowance, known
        if found is None or spent < soft:
            return
        begin = self._allowances.window_of(found.limit)[0]
        if bounds.soft_told != begin:
            bounds.soft_told = begin
            log.warning("the %s %s has spent its soft budget of %s", bounds.source, ascii(bounds.name), dollars(soft))

    def headers(self, came_to: int | None) -> Sequence[Header]:
        """`x-ratelimit-…`, of the limits that are nearest to their end. For a call that `counts_tokens`. `came_to`: its
        tokens, where they are known: what is held beyond them comes back with its answer."""
        found: list[Header] = []
        for kind, (limit_name, left_name, reset_name) in RATE_HEADERS.items():
            nearest: Allowance | None = None
            left = reset = 0
            for limit in self._plan.rates:
                allowance = self._allowances.seen(limit) if limit.kind == kind else None
                if allowance is not None and allowance.standing is not None:
                    free = allowance.left()
                    if (
                        came_to is not None
                        and kind == "tokens"
                        and (taking := self._takings.get(allowance)) is not None
                    ):
                        free = max(0, free + taking.amount - came_to)
                    if nearest is None or free < left:
                        nearest, left = allowance, free
                        reset = math.ceil(allowance.standing.full_at - allowance.standing.now)
            if nearest is not None:
                found.append((limit_name, b"%d" % nearest.limit.amount))
                found.append((left_name, b"%d" % left))
                found.append((reset_name, b"%ds" % max(0, reset)))
        return found
