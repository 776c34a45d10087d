"""Limits, as calls meet them. A call takes a ticket, asks it before it begins and again before Google is asked; at the
call's end the meter settles the ticket. Calls without limits have no ticket, and pay nothing here."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from liftgate.copies.services import Services
from liftgate.deployments import Deployment
from liftgate.engine.estimates import Estimates
from liftgate.engine.meter import CallRecord, current
from liftgate.engine.part_counts import PartCounts
from liftgate.engine.pricing import Pricing
from liftgate.errors import BudgetReached, RateReached
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
        """The ticket of a call; None where no limit can concern the caller."""
        own, key = self.for_all, caller.key
        if key is not None and key.own:
            own = (*key.own, *own) if own else key.own
        owners = partial(self._owners.find, caller.owners) if caller.owners and self._owners.any else None
        if not own and owners is None:
            return None
        return Ticket(own, owners, self._allowances, self.estimates, self._settings)

    @property
    def held_nanos(self) -> int:
        """Nano-dollars of budgets that this process holds."""
        return self._allowances.held_nanos

    async def report_spent(self) -> None:
        """Returns when the budgets in the catalogue include all that was spent here so far; at once where the catalogue
        takes no writes."""
        await self._allowances.report_spent()

    async def close(self) -> None:
        await self._allowances.close()


def admitted(model: str, deployments: FindGroup) -> Awaitable[None] | None:
    """Whether a call of `model` (its public name) may begin: None, or what to await. Awaiting returns when the caller's
    limits let it begin. Raises RateReached, and LimitsAway while the limits cannot be read."""
    call = current.get()
    return None if call is None or call.ticket is None else call.ticket.begin(model, deployments)


def begin_asking(
    call: CallRecord, deployment: Deployment, body: Body, asked: JsonObject | None = None
) -> Awaitable[None] | None:
    """Whether Google may be asked for `call`: None, or what to await. Raises RateReached, BudgetReached, LimitsAway.
    `asked`: what `body` was written from, where that is at hand."""
    if (ticket := call.ticket) is not None and ticket.covers:
        # Earlier answers that were of no use are paid for too. What is refused here was never sent.
        spent = 0 if call.usage is None and not call.earlier else call.price() or 0
        if not ticket.ask_known(spent, deployment, body, asked):
            return _asking(call, ticket, spent, deployment, body)
    call.note_asked(deployment, body)
    return None


async def _asking(call: CallRecord, ticket: Ticket, spent: int, deployment: Deployment, body: Body) -> None:
    try:
        await ticket.ask(spent, deployment, body, call.blobs or {})
    except (RateReached, BudgetReached):
        # What one limit refuses takes nothing of the others.
        if not _was_asked(call):
            ticket.give_request_back()
        raise
    call.note_asked(deployment, body)


def _was_asked(call: CallRecord) -> bool:
    """Whether Google may have been asked already, here or at another deployment."""
    return call.sent is not None or bool(call.failures or call.usage or call.earlier)
