"""What calls of keys with limits take before they begin and before Google is asked, and give back at their end.

A gate in front of the meter's calls; the meter settles their tickets. For all other calls there is no ticket, and
nothing is done.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from liftgate.copies.services import Services
from liftgate.deployments import Deployment
from liftgate.engine.estimates import Estimates
from liftgate.engine.meter import CallRecord, current
from liftgate.engine.part_counts import PartCounts
from liftgate.engine.pricing import Pricing
from liftgate.json_types import JsonObject
from liftgate.keys.allowances import Allowances
from liftgate.keys.gate import Ticket
from liftgate.keys.gateway_budget import GatewayBudget
from liftgate.keys.key import Caller
from liftgate.keys.known_owners import KnownOwners
from liftgate.keys.limits import FindGroup
from liftgate.large_bodies import Body


class Admission:
    """`for_all`: what bounds every caller."""

    def __init__(self, services: Services, pricing: Pricing, owners: KnownOwners, budget: GatewayBudget) -> None:
        self.for_all = budget.bounds
        self._owners = owners
        self.estimates = Estimates(PartCounts(services.db, services.client), services.clock, pricing)
        self._settings = budget.settings
        self._allowances = Allowances(services.db, services.tasks, services.holder, budget.zone)

    def ticket(self, caller: Caller) -> Ticket | None:
        """None where no limit can concern the caller."""
        own = self.for_all
        if caller.key is not None and caller.key.bounds.limits:
            own = (caller.key.bounds, *own)
        owners = partial(self._owners.find, caller.owners) if caller.owners and self._owners.any else None
        if not own and owners is None:
            return None
        return Ticket([*own], owners, self._allowances, self.estimates, self._settings)

    @property
    def held_nanos(self) -> int:
        """Nano-dollars of budgets that this process holds."""
        return self._allowances.held_nanos

    async def settled(self) -> None:
        """Returns when budgets in the catalogue show what was spent here so far, as far as it takes writes."""
        await self._allowances.settled()

    async def close(self) -> None:
        await self._allowances.close()


def admitted(model: str, deployments: FindGroup) -> Awaitable[None] | None:
    """A call of this model, by its public name, is to begin. To be awaited where there is something: the caller's
    limits let it begin then, or RateReached is raised; LimitsAway while the limits cannot be read."""
    call = current.get()
    return None if call is None or call.ticket is None else call.ticket.begin(model, deployments)


def begin_asking(
    call: CallRecord, deployment: Deployment, body: Body, asked: JsonObject | None = None
) -> Awaitable[None] | None:
    """Google is about to be asked for `call`; `asked`: what `body` was written from, where that is at
    hand. To be awaited where there is something: limits let it be asked then, or RateReached, BudgetReached, LimitsAway
    is raised."""
    if (ticket := call.ticket) is not None and ticket.covers:
        # What was asked before and of no use has to be paid too. What is refused here was never sent.
        spent = 0 if call.usage is None and not call.earlier else call.price() or 0
        if not ticket.ask_known(spent, deployment, body, asked):
            return _asking(call, ticket, spent, deployment, body)
    call.note_asked(deployment, body)
    return None


async def _asking(call: CallRecord, ticket: Ticket, spent: int, deployment: Deployment, body: Body) -> None:
    await ticket.ask(spent, deployment, body, call.blobs or {})
    call.note_asked(deployment, body)
