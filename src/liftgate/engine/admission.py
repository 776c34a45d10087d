"""What calls of keys with limits take before they begin and before Google is asked, and give back at their end.

A gate in front of the meter's calls, and one of its listeners. For all other calls there is no ticket, and nothing is
done.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from zoneinfo import ZoneInfo

from liftgate.copies.services import Services
from liftgate.deployments import Deployment
from liftgate.engine.estimates import Estimates
from liftgate.engine.meter import CallRecord, current
from liftgate.engine.pricing import Pricing
from liftgate.keys.allowances import Allowances
from liftgate.keys.asking import asked_model
from liftgate.keys.gate import Ticket
from liftgate.keys.key import Caller
from liftgate.keys.known_owners import KnownOwners
from liftgate.keys.limits import FindGroup
from liftgate.large_bodies import Body
from liftgate.settings.sections import BudgetSettings


class Admission:
    def __init__(self, services: Services, pricing: Pricing, owners: KnownOwners, settings: BudgetSettings) -> None:
        self._owners = owners
        self.estimates = Estimates(services.client, services.clock, pricing)
        self._settings = settings
        self._allowances = Allowances(services.db, services.tasks, services.holder, ZoneInfo(settings.budget_time_zone))

    def ticket(self, caller: Caller) -> Ticket | None:
        """None where no limit can concern the caller."""
        own = None if caller.key is None or not caller.key.bounds.limits else caller.key.bounds
        owners = partial(self._owners.find, caller.owners) if caller.owners and self._owners.any else None
        if own is None and owners is None:
            return None
        return Ticket(own, owners, self._allowances, self.estimates, self._settings)

    def ended(self, call: CallRecord) -> None:
        if call.ticket is not None:
            said = [paid.usage for paid in call.earlier] + [call.usage or call.reckoned]
            counts = [usage.get("totalTokenCount") for usage in said if usage]
            call.ticket.settle(call.cost or 0, sum(count for count in counts if isinstance(count, int)))

    @property
    def held_nanos(self) -> int:
        """Nano-dollars of budgets that this process holds."""
        return self._allowances.held_nanos

    async def close(self) -> None:
        await self._allowances.close()


async def admitted(name: str, deployments: FindGroup) -> str:
    """The public name of the model that is meant by `name`, once the caller's limits let the call begin. Raises
    PermissionDenied, RateReached; LimitsAway while nobody can say."""
    model = asked_model(name, deployments)
    call = current.get()
    if call is not None and call.ticket is not None:
        await call.ticket.begin(model, deployments)
    return model


def begin_asking(call: CallRecord, deployment: Deployment, body: Body) -> Awaitable[None] | None:
    """Google is about to be asked for `call`. To be awaited where there is something: limits let it be asked then, or
    RateReached, BudgetReached, LimitsAway is raised."""
    if call.ticket is not None and call.ticket.covers:
        return _asking(call, call.ticket, deployment, body)
    call.asks(deployment, body)
    return None


async def _asking(call: CallRecord, ticket: Ticket, deployment: Deployment, body: Body) -> None:
    # What was asked before and of no use has to be paid too. What is refused here was never sent.
    await ticket.ask(call.price() or 0, deployment, body)
    call.asks(deployment, body)
